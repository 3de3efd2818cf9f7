/** A tiny model on a text in memory, as pages train one. */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import type { LogRecord } from '../../src/training/log.ts';
import { createTextTraining, type TextTrainingOptions } from '../../src/training/text-training.ts';

/** Each line follows from the one before: a model of a few letters learns it in some dozens of steps. */
const TEXT = 'abcdefgh\n'.repeat(60);
const SMALL: TextTrainingOptions = { layers: 1, hiddenSize: 16, heads: 2, context: 12, rows: 4, learningRate: 0.01 };

function training(options: TextTrainingOptions = {}, text = TEXT) {
  const records: LogRecord[] = [];
  const made = createTextTraining(createReferenceBackend(), text, {
    ...SMALL,
    onRecord: (record) => void records.push(record),
    ...options,
  });
  const losses = () => records.flatMap((record) => (record.kind === 'step' ? [record.loss] : []));
  return { ...made, records, losses };
}

describe('training on a text', () => {
  it('learns it: from the entropy of its letters to nearly nothing, also where it did not look', async () => {
    const { trainer, losses, records, tokenizer } = training({ steps: 120, evaluateEvery: 60 });
    expect(tokenizer.vocabSize).toBe(9);
    await trainer.run();
    // Before it learns anything each of nine letters is as likely: ln 9.
    expect(losses()[0]).toBeCloseTo(Math.log(9), 0);
    const held = records.filter((record) => record.kind === 'evaluation').map(({ loss }) => loss!);
    expect(held).toHaveLength(2);
    // The first letter of a stretch cannot be known from what is before it; the others can.
    expect(held[1]).toBeLessThan(0.3);
    expect(held[1]).toBeLessThan(held[0]);
  });

  it('writes it, also beyond the length of its rows', async () => {
    const samples = { every: 120, prompts: ['abc'], tokens: 24, temperature: 0, topP: 1, topK: 0 };
    const { trainer, records } = training({ steps: 120, samples });
    await trainer.run();
    const [sample] = records.filter((record) => record.kind === 'sample');
    expect(sample.text).toBe('defgh\nabcdefgh\nabcdefgh\n');
  });

  it('goes on after it was stopped as if it had not been', async () => {
    const whole = training({ steps: 10 });
    await whole.trainer.run();
    const stop = new AbortController();
    const broken = training({
      steps: 10,
      onRecord: (record) => {
        if (record.kind === 'step' && record.step === 4) stop.abort();
        broken.records.push(record);
      },
    });
    expect((await broken.trainer.run(stop.signal)).reason).toBe('interrupted');
    expect(broken.losses()).toHaveLength(4);
    expect((await broken.trainer.run()).reason).toBe('steps');
    expect(broken.losses()).toEqual(whole.losses());
  });

  it('takes turns with others before each step', async () => {
    let turns = 0;
    const { trainer } = training({ steps: 5, pause: async () => void turns++ });
    await trainer.run();
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it('has a tokenizer for characters of any script, and one for bytes', async () => {
    const text = '世界 naïve 👩‍👩‍👧 '.repeat(20);
    for (const tokenizer of ['characters', 'bytes'] as const) {
      const made = training({ tokenizer, steps: 1 }, text);
      expect(made.tokenizer.decode(made.tokenizer.encode('世 naï👩'))).toBe('世 naï👩');
      expect(made.tokens).toBe(tokenizer === 'bytes' ? Buffer.byteLength(text) : [...text].length);
      await made.trainer.run();
      expect(made.losses()[0]).toBeGreaterThan(0);
    }
  });

  it.each([
    ['a text without a character', '', {}, /it is empty/],
    ['a text shorter than a row', 'abc', {}, /the text has 2 tokens, rows of 12 need 13/],
    ['a width that heads do not divide', TEXT, { hiddenSize: 18, heads: 4 }, /width 18 with 4 heads/],
    [
      'a prompt that leaves no room',
      TEXT,
      { samples: { every: 1, prompts: [''], tokens: 1, temperature: 1, topP: 1, topK: 0 } },
      /samples\.prompts: "" has 0 tokens/,
    ],
  ])('refuses %s', (_, text, options, message) => {
    expect(() => training(options, text)).toThrow(message);
  });
});

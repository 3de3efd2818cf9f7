import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Classifier } from '../../src/quality/classifier.ts';
import { loadModel } from '../../src/quality/model.ts';
import { qualityScore } from '../../src/quality/score-stage.ts';
import { createTrainer } from '../../src/quality/training/model-kinds.ts';

const folder = mkdtempSync(join(tmpdir(), 'corpusmill-score-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WORDS = [
  ['bad', 'worse'],
  ['fair', 'middling'],
  ['good', 'better'],
];

/** A naive Bayes model of texts of one word of each label, saved under `name`. */
function save(name: string, labels: readonly string[]): void {
  const trainer = createTrainer('naive-bayes', {}, labels, 1);
  labels.forEach((_, label) => {
    for (let i = 0; i < 20; i++)
      trainer.add(
        WORDS[label]
          .join(' ')
          .repeat(1 + (i % 3))
          .concat(' ', WORDS[label][i % 2]),
        label,
      );
  });
  trainer.finish().save(join(folder, name));
}

beforeAll(() => {
  save('two.json', ['negative', 'positive']);
  save('grades.json', ['0', '1', '5']);
});

function score(options: Record<string, unknown>, text: string, meta: Record<string, unknown> = {}): unknown {
  const stage = qualityScore.create(qualityScore.options.parse(options), { name: 'score', seed: 0, baseDir: folder });
  const document = { id: 'd', text, meta };
  expect(stage.process(document)).toEqual({ action: 'keep' });
  return document.meta['quality'];
}

function classifier(name: string): Classifier {
  const model = loadModel(join(folder, name));
  if (model.kind !== 'classifier') throw new Error('a language model');
  return model.classifier;
}

describe('quality.score', () => {
  it('writes the probability of `positive`, or of the label that is named, under the name that is asked', () => {
    const { labels } = classifier('two.json');
    const [negative, positive] = ['negative', 'positive'].map(
      (label) => classifier('two.json').probabilities('fair')![labels.indexOf(label)],
    );
    expect(positive).toBeGreaterThan(0.5);
    expect(score({ model: 'two.json' }, 'fair')).toEqual({ score: positive });
    expect(score({ model: 'two.json', label: 'negative', as: 'dull' }, 'fair')).toEqual({ dull: negative });
  });

  it('keeps what other models have written', () => {
    const quality = { edu: 3 };
    expect(score({ model: 'two.json' }, 'fair', { quality })).toMatchObject({ edu: 3, score: expect.any(Number) });
    expect(quality).toEqual({ edu: 3 });
  });

  it('writes the likeliest of several labels with its probability, or all of them', () => {
    const probabilities = [...classifier('grades.json').probabilities('good better')!];
    expect(score({ model: 'grades.json' }, 'good better')).toEqual({
      score: { label: '5', probability: Math.max(...probabilities) },
    });
    const all = score({ model: 'grades.json', all: true }, 'good better') as { score: Record<string, number> };
    expect(all.score).toEqual(
      Object.fromEntries(classifier('grades.json').labels.map((label, i) => [label, probabilities[i]])),
    );
  });

  it('writes the mean of grades by their probabilities', () => {
    const { labels } = classifier('grades.json');
    const probabilities = classifier('grades.json').probabilities('middling')!;
    const mean = labels.reduce((sum, label, i) => sum + Number(label) * probabilities[i], 0);
    const { score: found } = score({ model: 'grades.json', expected: true }, 'middling') as { score: number };
    expect(found).toBeCloseTo(mean, 9);
  });

  it('writes null where the model knows nothing of the text', () => {
    expect(score({ model: 'two.json' }, ' \n ')).toEqual({ score: null });
  });

  it('reads no more than maxChars', () => {
    const long = `${'good '.repeat(30)}${'bad '.repeat(3000)}`;
    const whole = score({ model: 'two.json' }, long) as { score: number };
    expect(whole).not.toEqual(score({ model: 'two.json', maxChars: 150 }, long));
    expect(score({ model: 'two.json', maxChars: 150 }, long)).toEqual(score({ model: 'two.json' }, long.slice(0, 150)));
  });

  it.each([
    [{ model: 'two.json', label: 'excellent' }, /knows no label "excellent"/],
    [{ model: 'two.json', expected: true }, /is no number/],
    [{ model: 'none.json' }, /none\.json/],
    [{}, /there is none/],
  ])('refuses %j', (options, message) => {
    expect(() => score(options, 'x')).toThrow(message);
  });

  it('refuses a file that is no model', () => {
    writeFileSync(join(folder, 'text.bin'), 'this is no model at all');
    expect(() => score({ model: 'text.bin' }, 'x')).toThrow(
      expect.objectContaining({
        code: 'INPUT_CORRUPT',
        message: expect.stringContaining('text.bin: its first bytes, "'),
      }),
    );
  });

  it.each([
    [{ model: 'a', trainedBy: 'b' }, /names the file already/],
    [{ model: 'a', label: 'b', expected: true }, /about all labels/],
    [{ model: 'a', all: true, expected: true }, /one number/],
  ])('refuses the options %j', (options, message) => {
    expect(() => qualityScore.options.parse(options)).toThrow(message);
  });
});

import { beforeAll, describe, expect, it } from 'vitest';
import { readModelConfig } from '../../../src/models/hf-config.ts';
import { createWeights, type ModelWeights } from '../../../src/models/weights.ts';
import type { Backend } from '../../../src/tensor/backend.ts';
import { createReferenceBackend } from '../../../src/tensor/reference/backend.ts';
import { answerQuestions, encodePair } from '../../../src/training/scoring/multiple-choice.ts';
import { createPerplexityMeter, windowsOf } from '../../../src/training/scoring/perplexity.ts';
import { createSequenceScorer, type SequenceScorer } from '../../../src/training/scoring/sequence-scorer.ts';
import { GOLDEN_MODELS, openGolden } from '../../models/golden-model.ts';
import { SMALL } from '../../models/small-models.ts';
import { describeWithShared } from '../../shared.ts';
import { byteTokenizer } from '../../tokenizer/byte-tokenizer.ts';
import { fullLogits } from '../generation/full-logits.ts';

let backend: Backend;
let weights: ModelWeights;
beforeAll(() => {
  backend = createReferenceBackend();
  weights = createWeights(
    backend,
    readModelConfig({ ...SMALL['qwen3'], vocab_size: 258, initializer_range: 0.3 }, 'test'),
  );
  weights.initialize(3);
});

/** ln p of each token after the first, from logits of a pass over the text alone. */
async function expectedLogProbs(model: ModelWeights, ids: ArrayLike<number>): Promise<number[]> {
  const logits = await fullLogits(backend, model, ids);
  return Array.from({ length: ids.length - 1 }, (_, t) => {
    const largest = logits[t].reduce((a, b) => Math.max(a, b));
    const sum = logits[t].reduce((total, x) => total + Math.exp(x - largest), 0);
    return logits[t][ids[t + 1]] - largest - Math.log(sum);
  });
}

const text = (length: number, salt: number): number[] =>
  Array.from({ length }, (_, i) => (i * i * salt + 31 * i) % 258);

it('scores texts of any length, together as alone', async () => {
  const scorer = createSequenceScorer(backend, weights, { maxLength: 40, maxRows: 64 });
  const texts = [40, 1, 7, 0, 2, 33, 7, 12, 8, 9, 21].map(text);
  const found = await scorer.logProbs(texts);
  for (const [i, ids] of texts.entries()) {
    const expected = ids.length < 2 ? [] : await expectedLogProbs(weights, ids);
    expect(found[i]).toHaveLength(expected.length);
    expected.forEach((value, t) => expect(found[i][t]).toBeCloseTo(value, 4));
    if (ids.length > 1) expect((await scorer.logProbs([ids]))[0]).toEqual(found[i]);
  }
});

it('refuses what is too long', async () => {
  const scorer = createSequenceScorer(backend, weights, { maxLength: 8 });
  await expect(scorer.logProbs([text(9, 1)])).rejects.toThrow('sequence 0 has 9 tokens, at most 8');
  expect(() => createSequenceScorer(backend, weights, { maxLength: 65 })).toThrow('the model is made for 64');
});

describeWithShared('golden architectures', () => {
  it.each(GOLDEN_MODELS)('%s: log-probabilities of the reference logits', async (name) => {
    const golden = await openGolden(name, backend);
    const ids = await golden.ints('input_ids');
    const logits = await golden.reference.readFloat32('logits');
    await golden.reference.close();
    const scorer = createSequenceScorer(backend, golden.weights, { maxLength: 96 });
    const found = await scorer.logProbs([ids.subarray(0, 96), ids.subarray(96, 150)]);
    const check = (row: number, label: number, value: number): void => {
      const line = logits.subarray(row * 503, (row + 1) * 503);
      const sum = line.reduce((total, x) => total + Math.exp(x), 0);
      expect(Math.abs(line[label] - Math.log(sum) - value)).toBeLessThan(2e-4);
    };
    for (let t = 0; t < 95; t++) check(t, ids[t + 1], found[0][t]);
    for (let t = 0; t < 53; t++) check(96 + t, ids[96 + t + 1], found[1][t]);
  });
});

describe('perplexity', () => {
  it('windows: every token but the first is predicted once, with at least window − stride before it', () => {
    expect(windowsOf(10, 4, 2)).toEqual([
      { from: 0, counted: 1, to: 4 },
      { from: 2, counted: 4, to: 6 },
      { from: 4, counted: 6, to: 8 },
      { from: 6, counted: 8, to: 10 },
    ]);
    for (const [length, window, stride] of [
      [100, 16, 5],
      [7, 16, 8],
      [17, 16, 15],
      [1, 8, 4],
      [2, 2, 1],
    ]) {
      const counts = new Array<number>(length).fill(0);
      for (const { from, counted, to } of windowsOf(length, window, stride)) {
        expect(to - from).toBeLessThanOrEqual(window);
        if (from > 0) expect(counted - from).toBeGreaterThanOrEqual(window - stride);
        for (let t = counted; t < to; t++) counts[t]++;
      }
      expect(counts).toEqual(counts.map((_, t) => (t === 0 ? 0 : 1)));
    }
  });

  it('is the exponential of the mean over all tokens of all documents', async () => {
    const scorer = createSequenceScorer(backend, weights, { maxLength: 16 });
    const meter = createPerplexityMeter(scorer, { window: 16, stride: 4, start: 257 });
    const documents = [text(10, 1), text(15, 2), text(30, 3)];
    await meter.add(documents.slice(0, 2).map((ids) => ({ ids, bytes: 2 * ids.length })));
    await meter.add([{ ids: documents[2], bytes: 60 }]);
    let nll = 0;
    for (const ids of documents.slice(0, 2))
      for (const value of await expectedLogProbs(weights, [257, ...ids])) nll -= value;
    const long = [257, ...documents[2]];
    for (const { from, counted, to } of windowsOf(31, 16, 4)) {
      const values = await expectedLogProbs(weights, long.slice(from, to));
      for (const value of values.slice(counted - from - 1)) nll -= value;
    }
    const found = meter.result();
    expect(found).toMatchObject({ documents: 3, tokens: 55, bytes: 110 });
    expect(found.tokenPerplexity).toBeCloseTo(Math.exp(nll / 55), 2);
    expect(found.bitsPerByte).toBeCloseTo(nll / 110 / Math.LN2, 5);
    expect(found.bytePerplexity).toBeCloseTo(2 ** found.bitsPerByte, 8);
  });

  it('the error is that of the ratio: none where documents agree, the usual one where they are of one size', async () => {
    const fake = (values: number[][]): SequenceScorer => ({
      maxLength: 64,
      logProbs: async (sequences) => sequences.map((_, i) => Float32Array.from(values[i])),
      dispose: () => {},
    });
    const meterOf = async (values: number[][]) => {
      const meter = createPerplexityMeter(fake(values));
      await meter.add(values.map((v) => ({ ids: new Array(v.length + 1).fill(0), bytes: v.length })));
      return meter.result();
    };
    expect((await meterOf([[-1, -1], [-1], [-1, -1, -1]])).tokenPerplexityError).toBeCloseTo(0, 6);
    const same = await meterOf([
      [-1, -1],
      [-2, -2],
      [-4, -4],
      [-1, -3],
    ]);
    // Means 1, 2, 4, 2: sample deviation 1.2583, error of their mean .62915, carried to exp(2.25).
    expect(same.tokenPerplexityError! / Math.exp(2.25)).toBeCloseTo(0.629153, 5);
    expect((await meterOf([[-1]])).tokenPerplexityError).toBeNull();
  });
});

describe('multiple choice', () => {
  const tokenizer = byteTokenizer(['<start>', '<end>']);

  it('takes the choice by sum, by character and by byte', async () => {
    // Sums −6, −7, −8 for 2, 3 and 4 characters, the last one of 8 bytes.
    const sums = [-6, -7, -8];
    const scorer: SequenceScorer = {
      maxLength: 64,
      logProbs: async (sequences) =>
        sequences.map((ids, i) => new Float32Array(ids.length - 1).fill(0).fill(sums[i % 3], ids.length - 2)),
      dispose: () => {},
    };
    const question = { prompt: 'Q:', choices: ['ab', 'abc', 'éééé'], answer: 0 };
    const found = await answerQuestions(scorer, tokenizer, [question, { ...question, answer: 2 }]);
    expect(found.answers[0]).toEqual({ logLikelihoods: sums, acc: 0, accNorm: 2, accBytes: 2 });
    expect(found.acc).toEqual({ value: 0.5, error: 0.5 });
    expect(found.accNorm.value).toBe(0.5);
    const equal = { prompt: 'Q:', choices: ['abc', 'ééé'], answer: 1 };
    const flat = {
      ...scorer,
      logProbs: async (s: readonly ArrayLike<number>[]) =>
        s.map(({ length }) => new Float32Array(length - 1).fill(0).fill(-6, length - 2)),
    };
    expect((await answerQuestions(flat, tokenizer, [equal])).answers[0]).toMatchObject({
      acc: 0,
      accNorm: 0,
      accBytes: 1,
    });
  });

  it('sums the log-probabilities of the choice behind the prompt', async () => {
    const scorer = createSequenceScorer(backend, weights, { maxLength: 40 });
    const question = { prompt: 'The quay ', choices: ['was', 'is not'], answer: 0 };
    const { answers } = await answerQuestions(scorer, tokenizer, [question]);
    for (const [i, choice] of question.choices.entries()) {
      const values = await expectedLogProbs(weights, new TextEncoder().encode(`The quay  ${choice}`));
      const expected = values.slice(7).reduce((sum, value) => sum + value, 0);
      expect(answers[0].logLikelihoods[i]).toBeCloseTo(expected, 3);
    }
  });

  it('white space at the end of the prompt goes to the choice; an empty prompt is the first token', () => {
    const pair = (prompt: string, options = {}) => encodePair(tokenizer, prompt, 'b', options, 0);
    expect(pair('a')).toEqual({ context: [97], continuation: [32, 98] });
    expect(pair('a \n', { delimiter: '' })).toEqual({ context: [97], continuation: [32, 10, 98] });
    expect(pair('a', { start: 256 })).toEqual({ context: [256, 97], continuation: [32, 98] });
    expect(pair('', { prefix: 257 })).toEqual({ context: [257], continuation: [32, 98] });
    expect(() => pair('')).toThrow('question 1: its prompt is empty');
  });

  it('a long prompt loses its beginning', async () => {
    const scorer = createSequenceScorer(backend, weights, { maxLength: 12 });
    const long = { prompt: 'x'.repeat(30), choices: ['a', 'b'], answer: 0 };
    const short = { ...long, prompt: 'x'.repeat(10) };
    const { answers } = await answerQuestions(scorer, tokenizer, [long, short]);
    expect(answers[0]).toEqual(answers[1]);
    const wide = { ...long, choices: ['a', 'b'.repeat(12)] };
    await expect(answerQuestions(scorer, tokenizer, [wide])).rejects.toThrow('a choice has 13 tokens, at most 11');
  });
});

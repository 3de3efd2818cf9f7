import { expect, it } from 'vitest';
import { policyObjective } from '../../src/align/policy-objective.ts';
import { type Padding, sequenceBatch, tokenWeightOf } from '../../src/align/sequence-batch.ts';
import { withValueHead } from '../../src/align/value-head.ts';
import { createWeights } from '../../src/models/weights.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { createTrainStep } from '../../src/training/train-step.ts';
import { tinyConfig } from '../training/tiny-training.ts';

const texts = [
  { ids: Int32Array.of(5, 6, 7, 8, 1), promptLength: 2 },
  { ids: Int32Array.of(4, 3, 1), promptLength: 2 },
];

it('puts the label of a place after it, of responses only', () => {
  const { inputs, tokens } = sequenceBatch(texts, { batch: 3, time: 5 });
  expect(Array.from(inputs.ids)).toEqual([5, 6, 7, 8, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect(Array.from(inputs.labels)).toEqual([-1, 7, 8, 1, -1, -1, 1, -1, -1, -1, -1, -1, -1, -1, -1]);
  expect(tokens).toBe(4);
});

it.each(['left', 'right'] as const)('gathers what it scattered, padded on the %s', (padding) => {
  const batch = sequenceBatch(texts, { batch: 2, time: 6, padding });
  const values = [[1, 2, 3], [4]];
  expect(batch.gather(batch.scatter(values)).map((text) => Array.from(text))).toEqual(values);
});

it('refuses a text that is too long, too many texts, and numbers that are not one per token', () => {
  expect(() => sequenceBatch(texts, { batch: 2, time: 3 })).toThrow('text 0 has 5 tokens');
  expect(() => sequenceBatch(texts, { batch: 1, time: 5 })).toThrow('2 texts');
  expect(() => sequenceBatch(texts, { batch: 2, time: 5 }).scatter([[1], [2]])).toThrow('1 numbers for the 3');
});

it('weighs tokens so that each kind of mean adds up', () => {
  const lengths = [3, 1];
  const all = { texts: 2, tokens: 4, length: 6 };
  const sum = (mean: 'tokens' | 'texts' | 'length'): number =>
    lengths.reduce((total, length) => total + length * tokenWeightOf(mean, length, all), 0);
  expect(sum('tokens')).toBeCloseTo(1, 12);
  expect(sum('texts')).toBeCloseTo(1, 12);
  expect(sum('length')).toBeCloseTo(4 / 12, 12);
});

it('gives equal losses and gradients padded on the left and on the right', async () => {
  const found = await Promise.all(
    (['left', 'right'] satisfies Padding[]).map(async (padding) => {
      const backend = createReferenceBackend();
      const language = createWeights(backend, tinyConfig(16, { initializer_range: 0.5 }));
      language.initialize(3);
      const weights = withValueHead(backend, language);
      weights.write(
        'score.weight',
        Float32Array.from({ length: 8 }, (_, i) => Math.sin(i)),
      );
      const [batch, time] = [2, 7];
      const value = { clip: 0.15, coefficient: 0.5 };
      const step = createTrainStep(backend, weights, {
        objective: policyObjective({ batch, time, clip: { low: 0.2, high: 0.3 }, segments: true, value }),
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weightDecay: 0,
        clipNorm: 0,
        maxPositions: time,
      });
      const rows = sequenceBatch(texts, { batch, time, padding });
      const metrics = await step.accumulate({
        ...rows.inputs,
        oldLogProbs: rows.scatter([[-2, -3, -2.5], [-3]]),
        advantages: rows.scatter([[1, -2, 0.5], [-1]]),
        tokenWeights: rows.scatter([[0.25, 0.25, 0.25], [0.25]]),
        oldValues: rows.scatter([[0.1, 0.2, 0.3], [0.4]]),
        returns: rows.scatter([[1, 2, 3], [4]]),
        valueWeights: rows.scatter([[0.25, 0.25, 0.25], [0.25]]),
      });
      const { gradientNorm } = await step.update({ learningRate: 0, step: 1 });
      const logProbs = rows.gather(metrics['logProbs']);
      const values = rows.gather(metrics['values']);
      return [metrics['loss'][0], gradientNorm, ...logProbs.flatMap((x) => [...x]), ...values.flatMap((x) => [...x])];
    }),
  );
  expect(found[0].length).toBe(10);
  found[0].forEach((value, i) => {
    expect(value).toBeCloseTo(found[1][i], 5);
  });
});

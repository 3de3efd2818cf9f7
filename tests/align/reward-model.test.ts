/** Rewards do not depend on where a dialogue lies or what it is padded with; the loss by hand; figures of an evaluation. */
import { afterAll, describe, expect, it } from 'vitest';
import { rewardLoss, rewardObjective } from '../../src/align/reward-model.ts';
import { createWeights } from '../../src/models/weights.ts';
import { openBackend } from '../../src/tensor/open-backend.ts';
import { createTrainStep } from '../../src/training/train-step.ts';
import { createFloat64Backend } from '../tensor/float64-backend.ts';
import { evaluate } from '../tensor/graph-run.ts';
import { tinyConfig } from '../training/tiny-training.ts';

const backend = await openBackend('auto', { threads: 1 });
afterAll(() => backend.dispose());
const weights = createWeights(backend, { ...tinyConfig(), head: 'score' });
weights.initialize(5);
const TIME = 8;
const CHOSEN = [3, 5, 7, 9];
const REJECTED = [3, 5, 8];

type Padding = 'right' | 'left';

/** Two rows, padded with ids that would change everything were they seen. */
function padded(padding: Padding, pad: number, sides = [CHOSEN, REJECTED]) {
  const [ids, positions, segmentIds] = [0, 0, 0].map(() => new Int32Array(2 * TIME));
  ids.fill(pad);
  // Ids of segments do not decrease along a row.
  segmentIds.fill(padding === 'left' ? 0 : 2);
  const last = sides.map((sequence, row) => {
    const start = row * TIME + (padding === 'left' ? TIME - sequence.length : 0);
    sequence.forEach((id, t) => {
      ids[start + t] = id;
      positions[start + t] = t;
      segmentIds[start + t] = 1;
    });
    return start + sequence.length - 1;
  });
  return {
    ids,
    positions,
    segmentIds,
    share: Float32Array.of(1),
    chosenLast: Int32Array.of(last[0]),
    rejectedLast: Int32Array.of(last[1]),
    pairWeights: Float32Array.of(1),
    margins: Float32Array.of(1),
  };
}

async function measure(data: ReturnType<typeof padded>, options: { margins?: boolean; centering?: number } = {}) {
  const { margins = false, centering = 0 } = options;
  const step = createTrainStep(backend, weights, {
    objective: rewardObjective({ rows: 2, time: TIME, pairs: 1, margins, centering }),
    beta1: 0.9,
    beta2: 0.95,
    eps: 1e-8,
    weightDecay: 0,
    clipNorm: 0,
    maxPositions: TIME,
  });
  const metrics = await step.evaluate(data);
  step.dispose();
  return Object.fromEntries(Object.entries(metrics).map(([name, [value]]) => [name, value]));
}

describe('a reward', () => {
  it('is the same with padding on the right and on the left, whatever the padding', async () => {
    const right = await measure(padded('right', 0));
    for (const other of [padded('left', 0), padded('left', 11), padded('right', 11)]) {
      const found = await measure(other);
      expect(found['rewardChosen']).toBeCloseTo(right['rewardChosen'], 6);
      expect(found['rewardRejected']).toBeCloseTo(right['rewardRejected'], 6);
    }
    expect(right['rewardChosen']).not.toBeCloseTo(right['rewardRejected'], 4);
  });
});

describe('the loss', () => {
  it('is −log σ(r_c − r_r − margin) + centering · (r_c + r_r)²', async () => {
    const { rewardChosen: c, rewardRejected: r } = await measure(padded('right', 0));
    const logistic = (x: number): number => Math.log1p(Math.exp(-x));
    expect((await measure(padded('right', 0)))['loss']).toBeCloseTo(logistic(c - r), 6);
    expect((await measure(padded('right', 0), { margins: true }))['loss']).toBeCloseTo(logistic(c - r - 1), 6);
    const centered = await measure(padded('right', 0), { centering: 0.5 });
    expect(centered['loss']).toBeCloseTo(logistic(c - r) + 0.5 * (c + r) ** 2, 6);
  });

  it.each([
    ['of rewards 1.5 and .2', undefined, 0, 0.2410084538329922],
    ['with a margin of 1', 1, 0, 0.5543552444685271],
    ['with centering .01, which adds .0289', undefined, 0.01, 0.2410084538329922 + 0.0289],
  ])('%s, by hand', async (_, margin, centering, expected) => {
    const leaves = [1.5, 0.2, margin ?? 0].map((value) => ({ shape: [1], values: Float64Array.of(value) }));
    const [loss] = await evaluate(createFloat64Backend(), leaves, ([chosen, rejected, margins]) => [
      rewardLoss({ chosen, rejected }, margin === undefined ? undefined : margins, centering),
    ]);
    expect(loss[0]).toBeCloseTo(expected, 7);
  });
});

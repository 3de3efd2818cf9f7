import { describe, expect, it } from 'vitest';
import { alignmentOptimizer, grpoSettings } from '../../src/align/online-settings.ts';
import { clippedLoss, type PolicyObjectiveOptions, policyObjective } from '../../src/align/policy-objective.ts';
import { rewardOf } from '../../src/align/rewards.ts';
import { sequenceBatch } from '../../src/align/sequence-batch.ts';
import { valueLoss } from '../../src/align/value-objective.ts';
import { createWeights } from '../../src/models/weights.ts';
import type { Tensor } from '../../src/tensor/graph.ts';
import { openBackend } from '../../src/tensor/open-backend.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { createTrainStep } from '../../src/training/train-step.ts';
import { createFloat64Backend } from '../tensor/float64-backend.ts';
import { evaluate } from '../tensor/graph-run.ts';
import { tinyConfig } from '../training/tiny-training.ts';
import { SIZES, tinyAlignment } from './tiny-alignment.ts';

const TEXTS = [
  { ids: Int32Array.of(5, 6, 7, 8, 1), promptLength: 2 },
  { ids: Int32Array.of(4, 3, 1), promptLength: 1 },
];
/** Away from what the model gives, so that some ratios are out of bounds. */
const SHIFTS = [
  [0.3, -0.4, 0.05],
  [0.1, -0.2],
];
const ADVANTAGES = [
  [1, -2, 0.5],
  [-1, 1.5],
];
const [BATCH, TIME] = [2, 6];

/** The objective at the initial weights, with old log-probabilities so far from the model's. */
async function setUp(options: Partial<PolicyObjectiveOptions>) {
  const backend = createReferenceBackend();
  const weights = createWeights(backend, tinyConfig(16, { initializer_range: 0.5 }));
  weights.initialize(3);
  const rows = sequenceBatch(TEXTS, { batch: BATCH, time: TIME });
  const objective = policyObjective({ batch: BATCH, time: TIME, clip: { low: 0.2, high: 0.25 }, ...options });
  const step = createTrainStep(backend, weights, {
    objective,
    beta1: 0.9,
    beta2: 0.95,
    eps: 1e-8,
    weightDecay: 0,
    clipNorm: 0,
    maxPositions: TIME,
  });
  const inputs: Record<string, Int32Array | Float32Array> = {
    ids: rows.inputs.ids,
    positions: rows.inputs.positions,
    labels: rows.inputs.labels,
    oldLogProbs: rows.scatter(SHIFTS),
    advantages: rows.scatter(ADVANTAGES),
    tokenWeights: rows.scatter(SHIFTS.map((text) => text.map(() => 0.2))),
  };
  if (options.ratio === 'sequence') inputs['ratioWeights'] = rows.scatter(SHIFTS.map((text) => text.map(() => 1)));
  if (options.ratio === 'mean') {
    inputs['ratioWeights'] = rows.scatter(SHIFTS.map((text) => text.map(() => 1 / text.length)));
  }
  if (options.klCoefficient) inputs['referenceLogProbs'] = rows.scatter(SHIFTS);
  const logProbs = rows.gather((await step.evaluate(inputs))['logProbs']).map((text) => Array.from(text));
  const reference = logProbs.map((text, i) => text.map((value, t) => value - 2 * SHIFTS[i][t]));
  inputs['oldLogProbs'] = rows.scatter(logProbs.map((text, i) => text.map((value, t) => value - SHIFTS[i][t])));
  if (options.klCoefficient) inputs['referenceLogProbs'] = rows.scatter(reference);
  return { backend, weights, step, inputs };
}

/** The loss by its definition, from log-ratios alone. */
function expectedLoss(ratio: 'token' | 'sequence' | 'mean', klCoefficient: number): number {
  let loss = 0;
  SHIFTS.forEach((text, i) => {
    const whole = text.reduce((sum, value) => sum + value, 0) / (ratio === 'mean' ? text.length : 1);
    text.forEach((shift, t) => {
      const rho = Math.exp(ratio === 'token' ? shift : whole);
      const a = ADVANTAGES[i][t];
      loss += 0.2 * Math.max(-a * rho, -a * Math.min(1.25, Math.max(0.8, rho)));
      loss += 0.2 * klCoefficient * (Math.exp(-2 * shift) - 1 + 2 * shift);
    });
  });
  return loss;
}

describe.each([
  ['ratios of tokens', 'token', 0],
  ['ratios of texts', 'sequence', 0],
  ['mean ratios of texts', 'mean', 0],
  ['KL in the loss', 'token', 0.3],
] as const)('%s', (_, ratio, klCoefficient) => {
  it('give the loss of the definition, and its slope as gradient', async () => {
    const { backend, weights, step, inputs } = await setUp({ ratio, klCoefficient });
    const found = await step.accumulate(inputs);
    expect(found['loss'][0]).toBeCloseTo(expectedLoss(ratio, klCoefficient), 5);
    // Along the gradient g the loss changes by |g| a unit.
    const { gradientNorm } = await step.update({ learningRate: 0, step: 1 });
    expect(gradientNorm).toBeGreaterThan(0.01);
    const gradients = await Promise.all(step.state.map(async ({ gradient }) => backend.read(gradient)));
    const start = await Promise.all(weights.parameters.map(async ({ name }) => weights.read(name)));
    const lossAt = async (distance: number): Promise<number> => {
      weights.parameters.forEach(({ name }, p) => {
        const moved = start[p].map((value, i) => value + (distance * gradients[p][i]) / gradientNorm);
        weights.write(name, moved);
      });
      return (await step.evaluate(inputs))['loss'][0];
    };
    const slope = ((await lossAt(2e-3)) - (await lossAt(-2e-3))) / 4e-3;
    expect(Math.abs(slope / gradientNorm - 1)).toBeLessThan(0.02);
  });
});

it('an entropy bonus alone raises the entropy, and without it nothing changes', async () => {
  const settings = (entropyCoefficient: number) =>
    grpoSettings({
      ...SIZES,
      promptsPerStep: 5,
      responses: 8,
      rows: 40,
      entropyCoefficient,
      optimizer: alignmentOptimizer(0.01),
    });
  const reward = rewardOf('constant', () => 1);
  const entropies = async (coefficient: number): Promise<number[]> => {
    const backend = await openBackend('auto', { threads: 1 });
    const run = await tinyAlignment(settings(coefficient), { critic: 'none', reward, backend });
    const found: number[] = [];
    for (let i = 0; i < 25; i++) found.push((await run.trainer.step()).entropy ?? 0);
    await backend.dispose();
    return found;
  };
  const [raised, same] = [await entropies(0.1), await entropies(0)];
  const mean = (values: number[]): number => values.reduce((a, b) => a + b) / values.length;
  expect(mean(raised.slice(-5))).toBeGreaterThan(mean(raised.slice(0, 5)) + 0.2);
  expect(Math.abs(mean(same.slice(-5)) - mean(same.slice(0, 5)))).toBeLessThan(0.1);
});

describe('three tokens by hand (float64 PyTorch, from the definitions)', () => {
  const leaf = (...values: number[]) => ({ shape: [values.length], values: Float64Array.from(values) });
  const thirds = leaf(1 / 3, 1 / 3, 1 / 3);

  it('ratios e^.2, e^−.1 and 1 at whitened advantages, clipped by .2', async () => {
    const advantages = leaf(0.91412019, 0.1539114, -1.06803159);
    const [loss, share, ratios] = await evaluate(
      createFloat64Backend(),
      [leaf(0.2, -0.1, 0), advantages, thirds],
      ([logRatio, a, weights]) => {
        const found = clippedLoss(logRatio, a, weights, { low: 0.2, high: 0.2 });
        return [found.loss, found.clipFraction, found.ratios];
      },
    );
    expect(loss[0]).toBeCloseTo(-0.056059143884652274, 7);
    expect(share[0]).toBeCloseTo(1 / 3, 7);
    [1.22140276, 0.90483742, 1].forEach((value, t) => expect(ratios[t]).toBeCloseTo(value, 7));
  });

  it('values that moved up out of reach, down within, and up within, clipped by .15', async () => {
    const [values, old, returns] = [leaf(0.4, 0.1, 0.35), leaf(0.1, 0.2, 0.3), leaf(0.93053, 0.9774, 0.992)];
    const [loss] = await evaluate(createFloat64Backend(), [values, old, returns, thirds], (tensors, graph) => {
      const inputs: Record<string, Tensor> = { oldValues: tensors[1], returns: tensors[2], valueWeights: tensors[3] };
      return [valueLoss(tensors[0], { graph, input: (name) => inputs[name] }, { clip: 0.15 })];
    });
    expect(loss[0]).toBeCloseTo(0.27418597348333323, 7);
  });
});

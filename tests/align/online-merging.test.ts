import { describe, expect, it } from 'vitest';
import { keepLargest, onlineMerging, thinOut } from '../../src/align/online-merging.ts';
import { PPO_ADVANTAGE } from '../../src/align/online-settings.ts';
import { createWeights, type ModelWeights } from '../../src/models/weights.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { tinyConfig } from '../training/tiny-training.ts';
import { tinyAlignment, tinyPpo } from './tiny-alignment.ts';

const NAME = 'model.norm.weight';

function model(values: readonly number[]): ModelWeights {
  const weights = createWeights(createReferenceBackend(), tinyConfig());
  weights.write(NAME, Float32Array.from(values));
  return weights;
}

/** An update that adds `delta` to weights of zero, merged. */
async function update(
  tau: readonly number[],
  delta: readonly number[],
  options: { kind: 'dare' | 'ties'; reserve: number; alpha: number },
) {
  const policy = model([0, 0, 0, 0, 0, 0, 0, 0]);
  const around = await onlineMerging(policy, model(tau), model([0, 0, 0, 0, 0, 0, 0, 0]), { ...options, seed: 1 });
  await around.before();
  policy.write(NAME, Float32Array.from(delta));
  await around.after(1);
  return Array.from(await policy.read(NAME));
}

describe('an update merged with what fine-tuning changed', () => {
  const tau = [0.5, -0.5, 0.25, 0, 1, -1, 0.125, 0.25];
  const delta = [0.25, 0.25, -1, 0.5, 0.5, -0.5, 0, -0.125];

  it('is the update itself with α = 0 and everything kept', async () => {
    expect(await update(tau, delta, { kind: 'dare', reserve: 1, alpha: 0 })).toEqual(delta);
  });

  it('is a mixture by α', async () => {
    const found = await update(tau, delta, { kind: 'dare', reserve: 1, alpha: 0.25 });
    expect(found).toEqual(delta.map((value, i) => 0.75 * value + 0.25 * tau[i]));
  });

  it('leaves out, with ties, what is against the sign of the sum', async () => {
    const found = await update(tau, delta, { kind: 'ties', reserve: 1, alpha: 0.5 });
    // By hand: sums .75, −.25, −.75, .5, 1.5, −1.5, .125, .125.
    expect(found).toEqual([0.375, -0.25, -0.5, 0.25, 0.75, -0.75, 0.0625, 0.125]);
  });

  it('holds τ between −1 and 1', async () => {
    const found = await update([9, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], {
      kind: 'dare',
      reserve: 1,
      alpha: 0.5,
    });
    expect(found[0]).toBe(0.5);
  });
});

it('keeps the largest, of equals the first', () => {
  const values = Float32Array.of(1, -3, 2, -2, 2, 0.5, 0, 1);
  keepLargest(values, 0.375);
  expect(Array.from(values)).toEqual([0, -3, 2, -2, 0, 0, 0, 0]);
  const few = Float32Array.of(1, 2);
  keepLargest(few, 0.01);
  expect(Array.from(few)).toEqual([1, 2]);
});

it('thins out without a change of the mean', () => {
  const values = new Float32Array(100_000).fill(1);
  thinOut(values, 0.1, 5);
  const kept = values.filter((value) => value !== 0);
  expect(kept.every((value) => Math.abs(value - 10) < 1e-5)).toBe(true);
  // Standard deviation of the share: √(.1·.9/1e5) = .00095.
  expect(Math.abs(kept.length / values.length - 0.1)).toBeLessThan(0.004);
  const other = new Float32Array(100_000).fill(1);
  thinOut(other, 0.1, 6);
  const both = values.reduce((count, value, i) => count + Number(value !== 0 && other[i] !== 0), 0);
  expect(Math.abs(both / values.length - 0.01)).toBeLessThan(0.002);
});

it('changes what PPO does to the weights, the same each time, and refuses a base of another shape', async () => {
  const settings = tinyPpo({ advantage: { ...PPO_ADVANTAGE, warmup: 0 } });
  const run = async (alpha: number | undefined) => {
    const backend = createReferenceBackend();
    const base = createWeights(backend, tinyConfig(16));
    base.initialize(9);
    const reference = createWeights(backend, tinyConfig(16, { initializer_range: 0.5 }));
    reference.initialize(5);
    // The trainer's own policy is made inside; the merging reads and writes it by this reference.
    let around: Awaited<ReturnType<typeof onlineMerging>> | undefined;
    const late = {
      before: async (): Promise<void> => around?.before(),
      after: async (update: number): Promise<void> => around?.after(update),
    };
    const made = await tinyAlignment(settings, { backend, around: late });
    if (alpha !== undefined) {
      around = await onlineMerging(made.policy, reference, base, { kind: 'dare', reserve: 0.5, alpha, seed: 3 });
    }
    for (let i = 0; i < 2; i++) await made.trainer.step();
    return (await made.weights())['policy model.layers.0.self_attn.q_proj.weight'];
  };
  const plain = await run(undefined);
  const merged = await run(0.01);
  expect(merged).not.toEqual(plain);
  expect(await run(0.01)).toEqual(merged);
  const wide = createWeights(createReferenceBackend(), tinyConfig(16, { intermediate_size: 24 }));
  const narrow = createWeights(createReferenceBackend(), tinyConfig(16));
  await expect(onlineMerging(narrow, narrow, wide, { kind: 'dare', seed: 1 })).rejects.toThrow('not of one shape');
});

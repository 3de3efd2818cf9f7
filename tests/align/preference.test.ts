/** Preference losses on numbers that can be done by hand (research values: policy −10/−14, reference −11/−12, β .1). */
import { describe, expect, it } from 'vitest';
import { type PreferenceLossOptions, preferenceLoss } from '../../src/align/preference.ts';
import { gradients } from '../../src/tensor/autograd.ts';
import { sum } from '../../src/tensor/ops/elementwise.ts';
import { createFloat64Backend } from '../tensor/float64-backend.ts';
import { evaluate } from '../tensor/graph-run.ts';

const backend = createFloat64Backend();

async function losses(ratios: { chosen: number[]; rejected: number[] }, options: Partial<PreferenceLossOptions>) {
  const pairs = ratios.chosen.length;
  const leaf = (values: number[], frozen = false) => ({ shape: [pairs], values: Float64Array.from(values), frozen });
  const weights = leaf(new Array<number>(pairs).fill(1 / pairs), true);
  const [loss, chosen, rejected] = await evaluate(
    backend,
    [leaf(ratios.chosen), leaf(ratios.rejected), weights],
    (tensors) => {
      const [c, r, w] = tensors;
      const each = preferenceLoss({ chosen: c, rejected: r }, w, {
        kind: 'sigmoid',
        beta: 0.1,
        labelSmoothing: 0,
        ...options,
      });
      return [each, ...gradients(sum(each), [c, r])];
    },
  );
  return { loss: Array.from(loss), chosen: Array.from(chosen), rejected: Array.from(rejected) };
}

// Log-ratios −10 − (−11) = 1 and −14 − (−12) = −2: Δ = 3.
const HAND = { chosen: [1], rejected: [-2] };

describe('a pair with Δ = 3 and β = .1', () => {
  it.each([
    ['sigmoid', {}, 0.5543552444685271],
    ['sigmoid with label smoothing .1', { labelSmoothing: 0.1 }, 0.5843552444685272],
    ['robust with label smoothing .1', { kind: 'robust', labelSmoothing: 0.1 }, 0.5168552444685272],
    ['hinge', { kind: 'hinge' }, 0.7],
    ['ipo', { kind: 'ipo' }, 4],
  ] as const)('%s', async (_, options, expected) => {
    const { loss } = await losses(HAND, options);
    expect(loss[0]).toBeCloseTo(expected, 12);
  });

  it('sigmoid: the gradient is −βσ(−βΔ) for the chosen one and the opposite for the other', async () => {
    const { chosen, rejected } = await losses(HAND, {});
    const expected = -0.1 / (1 + Math.exp(0.3));
    expect(chosen[0]).toBeCloseTo(expected, 12);
    expect(rejected[0]).toBeCloseTo(-expected, 12);
  });
});

it('policy = reference gives ln 2, whatever β', async () => {
  const { loss } = await losses({ chosen: [0, 0], rejected: [0, 0] }, { beta: 0.7 });
  for (const value of loss) expect(value).toBeCloseTo(Math.LN2, 14);
});

it('kto-pair: each side against the mean log-ratio of the other, which has no gradient and is at least 0', async () => {
  const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
  const { loss, chosen } = await losses({ chosen: [2, 4], rejected: [-3, 1] }, { kind: 'kto-pair' });
  // Means: 3 of the chosen, −1 (so 0) of the rejected.
  const expected = [
    [2, -3],
    [4, 1],
  ].map(([c, r]) => 0.5 * (1 - sigmoid(0.1 * c)) + 0.5 * (1 - sigmoid(0.1 * (3 - r))));
  loss.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 12));
  expect(chosen[0]).toBeCloseTo(-0.05 * sigmoid(0.2) * (1 - sigmoid(0.2)), 12);
});

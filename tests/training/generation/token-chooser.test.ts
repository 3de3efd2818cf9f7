import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { chooseToken, logSumExp, type SamplingOptions } from '../../../src/training/generation/sampling.ts';
import { createTokenChooser } from '../../../src/training/generation/token-chooser.ts';

/** By the definitions of sampling.ts, on copies. */
function byDefinition(
  logits: Float32Array,
  allowed: number,
  { options, earlier, uniform }: { options: SamplingOptions; earlier: readonly number[]; uniform: number },
) {
  const left = logits.slice(0, allowed);
  const id = chooseToken(left, options, earlier, uniform);
  return {
    id,
    logProb: logits[id] - logSumExp(logits),
    sampledLogProb: options.temperature === 0 ? 0 : left[id] - logSumExp(left),
  };
}

const OPTIONS: Readonly<Record<string, SamplingOptions>> = {
  'the whole distribution': {},
  'the likeliest': { temperature: 0 },
  'the likeliest, penalized': { temperature: 0, repetitionPenalty: 3 },
  'top-p': { topP: 0.9 },
  'top-p of next to nothing': { topP: 1e-6 },
  'top-p of next to all': { topP: 0.9999999 },
  'top-k': { topK: 7 },
  'top-k of more than there are': { topK: 1000 },
  'min-p': { minP: 0.2 },
  'a temperature': { temperature: 0.7 },
  'all together': { temperature: 1.3, topK: 20, topP: 0.8, minP: 0.05, repetitionPenalty: 1.3 },
};

describe.each(Object.entries(OPTIONS))('%s', (_, options) => {
  it('chooses as the definition, with its log-probabilities, to the bit', () => {
    const random = createRandom(11);
    for (const [length, allowed] of [
      [1, 1],
      [64, 64],
      [64, 50],
      [300, 299],
    ]) {
      const choose = createTokenChooser(length, allowed);
      for (let round = 0; round < 60; round++) {
        // Flat and steep rows, rows of few different values (ties), and rows with entries that are out.
        const steepness = [0, 0.5, 4, 40][round % 4];
        const logits = Float32Array.from({ length }, () => {
          const value = steepness * random.float() * 2;
          if (round % 5 === 4 && random.float() < 0.3) return Number.NEGATIVE_INFINITY;
          return round % 3 === 0 ? Math.round(value) : value;
        });
        logits[round % allowed] = steepness;
        const choice = {
          options,
          earlier: [0, 3, 5, 3].filter((id) => id < allowed),
          uniform: round === 0 ? 0 : random.float(),
        };
        const before = logits.slice();
        expect(choose(logits, { ...choice, withLogProbs: true })).toEqual(byDefinition(logits, allowed, choice));
        expect(choose(logits, { ...choice, withLogProbs: false }).id).toBe(byDefinition(logits, allowed, choice).id);
        expect(logits).toEqual(before);
      }
    }
  });
});

it('draws the same after rows of padding that are likelier than all that may be chosen', () => {
  const choose = createTokenChooser(4, 2);
  const logits = Float32Array.of(1, 2, 900, 900);
  const choice = { options: {}, earlier: [], uniform: 0.5 };
  expect(choose(logits, { ...choice, withLogProbs: true })).toEqual(byDefinition(logits, 2, choice));
});

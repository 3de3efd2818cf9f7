import { describe, expect, it } from 'vitest';
import {
  argmax,
  checkSampling,
  chooseToken,
  draw,
  logSumExp,
  processLogits,
  type SamplingOptions,
  uniformAt,
} from '../../../src/training/generation/sampling.ts';

/** Ids that can still be chosen. */
function kept(logits: readonly number[], options: SamplingOptions, earlier: number[] = []): number[] {
  const values = Float32Array.from(logits);
  processLogits(values, options, earlier);
  return [...values.keys()].filter((id) => values[id] > Number.NEGATIVE_INFINITY);
}

/** Logits of these probabilities. */
const logs = (probabilities: readonly number[]): number[] => probabilities.map(Math.log);

describe('processors, by their definitions', () => {
  it('top-k keeps the k largest and the equals of the last', () => {
    expect(kept([1, 5, 3, 4, 3], { topK: 2 })).toEqual([1, 3]);
    expect(kept([1, 5, 3, 4, 3], { topK: 3 })).toEqual([1, 2, 3, 4]);
    expect(kept([1, 5, 3], { topK: 9 })).toEqual([0, 1, 2]);
    const many = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i * 12.9898) * 40);
    const border = Array.from(many).sort((a, b) => b - a)[49];
    expect(kept([...many], { topK: 50 })).toEqual([...many.keys()].filter((id) => many[id] >= border));
  });

  it('top-p keeps the likeliest until their probability reaches p', () => {
    const p = logs([0.1, 0.4, 0.2, 0.25, 0.05]);
    expect(kept(p, { topP: 0.3 })).toEqual([1]);
    expect(kept(p, { topP: 0.5 })).toEqual([1, 3]);
    expect(kept(p, { topP: 0.7 })).toEqual([1, 2, 3]);
    expect(kept(p, { topP: 0.96 })).toEqual([0, 1, 2, 3, 4]);
    expect(kept(p, { topP: 1 })).toHaveLength(5);
  });

  it('top-p goes through a vocabulary without a head as well', () => {
    expect(kept(new Array(1000).fill(0), { topP: 0.25 })).toHaveLength(250);
  });

  it('min-p keeps what has that share of the likeliest token', () => {
    expect(kept(logs([0.5, 0.2, 0.16, 0.14]), { minP: 0.3 })).toEqual([0, 1, 2]);
  });

  it('the order is penalty, temperature, top-k, top-p, min-p', () => {
    // With temperature 2 the likeliest has .366 of it, without .53: top-p .4 keeps two tokens or one.
    const p = logs([0.53, 0.2, 0.15, 0.12]);
    expect(kept(p, { topP: 0.4 })).toEqual([0]);
    expect(kept(p, { temperature: 2, topP: 0.4 })).toEqual([0, 1]);
    // Of the two that top-k leaves the first has .73: top-p .7 keeps it alone.
    expect(kept(p, { topK: 2, topP: 0.7 })).toEqual([0]);
    expect(kept(p, { topP: 0.7 })).toEqual([0, 1]);
  });

  it('the penalty divides positive logits and multiplies negative ones, once for each id', () => {
    const values = Float32Array.of(2, -2, 3, 1);
    processLogits(values, { temperature: 0, repetitionPenalty: 2 }, [0, 1, 0, 1, 99]);
    expect([...values]).toEqual([1, -4, 3, 1]);
    expect(chooseToken(Float32Array.of(2, 1.5), { temperature: 0, repetitionPenalty: 2 }, [0], 0)).toBe(1);
  });
});

it('the likeliest of equals is the lowest id', () => {
  expect(argmax(Float32Array.of(1, 3, 3, 2))).toBe(1);
  expect(logSumExp(Float32Array.from(logs([0.5, 0.25, 0.25])))).toBeCloseTo(0, 6);
  expect(logSumExp(Float32Array.of(1000, 1000))).toBeCloseTo(1000 + Math.log(2), 4);
});

it('a draw takes the token in whose share the number lies, and never one that was left out', () => {
  const values = Float32Array.from(logs([0.25, 0.5, 0.25]));
  expect([0, 0.24, 0.26, 0.74, 0.76, 1 - 2 ** -53].map((u) => draw(values, u))).toEqual([0, 0, 1, 1, 2, 2]);
  const masked = Float32Array.of(-Infinity, 0, -Infinity);
  expect([0, 0.5, 1 - 2 ** -53].map((u) => draw(masked, u))).toEqual([1, 1, 1]);
});

/** Critical values of the chi-square distribution at .001 (one table for all). */
const CRITICAL: Readonly<Record<number, number>> = { 7: 24.322, 15: 37.697, 99: 148.23 };

function chiSquare(counts: readonly number[], probabilities: readonly number[]): number {
  const total = counts.reduce((sum, n) => sum + n, 0);
  return counts.reduce((sum, n, i) => sum + (n - total * probabilities[i]) ** 2 / (total * probabilities[i]), 0);
}

describe('draws follow the probabilities (chi-square, .001)', () => {
  it('over the tokens of one text, with temperature and top-k', () => {
    const logits = Array.from({ length: 20 }, (_, id) => Math.sin(id * 3) * 2);
    const options = { temperature: 0.8, topK: 8 };
    const left = kept(logits, options);
    const weights = left.map((id) => Math.exp(logits[id] / 0.8));
    const total = weights.reduce((sum, w) => sum + w, 0);
    const counts = new Map(left.map((id) => [id, 0]));
    for (let index = 0; index < 40_000; index++) {
      const id = chooseToken(Float32Array.from(logits), options, [], uniformAt(1234, index));
      counts.set(id, counts.get(id)! + 1);
    }
    expect(
      chiSquare(
        [...counts.values()],
        weights.map((w) => w / total),
      ),
    ).toBeLessThan(CRITICAL[7]);
  });

  it.each(['seeds', 'tokens'])('uniform numbers over %s', (over) => {
    const counts = new Array<number>(100).fill(0);
    for (let i = 0; i < 100_000; i++)
      counts[Math.floor(100 * (over === 'seeds' ? uniformAt(i, 0) : uniformAt(5, i)))]++;
    expect(chiSquare(counts, new Array(100).fill(0.01))).toBeLessThan(CRITICAL[99]);
  });

  it('neighbours, in seed and in number, are independent', () => {
    for (const [seed, index] of [
      [1, 0],
      [0, 1],
    ]) {
      const counts = new Array<number>(16).fill(0);
      for (let i = 0; i < 50_000; i++) {
        const [a, b] = [uniformAt(i, i % 7), uniformAt(i + seed, (i % 7) + index)];
        counts[4 * Math.floor(4 * a) + Math.floor(4 * b)]++;
      }
      expect(chiSquare(counts, new Array(16).fill(1 / 16))).toBeLessThan(CRITICAL[15]);
    }
  });

  it('seeds of more than 32 bits differ', () => {
    expect(uniformAt(3, 0)).not.toBe(uniformAt(3 + 2 ** 32, 0));
  });
});

it.each([
  [{ temperature: -1 }, 'temperature is -1'],
  [{ topK: 1.5 }, 'topK is 1.5'],
  [{ topP: 0 }, 'topP is 0'],
  [{ minP: 2 }, 'minP is 2'],
  [{ repetitionPenalty: 0 }, 'repetitionPenalty is 0'],
  [{ temperature: Number.NaN }, 'temperature is NaN'],
])('refuses %o', (options, message) => {
  expect(() => checkSampling(options)).toThrow(message);
});

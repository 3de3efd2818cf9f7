import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../src/core/random.ts';
import { drawWeights, MIN_DOCUMENTS, REPLICATES, ReplicateSums } from '../../../src/tokenizer/compare/bootstrap.ts';

describe('weights of documents', () => {
  it('are Poisson with mean 1', () => {
    const weights = new Uint8Array(200);
    const seen = new Float64Array(12);
    for (let i = 0; i < 500; i++) {
      drawWeights(`document ${i}`, 7, weights);
      for (const weight of weights) seen[weight]++;
    }
    // 100,000 draws: a share p lies within 4 √(p (1 − p) / 100,000) of what it should be.
    let chance = Math.exp(-1);
    for (let k = 0; k < 6; chance /= ++k) {
      expect(Math.abs(seen[k] / 100_000 - chance)).toBeLessThan(4 * Math.sqrt((chance * (1 - chance)) / 100_000));
    }
  });

  it('depend on id and seed alone', () => {
    const [a, b, c] = [1, 1, 2].map((seed) => {
      const weights = new Uint8Array(REPLICATES);
      drawWeights('x', seed, weights);
      return weights;
    });
    expect(a).toEqual(b);
    expect(a).not.toEqual(c);
  });
});

describe('the interval of a ratio', () => {
  const documents = 400;
  const random = createRandom(11);
  const rows = Array.from({ length: documents }, () => {
    const tokens = 50 + Math.floor(random.float() ** 3 * 2000);
    return { bytes: tokens * (3 + 2 * random.float()), tokens };
  });
  const sums = new ReplicateSums(2);
  const weights = new Uint8Array(REPLICATES);
  rows.forEach(({ bytes, tokens }, i) => {
    drawWeights(`d${i}`, 0, weights);
    sums.add(weights, Float64Array.of(bytes, tokens));
  });

  it('is as wide as the standard error of a ratio of means says', () => {
    // Linearization (Cochran 1977, §6.4): se = √(Σ (bytes − r tokens)²) / Σ tokens.
    const tokens = rows.reduce((sum, row) => sum + row.tokens, 0);
    const r = rows.reduce((sum, row) => sum + row.bytes, 0) / tokens;
    const error = Math.sqrt(rows.reduce((sum, row) => sum + (row.bytes - r * row.tokens) ** 2, 0)) / tokens;
    const { low, high } = sums.ratioInterval(0, 1)!;
    expect(low).toBeLessThan(r);
    expect(high).toBeGreaterThan(r);
    // 400 replicates place a 2.5 % quantile to about a tenth of the width.
    expect((high - low) / (2 * 1.96 * error)).toBeGreaterThan(0.8);
    expect((high - low) / (2 * 1.96 * error)).toBeLessThan(1.2);
  });

  it('is a point for a quantity beside itself: replicates are paired', () => {
    expect(sums.ratioInterval(1, 1)).toEqual({ low: 1, high: 1 });
  });

  it('is none for few documents', () => {
    const few = new ReplicateSums(2);
    for (let i = 1; i < MIN_DOCUMENTS; i++) {
      drawWeights(`d${i}`, 0, weights);
      few.add(weights, Float64Array.of(2, 1));
    }
    expect(few.ratioInterval(0, 1)).toBeNull();
    few.add(weights, Float64Array.of(2, 1));
    expect(few.ratioInterval(0, 1)).toEqual({ low: 2, high: 2 });
  });
});

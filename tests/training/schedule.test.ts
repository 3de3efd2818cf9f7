/** Learning rates against the reference values of shared/goldens/techniques.txt and the papers' definitions. */
import { describe, expect, it } from 'vitest';
import { type Schedule, scheduleFactor } from '../../src/training/schedule.ts';

describe('cosine', () => {
  const cosine: Schedule = { kind: 'cosine', warmup: 10, length: 100, floor: 0.1 };

  // techniques.txt: "cosine peak 3e-4 warm 10 total 100 at 0,9,10,55,100".
  it.each([
    [0, 3e-5],
    [9, 3e-4],
    [10, 3e-4],
    [55, 1.65e-4],
    [100, 3e-5],
  ])('at step %i of 100 with a warm-up of 10 the rate is %f', (step, expected) => {
    expect(3e-4 * scheduleFactor(cosine, step)).toBeCloseTo(expected, 12);
  });

  it('keeps the floor beyond its length', () => {
    expect(scheduleFactor(cosine, 5000)).toBeCloseTo(0.1, 12);
  });

  it('counted in tokens is the same as in steps of as many', () => {
    const inTokens: Schedule = { kind: 'cosine', warmup: 10 * 512, length: 100 * 512, floor: 0.1 };
    for (const step of [0, 5, 9, 10, 37, 99]) {
      expect(scheduleFactor(inTokens, step * 512, 512)).toBeCloseTo(scheduleFactor(cosine, step), 12);
    }
  });
});

describe('constant', () => {
  it('rises over the warm-up and stays', () => {
    const constant: Schedule = { kind: 'constant', warmup: 4 };
    expect([0, 1, 3, 4, 1e6].map((step) => scheduleFactor(constant, step))).toEqual([0.25, 0.5, 1, 1, 1]);
  });

  it('begins at the peak without a warm-up', () => {
    expect(scheduleFactor({ kind: 'constant', warmup: 0 }, 0)).toBe(1);
  });
});

describe('warm-up, stable, decay', () => {
  const wsd = { kind: 'wsd', warmup: 10, length: 100, floor: 0, decay: 20 } as const;

  it('keeps the peak until the decay begins', () => {
    for (const step of [10, 50, 79, 80]) expect(scheduleFactor({ ...wsd, shape: 'sqrt' }, step)).toBe(1);
  });

  // Hägele et al.: 1 − √((n − n_start) / n_decay).
  it('decays as 1 − √x', () => {
    expect(scheduleFactor({ ...wsd, shape: 'sqrt' }, 85)).toBeCloseTo(0.5, 12);
    expect(scheduleFactor({ ...wsd, shape: 'sqrt' }, 100)).toBeCloseTo(0, 12);
  });

  it('or linearly, to its floor', () => {
    expect(scheduleFactor({ ...wsd, shape: 'linear', floor: 0.2 }, 90)).toBeCloseTo(0.6, 12);
    expect(scheduleFactor({ ...wsd, shape: 'linear', floor: 0.2 }, 100)).toBeCloseTo(0.2, 12);
  });
});

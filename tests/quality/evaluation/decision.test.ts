import { describe, expect, it } from 'vitest';
import { decideByHighest, decideByThreshold } from '../../../src/quality/evaluation/decision.ts';

describe('a decision between two labels', () => {
  it('is positive from the threshold up, whichever label that is', () => {
    const scores = Float64Array.of(0.4, 0.5, 0.9);
    expect([...decideByThreshold(scores, 0.5, 1).predicted]).toEqual([0, 1, 1]);
    expect([...decideByThreshold(scores, 0.5, 0).predicted]).toEqual([1, 0, 0]);
    expect(decideByThreshold(Float64Array.of(-2, 3), 1, 1).margin).toEqual(Float64Array.of(3, 2));
  });
});

describe('a decision between more labels', () => {
  it('is the highest score, the first of equal ones, by its lead over the second', () => {
    const rows = Float64Array.of(0.25, 0.5, 0.25, 0.5, 0.5, 0, -3, -2, -1);
    const { predicted, margin } = decideByHighest(rows, 3);
    expect([...predicted]).toEqual([1, 0, 2]);
    expect([...margin]).toEqual([0.25, 0, 1]);
  });
});

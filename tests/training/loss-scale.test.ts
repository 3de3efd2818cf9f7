import { describe, expect, it } from 'vitest';
import { initialLossScale, nextLossScale } from '../../src/training/loss-scale.ts';

describe('the loss scale of float16 (PyTorch GradScaler: 65536, doubled each 2000 good steps, halved on overflow)', () => {
  it('begins at 65,536 and doubles after 2,000 good steps', () => {
    let state = initialLossScale();
    for (let step = 0; step < 1999; step++) state = nextLossScale(state, false);
    expect(state.scale).toBe(65536);
    state = nextLossScale(state, false);
    expect(state).toEqual({ scale: 131072, goodSteps: 0 });
  });

  it('halves on overflow, and the count of good steps begins anew', () => {
    let state = nextLossScale({ scale: 65536, goodSteps: 1999 }, true);
    expect(state).toEqual({ scale: 32768, goodSteps: 0 });
    state = nextLossScale(state, false);
    expect(state).toEqual({ scale: 32768, goodSteps: 1 });
  });

  it('does not fall below one', () => {
    let state = initialLossScale();
    for (let step = 0; step < 40; step++) state = nextLossScale(state, true);
    expect(state.scale).toBe(1);
  });
});

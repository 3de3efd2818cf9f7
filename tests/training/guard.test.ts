import { describe, expect, it } from 'vitest';
import { createGuard, GUARD_DEFAULTS, guardError } from '../../src/training/guard.ts';

describe('the guard', () => {
  it('knows no spike before it has seen 20 norms', () => {
    const guard = createGuard({ ...GUARD_DEFAULTS, spikeFactor: 3 });
    for (let i = 0; i < 19; i++) guard.passed(2);
    expect(guard.spikeNorm()).toBe(Number.POSITIVE_INFINITY);
    guard.passed(2);
    expect(guard.spikeNorm()).toBe(6);
  });

  it('takes the median of the last norms, which one large value does not move', () => {
    const guard = createGuard({ ...GUARD_DEFAULTS, spikeFactor: 2, window: 20 });
    for (let i = 1; i <= 20; i++) guard.passed(i);
    expect(guard.medianNorm()).toBe(10.5);
    guard.passed(1e9);
    expect(guard.medianNorm()).toBe(11.5);
  });

  it('skips as often as it may, then stops; a good step begins the count anew', () => {
    const guard = createGuard({ ...GUARD_DEFAULTS, maxSkips: 2 });
    expect([guard.failed('non-finite'), guard.failed('non-finite')]).toEqual(['skipped', 'skipped']);
    guard.passed(1);
    expect([1, 2, 3].map(() => guard.failed('non-finite'))).toEqual(['skipped', 'skipped', 'stopped']);
  });

  it('stops at once where that is asked for', () => {
    expect(createGuard({ ...GUARD_DEFAULTS, onNonFinite: 'stop' }).failed('non-finite')).toBe('stopped');
    expect(createGuard({ ...GUARD_DEFAULTS, onSpike: 'stop' }).failed('spike')).toBe('stopped');
  });

  it('goes on with what it had seen', () => {
    const guard = createGuard({ ...GUARD_DEFAULTS, maxSkips: 1 });
    guard.passed(4);
    guard.failed('non-finite');
    const again = createGuard({ ...GUARD_DEFAULTS, maxSkips: 1 }, JSON.parse(JSON.stringify(guard.state())));
    expect(again.failed('non-finite')).toBe('stopped');
  });

  it('says at which step, which tensor, and what to do', () => {
    const error = guardError({
      step: 12,
      event: 'non-finite',
      tensors: [{ name: 'gradient of lm_head.weight', count: 3 }],
      gradientNorm: Number.NaN,
      medianNorm: null,
      skipsInARow: 3,
      lastCheckpoint: 'checkpoints/step-00000010',
    });
    expect(error.message).toBe(
      'training stopped at step 12, the 3rd in a row: gradient of lm_head.weight has 3 values that are not finite',
    );
    expect(error.hint).toContain('Lower the learning rate');
    expect(error.hint).toContain('checkpoints/step-00000010');
  });
});

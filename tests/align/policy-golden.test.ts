/** PPO's arithmetic, losses and gradients against PyTorch (shared/goldens/alignment). */
import { expect, it } from 'vitest';
import { openAlignmentGoldens, relativeError } from '../../bench/align-goldens.ts';
import { onlineChecks } from '../../bench/align-online-goldens.ts';
import { openBackend } from '../../src/tensor/open-backend.ts';
import { describeWithShared, shared } from '../shared.ts';

describeWithShared('PPO computed with PyTorch', () => {
  it('has its rewards, advantages and losses within 1e-5, its gradient norms within 1e-3', async () => {
    const goldens = await openAlignmentGoldens(shared('goldens'));
    const backend = await openBackend('auto', { threads: 2 });
    const checks = await onlineChecks(backend, goldens, shared('goldens'));
    await goldens.close();
    await backend.dispose();
    expect(checks.length).toBe(10);
    for (const check of checks) {
      const shown = `${check.name}: ${check.found}, ${check.expected}`;
      // Of the policy's loss, which all but cancels, other orders of summing may leave a little more.
      const tolerance = check.name === 'ppo policy' ? 5e-5 : check.kind === 'loss' ? 1e-5 : 1e-3;
      expect(relativeError(check), shown).toBeLessThan(tolerance);
    }
  });
});

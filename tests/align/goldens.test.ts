/** Losses and gradients of the alignment stages against PyTorch (shared/goldens/alignment). */
import { expect, it } from 'vitest';
import { offlineChecks, openAlignmentGoldens, relativeError } from '../../bench/align-goldens.ts';
import { openBackend } from '../../src/tensor/open-backend.ts';
import { describeWithShared, shared } from '../shared.ts';

describeWithShared('values of PyTorch', () => {
  it('losses are within 1e-5, gradient norms within 1e-3', async () => {
    const goldens = await openAlignmentGoldens(shared('goldens'));
    const checks = await offlineChecks(await openBackend('auto'), goldens);
    await goldens.close();
    expect(checks.length).toBeGreaterThan(15);
    for (const check of checks) {
      const tolerance = check.kind === 'loss' ? 1e-5 : 1e-3;
      const shown = `${check.name} (${check.kind}): ${check.found}, ${check.expected}`;
      expect(relativeError(check), shown).toBeLessThan(tolerance);
    }
  }, 60_000);
});

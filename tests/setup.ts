/** Before every test file. */
import { afterAll } from 'vitest';
import { removeTemporaryFolders } from './temporary-folder.ts';

afterAll(removeTemporaryFolders);

// To look for rare counterexamples: so many runs of every property that says no number of its own, for 20 s at most.
const runs = Number(process.env['CORPUSMILL_PROPERTY_RUNS'] ?? 0);
if (runs > 0) {
  const { configureGlobal } = await import('fast-check');
  configureGlobal({ numRuns: runs, interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false });
}

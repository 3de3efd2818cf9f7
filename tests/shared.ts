/**
 * The real corpora and golden values that some tests read lie beside the repository, in `../shared` (or where
 * CORPUSMILL_SHARED says). Without them those tests are skipped, and only those.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { packageRoot } from '../src/core/package-root.ts';

const root = process.env['CORPUSMILL_SHARED'] ?? join(packageRoot(), '..', 'shared');

export const hasShared: boolean = existsSync(join(root, 'data', 'README.md'));

/** Absolute path of a file in the shared folder. */
export function shared(path: string): string {
  return join(root, path);
}

/** `describe`, skipped with a reason in its title where the shared folder is absent. */
export const describeWithShared = hasShared
  ? describe
  : (name: string, body: () => void) => describe.skip(`${name} (skipped: no shared data beside this checkout)`, body);

/**
 * Every loss of the alignment stages, its metrics and its gradient's norm against PyTorch (shared/goldens/alignment), on the
 * native backend.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/core/package-root.ts';
import { openBackend } from '../src/tensor/open-backend.ts';
import { type AlignmentCheck, offlineChecks, openAlignmentGoldens, relativeError } from './align-goldens.ts';
import { onlineChecks } from './align-online-goldens.ts';
import type { Bench } from './bench.ts';

/** Each gives its part of the list. */
const SOURCES = [offlineChecks, onlineChecks] as const;

export const alignParity: Bench = {
  name: 'align-parity',
  summary: 'Losses, metrics and gradient norms of the alignment stages against PyTorch',
  async run() {
    const goldens = join(process.env['CORPUSMILL_SHARED'] ?? join(packageRoot(), '..', 'shared'), 'goldens');
    const table: (string | number)[][] = [['check', 'of', 'found', 'expected', 'relative']];
    if (!existsSync(join(goldens, 'alignment'))) {
      const figures = { checks: 0, maxLossRelative: null, maxGradientNormRelative: null };
      return { table, figures, notes: ['no folder of goldens beside this checkout'] };
    }
    const backend = await openBackend('auto', { threads: 2 });
    const opened = await openAlignmentGoldens(goldens);
    const checks: AlignmentCheck[] = [];
    for (const source of SOURCES) checks.push(...(await source(backend, opened, goldens)));
    await opened.close();
    await backend.dispose();
    for (const check of checks) {
      const { name, kind, found, expected } = check;
      table.push([name, kind, found.toPrecision(8), expected.toPrecision(8), relativeError(check).toExponential(1)]);
    }
    const most = (kind: AlignmentCheck['kind']): number =>
      Math.max(...checks.filter((check) => check.kind === kind).map(relativeError));
    const figures = {
      checks: checks.length,
      maxLossRelative: most('loss'),
      maxGradientNormRelative: most('gradientNorm'),
    };
    return { table, figures };
  },
};

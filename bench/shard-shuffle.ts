/**
 * Peak memory of shuffling documents and rows out of core must not grow with the corpus: 4 million rows beside 20 million,
 * in processes of their own with 64 MiB for the shuffle. Rows of 8 tokens, so that records are most of the work.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/core/package-root.ts';
import type { Bench } from './bench.ts';
import type { ShuffleCost } from './shard-shuffle-run.ts';
import { benchCache } from './web-mix.ts';

const DOCUMENTS = [4_000_000, 20_000_000];
const MEMORY_MIB = 64;

export const shardShuffle: Bench = {
  name: 'shard-shuffle',
  summary: 'Peak memory and CPU time of the shuffle, packing and writing of 20 million documents beside 4 million',
  async run() {
    const table: (string | number)[][] = [
      ['documents', 'rows', 'peak MiB', 'deal s', 'pack s', 'route s', 'write s', 'µs/document'],
    ];
    const costs: ShuffleCost[] = [];
    for (const documents of DOCUMENTS) {
      const script = join(packageRoot(), 'dist', 'bench', 'shard-shuffle-run.js');
      const folder = mkdtempSync(join(benchCache(), 'shuffle-'));
      const args = [script, folder, String(documents), String(MEMORY_MIB)];
      const { status, stdout, stderr } = spawnSync(process.execPath, args);
      if (status !== 0) throw new Error(stderr.toString());
      const cost = JSON.parse(stdout.toString()) as ShuffleCost;
      costs.push(cost);
      const { deal, pack, route, write } = cost.seconds;
      const all = deal + pack + route + write;
      table.push([
        documents,
        cost.rows,
        Math.round(cost.peakMiB),
        ...[deal, pack, route, write].map((seconds) => seconds.toFixed(1)),
        ((1e6 * all) / documents).toFixed(2),
      ]);
    }
    const [small, large] = costs;
    return {
      table,
      figures: {
        rows: large.rows,
        peakMiB: Math.round(large.peakMiB),
        peakRatio: Number((large.peakMiB / small.peakMiB).toFixed(3)),
      },
      notes: [`Bounds: ${MEMORY_MIB} MiB for a group of parts, 1,048,576 documents a window, 128 MiB a shard.`],
    };
  },
};

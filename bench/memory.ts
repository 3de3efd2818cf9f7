/** Peak memory must not grow with the input: the same map chain over 500 MB and over 2 GB, two workers. */
import { statSync } from 'node:fs';
import type { Bench } from './bench.ts';
import { runMapChain } from './cli-run.ts';
import { repeatedWebMix } from './web-mix.ts';

const SIZES = [500e6, 2000e6];
const WORKERS = 2;

export const memory: Bench = {
  name: 'memory',
  summary: 'Peak resident memory of the map chain over 2 GB beside 500 MB, 2 workers, whole process',
  async run() {
    const table: (string | number)[][] = [['input MB', 'workers', 'peak MiB', 'seconds', 'MB/s']];
    const peaks: (number | null)[] = [];
    for (const size of SIZES) {
      const input = repeatedWebMix(size);
      const megabytes = statSync(input).size / 1e6;
      process.stderr.write(`memory: ${Math.round(megabytes)} MB …\n`);
      const run = await runMapChain(input, WORKERS);
      peaks.push(run.peakMiB);
      table.push([
        Math.round(megabytes),
        WORKERS,
        run.peakMiB === null ? 'not known' : Math.round(run.peakMiB),
        run.seconds.toFixed(1),
        (megabytes / run.seconds).toFixed(1),
      ]);
    }
    const [small, large] = peaks;
    const known = small !== null && large !== null;
    return {
      table,
      figures: {
        peakRatio2GBto500MB: known ? Number((large / small).toFixed(3)) : null,
        peakMiB: large === null ? null : Math.round(large),
      },
      notes: known ? [] : ['Peak memory is read from /proc, which only Linux has.'],
    };
  },
};

/**
 * Throughput of the map phase with two workers beside one. Runs alternate, so that a slow minute of the machine falls on
 * both; the figure is the ratio of the medians. The input is large enough that starting a worker and warming up its
 * code, about a second of CPU time for each, weigh little.
 *
 * One worker has one core: the threads that collect garbage, compile and write are beside it, and on a second core would
 * do a good part of what the second worker is to be measured by.
 */
import { availableParallelism } from 'node:os';
import type { Bench } from './bench.ts';
import { runMapChain } from './cli-run.ts';
import { median } from './median.ts';
import { repeatedWebMix } from './web-mix.ts';

const INPUT_BYTES = 2000e6;
const RUNS = 3;

export const scaling: Bench = {
  name: 'scaling',
  summary: 'Speed of the map phase with 2 workers on two cores beside 1 on one, medians of 3 alternating runs',
  async run() {
    const input = repeatedWebMix(INPUT_BYTES);
    const seconds: Record<number, number[]> = { 1: [], 2: [] };
    const table: (string | number)[][] = [['run', 'workers', 'map seconds', 'MB/s']];
    for (let run = 1; run <= RUNS; run++) {
      for (const workers of [1, 2]) {
        const { mapSeconds } = await runMapChain(input, workers, workers === 1);
        seconds[workers].push(mapSeconds);
        table.push([run, workers, mapSeconds.toFixed(2), (INPUT_BYTES / 1e6 / mapSeconds).toFixed(1)]);
        process.stderr.write(`scaling: run ${run}, ${workers} workers: ${mapSeconds.toFixed(1)} s\n`);
      }
    }
    const [one, two] = [median(seconds[1]), median(seconds[2])];
    return {
      table,
      figures: {
        speedup2Workers: Number((one / two).toFixed(3)),
        mapMBPerSecond1Worker: Number((INPUT_BYTES / 1e6 / one).toFixed(2)),
        mapMBPerSecond2Workers: Number((INPUT_BYTES / 1e6 / two).toFixed(2)),
        cores: availableParallelism(),
      },
    };
  },
};

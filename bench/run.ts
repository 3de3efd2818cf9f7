/**
 * `npm run bench` lists the benches; `npm run bench -- NAME [--json]` runs one and prints its table. With `--json` the
 * last line of standard output is one JSON object: the bench's name and its figures, plain numbers in the units that
 * their names say. Whatever else a bench or a library prints goes to standard error.
 */
import { cpus, totalmem } from 'node:os';
import { nearestName } from '../src/pipeline/config/suggest.ts';
import type { Bench } from './bench.ts';

/** In the order of the list. Loaded only when asked for, so that one bench's peers cannot break another. */
const BENCHES: Record<string, () => Promise<Bench>> = {
  filters: async () => (await import('./filters.ts')).filters,
  repair: async () => (await import('./repair.ts')).repair,
  'list-filters': async () => (await import('./list-filters.ts')).listFilters,
  parity: async () => (await import('./parity.ts')).parity,
  'filter-cost': async () => (await import('./filter-cost.ts')).filterCost,
  'parity-dclm': async () => (await import('./parity-dclm.ts')).parityDclm,
  langid: async () => (await import('./langid.ts')).langid,
  quality: async () => (await import('./quality.ts')).quality,
  'quality-features': async () => (await import('./quality-features.ts')).qualityFeatures,
  fasttext: async () => (await import('./fasttext.ts')).fasttext,
  pii: async () => (await import('./pii.ts')).pii,
  html: async () => (await import('./html.ts')).html,
  dedup: async () => (await import('./dedup.ts')).dedup,
  substring: async () => (await import('./substring.ts')).substringBench,
  'dedup-speed': async () => (await import('./dedup-speed.ts')).dedupSpeed,
  'dedup-truth': async () => (await import('./dedup-truth.ts')).dedupTruth,
  'dedup-lines': async () => (await import('./dedup-lines.ts')).dedupLines,
  'dedup-scale': async () => (await import('./dedup-scale.ts')).dedupScale,
  'ngram-lm': async () => (await import('./ngram-lm.ts')).ngramLm,
  attention: async () => (await import('./attention.ts')).attention,
  'tokenizer-train': async () => (await import('./tokenizer-train.ts')).tokenizerTrain,
  'tokenizer-encode': async () => (await import('./tokenizer-encode.ts')).tokenizerEncode,
  statistics: async () => (await import('./statistics.ts')).statistics,
  packing: async () => (await import('./packing.ts')).packing,
  loader: async () => (await import('./loader.ts')).loader,
  shards: async () => (await import('./shards.ts')).shards,
  'shard-shuffle': async () => (await import('./shard-shuffle.ts')).shardShuffle,
  'train-parity': async () => (await import('./train-parity.ts')).trainParity,
  'align-learns': async () => (await import('./align-learns.ts')).alignLearns,
  'align-rollout': async () => (await import('./align-rollout.ts')).alignRollout,
  'align-speed': async () => (await import('./align-speed.ts')).alignSpeed,
  'align-parity': async () => (await import('./align-parity.ts')).alignParity,
  'train-speed': async () => (await import('./train-speed.ts')).trainSpeed,
  shakespeare: async () => (await import('./shakespeare.ts')).shakespeare,
  memory: async () => (await import('./memory.ts')).memory,
  gemm: async () => (await import('./gemm.ts')).gemm,
  'tensor-rows': async () => (await import('./tensor-rows.ts')).tensorRows,
  'webgpu-parity': async () => (await import('./webgpu-parity.ts')).webgpuParity,
  'webgpu-speed': async () => (await import('./webgpu-speed.ts')).webgpuSpeed,
  generate: async () => (await import('./generate.ts')).generate,
  scaling: async () => (await import('./scaling.ts')).scaling,
};

const args = process.argv.slice(2);
const json = args.includes('--json');
const [name, ...rest] = args.filter((arg) => arg !== '--json');
const print = (line: string): boolean => process.stdout.write(`${line}\n`);
console.log = console.info = console.error;

if (name === undefined) {
  await list();
} else if (rest.length > 0 || !Object.hasOwn(BENCHES, name)) {
  const near = nearestName(name, Object.keys(BENCHES));
  const found = rest.length > 0 ? `found ${rest.join(' ')} after the name` : `there is no bench "${name}"`;
  process.stderr.write(`bench: ${found}; ${near && rest.length === 0 ? `did you mean "${near}"? ` : ''}`);
  process.stderr.write(`usage: npm run bench -- NAME [--json], NAME one of ${Object.keys(BENCHES).join(', ')}\n`);
  process.exitCode = 2;
} else {
  await run(name);
}

async function list(): Promise<void> {
  const rows: (string | number)[][] = [['bench', 'what it measures']];
  for (const [benchName, load] of Object.entries(BENCHES)) rows.push([benchName, (await load()).summary]);
  print(formatTable(rows));
  print('\nRun one: npm run bench -- NAME [--json]');
}

async function run(benchName: string): Promise<void> {
  const bench = await BENCHES[benchName]();
  print(`${bench.name}: ${bench.summary}`);
  print(`${machine()}\n`);
  try {
    const { table, figures, notes = [] } = await bench.run({ json });
    print(formatTable(table));
    for (const note of notes) print(`\n${note}`);
    if (json) print(JSON.stringify({ bench: bench.name, ...figures }));
    else {
      for (const [figure, value] of Object.entries(figures)) {
        print(`${figure}: ${typeof value === 'object' ? JSON.stringify(value) : value}`);
      }
    }
  } catch (error) {
    process.stderr.write(`bench ${bench.name}: ${error instanceof Error ? (error.stack ?? error.message) : error}\n`);
    process.exitCode = 1;
  }
}

/** The machine in words: figures mean little without it. */
function machine(): string {
  const [first] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown processor'}, ${memory}, Node ${process.version}, ${process.platform}`;
}

/** Columns padded to their widest cell; numbers to the right. */
function formatTable(rows: readonly (readonly (string | number)[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, String(cell).length);
    }
  }
  const line = (row: readonly (string | number)[]): string =>
    row
      .map((cell, column) => {
        const text = String(cell);
        return /^-?[\d.,]+( ?[%×x])?$/.test(text) ? text.padStart(widths[column]) : text.padEnd(widths[column]);
      })
      .join('  ')
      .trimEnd();
  const [head, ...body] = rows;
  if (head === undefined) return '';
  return [line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...body.map(line)].join('\n');
}

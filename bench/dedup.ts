/**
 * Near-copy detection: how fast signatures are made, and what deciding costs in time and memory.
 *
 * Signatures (5-token shingles, 14 × 8 functions: FineWeb's) over web-mix's text, with the native kernel, with
 * WebAssembly and with the TypeScript twin, in CPU seconds of one thread. Peer: datatrove's own code for the same
 * signature over the first English documents (bench/peers/datatrove_minhash.py, environment by bench/peers/setup.sh);
 * where that environment has no datatrove the ratios are left out, and that is said.
 *
 * Deciding: two million made-up documents, a tenth of them near-copies, from features in memory; the time includes
 * making the texts of candidates again, which stands for reading them.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { cutRange } from '../src/core/columns.ts';
import { native } from '../src/core/native.ts';
import { packageRoot } from '../src/core/package-root.ts';
import { createRandom } from '../src/core/random.ts';
import type { BarrierContext, FeaturePart } from '../src/core/stage.ts';
import { columnOf } from '../src/core/utf8-column.ts';
import { exact } from '../src/dedup/exact.ts';
import { minhash } from '../src/dedup/minhash/stage.ts';
import { createPermutations, minhashSignatureTwin } from '../src/dedup/minhash-kernel.ts';
import { createWasmSignature } from '../src/dedup/minhash-wasm.ts';
import { createShingler } from '../src/dedup/shingles.ts';
import type { Bench } from './bench.ts';
import { pythonOfPeers } from './python-peer.ts';
import { webMixPath } from './web-mix.ts';

const DATATROVE_DOCUMENTS = 400;
const DOCUMENTS = 2_000_000;
const PART_ROWS = 50_000;
const FUNCTIONS = 112;

export const dedup: Bench = {
  name: 'dedup',
  summary: 'MinHash signatures per core (native and twin) beside datatrove, and deciding over 2 M documents',
  async run() {
    const lines = gunzipSync(readFileSync(webMixPath())).toString('utf8').trimEnd().split('\n');
    const texts = lines.map((line) => JSON.parse(line) as { text: string; lang: string });
    const all = texts.map(({ text }) => text);
    const sets: [string, string[]][] = [
      ['web-mix', all],
      ['English part', texts.filter(({ lang }) => lang === 'en').map(({ text }) => text)],
      ['Chinese part', texts.filter(({ lang }) => lang.startsWith('zh')).map(({ text }) => text)],
    ];
    const table: (string | number)[][] = [['what', 'input', 'MB', 'MB/s per core', 'times datatrove']];
    const datatrove = datatroveMbPerSecond();
    const figures: Record<string, number | null> = {
      nativeMbPerSecond: null,
      wasmMbPerSecond: null,
      twinMbPerSecond: null,
      datatroveMbPerSecond: datatrove ?? null,
    };
    const row = (what: string, input: string, megabytes: number, seconds: number): number => {
      const speed = megabytes / seconds;
      const ratio = datatrove === undefined || what === 'shingles' ? '' : (speed / datatrove).toFixed(0);
      table.push([what, input, megabytes.toFixed(1), speed.toFixed(1), ratio]);
      return Number(speed.toFixed(1));
    };
    for (const [input, set] of sets) {
      const megabytes = set.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
      row('shingles', input, megabytes, signatureSeconds(set, undefined));
      if (native !== undefined) {
        const speed = row('signature, native', input, megabytes, signatureSeconds(set, native.minhashSignature));
        if (input === 'web-mix') figures['nativeMbPerSecond'] = speed;
      }
      const wasm = createWasmSignature();
      if (wasm !== undefined) {
        const speed = row('signature, WebAssembly', input, megabytes, signatureSeconds(set, wasm));
        if (input === 'web-mix') figures['wasmMbPerSecond'] = speed;
      }
      const speed = row('signature, twin', input, megabytes, signatureSeconds(set, minhashSignatureTwin));
      if (input === 'web-mix') figures['twinMbPerSecond'] = speed;
    }
    for (const [name, stage, options] of [
      ['Exact', exact, {}],
      ['Minhash', minhash, { shingleTokens: 3 }],
    ] as const) {
      const { seconds, duplicates, peakBytes } = await decideMany(stage, options);
      figures[`decide${name}Seconds`] = Number(seconds.toFixed(1));
      figures[`decide${name}BytesPerDocument`] = Math.round(peakBytes / DOCUMENTS);
      figures[`decide${name}Duplicates`] = duplicates;
    }
    const notes = [
      `Native kernel: ${native?.minhashPaths().at(-1) ?? 'not built'}.`,
      datatrove === undefined
        ? 'datatrove is not in the peers’ environment (bench/peers/setup.sh makes it): no ratio.'
        : `datatrove: ${datatrove.toFixed(2)} MB/s per core over the first ${DATATROVE_DOCUMENTS} English documents.`,
    ];
    return { table, figures, notes };
  },
};

/** datatrove's own speed in this same run, undefined where it is not installed. */
function datatroveMbPerSecond(): number | undefined {
  const script = join(packageRoot(), 'bench', 'peers', 'datatrove_minhash.py');
  const ran = spawnSync(pythonOfPeers(), [script, webMixPath(), String(DATATROVE_DOCUMENTS)], {
    encoding: 'utf8',
    // One thread, as here.
    env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
  });
  if (ran.status !== 0) return undefined;
  const { bytes, seconds } = JSON.parse(ran.stdout) as { bytes: number; seconds: number };
  return bytes / 1e6 / seconds;
}

type Kernel = typeof minhashSignatureTwin;

/** CPU seconds of the best of three runs, shingling included; with no kernel shingling alone. */
function signatureSeconds(texts: readonly string[], kernel: Kernel | undefined): number {
  const shingler = createShingler(5);
  const { multipliers, increments } = createPermutations(FUNCTIONS, 1);
  const signature = new Uint32Array(FUNCTIONS);
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3; run++) {
    best = Math.min(
      best,
      cpuSeconds(() => {
        for (const text of texts) {
          const count = shingler.shingle(text);
          kernel?.(shingler.hashes, count, multipliers, increments, signature);
        }
      }),
    );
  }
  return best;
}

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Document `i`, 24 words of its own; every tenth is an earlier one with its last word changed. */
function madeUpText(i: number): string {
  const random = createRandom(i % 10 === 9 ? i - 7 : i);
  let text = '';
  for (let word = 0; word < 24; word++) text += `${random.uint32().toString(36)} `;
  return i % 10 === 9 ? `${text}end` : text;
}

async function decideMany(stage: typeof exact | typeof minhash, options: Record<string, unknown>) {
  const parsed = stage.options.parse(options) as never;
  const stageContext = { name: stage.name, seed: 1, baseDir: '.' };
  const parts: FeaturePart[] = [];
  for (let firstOrdinal = 0; firstOrdinal < DOCUMENTS; firstOrdinal += PART_ROWS) {
    const observer = stage.createObserver(parsed, stageContext);
    for (let row = 0; row < PART_ROWS; row++) {
      observer.observe({ id: '', text: madeUpText(firstOrdinal + row), meta: {} });
    }
    const blob = observer.finish();
    parts.push({
      part: parts.length,
      rows: PART_ROWS,
      firstOrdinal,
      alive: undefined,
      features: async (range) => cutRange(blob, range),
      rowInfo: async () => new Uint32Array(2 * PART_ROWS),
    });
  }
  // The blobs are this bench's own; what decide adds is measured from here.
  const before = process.memoryUsage().arrayBuffers;
  let peak = before;
  const look = (): void => {
    peak = Math.max(peak, process.memoryUsage().arrayBuffers);
  };
  const context: BarrierContext = {
    ...stageContext,
    parts,
    rows: DOCUMENTS,
    inputs: ['made up'],
    outputDir: '.',
    workDir: '.',
    memoryBytes: 2 ** 30,
    readDocuments: async (ordinals) => {
      look();
      return ordinals.map((ordinal) => ({ id: '', text: madeUpText(ordinal), meta: {} }));
    },
    readTexts: async (ordinals) => {
      look();
      return ordinals.map(madeUpText);
    },
    withTexts: async (part, use) => {
      look();
      use(columnOf(Array.from({ length: PART_ROWS }, (_, row) => madeUpText(part * PART_ROWS + row))));
    },
    progress: look,
    signal: new AbortController().signal,
  };
  const start = process.cpuUsage();
  const result = await stage.decide(parsed, context);
  const details = { ...result.details, ...(await result.describe?.()) };
  const { user, system } = process.cpuUsage(start);
  return {
    seconds: (user + system) / 1e6,
    duplicates: Number(details?.['duplicates']),
    peakBytes: peak - before,
  };
}

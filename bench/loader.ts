/**
 * The shard loader on a warm page cache: rows of 2,048 uint16 tokens in batches of 32, as stored and in shuffled order,
 * beside a plain read of the same files in 1 MiB pieces, which is what memory and kernel allow, and beside what Python
 * trainers do with the same rows: HF datasets on the shards (numpy format, shuffled indices) and torch's DataLoader over
 * numpy.memmap of a raw file, both in one process.
 *
 * Every reader goes over the same number of rows; the loaders of this process take turns, five times, and the median
 * counts. CPU is that of the whole process, reading threads included.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '../src/core/random.ts';
import { openShards, type ShardLoaderOptions, type ShardSet, shardLoader } from '../src/shards/loader.ts';
import { MANIFEST_NAME, type ShardEntry, type ShardManifest } from '../src/shards/manifest.ts';
import { writeShard } from '../src/shards/shard-writer.ts';
import type { Bench } from './bench.ts';
import { runPythonPeer } from './python-peer.ts';

const CONTEXT_LENGTH = 2048;
const ROW_BYTES = 2 * CONTEXT_LENGTH;
const SHARDS = 4;
const ROWS_PER_SHARD = 16_384;
const BATCH = 32;
/** Rows read in a turn. */
const ROWS = SHARDS * ROWS_PER_SHARD;
const TURNS = 5;

interface Measured {
  seconds: number;
  cpuSeconds: number;
}

export const loader: Bench = {
  name: 'loader',
  summary: 'Rows per second of the shard loader, beside a plain read, HF datasets and torch over numpy.memmap',
  async run() {
    const dir = await mkdtemp(join(tmpdir(), 'corpusmill-bench-loader-'));
    try {
      const set = await makeShards(dir);
      const readers: Record<string, () => Promise<void> | void> = {
        'plain read, 1 MiB pieces': () => readPlainly(set),
        'shardLoader, as stored': () => load(set, { order: 'sequential' }),
        'shardLoader, shuffled': () => load(set, {}),
        'shardLoader, shuffled, mixture of 3': () => load(set, {}, 3),
      };
      const turns: Record<string, Measured[]> = {};
      for (let turn = 0; turn < TURNS; turn++) {
        for (const [name, read] of Object.entries(readers)) {
          const cpu = process.cpuUsage();
          const start = performance.now();
          await read();
          const seconds = (performance.now() - start) / 1e3;
          const { user, system } = process.cpuUsage(cpu);
          turns[name] ??= [];
          turns[name].push({ seconds, cpuSeconds: (user + system) / 1e6 });
        }
      }
      await set.close();
      const table: (string | number)[][] = [['reader', 'rows/s', 'MB/s', 'MB per CPU second']];
      const rate = (seconds: number) => Math.round((ROWS * ROW_BYTES) / 1e6 / seconds);
      const row = (name: string, { seconds, cpuSeconds }: Measured, rows = ROWS) => {
        const share = rows / ROWS;
        table.push([
          name,
          Math.round(rows / seconds),
          Math.round(rate(seconds) * share),
          Math.round(rate(cpuSeconds) * share),
        ]);
        return { rowsPerSecond: rows / seconds, rowsPerCpuSecond: rows / cpuSeconds };
      };
      const [plain, stored, shuffled] = Object.entries(turns).map(([name, measured]) => row(name, median(measured)));
      const notes: string[] = [];
      const peers = runPythonPeer('loader.py', [dir, String(BATCH)], []);
      const ratios: Record<string, number | null> = { ratioToDatasets: null, ratioToTorchMemmap: null };
      if (typeof peers === 'string') notes.push(peers);
      else {
        for (const line of peers) {
          const { name, figure, rows, ...measured } = JSON.parse(line) as Measured &
            Record<'name' | 'figure', string> & { rows: number };
          const peer = row(name, measured, rows);
          ratios[figure] = Number((shuffled.rowsPerCpuSecond / peer.rowsPerCpuSecond).toFixed(2));
        }
      }
      notes.push(
        `${ROWS} rows, ${Math.round((ROWS * ROW_BYTES) / 1e6)} MB; ratios are of CPU seconds, shuffled order.`,
      );
      return {
        table,
        figures: {
          rowsPerSecondShuffled: Math.round(shuffled.rowsPerSecond),
          rowsPerSecondStored: Math.round(stored.rowsPerSecond),
          storedToPlainRead: Number((stored.rowsPerCpuSecond / plain.rowsPerCpuSecond).toFixed(3)),
          ...ratios,
        },
        notes,
      };
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
};

async function load(set: ShardSet, options: Partial<ShardLoaderOptions>, copies = 1): Promise<void> {
  const sources = Array.from({ length: copies }, () => ({ shards: set, epochs: 1 / copies }));
  let rows = 0;
  let sum = 0;
  for await (const batch of shardLoader(sources, { seed: 1, batchSize: BATCH, prefetch: 4, ...options })) {
    rows += batch.size;
    sum += batch.inputIds[batch.inputIds.length - 1];
  }
  if (rows < ROWS - copies || sum === 0) throw new Error(`the loader gave ${rows} rows`);
}

function readPlainly({ dir, manifest }: ShardSet): void {
  const piece = Buffer.allocUnsafe(1 << 20);
  for (const { file } of manifest.shards) {
    const fd = openSync(join(dir, file), 'r');
    while (readSync(fd, piece, 0, piece.length, null) > 0);
    closeSync(fd);
  }
}

/** Shards of random tokens, three pieces a row, and `rows.bin` with the same rows raw. */
async function makeShards(dir: string): Promise<ShardSet> {
  const random = createRandom(1);
  const noise = new Uint16Array(ROWS_PER_SHARD * CONTEXT_LENGTH);
  for (let i = 0; i < noise.length; i++) noise[i] = random.uint32() & 0x7fff;
  const lengths = [600, 700, CONTEXT_LENGTH - 1300];
  const shards: ShardEntry[] = [];
  const raw: Uint8Array[] = [];
  for (let s = 0; s < SHARDS; s++) {
    const file = `shard-${String(s).padStart(5, '0')}-of-${String(SHARDS).padStart(5, '0')}.arrow`;
    const written = await writeShard(
      join(dir, file),
      {
        contextLength: CONTEXT_LENGTH,
        rows: ROWS_PER_SHARD,
        type: 'uint16',
        hasLabels: false,
        seqOffsets: Int32Array.from({ length: ROWS_PER_SHARD + 1 }, (_, r) => 3 * r),
        seqLengths: Int32Array.from({ length: 3 * ROWS_PER_SHARD }, (_, i) => lengths[i % 3]),
        padding: new Int32Array(ROWS_PER_SHARD),
        readRows: (from, to) => ({
          inputIds: noise.subarray(from * CONTEXT_LENGTH, to * CONTEXT_LENGTH),
          labels: undefined,
        }),
      },
      {},
    );
    shards.push({ file, ...written, tokens: noise.length, pieces: null });
    raw.push(new Uint8Array(noise.buffer));
  }
  await writeFile(join(dir, 'rows.bin'), Buffer.concat(raw));
  const tokens = ROWS * CONTEXT_LENGTH;
  const special = { token: '<|endoftext|>', id: 0 };
  const manifest: ShardManifest = {
    schemaVersion: 2,
    kind: 'corpusmill-shards',
    pipelineHash: '',
    split: null,
    contextLength: CONTEXT_LENGTH,
    dtype: 'uint16',
    rows: ROWS,
    tokens,
    documents: 3 * ROWS,
    documentsEmpty: 0,
    padding: { tokens: 0, percent: 0 },
    cut: { documents: 0, avoidably: 0 },
    packing: { strategy: 'best-fit', windows: 1, shuffled: true },
    seed: 1,
    bos: null,
    eos: special,
    pad: special,
    tokenizer: { file: 'tokenizer.json', sha256: createHash('sha256').digest('hex'), vocabSize: 0x8000 },
    fillInTheMiddle: null,
    conversations: null,
    sources: [],
    columns: {},
    pieceColumns: null,
    shards,
  };
  await writeFile(join(dir, MANIFEST_NAME), JSON.stringify(manifest));
  return openShards(dir);
}

/** The turn in the middle, by CPU seconds. */
function median(turns: readonly Measured[]): Measured {
  return [...turns].sort((a, b) => a.cpuSeconds - b.cpuSeconds)[turns.length >> 1];
}

/** What both tokenizer benches need: web-mix's texts, a trainer under the clock, and the verdict of the Python peers. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { packageRoot } from '../src/core/package-root.ts';
import { createPieceCounter } from '../src/tokenizer/count-pieces.ts';
import { pieceColumns } from '../src/tokenizer/sum-piece-counts.ts';
import { type TrainedBpe, type TrainOptions, trainOnCounts } from '../src/tokenizer/train-bpe.ts';
import { pythonOfPeers } from './python-peer.ts';
import { webMixPath } from './web-mix.ts';

export const TRAIN_OPTIONS: TrainOptions = {
  vocabSize: 32_000,
  pattern: 'qwen2',
  normalization: 'nfc',
  specialTokens: ['<|endoftext|>', '<|im_start|>', '<|im_end|>'],
  minFrequency: 2,
  tie: 'hf',
};

export interface WebMixRow {
  text: string;
  lang: string;
}

export function readWebMix(): { rows: WebMixRow[]; bytes: number } {
  const lines = gunzipSync(readFileSync(webMixPath())).toString().trimEnd().split('\n');
  const rows = lines.map((line) => JSON.parse(line) as WebMixRow);
  return { rows, bytes: rows.reduce((sum, row) => sum + Buffer.byteLength(row.text), 0) };
}

/** CPU seconds of this process while `work` runs, all its threads. */
export function cpuSeconds<T>(work: () => T): { value: T; seconds: number } {
  const before = process.cpuUsage();
  const value = work();
  const { user, system } = process.cpuUsage(before);
  return { value, seconds: (user + system) / 1e6 };
}

export function trainOn(rows: readonly WebMixRow[]): TrainedBpe {
  const counter = createPieceCounter(TRAIN_OPTIONS.pattern, TRAIN_OPTIONS.normalization);
  for (const row of rows) counter.count(row.text);
  return trainOnCounts(pieceColumns([counter.counts]), TRAIN_OPTIONS);
}

/** What bench/interop/tokenizer.py prints; the members of `--train` only with it. */
export interface PeerReport {
  hfVersusTiktoken: number;
  hfVersusCorpusmill: number | null;
  hfMbPerSecond: number;
  tiktokenMbPerSecond: number;
  /** The same of all texts (mixed), English and Chinese ones, by the field `lang`. */
  groups: Record<string, { hfMbPerSecond: number; tiktokenMbPerSecond: number } | undefined>;
  mergesIdentical?: boolean;
  hfTrainCpuSeconds?: number;
  hfPeakMiB?: number;
}

/** Runs the peers on web-mix, one thread; undefined where bench/peers/setup.sh has not set them up. */
export async function askPeers(folder: string, flags: string[]): Promise<PeerReport | undefined> {
  const python = pythonOfPeers();
  if (!existsSync(python)) return undefined;
  const script = join(packageRoot(), 'bench', 'interop', 'tokenizer.py');
  const env = { ...process.env, TOKENIZERS_PARALLELISM: 'false', RAYON_NUM_THREADS: '1' };
  try {
    const { stdout } = await promisify(execFile)(python, [script, folder, webMixPath(), ...flags], { env });
    return JSON.parse(stdout) as PeerReport;
  } catch (error) {
    // Exit code 1 with a report means a difference, which the bench shows.
    const { stdout } = error as { stdout?: string };
    if (stdout?.startsWith('{')) return JSON.parse(stdout) as PeerReport;
    throw error;
  }
}

export const NO_PEERS = 'The Python peers are not set up (bench/peers/setup.sh): no comparison was made.';

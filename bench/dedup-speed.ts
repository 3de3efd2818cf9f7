/**
 * How fast near-copies are found: signatures per core beside datatrove's and text-dedup's, and whole runs from the
 * compressed input to the kept documents.
 *
 * Signatures: CPU seconds of one thread. Peer and ours take turns over the same texts, with the peer's shingles and its
 * number of functions, reading and JSON left out on both sides; the figure is the median of the rounds. Peers:
 * datatrove's own code (14 × 8 functions, 5 words), and text-dedup's algorithm in bench/peers (256 functions over 5
 * words, its default, and 200 over 2, its README's best); where their environment is not set up (bench/peers/setup.sh)
 * their ratios are null. `mbPerSecondPerCore` is ours from JSONL, JSON.parse included, at the default setting
 * (40 × 4 functions, 3 tokens), in MB of text.
 *
 * Whole runs: `dedup.exact`, `dedup.minhash`, `write` through the command line with two workers, wall seconds, in MB of
 * uncompressed JSONL, start-up included: web-mix, package-descriptions, and 300 MB of web-mix with letters moved on.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { packageRoot } from '../src/core/package-root.ts';
import { type BandShape, bandKeys } from '../src/dedup/lsh.ts';
import { createFoldedSigner } from '../src/dedup/minhash/signers.ts';
import type { Bench } from './bench.ts';
import { median } from './median.ts';
import { pythonOfPeers } from './python-peer.ts';
import { benchCache, shiftedWebMix, webMixPath } from './web-mix.ts';

const ROUNDS = 3;
const DATATROVE_DOCUMENTS = 400;
const TEXT_DEDUP_DOCUMENTS = 1500;
/** Ours is so much faster that the same texts are signed again and again for this long. */
const LEAST_SECONDS = 0.2;

interface Setting {
  shape: BandShape;
  shingleTokens: number;
}

const DEFAULT: Setting = { shape: { bands: 40, rows: 4 }, shingleTokens: 3 };
const FINEWEB: Setting = { shape: { bands: 14, rows: 8 }, shingleTokens: 5 };

interface Peer {
  name: string;
  script: string;
  args: string[];
  setting: Setting;
  texts: string[];
}

export const dedupSpeed: Bench = {
  name: 'dedup-speed',
  summary: 'MinHash signatures per core beside datatrove and text-dedup; whole dedup runs on two cores',
  async run() {
    const path = webMixPath();
    const jsonl = gunzipSync(readFileSync(path));
    const rows = parse(jsonl);
    const english = rows.filter(({ lang }) => lang === 'en').map(({ text }) => text);
    const all = rows.map(({ text }) => text);
    const peers: Peer[] = [
      {
        name: 'datatrove, 14 × 8 over 5 words',
        script: 'datatrove_minhash.py',
        args: [String(DATATROVE_DOCUMENTS)],
        setting: FINEWEB,
        texts: english.slice(0, DATATROVE_DOCUMENTS),
      },
      ...[
        { words: 5, shape: { bands: 32, rows: 8 } },
        { words: 2, shape: { bands: 50, rows: 4 } },
      ].map(({ words, shape }) => ({
        name: `text-dedup, ${shape.bands * shape.rows} over ${words} words`,
        script: 'text_dedup_minhash.py',
        args: [String(TEXT_DEDUP_DOCUMENTS), String(words), String(shape.bands * shape.rows)],
        setting: { shape, shingleTokens: words },
        texts: all.slice(0, TEXT_DEDUP_DOCUMENTS),
      })),
    ];
    const table: (string | number)[][] = [['what', 'peer MB/s per core', 'ours MB/s per core', 'ratio']];
    const notes: string[] = [];
    const medianRatios = peers.map((peer) => {
      const theirs: number[] = [];
      const ours: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const speed = peerSpeed(peer, path);
        if (typeof speed === 'string') {
          notes.push(speed);
          break;
        }
        theirs.push(speed);
        ours.push(signingSpeed(peer.texts, peer.setting));
      }
      if (theirs.length === 0) return null;
      const ratio = median(ours.map((speed, i) => speed / theirs[i]));
      table.push([peer.name, median(theirs).toFixed(2), median(ours).toFixed(0), ratio.toFixed(1)]);
      return Number(ratio.toFixed(1));
    });

    const fromJsonl = (setting: Setting): number => median(repeat(() => jsonlSpeed(jsonl, setting)));
    const perCore = fromJsonl(DEFAULT);
    table.push(['from JSONL, 40 × 4 over 3 tokens', '', perCore.toFixed(0), '']);
    table.push(['from JSONL, 14 × 8 over 5 tokens', '', fromJsonl(FINEWEB).toFixed(0), '']);
    table.push([
      'without JSON, 40 × 4 over 3 tokens',
      '',
      median(repeat(() => signingSpeed(all, DEFAULT))).toFixed(0),
      '',
    ]);

    const wholeRuns: (number | null)[] = [];
    for (const input of [path, join(dirname(path), 'package-descriptions.jsonl.gz'), shiftedWebMix()]) {
      if (!existsSync(input)) {
        notes.push(`no ${input}: no whole run over it`);
        wholeRuns.push(null);
        continue;
      }
      const bytes = readFileSync(input);
      const megabytes = (input.endsWith('.gz') ? gunzipSync(bytes) : bytes).length / 1e6;
      const speed = megabytes / median(repeat(() => wholeRunSeconds(input)));
      table.push([`whole run, ${input.split('/').at(-1)}`, '', speed.toFixed(1), '']);
      wholeRuns.push(Number(speed.toFixed(1)));
    }
    const [datatrove, ...textDedup] = medianRatios;
    const measured = textDedup.filter((ratio) => ratio !== null);
    return {
      table,
      figures: {
        signatureRatioToDatatrove: datatrove,
        // Of its two settings the one that is harder for us.
        signatureRatioToTextDedup: measured.length === 0 ? null : Math.min(...measured),
        mbPerSecondPerCore: Number(perCore.toFixed(1)),
        wholeRunWebMixMBPerSecond: wholeRuns[0],
        wholeRunPackageDescriptionsMBPerSecond: wholeRuns[1],
        wholeRun300MBMBPerSecond: wholeRuns[2],
      },
      notes,
    };
  },
};

function parse(jsonl: Buffer): { text: string; lang: string }[] {
  return jsonl
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { text: string; lang: string });
}

function repeat(measure: () => number): number[] {
  return Array.from({ length: ROUNDS }, measure);
}

/** MB of text per CPU second, or why there is no figure. */
function peerSpeed({ script, args }: Peer, input: string): number | string {
  const ran = spawnSync(
    pythonOfPeers(),
    [join(packageRoot(), 'bench', 'peers', script), input, ...args],
    // One thread, as here.
    { encoding: 'utf8', env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' } },
  );
  if (ran.status !== 0) return `${script} did not run; bench/peers/setup.sh sets its environment up: no ratio`;
  const { bytes, seconds } = JSON.parse(ran.stdout) as { bytes: number; seconds: number };
  return bytes / 1e6 / seconds;
}

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function createSigning({ shape, shingleTokens }: Setting): (text: string) => void {
  const signer = createFoldedSigner(shape, shingleTokens, 1);
  const keys = new Uint32Array(2 * shape.bands);
  return (text) => {
    signer.sign(text);
    bandKeys(signer.signature, shape, keys);
  };
}

/** MB of text per CPU second, from strings to band keys. */
function signingSpeed(texts: readonly string[], setting: Setting): number {
  const sign = createSigning(setting);
  const megabytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
  const once = (): void => texts.forEach(sign);
  once();
  let runs = 0;
  let seconds = 0;
  while (seconds < LEAST_SECONDS) {
    seconds += cpuSeconds(once);
    runs++;
  }
  return (runs * megabytes) / seconds;
}

/** The same from JSONL bytes. */
function jsonlSpeed(jsonl: Buffer, setting: Setting): number {
  const sign = createSigning(setting);
  let bytes = 0;
  const seconds = cpuSeconds(() => {
    for (let start = 0; start < jsonl.length; ) {
      let end = jsonl.indexOf(0x0a, start);
      if (end === -1) end = jsonl.length;
      const { text } = JSON.parse(jsonl.toString('utf8', start, end)) as { text: string };
      sign(text);
      bytes += Buffer.byteLength(text);
      start = end + 1;
    }
  });
  return bytes / 1e6 / seconds;
}

/** Wall seconds of a run through the command line, in a process of its own. */
function wholeRunSeconds(input: string): number {
  const folder = mkdtempSync(join(benchCache(), 'run-'));
  try {
    const pipeline = join(folder, 'bench.yaml');
    const stages = ['dedup.exact', 'dedup.minhash', 'write'].map((stage) => ({ stage }));
    // JSON is YAML.
    const inputs = [{ name: 'input', path: input }];
    writeFileSync(pipeline, JSON.stringify({ name: 'bench', output: join(folder, 'out'), inputs, stages }));
    const started = performance.now();
    const main = join(packageRoot(), 'dist', 'src', 'cli', 'main.js');
    const ran = spawnSync(process.execPath, [main, 'run', pipeline, '--workers', '2', '--json'], {
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (ran.status !== 0) throw new Error(`corpusmill run ${pipeline} ended with ${ran.status}:\n${ran.stderr}`);
    return (performance.now() - started) / 1000;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

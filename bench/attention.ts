/**
 * Causal attention of the native backend beside PyTorch's scaled_dot_product_attention on CPU: forward, forward and backward,
 * and one query over a cache (decoding), on the same shapes and threads, by turns; medians of rounds.
 *
 * GFLOP/s count the pairs that see each other once: 4·size operations a pair forward, 10·size backward.
 * CORPUSMILL_BENCH_THREADS sets the threads of both (2), CORPUSMILL_BENCH_ATTENTION a part of the shapes' names.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { native } from '../src/core/native.ts';
import { packageRoot } from '../src/core/package-root.ts';
import { createRandom } from '../src/core/random.ts';
import { nativeAttentionBackward, nativeAttentionForward } from '../src/tensor/native-attention.ts';
import type { AttentionShape } from '../src/tensor/reference/attention.ts';
import type { Bench } from './bench.ts';
import { pythonOfPeers } from './python-peer.ts';

/** [batch, time, heads, key heads, size]: small to large, as the models of the training bench have them, and others. */
const TRAINED: [number, number, number, number, number][] = [
  [1, 128, 4, 4, 16],
  [32, 128, 4, 4, 32],
  [12, 64, 4, 4, 32],
  [8, 256, 8, 8, 32],
  [8, 256, 4, 4, 64],
  [4, 512, 8, 8, 64],
  [1, 512, 12, 12, 64],
  [2, 1024, 12, 12, 64],
  [1, 2048, 4, 4, 16],
  [1, 2048, 8, 8, 128],
  [2, 1024, 8, 2, 64],
];
/** [batch, keys, heads, key heads, size] of a single query. */
const DECODED: [number, number, number, number, number][] = [
  [1, 512, 12, 12, 64],
  [1, 4096, 14, 2, 64],
  [8, 1024, 8, 8, 128],
];
const ROUNDS = 5;
const THREADS = Number(process.env['CORPUSMILL_BENCH_THREADS'] ?? 2);

interface Case {
  name: string;
  shape: AttentionShape;
  backward: boolean;
  operations: number;
}

export const attention: Bench = {
  name: 'attention',
  summary: 'causal attention, forward, backward and over a cache, beside PyTorch on CPU; same shapes, same threads',
  async run() {
    if (native === undefined) throw new Error('the native add-on is not built (npm run build:native)');
    const peer = await startPeer();
    try {
      const table: (string | number)[][] = [['shape', 'direction', 'ms', 'GFLOP/s', 'PyTorch ms', 'ratio']];
      const ratios: { kind: string; ratio: number }[] = [];
      for (const item of cases()) {
        const [ours, theirs] = await timeByTurns(item, peer);
        const kind = item.shape.queries === 1 ? 'decode' : item.backward ? 'training' : 'forward';
        if (theirs !== undefined) ratios.push({ kind, ratio: theirs / ours });
        table.push([
          item.name,
          kind === 'decode' ? 'one query' : item.backward ? 'forward, backward' : 'forward',
          (ours * 1e3).toFixed(3),
          (item.operations / ours / 1e9).toFixed(1),
          theirs === undefined ? '' : (theirs * 1e3).toFixed(3),
          theirs === undefined ? '' : (theirs / ours).toFixed(2),
        ]);
      }
      const least = (kind: string): number | null =>
        ratios.some((r) => r.kind === kind)
          ? Math.min(...ratios.filter((r) => r.kind === kind).map((r) => r.ratio))
          : null;
      const figures = {
        minRatioForward: least('forward'),
        minRatioTraining: least('training'),
        minRatioDecode: least('decode'),
        threads: THREADS,
      };
      const notes = [peer === undefined ? 'no PyTorch: bench/peers/setup.sh sets it up' : `PyTorch ${peer.version}`];
      return { table, figures, notes };
    } finally {
      peer?.process.stdin?.end();
    }
  },
};

function cases(): Case[] {
  const wanted = process.env['CORPUSMILL_BENCH_ATTENTION'] ?? '';
  const list: Case[] = [];
  const add = ([batch, keys, queryHeads, keyHeads, headSize]: number[], queries: number, backward: boolean): void => {
    const pairs = batch * queryHeads * (queries === 1 ? keys : (keys * (keys + 1)) / 2);
    list.push({
      name: `B=${batch} T=${keys} H=${queryHeads}/${keyHeads} D=${headSize}`,
      shape: { batch, queries, keys, queryHeads, keyHeads, headSize, scale: 1 / Math.sqrt(headSize) },
      backward,
      operations: pairs * headSize * (backward ? 14 : 4),
    });
  };
  for (const sizes of TRAINED) for (const backward of [false, true]) add(sizes, sizes[1], backward);
  for (const sizes of DECODED) add(sizes, 1, false);
  return list.filter(({ name }) => name.includes(wanted));
}

/** Seconds of one call, ours and the peer's. */
async function timeByTurns(item: Case, peer: Peer | undefined): Promise<[number, number | undefined]> {
  const call = prepare(item);
  call();
  const start = performance.now();
  call();
  // Rounds of about 20 ms.
  const times = Math.max(1, Math.min(2000, Math.round(20 / (performance.now() - start))));
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round <= ROUNDS; round++) {
    const from = performance.now();
    for (let i = 0; i < times; i++) call();
    const seconds = (performance.now() - from) / 1e3 / times;
    const their = await peer?.time(item, times);
    // The first round warms up.
    if (round === 0) continue;
    ours.push(seconds);
    if (their !== undefined) theirs.push(their);
  }
  return [median(ours), theirs.length === 0 ? undefined : median(theirs)];
}

function prepare({ shape, backward }: Case): () => void {
  const random = createRandom(1);
  const { batch, queries, keys, queryHeads, keyHeads, headSize } = shape;
  const numbers = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => 2 * (random.float() + random.float() + random.float()) - 3);
  const [querySize, keySize] = [batch * queries * queryHeads * headSize, batch * keys * keyHeads * headSize];
  const [q, k, v, dout] = [numbers(querySize), numbers(keySize), numbers(keySize), numbers(querySize)];
  const [out, lse] = [new Float32Array(querySize), new Float32Array(batch * queries * queryHeads)];
  const [dq, dk, dv] = [new Float32Array(querySize), new Float32Array(keySize), new Float32Array(keySize)];
  const [options, mask] = [{ threads: THREADS }, { causal: true }];
  const addon = native as NonNullable<typeof native>;
  return () => {
    nativeAttentionForward(addon, options, shape, mask, q, k, v, out, lse);
    if (backward) nativeAttentionBackward(addon, options, shape, mask, dout, q, k, v, out, lse, dq, dk, dv);
  };
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}

interface Peer {
  version: string;
  process: ChildProcess;
  time(item: Case, times: number): Promise<number>;
}

/** A Python process that times what it is asked to; undefined without its environment. */
async function startPeer(): Promise<Peer | undefined> {
  const script = join(packageRoot(), 'bench', 'peers', 'attention_torch.py');
  const child = spawn(pythonOfPeers(), [script, String(THREADS)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const failed = new Promise<undefined>((resolve) => child.once('error', () => resolve(undefined)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<string | undefined> => (await lines.next()).value as string | undefined;
  const version = await Promise.race([nextLine(), failed]);
  if (version === undefined) return undefined;
  return {
    version,
    process: child,
    async time({ name, shape, backward }, times) {
      child.stdin.write(`${JSON.stringify({ ...shape, key: name, backward, times })}\n`);
      const answer = await nextLine();
      if (answer === undefined) throw new Error(`${script} ended before it answered about ${name}`);
      return Number(answer);
    },
  };
}

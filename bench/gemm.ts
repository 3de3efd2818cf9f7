/**
 * Matrix products of transformer training at four model sizes, one and two threads: GFLOP/s beside what multiply-adds in
 * registers reach on this processor, and beside PyTorch in the same run (bench/peers/gemm_torch.py). NT is the forward
 * product with weights [out, in], NN that of the input's gradient, TN that of the weights' gradient, added to what is there.
 *
 * Each figure is the fastest of all calls in three rounds of .04 s, ours and PyTorch's by turns: the machine's other
 * work slows some calls on either side, nothing makes one faster.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { native } from '../src/core/native.ts';
import { packageRoot } from '../src/core/package-root.ts';
import type { Bench } from './bench.ts';
import { pythonOfPeers } from './python-peer.ts';

type Form = 'NT' | 'NN' | 'TN';

interface Product {
  model: string;
  what: string;
  form: Form;
  m: number;
  n: number;
  k: number;
}

const ROUNDS = 3;
const SECONDS = 0.04;

/** Parameters, hidden and intermediate size, vocabulary, rows of a step, rows of a chunk of the head. */
const MODELS: readonly [string, number, number, number, number, number][] = [
  ['1M', 128, 344, 512, 4096, 4096],
  ['6M', 256, 688, 4096, 2048, 1024],
  ['25M', 512, 1376, 16000, 1024, 512],
  ['110M', 768, 2048, 50257, 1024, 256],
];

function products(): Product[] {
  const list: Product[] = [];
  const of = (model: string, what: string, form: Form, m: number, n: number, k: number): void => {
    list.push({ model, what, form, m, n, k });
  };
  for (const [model, hidden, inner, vocabulary, rows, chunk] of MODELS) {
    of(model, 'query', 'NT', rows, hidden, hidden);
    of(model, 'up', 'NT', rows, inner, hidden);
    of(model, 'down', 'NT', rows, hidden, inner);
    of(model, 'd input of query', 'NN', rows, hidden, hidden);
    of(model, 'd input of up', 'NN', rows, hidden, inner);
    of(model, 'd weights of query', 'TN', hidden, hidden, rows);
    of(model, 'd weights of up', 'TN', inner, hidden, rows);
    of(model, 'head', 'NT', chunk, vocabulary, hidden);
    of(model, 'd input of head', 'NN', chunk, hidden, vocabulary);
    of(model, 'd weights of head', 'TN', vocabulary, hidden, chunk);
  }
  for (const size of [1024, 2048]) of('square', String(size), 'NN', size, size, size);
  for (const rows of [1, 4, 16]) of('generation', `up, ${rows} rows`, 'NT', rows, 2048, 768);
  return list;
}

export const gemm: Bench = {
  name: 'gemm',
  summary: 'Matrix products at transformer shapes: share of the multiply-add peak, beside PyTorch',
  async run() {
    if (native === undefined) throw new Error('the native add-on is not built: npm run build:native');
    const { matmul } = native;
    const peer = await startTorch();
    const peaks = [0, 0];
    const seekPeaks = (): void => {
      for (const threads of [1, 2]) {
        for (let i = 0; i < 30; i++) peaks[threads - 1] = Math.max(peaks[threads - 1], matmul.fmaPeak(threads, 0.01));
      }
    };
    seekPeaks();
    const rows: { product: Product; threads: number; own: number; torch: number }[] = [];
    const table: (string | number)[][] = [
      ['model', 'product', 'form', 'm × n × k', 'threads', 'GFLOP/s', 'of peak', 'PyTorch', 'ratio'],
    ];
    const shapes: Record<string, number> = {};
    const shares: number[] = [];
    const ratios: number[] = [];
    for (const product of products()) {
      const run = prepare(matmul, product);
      const work = (2 * product.m * product.n * product.k) / 1e9;
      for (const threads of [1, 2]) {
        matmul.setThreads(threads);
        let [own, torch] = [0, 0];
        for (let round = 0; round < ROUNDS; round++) {
          own = Math.max(own, fastest(run, work));
          if (typeof peer !== 'string') torch = Math.max(torch, await peer.rate(product, threads));
        }
        rows.push({ product, threads, own, torch });
      }
    }
    seekPeaks();
    for (const { product, threads, own, torch } of rows) {
      const { model, what, form, m, n, k } = product;
      const share = own / peaks[threads - 1];
      if (model !== 'generation') shares.push(share);
      if (torch > 0) ratios.push(own / torch);
      shapes[`${model} ${what} ${threads}`] = Math.round(own);
      const sizes = `${m} × ${n} × ${k}`;
      const beside = torch > 0 ? [Math.round(torch), (own / torch).toFixed(2)] : ['-', '-'];
      table.push([model, what, form, sizes, threads, Math.round(own), `${Math.round(100 * share)} %`, ...beside]);
    }
    if (typeof peer !== 'string') peer.stop();
    const middle = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];
    return {
      table,
      figures: {
        fractionOfPeak: Number(middle(shares).toFixed(3)),
        minFractionOfPeak: Number(Math.min(...shares).toFixed(3)),
        medianRatioToTorch: ratios.length > 0 ? Number(middle(ratios).toFixed(2)) : null,
        minRatioToTorch: ratios.length > 0 ? Number(Math.min(...ratios).toFixed(2)) : null,
        peakGflops1Thread: Math.round(peaks[0]),
        peakGflops2Threads: Math.round(peaks[1]),
        shapes: JSON.stringify(shapes),
      },
      notes: [
        `Instruction set ${matmul.isa()}; multiply-adds in registers ${Math.round(peaks[0])} and ${Math.round(peaks[1])} GFLOP/s.`,
        typeof peer === 'string' ? peer : `Peer: ${peer.version}.`,
        'fractionOfPeak is the median over all shapes but generation, which reads weights at the speed of memory.',
      ],
    };
  },
};

type Matmul = NonNullable<typeof native>['matmul'];

/** The product as a call, over arrays of its own. */
function prepare(matmul: Matmul, { form, m, n, k }: Product): () => void {
  const values = (length: number): Float32Array =>
    Float32Array.from({ length }, (_, i) => ((i * 7919) % 1000) / 1000 - 0.5);
  const [a, b, c] = [values(m * k), values(k * n), new Float32Array(m * n)];
  const [transposeA, transposeB] = [form === 'TN' ? 1 : 0, form === 'NT' ? 1 : 0] as const;
  return () => matmul.gemm(m, n, k, transposeA, transposeB, 0, 0, 0, 1, transposeA, a, b, c);
}

/** Work per second of the fastest call in SECONDS. */
function fastest(call: () => void, work: number): number {
  call();
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + 1000 * SECONDS;
  for (let start = performance.now(); ; ) {
    call();
    const now = performance.now();
    best = Math.min(best, now - start);
    if (now >= end) return work / (best / 1000);
    start = now;
  }
}

interface Torch {
  version: string;
  rate(product: Product, threads: number): Promise<number>;
  stop(): void;
}

/** PyTorch, waiting for products; or a sentence on why it is not there. */
async function startTorch(): Promise<Torch | string> {
  const script = join(packageRoot(), 'bench', 'peers', 'gemm_torch.py');
  const child: ChildProcessWithoutNullStreams = spawn(pythonOfPeers(), [script]);
  child.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const version = await lines.next();
  if (version.done) return 'PyTorch did not run; bench/peers/setup.sh sets its environment up.';
  return {
    version: version.value,
    async rate({ form, m, n, k }, threads) {
      child.stdin.write(`${JSON.stringify({ form, m, n, k, threads, seconds: SECONDS })}\n`);
      const line = await lines.next();
      return line.done ? 0 : Number(line.value);
    },
    stop: () => child.stdin.end(),
  };
}

/**
 * Operations that are bound by memory at the shapes of training: GB/s (what must be read and written once, no more) beside
 * PyTorch in the same run (bench/peers/rows_torch.py) and beside a copy of memory that no cache holds. Each figure is the
 * fastest of all calls in three rounds, ours and PyTorch's by turns: the machine's other work slows some calls on either
 * side, nothing makes one faster. Shapes are those of a model of 110 million parameters on 2048 tokens; PyTorch
 * writes to memory that is there already wherever it can be told to, and its allocator is told to keep what it has.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../src/core/package-root.ts';
import type { Backend, Buffer, DType, Executable, Place } from '../src/tensor/backend.ts';
import { createNativeBackend } from '../src/tensor/native/backend.ts';
import {
  AXES,
  BINARY_KINDS,
  BROADCASTS,
  type OperationName,
  operationSpec,
  UNARY_KINDS,
} from '../src/tensor/operations.ts';
import type { Bench } from './bench.ts';
import { pythonOfPeers } from './python-peer.ts';

const ROUNDS = 3;
const SECONDS = 0.03;
const [ROWS, COLUMNS, INNER, VOCAB, HEADS, EXPERTS] = [2048, 768, 2048, 32_000, 12, 60];
const PER_TOKEN = 4;
/** Instructions of a program: the second thread is awake for all but the first, as it is in a training step. */
const REPEATS = 4;
/** Entries of a copy that no cache holds. */
const LARGE = 1 << 25;
/** Parameters of four decoder layers and their norms. */
const PARAMETERS = Array.from({ length: 4 }, () => [
  ...Array.from({ length: 4 }, () => COLUMNS * COLUMNS),
  ...Array.from({ length: 3 }, () => COLUMNS * INNER),
  COLUMNS,
  COLUMNS,
]).flat();

interface Kernel {
  name: string;
  operation: OperationName;
  attributes: readonly number[];
  /** Lengths of the inputs; undefined: absent. Integers are below `below`. */
  inputs: readonly (number | undefined)[];
  outputs: readonly number[];
  below?: number;
  /** Words that must be read or written. */
  words: number;
  /** Outputs over inputs. */
  over?: readonly (readonly [output: number, input: number])[];
}

function kernels(): Kernel[] {
  const [small, large, slots] = [ROWS * COLUMNS, ROWS * INNER, ROWS * PER_TOKEN];
  const unary = (name: string, kind: (typeof UNARY_KINDS)[number]): Kernel => ({
    name,
    operation: 'unary',
    attributes: [large, UNARY_KINDS.indexOf(kind)],
    inputs: [large],
    outputs: [large],
    words: 2 * large,
  });
  const binary = (name: string, kind: (typeof BINARY_KINDS)[number], repeat: (typeof BROADCASTS)[number]): Kernel => {
    const second = { none: small, scalar: 1, rows: ROWS, columns: COLUMNS }[repeat];
    return {
      name,
      operation: 'binary',
      attributes: [ROWS, COLUMNS, BINARY_KINDS.indexOf(kind), BROADCASTS.indexOf(repeat)],
      inputs: [small, second],
      outputs: [small],
      words: 2 * small + second,
    };
  };
  const sum = (name: string, axis: (typeof AXES)[number]): Kernel => ({
    name,
    operation: 'reduce',
    attributes: [ROWS, INNER, AXES.indexOf(axis)],
    inputs: [large, undefined],
    outputs: [{ all: 1, rows: ROWS, columns: INNER }[axis]],
    words: large,
  });
  const norm = [ROWS, COLUMNS];
  const total = PARAMETERS.reduce((a, b) => a + b);
  const rows: [string, OperationName, readonly number[], readonly (number | undefined)[], readonly number[], number][] =
    [
      ['copy', 'copy', [LARGE], [LARGE], [LARGE], 2 * LARGE],
      ['affine', 'affine', [small, 0.5, 0], [small], [small], 2 * small],
      ['swiglu', 'swiglu', [large], [large, large], [large], 3 * large],
      ['swiglu gradient', 'swigluGrad', [large], [large, large, large], [large, large], 5 * large],
      ['rmsNorm', 'rmsNorm', [...norm, 1e-6], [small, COLUMNS], [small, ROWS], 2 * small],
      ['addRmsNorm', 'addRmsNorm', [...norm, 1e-6], [small, small, COLUMNS], [small, small, ROWS], 4 * small],
      [
        'rmsNorm gradient',
        'rmsNormGrad',
        norm,
        [small, small, COLUMNS, ROWS, undefined, undefined],
        [small, COLUMNS],
        3 * small,
      ],
      ['layerNorm', 'layerNorm', [...norm, 1e-5], [small, COLUMNS, COLUMNS], [small, ROWS, ROWS], 2 * small],
      [
        'layerNorm gradient',
        'layerNormGrad',
        norm,
        [small, small, COLUMNS, ROWS, ROWS, undefined, undefined, undefined],
        [small, COLUMNS, COLUMNS],
        3 * small,
      ],
      ['dropout', 'dropout', [small, 0.1, 3], [small, 2], [small], 2 * small],
      ['round to bf16', 'roundTo', [small, 0], [small], [small], 2 * small],
      [
        'routeTopK',
        'routeTopK',
        [ROWS, EXPERTS, PER_TOKEN, 1],
        [ROWS * EXPERTS],
        [ROWS * EXPERTS, slots, slots],
        2 * ROWS * EXPERTS,
      ],
      ['globalNorm', 'globalNorm', [], PARAMETERS, [1], total],
    ];
  const halfDim = COLUMNS / HEADS / 2;
  return [
    ...rows.map(([name, operation, attributes, inputs, outputs, words]): Kernel => {
      return { name, operation, attributes, inputs, outputs, words };
    }),
    binary('add', 'add', 'none'),
    binary('add columns', 'add', 'columns'),
    binary('multiply rows', 'multiply', 'rows'),
    unary('silu', 'silu'),
    unary('gelu', 'gelu'),
    unary('tanh', 'tanh'),
    { ...unary('gelu gradient', 'gelu'), operation: 'unaryGrad', inputs: [large, large], words: 3 * large },
    sum('sum of all', 'all'),
    sum('sum of rows', 'rows'),
    sum('sum of columns', 'columns'),
    {
      name: 'rope',
      operation: 'rope',
      attributes: [ROWS, HEADS, 2 * halfDim, ROWS, 0, 0],
      inputs: [small, ROWS * halfDim, ROWS * halfDim, ROWS],
      outputs: [small],
      below: ROWS,
      words: 2 * small + 2 * ROWS * halfDim,
    },
    {
      name: 'embedding',
      operation: 'embedding',
      attributes: [ROWS, COLUMNS, VOCAB],
      inputs: [VOCAB * COLUMNS, ROWS],
      outputs: [small],
      below: VOCAB,
      words: 2 * small,
    },
    {
      name: 'embedding gradient',
      operation: 'embeddingGrad',
      attributes: [ROWS, COLUMNS, VOCAB],
      inputs: [small, ROWS, VOCAB * COLUMNS],
      outputs: [VOCAB * COLUMNS],
      below: VOCAB,
      words: 3 * small,
      over: [[0, 2]],
    },
    {
      name: 'moeDispatch',
      operation: 'moeDispatch',
      attributes: [ROWS, COLUMNS, PER_TOKEN],
      inputs: [small, slots],
      outputs: [slots * COLUMNS],
      below: slots,
      words: 2 * slots * COLUMNS,
    },
    {
      name: 'adamw',
      operation: 'adamw',
      attributes: [0.9, 0.95, 1e-8, ...PARAMETERS.map(() => 0.1)],
      inputs: [3, 1, ...PARAMETERS.flatMap((length) => [length, length, length, length])],
      outputs: [],
      words: 7 * total,
    },
  ];
}

export const tensorRows: Bench = {
  name: 'tensor-rows',
  summary: 'Operations bound by memory at the shapes of training: GB/s, beside PyTorch and a copy of memory',
  async run() {
    const peer = await startTorch();
    const table: (string | number)[][] = [['operation', 'threads', 'µs', 'GB/s', 'of the copy', 'PyTorch µs', 'ratio']];
    const figures: Record<string, number | string | null> = {};
    const copySpeeds = new Map<number, number>();
    const threadCounts = availableParallelism() > 1 ? [1, 2] : [1];
    const ratios = new Map(threadCounts.map((threads) => [threads, [] as number[]]));
    for (const kernel of kernels()) {
      for (const threads of threadCounts) {
        const backend = createNativeBackend({ threads });
        if (backend === undefined) throw new Error('the native add-on is not built: npm run build:native');
        const executable = prepare(backend, kernel);
        let [seconds, theirs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
        for (let round = 0; round < ROUNDS; round++) {
          seconds = Math.min(seconds, ...(await times(executable)));
          if (typeof peer !== 'string') theirs = Math.min(theirs, ...(await peer.times(kernel.name, threads)));
        }
        await backend.dispose();
        const speed = (4 * kernel.words) / seconds / 1e9;
        if (kernel.name === 'copy') copySpeeds.set(threads, speed);
        const ratio = theirs / seconds;
        const key = kernel.name.replaceAll(/ (.)/g, (_, letter: string) => letter.toUpperCase());
        figures[`${key}GbPerSecond${threads}`] = Number(speed.toFixed(1));
        figures[`${key}RatioToTorch${threads}`] = Number.isFinite(ratio) ? Number(ratio.toFixed(2)) : null;
        if (Number.isFinite(ratio)) ratios.get(threads)?.push(ratio);
        const beside = Number.isFinite(ratio) ? [Math.round(theirs * 1e6), ratio.toFixed(2)] : ['-', '-'];
        const share = (speed / (copySpeeds.get(threads) ?? speed)).toFixed(2);
        table.push([kernel.name, threads, Math.round(seconds * 1e6), speed.toFixed(1), share, ...beside]);
      }
    }
    if (typeof peer !== 'string') peer.stop();
    for (const [threads, found] of ratios) {
      figures[`minRatioToTorch${threads}`] = found.length > 0 ? Number(Math.min(...found).toFixed(2)) : null;
      figures[`medianRatioToTorch${threads}`] = found.length > 0 ? Number(median(found).toFixed(2)) : null;
    }
    return {
      table,
      figures,
      notes: [
        "GB/s counts each operand once; small ones stay in a cache between calls, the copy's do not.",
        typeof peer === 'string' ? peer : `Peer: ${peer.version}.`,
      ],
    };
  },
};

/** The kernel as a program, a few times over. */
function prepare(backend: Backend, kernel: Kernel): Executable {
  const buffers: Buffer[] = [];
  const spec = operationSpec(kernel.operation);
  const fixed = spec.inputs.length - (spec.variadic ?? 0);
  const place = (name: string, length: number): Place => {
    const dtype: DType = name.endsWith(':i32') ? 'i32' : 'f32';
    const buffer = backend.createBuffer(dtype, length, name);
    buffers.push(buffer);
    // A step between integers that meets each of them and follows no order; reals from 0.5 to 1.5, so that all is finite.
    const integer = (i: number): number => (i * 7919 + 13) % (kernel.below ?? 2);
    const values = dtype === 'i32' ? new Int32Array(length) : new Float32Array(length);
    for (let i = 0; i < length; i++) values[i] = dtype === 'i32' ? integer(i) : ((i * 7919) % 1000) / 1000 + 0.5;
    backend.write(buffer, values);
    return { slot: buffers.length, offset: 0, length, dtype };
  };
  const inputs = kernel.inputs.map((length, i) => {
    const name = spec.inputs[i < fixed ? i : fixed + ((i - fixed) % (spec.variadic ?? 1))];
    return length === undefined ? undefined : place(name, length);
  });
  const outputs = kernel.outputs.map((length, i) => {
    const over = kernel.over?.find(([output]) => output === i);
    return over === undefined ? place(spec.outputs[i], length) : inputs[over[1]];
  });
  const instruction = { operation: kernel.operation, inputs, outputs, attributes: kernel.attributes };
  const instructions = Array.from({ length: REPEATS }, () => instruction);
  return backend.compile({ name: kernel.name, buffers, instructions, arenaLength: 0 });
}

/** Seconds of a call, for every program run within SECONDS. */
async function times(executable: Executable): Promise<number[]> {
  await executable.run();
  const found: number[] = [];
  for (const end = performance.now() + 1000 * SECONDS; found.length === 0 || performance.now() < end; ) {
    const [{ milliseconds }] = await executable.profile();
    found.push(milliseconds / 1000 / REPEATS);
  }
  return found;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

interface Torch {
  version: string;
  times(name: string, threads: number): Promise<number[]>;
  stop(): void;
}

/** PyTorch, waiting for operations; or a sentence on why it is not there. */
async function startTorch(): Promise<Torch | string> {
  const script = join(packageRoot(), 'bench', 'peers', 'rows_torch.py');
  // Memory of results is not given back to the system after each call, which would cost a page fault for every 4 KiB.
  const memory = { MALLOC_MMAP_THRESHOLD_: '4294967296', MALLOC_TRIM_THRESHOLD_: '4294967296' };
  // -P: the other scripts of the folder are no modules for PyTorch (one is called statistics).
  const child: ChildProcessWithoutNullStreams = spawn(pythonOfPeers(), ['-P', script], {
    env: { ...process.env, ...memory },
  });
  child.on('error', () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const version = await lines.next();
  if (version.done) return 'PyTorch did not run; bench/peers/setup.sh sets its environment up.';
  const shapes = { rows: ROWS, columns: COLUMNS, inner: INNER, vocab: VOCAB, heads: HEADS, experts: EXPERTS };
  return {
    version: version.value,
    async times(name, threads) {
      child.stdin.write(`${JSON.stringify({ name, ...shapes, parameters: PARAMETERS, threads, seconds: SECONDS })}\n`);
      const line = await lines.next();
      return line.done ? [] : (JSON.parse(line.value) as number[]);
    },
    stop: () => child.stdin.end(),
  };
}

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { createRandom } from '../../src/core/random.ts';
import {
  type GemmShape,
  type GroupedShape,
  gemm,
  groupedGemm,
  groupedGemmWeights,
} from '../../src/tensor/reference/matmul.ts';

/** A native call, and what the twin says to it. */
interface Case {
  title: string;
  function: 'gemm' | 'groupedGemm' | 'groupedGemmWeights';
  args: (number | Float32Array | Int32Array | undefined)[];
  expected: Float32Array;
  /** Largest difference that rounding explains, entry by entry. */
  tolerance: Float32Array;
}

const random = createRandom(7);

function uniform(length: number): Float32Array {
  return Float32Array.from({ length }, () => 2 * random.float() - 1);
}

const absolute = (values: Float32Array): Float32Array => values.map(Math.abs);

/** Roundings of a sum of k products are a random walk: √k half units of the sum of magnitudes, and a few for the rest. */
function toleranceOf(magnitudes: Float32Array, k: number): Float32Array {
  return magnitudes.map((magnitude) => (8 + Math.sqrt(k)) * 2 ** -24 * magnitude);
}

function gemmCase(shape: GemmShape, withBias = false): Case {
  const { m, n, k, transposeA = false, transposeB = false, alpha = 1, accumulate = false } = shape;
  const { aRow = transposeA ? m : k, bRow = transposeB ? k : n, cRow = n } = shape;
  const a = uniform((transposeA ? k : m) * aRow);
  const b = uniform((transposeB ? n : k) * bRow);
  const c = uniform(m * cRow);
  const bias = withBias ? uniform(n) : undefined;
  const expected = c.slice();
  gemm(shape, a, b, expected, bias);
  const magnitudes = absolute(c);
  gemm({ ...shape, alpha: Math.abs(alpha) }, absolute(a), absolute(b), magnitudes, bias && absolute(bias));
  const sizes = [m, n, k, Number(transposeA), Number(transposeB), shape.aRow ?? 0, shape.bRow ?? 0, shape.cRow ?? 0];
  return {
    title: JSON.stringify({ ...shape, bias: withBias }),
    function: 'gemm',
    // C keeps what lies between its rows: the twin leaves it, so must the kernel.
    args: [...sizes, alpha, Number(accumulate), a, b, c, bias],
    expected,
    tolerance: toleranceOf(magnitudes, k),
  };
}

function groupedCase(shape: GroupedShape): Case {
  const { n, k, offsets, transposeB = false, alpha = 1, accumulate = false } = shape;
  const rows = offsets[offsets.length - 1];
  const [a, b, c] = [uniform(rows * k), uniform((offsets.length - 1) * n * k), uniform(rows * n)];
  const [expected, magnitudes] = [c.slice(), absolute(c)];
  groupedGemm(shape, a, b, expected);
  groupedGemm({ ...shape, alpha: Math.abs(alpha) }, absolute(a), absolute(b), magnitudes);
  return {
    title: `grouped ${JSON.stringify({ ...shape, offsets: [...offsets] })}`,
    function: 'groupedGemm',
    args: [n, k, offsets, Number(transposeB), alpha, Number(accumulate), a, b, c],
    expected,
    tolerance: toleranceOf(magnitudes, k),
  };
}

function groupedWeightsCase(shape: GroupedShape): Case {
  const { n, k, offsets, alpha = 1, accumulate = false } = shape;
  const rows = offsets[offsets.length - 1];
  const [a, b, c] = [uniform(rows * n), uniform(rows * k), uniform((offsets.length - 1) * n * k)];
  const [expected, magnitudes] = [c.slice(), absolute(c)];
  groupedGemmWeights(shape, a, b, expected);
  groupedGemmWeights({ ...shape, alpha: Math.abs(alpha) }, absolute(a), absolute(b), magnitudes);
  return {
    title: `grouped weights ${JSON.stringify({ ...shape, offsets: [...offsets] })}`,
    function: 'groupedGemmWeights',
    args: [n, k, offsets, alpha, Number(accumulate), a, b, c],
    expected,
    tolerance: toleranceOf(magnitudes, rows),
  };
}

const SIZES = [1, 2, 7, 13, 16, 17, 29, 31, 33, 48, 65, 129];

function cases(): Case[] {
  const list: Case[] = [];
  const pick = (): number => SIZES[Math.floor(random.float() * SIZES.length)];
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      for (let i = 0; i < 12; i++) {
        const [m, n, k] = [pick(), pick(), pick()];
        const shape: GemmShape = { m, n, k, transposeA, transposeB, accumulate: i % 2 === 1 };
        if (i % 3 === 0) shape.alpha = -0.75;
        if (i % 4 === 0) Object.assign(shape, { aRow: 140, bRow: 131, cRow: 133 });
        list.push(gemmCase(shape, i % 5 < 2));
      }
      // More than one block of depth and of columns, and distances at which rows of A share a set of the cache.
      list.push(gemmCase({ m: 45, n: 530, k: 519, transposeA, transposeB }, true));
      list.push(gemmCase({ m: 130, n: 70, k: 300, transposeA, transposeB, aRow: 1024, accumulate: true }));
      list.push(gemmCase({ m: 40, n: 100, k: 0, transposeA, transposeB }, true));
      list.push(gemmCase({ m: 0, n: 5, k: 3, transposeA, transposeB }));
      list.push(gemmCase({ m: 5, n: 0, k: 3, transposeA, transposeB }));
    }
  }
  // Enough to do for several threads, in rectangles of every form.
  list.push(gemmCase({ m: 211, n: 301, k: 99, transposeB: true }, true));
  list.push(gemmCase({ m: 1, n: 4001, k: 130, transposeB: true }));
  list.push(gemmCase({ m: 77, n: 130, k: 700, transposeA: true, accumulate: true }));
  list.push(groupedCase({ n: 130, k: 200, offsets: Int32Array.of(0, 90, 92, 110), transposeB: true }));
  list.push(groupedWeightsCase({ n: 130, k: 200, offsets: Int32Array.of(0, 90, 92, 110) }));
  // Generation: 1 to 16 rows.
  for (let m = 1; m <= 17; m++)
    list.push(gemmCase({ m, n: 203, k: 301, transposeB: true, accumulate: m % 2 === 0 }, true));
  const offsets = Int32Array.of(0, 3, 3, 40, 41, 120, 120);
  for (const transposeB of [false, true]) {
    list.push(groupedCase({ n: 37, k: 50, offsets, transposeB }));
    list.push(groupedCase({ n: 96, k: 129, offsets, transposeB, accumulate: true, alpha: 0.5 }));
  }
  list.push(groupedWeightsCase({ n: 37, k: 50, offsets }));
  list.push(groupedWeightsCase({ n: 129, k: 48, offsets, accumulate: true, alpha: 0.5 }));
  list.push(groupedCase({ n: 4, k: 4, offsets: Int32Array.of(0) }));
  return list;
}

interface Run {
  isa: string;
  results: { c: Float32Array; others: number[] }[];
}

function runNative(list: readonly Case[], isa: string): Run {
  const input = list.map((one) => ({
    function: one.function,
    args: one.args.map((arg) =>
      arg === undefined || typeof arg === 'number'
        ? arg
        : { type: arg.constructor.name, base64: Buffer.from(arg.buffer, 0, arg.byteLength).toString('base64') },
    ),
  }));
  const child = spawnSync(process.execPath, [fileURLToPath(new URL('gemm-child.mjs', import.meta.url))], {
    input: JSON.stringify(input),
    env: { ...process.env, CORPUSMILL_ISA: isa },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (child.status !== 0) throw new Error(child.stderr || `the child ended with ${child.status ?? child.signal}`);
  const output = JSON.parse(child.stdout) as { isa: string; results: { c: string; others: number[] }[] };
  const results = output.results.map(({ c, others }) => ({
    c: new Float32Array(new Uint8Array(Buffer.from(c, 'base64')).buffer),
    others,
  }));
  return { isa: output.isa, results };
}

describe.runIf(native)('the native matrix products', () => {
  const list = cases();
  it.each(native?.matmul.isas() ?? [])(
    'equal the twin within float32 rounding, with the same bits on 1 to 4 threads: %s',
    (isa) => {
      const run = runNative(list, isa);
      expect(run.isa).toBe(isa);
      const problems = list.flatMap((one, index) => {
        const { c, others } = run.results[index];
        const wrong = one.expected.findIndex((value, i) => !(Math.abs(c[i] - value) <= one.tolerance[i]));
        const where = `${one.title} at ${wrong}: ${c[wrong]}, not ${one.expected[wrong]}`;
        return [
          ...(wrong < 0 ? [] : [where]),
          ...others.map((threads) => `${one.title}: other bits on ${threads} threads`),
        ];
      });
      expect(problems).toEqual([]);
    },
    180_000,
  );
});

describe.runIf(native)('the native matrix products refuse', () => {
  const matmul = native?.matmul as NonNullable<typeof native>['matmul'];
  const f = (length: number): Float32Array => new Float32Array(length);

  it.each<[string, () => void]>([
    ['an A that is too short', () => matmul.gemm(2, 3, 4, 0, 0, 0, 0, 0, 1, 0, f(7), f(12), f(6))],
    ['a B that is too short', () => matmul.gemm(2, 3, 4, 0, 0, 0, 0, 0, 1, 0, f(8), f(11), f(6))],
    ['a C that is too short', () => matmul.gemm(2, 3, 4, 0, 0, 0, 0, 0, 1, 0, f(8), f(12), f(5))],
    ['a bias that is too short', () => matmul.gemm(2, 3, 4, 0, 0, 0, 0, 0, 1, 0, f(8), f(12), f(6), f(2))],
    ['a C too short for its distance of rows', () => matmul.gemm(2, 3, 4, 0, 0, 0, 0, 8, 1, 0, f(8), f(12), f(10))],
    ['rows that would overlap', () => matmul.gemm(2, 3, 4, 0, 0, 3, 0, 0, 1, 0, f(8), f(12), f(6))],
    ['a negative size', () => matmul.gemm(-1, 3, 4, 0, 0, 0, 0, 0, 1, 0, f(8), f(12), f(6))],
    ['a size that is no integer', () => matmul.gemm(1.5, 3, 4, 0, 0, 0, 0, 0, 1, 0, f(8), f(12), f(6))],
    ['an alpha that is no number', () => matmul.gemm(2, 3, 4, 0, 0, 0, 0, 0, Number.NaN, 0, f(8), f(12), f(6))],
    ['offsets that descend', () => matmul.groupedGemm(2, 2, Int32Array.of(0, 3, 2), 0, 1, 0, f(6), f(8), f(6))],
    ['offsets below 0', () => matmul.groupedGemm(2, 2, Int32Array.of(-1, 2), 0, 1, 0, f(6), f(8), f(6))],
    ['no offsets', () => matmul.groupedGemm(2, 2, new Int32Array(0), 0, 1, 0, f(6), f(8), f(6))],
    ['too few experts in B', () => matmul.groupedGemm(2, 2, Int32Array.of(0, 1, 3), 0, 1, 0, f(6), f(7), f(6))],
    ['too few rows in dY', () => matmul.groupedGemmWeights(2, 2, Int32Array.of(0, 1, 3), 1, 0, f(5), f(6), f(8))],
    ['no threads', () => matmul.setThreads(0)],
  ])('%s', (_, call) => {
    expect(call).toThrow(TypeError);
  });

  it('a C that shares memory with A', () => {
    const memory = f(20);
    expect(() =>
      matmul.gemm(2, 3, 4, 0, 0, 0, 0, 0, 1, 0, memory.subarray(0, 8), f(12), memory.subarray(7, 13)),
    ).toThrow(/overlaps/);
  });
});

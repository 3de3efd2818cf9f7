/**
 * Matrix products on WebGPU: every kernel that can compute one, in every transpose, on odd and even sizes, with and without
 * bias and addend, against the loops of the reference.
 */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { WebGpuBackend } from '../../../src/tensor/webgpu/backend.ts';
import { type ProductVariant, TILES } from '../../../src/tensor/webgpu/kernels/product-variant.ts';
import { noise } from '../graph-run.ts';
import { compareOn, type OperationCase, operation, runOperation } from '../operation-case.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

/** Software adapters compile slowly where other work goes on. */
vi.setConfig({ testTimeout: 180_000 });

interface MatmulCase {
  readonly sizes: readonly [m: number, n: number, k: number];
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly bias?: boolean;
  readonly addend?: boolean;
  readonly alpha?: number;
  /** Also with the result over the addend. */
  readonly inPlace?: boolean;
}

function matmul(given: MatmulCase): OperationCase {
  const { sizes, transposeA = false, transposeB = false, bias = false, addend = false, alpha = 1 } = given;
  const [m, n, k] = sizes;
  const inputs = [
    noise(m * k, 1),
    noise(k * n, 2),
    bias ? noise(n, 3) : undefined,
    addend ? noise(m * n, 4) : undefined,
  ];
  return operation('matmul', [m, n, k, Number(transposeA), Number(transposeB), alpha], inputs, [m * n]);
}

const TRANSPOSES = [
  { transposeA: false, transposeB: false },
  { transposeA: false, transposeB: true },
  { transposeA: true, transposeB: false },
  { transposeA: true, transposeB: true },
];

/** Both ways in which either matrix may lie. */
const BOTH_WAYS = TRANSPOSES.filter(({ transposeA, transposeB }) => transposeA !== transposeB);

/** Odd, even, vectors of four, smaller and larger than tiles, a single entry. */
const SIZES: readonly MatmulCase['sizes'][] = [
  [1, 1, 1],
  [3, 5, 7],
  [64, 64, 16],
  [36, 72, 44],
  [130, 68, 37],
  [33, 131, 66],
];

const TOLERANCE = { relative: 1e-5, ofLargest: 2e-6 };

async function compareAll(backend: WebGpuBackend, cases: readonly MatmulCase[]): Promise<void> {
  for (const given of cases) await compareOn(backend, matmul(given), TOLERANCE, { apart: given.inPlace !== true });
}

describeWithWebGpu('matmul on WebGPU', () => {
  /** What the backend computes its next products with: one device for all variants, on which each kernel is compiled once. */
  const force: { variant?: ProductVariant; splits?: number } = {};
  let backend: WebGpuBackend;
  beforeAll(async () => {
    backend = await webGpuBackend({ products: { force } });
  });
  afterAll(() => backend?.dispose());

  function use(variant: ProductVariant, splits = 0): void {
    Object.assign(force, { variant, splits });
  }

  const variants: readonly ProductVariant[] = ['direct', ...(Object.keys(TILES) as ProductVariant[])];
  it.each(variants)('%s: transposes, odd sizes', async (variant) => {
    use(variant);
    // Tiles of all sizes bring their matrices in by the same text: all transposes of one.
    const all = variant === 'direct' || variant === 'tile64';
    const cases = (all ? TRANSPOSES : BOTH_WAYS).flatMap((transposes) =>
      // Few kernels: all in words have both terms, all in vectors neither.
      SIZES.map((sizes) => {
        const terms = sizes.some((size) => size % 4 !== 0);
        return { sizes, ...transposes, bias: terms, addend: terms, alpha: 1 + sizes[0] / 8 };
      }),
    );
    await compareAll(backend, cases);
  });

  it.each(['direct', 'tile64'] as const)(
    '%s: the combinations of bias and addend, in vectors and in words, in place',
    async (variant) => {
      use(variant);
      const cases = [64, 63].flatMap((n) =>
        (variant === 'direct' ? [n - 63, n - 61] : [n - 62]).map((bits) => ({
          sizes: [20, n, 24] as const,
          bias: (bits & 1) === 1,
          addend: bits > 1,
          alpha: -2,
          inPlace: true,
        })),
      );
      await compareAll(backend, cases);
    },
  );

  it.each(['direct', 'tile64'] as const)('%s in parts of k', async (variant) => {
    use(variant, 5);
    const cases = (variant === 'direct' ? TRANSPOSES : BOTH_WAYS).flatMap((transposes) => [
      { sizes: [20, 36, 200] as const, ...transposes },
      { sizes: [13, 7, 203] as const, ...transposes, bias: true, addend: true, alpha: 0.5, inPlace: true },
    ]);
    await compareAll(backend, cases);
  });

  it('few rows by weights', async () => {
    use('rows');
    const cases: MatmulCase[] = [];
    for (const m of [1, 2, 3, 4, 7, 8, 16]) {
      const inPlace = m === 7;
      cases.push({ sizes: [m, 68, 260], transposeB: true, bias: m % 2 === 1, addend: m > 4, inPlace });
      cases.push({ sizes: [m, 37, 131], transposeB: true, bias: m % 2 === 0, addend: m > 2, alpha: 2, inPlace });
    }
    await compareAll(backend, cases);
  });

  it('an adapter with little workgroup memory computes in one stage', async () => {
    const limits = { maxComputeWorkgroupStorageSize: 16384 };
    const little = await webGpuBackend({ limits, products: { force: { variant: 'tile64' } } });
    const cases = BOTH_WAYS.map((transposes) => ({ sizes: [70, 66, 50] as const, ...transposes }));
    await compareAll(little, cases);
    await little.dispose();
  });

  it('nothing to sum: bias and addend remain', async () => {
    const cases = [0, 1, 2, 3].map((bits) => ({
      sizes: [5, 6, 0] as const,
      bias: (bits & 1) === 1,
      addend: bits > 1,
      inPlace: true,
    }));
    await compareAll(backend, cases);
    await compareAll(backend, [{ sizes: [0, 6, 4] }, { sizes: [5, 0, 4] }]);
  });

  it('cuts what a binding does not hold, in every transpose', async () => {
    // 16,384 words: each of a, b and out is larger in one of the cases.
    const small = await webGpuBackend({ limits: { maxStorageBufferBindingSize: 1 << 16 } });
    const cases = TRANSPOSES.flatMap((transposes): MatmulCase[] => [
      // Kernels of vectors are the quicker to compile; one transpose is in words, with all terms.
      transposes.transposeB
        ? { sizes: [200, 152, 40], ...transposes, addend: true }
        : { sizes: [200, 150, 40], transposeA: transposes.transposeA, bias: true, addend: true },
      // Without a bias the pieces are of one kernel.
      { sizes: [192, 24, 172], ...transposes, addend: true, alpha: 3 },
      { sizes: [24, 212, 160], ...transposes, addend: true, inPlace: true },
    ]);
    await compareAll(small, cases);
    await compareAll(small, [{ sizes: [190, 23, 173], transposeB: true, addend: true, alpha: 3 }]);
    await small.dispose();
  });

  it.for(['direct', 'tile64'] as const)('%s in float16, on adapters that have it', async (variant, { skip }) => {
    const half = await webGpuBackend({ products: { precision: 'f16', force: { variant } } });
    if (!half.features.has('shader-f16')) {
      await half.dispose();
      skip('this adapter has no shader-f16');
    }
    for (const transposes of BOTH_WAYS) {
      for (const sizes of [
        [36, 72, 44],
        [33, 31, 66],
      ] as const) {
        const rounded = matmul({ sizes, ...transposes, addend: true });
        await compareOn(half, rounded, { ofLargest: 2e-3 }, { apart: true });
        // Factors and their products are rounded to 11 bits; where those hold them, nothing is lost.
        const exact = rounded.inputs.map((values) => values?.map((value: number) => Math.round(value * 8) / 8));
        const given = { ...rounded, inputs: exact as OperationCase['inputs'] };
        await compareOn(half, given, TOLERANCE, { apart: true });
      }
    }
    await half.dispose();
  });

  it('gives the same bits each time', async () => {
    use('tile64', 3);
    const given = matmul({ sizes: [65, 33, 300], transposeA: true });
    const [first, second] = [await runOperation(backend, given), await runOperation(backend, given)];
    expect(second).toEqual(first);
  });
});

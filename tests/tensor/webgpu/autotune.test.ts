/** The choice of kernels for products: the rule by sizes, tables that were measured, and how they are measured and kept. */
import { describe, expect, it } from 'vitest';
import { measureTiles, storageStore, tileTable } from '../../../src/tensor/webgpu/autotune.ts';
import {
  chooseProduct,
  type ProductOptions,
  type ProductSizes,
  sizeClass,
  TILES,
  type WorkgroupLimits,
} from '../../../src/tensor/webgpu/kernels/product-variant.ts';
import { describeWithWebGpu, testGpu } from './device.ts';

const LIMITS: WorkgroupLimits = { maxInvocations: 256, maxWorkgroupBytes: 32768 };
const GPU_OPTIONS: ProductOptions = { isSoftware: false, precision: 'f32' };
const forward = (m: number, n: number, k: number): ProductSizes => ({ m, n, k, transposeA: false, transposeB: true });
const weights = (m: number, n: number, k: number): ProductSizes => ({ m, n, k, transposeA: true, transposeB: false });

describe('the choice of a kernel', () => {
  it('takes large tiles for large results, smaller ones where they would leave a GPU idle', () => {
    expect(chooseProduct(forward(4096, 4096, 768), GPU_OPTIONS, LIMITS)).toEqual({ variant: 'tile128', splits: 1 });
    expect(chooseProduct(forward(1024, 768, 768), GPU_OPTIONS, LIMITS).variant).toBe('tile64');
    expect(chooseProduct(forward(1024, 24, 768), GPU_OPTIONS, LIMITS).variant).toBe('tile32');
  });

  it('takes the kernel for few rows for generation, and only where b is [n, k]', () => {
    expect(chooseProduct(forward(1, 4096, 768), GPU_OPTIONS, LIMITS)).toEqual({ variant: 'rows', splits: 1 });
    expect(chooseProduct({ ...forward(1, 4096, 768), transposeB: false }, GPU_OPTIONS, LIMITS).variant).not.toBe(
      'rows',
    );
  });

  it('cuts a long k of a small result in parts of at least 256', () => {
    const { splits } = chooseProduct(weights(256, 256, 8192), GPU_OPTIONS, LIMITS);
    expect(splits).toBe(16);
    expect(chooseProduct(weights(256, 256, 700), GPU_OPTIONS, LIMITS).splits).toBe(2);
    expect(chooseProduct(weights(4096, 4096, 8192), GPU_OPTIONS, LIMITS).splits).toBe(1);
  });

  it('computes directly on software adapters', () => {
    const software = { ...GPU_OPTIONS, isSoftware: true };
    expect(chooseProduct(forward(4096, 4096, 768), software, LIMITS)).toEqual({ variant: 'direct', splits: 1 });
  });

  it('follows a table of measurements where its kernel can compute the product', () => {
    const sizes = forward(1000, 768, 768);
    const tuned = { [sizeClass(sizes)]: 'tile128x64' as const };
    expect(chooseProduct(sizes, { ...GPU_OPTIONS, tuned }, LIMITS).variant).toBe('tile128x64');
    expect(chooseProduct(forward(1024, 1024, 1024), { ...GPU_OPTIONS, tuned }, LIMITS).variant).toBe('tile128x64');
    expect(chooseProduct(forward(1025, 768, 768), { ...GPU_OPTIONS, tuned }, LIMITS).variant).toBe('tile64');
    const withoutF16 = { [sizeClass(sizes)]: 'matrix' as const };
    expect(chooseProduct(sizes, { ...GPU_OPTIONS, tuned: withoutF16 }, LIMITS).variant).toBe('tile64');
  });

  it('takes only tiles that an adapter has the workgroup memory and threads for', () => {
    const small = { ...LIMITS, maxWorkgroupBytes: 8192, maxInvocations: 64 };
    expect(chooseProduct(forward(4096, 4096, 768), GPU_OPTIONS, small).variant).toBe('direct');
  });

  it('takes subgroup matrices when float16 is asked for and the adapter has them', () => {
    const matrix = { m: 16, n: 16, k: 16, subgroupSize: 32 };
    const options: ProductOptions = { isSoftware: false, precision: 'f16', matrix };
    expect(chooseProduct(forward(4096, 4096, 768), options, LIMITS).variant).toBe('matrix');
    expect(chooseProduct(forward(4096, 4096, 768), { ...options, precision: 'f32' }, LIMITS).variant).toBe('tile128');
  });
});

describeWithWebGpu('auto-tune', () => {
  it('measures nothing on a software adapter, and else keeps what it measured', async () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    };
    const gpu = testGpu();
    const table = await tileTable(gpu, storageStore(storage));
    if (table === undefined) expect(kept.size).toBe(0);
    else expect(await tileTable(gpu, storageStore(storage))).toEqual(table);
  });

  it('gives kernels by classes of sizes', { timeout: 180_000 }, async () => {
    const sizes = forward(8, 16, 8);
    const table = await measureTiles(testGpu(), [sizes]);
    for (const [key, variant] of Object.entries(table)) {
      expect(key).toBe(sizeClass(sizes));
      expect([...Object.keys(TILES), 'direct', 'matrix']).toContain(variant);
    }
  });
});

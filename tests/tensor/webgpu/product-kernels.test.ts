/**
 * WGSL of products that few adapters can run: float16 and subgroup matrices. Dawn's null adapter has every feature and
 * computes nothing, so here its compiler judges that every form of the kernels is valid WGSL.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { type KernelSource, moduleOf } from '../../../src/tensor/webgpu/kernel.ts';
import type { ProductForm } from '../../../src/tensor/webgpu/kernels/product-form.ts';
import { productKernel, WHOLE } from '../../../src/tensor/webgpu/kernels/product-kernel.ts';
import { matrixKernel, usableMatrix } from '../../../src/tensor/webgpu/kernels/product-matrix.ts';
import { DIRECT, TILES } from '../../../src/tensor/webgpu/kernels/product-variant.ts';

interface Dawn {
  create(options: string[]): GPU;
  readonly globals: Record<string, unknown>;
}

/** Where Dawn's object is held for ever: a constant of this module that nothing reads could be collected (see open-node.ts). */
const held = globalThis as { nullGpu?: GPU };
let device: GPUDevice | undefined;
try {
  const dawn = (await import('webgpu')) as unknown as Dawn;
  Object.assign(globalThis, dawn.globals);
  held.nullGpu = dawn.create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
  const adapter = await held.nullGpu.requestAdapter();
  const requiredFeatures = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'] as GPUFeatureName[];
  device = await adapter?.requestDevice({ requiredFeatures });
} catch {
  device = undefined;
}

const TRANSPOSES = [0, 1, 2, 3].map((bits) => ({ transposeA: (bits & 1) === 1, transposeB: bits > 1 }));
const PLAIN: ProductForm = {
  tile: TILES.tile64,
  isDirect: false,
  transposeA: false,
  transposeB: false,
  isVector: true,
  isExact: false,
  hasBias: true,
  hasAddend: true,
  half: true,
  stages: 2,
  scope: WHOLE,
};

/** What the compiler and the making of a pipeline find wrong. */
async function errorsOf(kernel: KernelSource): Promise<string[]> {
  const gpu = device as GPUDevice;
  gpu.pushErrorScope('validation');
  const bindingOf = kernel.operands.map((_, i) => i);
  const module = gpu.createShaderModule({ code: moduleOf(kernel, bindingOf) });
  gpu.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const { messages } = await module.getCompilationInfo();
  const error = await gpu.popErrorScope();
  // The null adapter has 16 KiB of workgroup memory, others 32: that alone is no fault of the kernel.
  const isTooLarge = error?.message.includes('total use of workgroup storage') === true;
  const found = messages.filter(({ type }) => type === 'error').map(({ message }) => `${kernel.name}: ${message}`);
  return error === null || isTooLarge ? found : [...found, error.message];
}

describe.skipIf(device === undefined)('kernels that compile without an adapter to run them', () => {
  beforeAll(() => expect(device?.features.has('shader-f16')).toBe(true));

  it.each(Object.entries(TILES))('%s in float16', async (_, tile) => {
    for (const transposes of TRANSPOSES) {
      for (const isVector of [true, false]) {
        expect(await errorsOf(productKernel({ ...PLAIN, ...transposes, tile, isVector }))).toEqual([]);
      }
    }
  });

  it('direct in float16', async () => {
    for (const transposes of TRANSPOSES) {
      const form = { ...PLAIN, ...transposes, tile: DIRECT, isDirect: true };
      expect(await errorsOf(productKernel(form))).toEqual([]);
      expect(await errorsOf(productKernel({ ...form, isExact: true }))).toEqual([]);
    }
  });

  it.each([
    ['16 × 16 × 16, NVIDIA and AMD', { m: 16, n: 16, k: 16, subgroupSize: 32 }],
    ['8 × 8 × 8, Apple', { m: 8, n: 8, k: 8, subgroupSize: 32 }],
    ['8 × 16 × 16, Intel', { m: 8, n: 16, k: 16, subgroupSize: 16 }],
  ])('subgroup matrices of %s', async (_, config) => {
    for (const transposes of TRANSPOSES) {
      for (const isVector of [true, false]) {
        expect(await errorsOf(matrixKernel({ ...PLAIN, ...transposes, isVector }, config))).toEqual([]);
      }
    }
  });

  it('takes the first configuration with f16 operands and f32 results, and one size of subgroups', () => {
    const config = { componentType: 'f16', resultComponentType: 'f32', M: 16, N: 16, K: 16 };
    const info = (configs: object[], least: number, most: number) =>
      ({ subgroupMatrixConfigs: configs, subgroupMinSize: least, subgroupMaxSize: most }) as unknown as GPUAdapterInfo;
    const others = [
      { ...config, resultComponentType: 'f16' },
      { ...config, componentType: 'u8', resultComponentType: 'u32' },
      { ...config, M: 24 },
    ];
    expect(usableMatrix(info([...others, config], 32, 32))).toEqual({ m: 16, n: 16, k: 16, subgroupSize: 32 });
    expect(usableMatrix(info([config], 32, 64))).toBeUndefined();
    expect(usableMatrix(info(others, 32, 32))).toBeUndefined();
  });
});

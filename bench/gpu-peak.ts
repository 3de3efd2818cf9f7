/**
 * What a GPU could do at most: its data sheet's figures where the card is known, and what multiply-adds in registers and a copy
 * reach on it, measured by WGSL.
 */
import type { WebGpuBackend } from '../src/tensor/webgpu/backend.ts';

/** TFLOP/s: float32 on the ordinary units, and float16 products with float32 sums on the matrix units, dense. Data sheets. */
const CARDS: readonly [name: RegExp, float32: number, float16: number][] = [
  [/\bH200\b/, 66.9, 989],
  [/\bH100\b.*PCIe/i, 51.2, 756],
  [/\bH100\b|\bGH200\b/, 66.9, 989],
  [/\bB200\b/, 75, 2250],
  [/\bA100\b/, 19.5, 312],
  [/\bA10G?\b/, 31.2, 125],
  [/\bL40S\b/, 91.6, 362],
  [/\bL4\b/, 30.3, 121],
  [/\bT4\b/, 8.1, 65],
  [/\bV100\b/, 15.7, 125],
  [/RTX 5090/, 104.8, 210],
  [/RTX 4090/, 82.6, 165],
  [/RTX 4080/, 48.7, 97],
  [/RTX 3090/, 35.6, 71],
  [/RTX 3080/, 29.8, 60],
  [/7900 XTX/, 61.4, 123],
  [/Apple M4 Max/, 18.4, 36.8],
  [/Apple M3 Max/, 14.2, 28.4],
  [/Apple M1\b/, 2.6, 5.2],
];

export interface GpuPeak {
  /** GFLOP/s of the data sheet; null for a card that is not listed. */
  readonly sheetFloat32: number | null;
  readonly sheetFloat16: number | null;
  /** GFLOP/s of float32 multiply-adds in registers. */
  readonly measuredFloat32: number;
  /** The same in float16 vectors, on the ordinary units; null without shader-f16. */
  readonly measuredFloat16: number | null;
  /** GB/s of reading and writing 64 MiB. */
  readonly measuredBandwidth: number;
}

export async function gpuPeak({ device, adapter, features }: WebGpuBackend): Promise<GpuPeak> {
  const name = `${adapter.description} ${adapter.device}`;
  const card = CARDS.find(([pattern]) => pattern.test(name));
  return {
    sheetFloat32: card === undefined ? null : 1000 * card[1],
    sheetFloat16: card === undefined ? null : 1000 * card[2],
    measuredFloat32: await multiplyAdds(device, adapter.isSoftware, 'f32'),
    measuredFloat16: features.has('shader-f16') ? await multiplyAdds(device, adapter.isSoftware, 'f16') : null,
    measuredBandwidth: await copies(device),
  };
}

const STORAGE = 0x80 | 4 | 8;

/** Chains of dependent multiply-adds, eight vectors of four to a thread, so that their latency is hidden. */
async function multiplyAdds(device: GPUDevice, isSoftware: boolean, type: 'f32' | 'f16'): Promise<number> {
  const chains = 8;
  const vector = `vec4<${type}>`;
  const each = (line: (i: number) => string): string => Array.from({ length: chains }, (_, i) => line(i)).join(' ');
  const code = `${type === 'f16' ? 'enable f16;' : ''}
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<storage, read_write> rounds: array<u32>;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3u) {
  let b = ${vector}(${type}(f32(rounds[1]) * 1e-3 + 0.5));
  let c = ${vector}(${type}(f32(id.x & 3u) * 1e-3));
  ${each((i) => `var a${i} = ${vector}(${type}(${i}));`)}
  for (var i = 0u; i < rounds[0]; i++) { ${each((i) => `a${i} = fma(a${i}, b, c);`)} }
  let sum = ${Array.from({ length: chains }, (_, i) => `a${i}`).join(' + ')};
  if (f32(sum.x + sum.y + sum.z + sum.w) == -1.0) { out[0] = 1.0; }
}`;
  const out = device.createBuffer({ size: 256, usage: STORAGE });
  const rounds = device.createBuffer({ size: 16, usage: STORAGE });
  const module = device.createShaderModule({ code });
  const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } });
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [out, rounds].map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  const groups = isSoftware ? 16 : 4096;
  const run = async (count: number): Promise<number> => {
    device.queue.writeBuffer(rounds, 0, Uint32Array.of(count, 1, 0, 0));
    await device.queue.onSubmittedWorkDone();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(groups);
    pass.end();
    const start = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  };
  let count = 64;
  while ((await run(count)) < 40 && count < 1 << 20) count *= 2;
  let best = 0;
  for (let i = 0; i < 5; i++) best = Math.max(best, (2 * 4 * chains * count * 256 * groups) / (await run(count)) / 1e6);
  out.destroy();
  rounds.destroy();
  return best;
}

async function copies(device: GPUDevice): Promise<number> {
  const size = 64 << 20;
  const [from, to] = [0, 1].map(() => device.createBuffer({ size, usage: STORAGE }));
  const repeats = 16;
  let best = 0;
  for (let i = 0; i < 4; i++) {
    const encoder = device.createCommandEncoder();
    for (let copy = 0; copy < repeats; copy++) encoder.copyBufferToBuffer(from, 0, to, 0, size);
    const start = performance.now();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    best = Math.max(best, (2 * size * repeats) / (performance.now() - start) / 1e6);
  }
  from.destroy();
  to.destroy();
  device.queue.submit([]);
  return best;
}

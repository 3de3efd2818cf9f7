/**
 * WebGPU on this machine's adapter: matrix products by shape and type beside what multiply-adds in registers reach on it, and
 * training tokens per second, beside PyTorch where it is installed (CUDA where PyTorch has it). Software adapters get small
 * sizes: they are for correctness.
 *
 * CORPUSMILL_BENCH_MODELS=1m,6m,25m,124m chooses models, CORPUSMILL_BENCH_SECONDS how long each figure takes (default 2). Kernels
 * that a step launches and buffers that it makes once warm are counted.
 */
import type { Program } from '../src/tensor/backend.ts';
import { openGpu } from '../src/tensor/open-backend.ts';
import type { OperationProfile } from '../src/tensor/operation-cost.ts';
import { nameOfAdapter } from '../src/tensor/webgpu/adapter.ts';
import { createWebGpuBackend, type WebGpuBackend } from '../src/tensor/webgpu/backend.ts';
import type { Bench } from './bench.ts';
import { type GpuPeak, gpuPeak } from './gpu-peak.ts';
import { median } from './median.ts';
import { openPythonPeer, type PythonPeer } from './python-peer.ts';
import { openTrainingRun } from './training-run.ts';

type Form = 'NT' | 'NN' | 'TN';
type Type = 'f32' | 'f16';

/** m, n, k: squares, and the products of a 124M-parameter model on 8,192 tokens. */
const SHAPES: readonly [what: string, form: Form, m: number, n: number, k: number][] = [
  ['1024', 'NN', 1024, 1024, 1024],
  ['2048', 'NN', 2048, 2048, 2048],
  ['4096', 'NN', 4096, 4096, 4096],
  ['4096', 'NT', 4096, 4096, 4096],
  ['4096', 'TN', 4096, 4096, 4096],
  ['8192', 'NN', 8192, 8192, 8192],
  ['qkv', 'NT', 8192, 2304, 768],
  ['up', 'NT', 8192, 3072, 768],
  ['down', 'NT', 8192, 768, 3072],
  ['d weights of up', 'TN', 3072, 768, 8192],
  ['head', 'NT', 1024, 50257, 768],
  ['one row', 'NT', 1, 3072, 768],
];
const SOFTWARE_SHAPES: typeof SHAPES = [
  ['256', 'NN', 256, 256, 256],
  ['256', 'NT', 256, 256, 256],
  ['256', 'TN', 256, 256, 256],
  ['1024', 'NN', 1024, 1024, 1024],
];

/** Of configs/models, tokens of a step. */
const MODELS: Readonly<Record<string, { model: string; batch: number; time: number }>> = {
  '1m': { model: 'tiny-qwen2-1m', batch: 32, time: 128 },
  '6m': { model: 'tiny-qwen2-6m', batch: 16, time: 256 },
  '25m': { model: 'tiny-qwen2-25m', batch: 8, time: 512 },
  '124m': { model: 'gpt2-124m', batch: 8, time: 1024 },
};
const SOFTWARE_MODELS: typeof MODELS = { '1m': { model: 'tiny-qwen2-1m', batch: 1, time: 64 } };

type Figures = Record<string, number | string | boolean | null>;
type Table = (string | number)[][];

export const webgpuSpeed: Bench = {
  name: 'webgpu-speed',
  summary: 'WebGPU: matrix products by shape and type, training tokens per second, beside PyTorch',
  async run() {
    const seconds = Number(process.env['CORPUSMILL_BENCH_SECONDS'] ?? 2);
    const gpu = await openGpu();
    const backend = await createWebGpuBackend(gpu);
    const { isSoftware } = backend.adapter;
    const types: Type[] = backend.features.has('shader-f16') ? ['f32', 'f16'] : ['f32'];
    const peak = await gpuPeak(backend);
    await backend.dispose();
    const peer = openPythonPeer('gpu_torch.py');
    const about = (await peer.ask({ kind: 'info' })) as { device?: string; torch?: string; error?: string };
    const notes = [
      `Adapter: ${nameOfAdapter(backend.adapter)}; features ${[...backend.features].join(', ')}.`,
      peakNote(peak),
      about.error ?? `Peer: PyTorch ${about.torch} on ${about.device}.`,
    ];
    const table: Table = [['what', 'type', 'corpusmill', 'unit', 'of peak', 'PyTorch', 'ratio']];
    const figures: Figures = { adapter: nameOfAdapter(backend.adapter), software: isSoftware, ...rounded(peak) };
    try {
      for (const type of types) {
        const opened = await createWebGpuBackend(gpu, { products: { precision: type } });
        for (const shape of isSoftware ? SOFTWARE_SHAPES : SHAPES) {
          await measureProduct({ opened, peer, peak, type, shape, seconds }, table, figures).catch((error: Error) => {
            notes.push(`${shape[0]} ${shape[1]} ${type}: ${error.message}`);
          });
        }
        await opened.dispose();
      }
      const models = isSoftware ? SOFTWARE_MODELS : MODELS;
      const wanted = (process.env['CORPUSMILL_BENCH_MODELS'] ?? Object.keys(models).join(',')).split(',');
      for (const name of wanted) {
        for (const type of types) {
          const given = models[name] ?? MODELS[name];
          const opened = await createWebGpuBackend(gpu, { products: { precision: type } });
          await measureTraining({ opened, peer, peak, type, name, given, seconds }, table, figures, notes).catch(
            (error: Error) => {
              notes.push(`${name} ${type}: ${error.message}`);
            },
          );
          await opened.dispose();
        }
      }
    } finally {
      peer.close();
    }
    return { table, figures, notes };
  },
};

interface Given {
  readonly opened: WebGpuBackend;
  readonly peer: PythonPeer;
  readonly peak: GpuPeak;
  readonly type: Type;
  readonly seconds: number;
}

/** Several products in one submission, so that what is timed is the kernel. */
async function measureProduct(
  { opened, peer, peak, type, shape, seconds }: Given & { shape: (typeof SHAPES)[number] },
  table: Table,
  figures: Figures,
): Promise<void> {
  const [what, form, m, n, k] = shape;
  const flops = 2 * m * n * k;
  const repeats = opened.adapter.isSoftware ? 1 : Math.max(1, Math.min(200, Math.round(2e11 / flops)));
  const buffers = [m * k, k * n, m * n].map((length, i) => opened.createBuffer('f32', length, 'abc'[i]));
  for (const [i, buffer] of buffers.slice(0, 2).entries()) {
    opened.write(
      buffer,
      new Float32Array(buffer.length).map((_, j) => (((j + i) * 7919) % 201) / 100 - 1),
    );
  }
  const [a, b, out] = buffers.map(({ length }, i) => ({ slot: i + 1, offset: 0, length, dtype: 'f32' as const }));
  const program: Program = {
    name: `${what} ${form}`,
    buffers,
    instructions: Array.from({ length: repeats }, () => ({
      operation: 'matmul' as const,
      inputs: [a, b, undefined, undefined],
      outputs: [out],
      attributes: [m, n, k, form[0] === 'T' ? 1 : 0, form[1] === 'T' ? 1 : 0, 1],
    })),
    arenaLength: 0,
  };
  const executable = opened.compile(program);
  await executable.run();
  const rates: number[] = [];
  for (const start = performance.now(); rates.length < 3 || performance.now() - start < 1000 * seconds; ) {
    const began = performance.now();
    await executable.run();
    rates.push((repeats * flops) / (performance.now() - began) / 1e6);
    if (rates.length >= 30) break;
  }
  executable.dispose();
  for (const buffer of buffers) opened.disposeBuffer(buffer);
  const own = median(rates);
  const rows: [label: string, key: string, dtype: string][] =
    type === 'f32'
      ? [['f32', 'f32', 'f32']]
      : [
          ['f16', 'f16', 'f16'],
          ['f16 / bf16', 'bf16', 'bf16'],
        ];
  const limit = type === 'f32' ? (peak.sheetFloat32 ?? peak.measuredFloat32) : peak.sheetFloat16;
  for (const [label, key, dtype] of rows) {
    const answer = (await peer.ask({ kind: 'matmul', m, n, k, form, dtype, seconds: 0.5 })) as { gflops?: number };
    table.push([
      `product ${what} ${form}`,
      label,
      figure(own),
      'GFLOP/s',
      limit === null ? '-' : percent(own / limit),
      answer.gflops === undefined ? '-' : figure(answer.gflops),
      answer.gflops === undefined ? '-' : (own / answer.gflops).toFixed(2),
    ]);
    const name = `${what.replace(/\W+/g, '_')}_${form}`;
    figures[`gflops_${name}_${type}`] = figure(own);
    figures[`torchGflops_${name}_${key}`] = answer.gflops === undefined ? null : figure(answer.gflops);
  }
}

async function measureTraining(
  { opened, peer, peak, type, name, given, seconds }: Given & { name: string; given: (typeof MODELS)[string] },
  table: Table,
  figures: Figures,
  notes: string[],
): Promise<void> {
  const run = openTrainingRun(opened, { ...given, precision: type === 'f16' ? 'f16' : 'float32' });
  await run.once();
  await run.once();
  const before = opened.counts();
  const own = await run.speed(seconds);
  const after = opened.counts();
  const gflops = (own * run.flopsPerToken) / 1e9;
  const limit = type === 'f32' ? (peak.sheetFloat32 ?? peak.measuredFloat32) : peak.sheetFloat16;
  const rows = type === 'f32' ? ['f32'] : ['f16', 'bf16'];
  for (const dtype of rows) {
    const { batch, time } = given;
    const asked = { kind: 'train', model: run.json, batch, time, dtype, seconds };
    const answer = (await peer.ask(asked)) as { tokensPerSecond?: number; error?: string };
    if (answer.error !== undefined && !notes.includes(answer.error)) notes.push(answer.error);
    const theirs = answer.tokensPerSecond;
    table.push([
      `train ${name}, ${batch} × ${time}`,
      type === dtype ? type : `${type} / ${dtype}`,
      figure(own),
      'tokens/s',
      limit === null ? '-' : percent(gflops / limit),
      theirs === undefined ? '-' : figure(theirs),
      theirs === undefined ? '-' : (own / theirs).toFixed(2),
    ]);
    figures[`torchTokensPerSecond_${name}_${dtype}`] = theirs === undefined ? null : figure(theirs);
  }
  figures[`tokensPerSecond_${name}_${type}`] = figure(own);
  figures[`gflopsTraining_${name}_${type}`] = figure(gflops);
  figures[`launchesPerStep_${name}_${type}`] = run.launches ?? null;
  figures[`buffersMadeWhenWarm_${name}_${type}`] = after.buffers - before.buffers;
  notes.push(`${name} ${type}, one step:\n${profileLines(await run.profile())}`);
  run.dispose();
}

/** The slowest operations with their rates. */
function profileLines(operations: readonly OperationProfile[]): string {
  return operations
    .slice(0, 14)
    .map(({ operation, calls, milliseconds, flops, bytes }) => {
      const rates = `${figure(flops / milliseconds / 1e6)} GFLOP/s, ${figure(bytes / milliseconds / 1e6)} GB/s`;
      return `  ${operation.padEnd(22)} ${String(calls).padStart(4)} × ${milliseconds.toFixed(3).padStart(10)} ms  ${rates}`;
    })
    .join('\n');
}

function peakNote({ sheetFloat32, measuredFloat32, measuredFloat16, measuredBandwidth }: GpuPeak): string {
  const sheet = sheetFloat32 === null ? '' : ` (data sheet: ${sheetFloat32})`;
  const half = measuredFloat16 === null ? '' : `, float16 ${Math.round(measuredFloat16)}`;
  return `Multiply-adds in registers: float32 ${Math.round(measuredFloat32)}${sheet}${half} GFLOP/s; copies ${Math.round(measuredBandwidth)} GB/s.`;
}

function rounded(peak: GpuPeak): Figures {
  return Object.fromEntries(Object.entries(peak).map(([name, value]) => [name, value && figure(value as number)]));
}

/** Three digits, whole from a hundred on. */
function figure(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}

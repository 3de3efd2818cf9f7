/**
 * WebGPU on this machine's adapter against other implementations: the golden architectures against PyTorch (logits, loss, every
 * gradient, twelve steps of AdamW, greedy text), 50 steps of a small model against the native backend, and 500 steps of a tiny one
 * that learns a text, after which nothing may have grown.
 *
 * Software adapters are slow, all of it takes a quarter of an hour there: CORPUSMILL_BENCH_MODELS=qwen3 chooses architectures,
 * CORPUSMILL_BENCH_STEPS=100 steps of the last part.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { packageRoot } from '../src/core/package-root.ts';
import { openBackend, openGpu } from '../src/tensor/open-backend.ts';
import { nameOfAdapter } from '../src/tensor/webgpu/adapter.ts';
import { createWebGpuBackend, type WebGpuBackend } from '../src/tensor/webgpu/backend.ts';
import { createTextTraining } from '../src/training/text-training.ts';
import type { Bench } from './bench.ts';
import { GOLDEN_MODELS } from './golden-model.ts';
import { createGoldenTable } from './golden-table.ts';
import { openTrainingRun } from './training-run.ts';

const SMALL = { model: 'tiny-qwen3-1m', batch: 1, time: 32 };

export const webgpuParity: Bench = {
  name: 'webgpu-parity',
  summary: 'WebGPU against PyTorch (goldens) and the native backend (50 steps); growth over 500 steps',
  async run() {
    const notes: string[] = [];
    const goldenTable = createGoldenTable();
    const backend = await createWebGpuBackend(await openGpu());
    const goldens = join(process.env['CORPUSMILL_SHARED'] ?? join(packageRoot(), '..', 'shared'), 'goldens');
    const wanted = process.env['CORPUSMILL_BENCH_MODELS']?.split(',') ?? GOLDEN_MODELS;
    const folders = wanted.map((name) => join(goldens, name)).filter(existsSync);
    if (folders.length === 0) notes.push('no folder of goldens beside this checkout');
    for (const folder of folders) await goldenTable.add(folder, backend);
    const other = await openBackend('auto');
    const [own, theirs] = [openTrainingRun(backend, SMALL), openTrainingRun(other, SMALL)];
    let lossDifference = 0;
    for (let step = 0; step < 50; step++) {
      lossDifference = Math.max(lossDifference, Math.abs((await own.once()) / (await theirs.once()) - 1));
    }
    theirs.dispose();
    await other.dispose();
    own.dispose();
    const steps = Number(process.env['CORPUSMILL_BENCH_STEPS'] ?? 500);
    const growth = await growthOver(backend, steps);
    await backend.dispose();
    notes.push(`Adapter: ${nameOfAdapter(backend.adapter)}; losses of 50 steps beside the ${other.name} backend's.`);
    const figures = {
      adapter: nameOfAdapter(backend.adapter),
      software: backend.adapter.isSoftware,
      ...goldenTable.figures(),
      maxLossDifferenceOver50Steps: lossDifference,
      steps,
      ...growth,
      launchesPerStep: own.launches ?? null,
    };
    return { table: goldenTable.table, figures, notes };
  },
};

/**
 * What is more after so many steps than after 50, once garbage is collected: Dawn in Node asks in every turn of the event loop whether
 * the GPU is ready, and what that leaves behind (tens of MiB) says nothing of growth.
 */
async function growthOver(backend: WebGpuBackend, steps: number): Promise<Record<string, number>> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const now = () => {
    collect();
    const { rss, heapUsed } = process.memoryUsage();
    return { ...backend.counts(), resident: rss, heap: heapUsed };
  };
  let warm = now();
  const text = 'The sea is wide, the sea is deep, and nobody has counted its waves. '.repeat(60);
  const training = createTextTraining(backend, text, {
    layers: 2,
    hiddenSize: 32,
    heads: 2,
    context: 32,
    rows: 2,
    steps,
    evaluateEvery: 0,
    onRecord: (record) => {
      if (record.kind !== 'step') return;
      if (record.step === 45) collect();
      if (record.step === 50) warm = now();
    },
  });
  await training.trainer.run();
  // Wrappers of Dawn's objects are freed a turn after they were found to be garbage.
  collect();
  await turn();
  const last = now();
  training.dispose();
  return {
    buffersMadeAfterStep50: last.buffers - warm.buffers,
    bytesGrownAfterStep50: last.bytes - warm.bytes,
    pipelinesMadeAfterStep50: last.pipelines - warm.pipelines,
    heapMiBGrownAfterStep50: Math.round((last.heap - warm.heap) / 2 ** 20),
    residentMiBGrownAfterStep50: Math.round((last.resident - warm.resident) / 2 ** 20),
  };
}

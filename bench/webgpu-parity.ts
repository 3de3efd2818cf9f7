/**
 * WebGPU on this machine's adapter against other implementations: the golden architectures against PyTorch (logits, loss, every
 * gradient, twelve steps of AdamW, greedy text), 50 steps of a small model against the native backend, and 500 steps of it
 * after which nothing may have grown.
 *
 * Software adapters are slow: CORPUSMILL_BENCH_MODELS=qwen3 chooses architectures, CORPUSMILL_BENCH_STEPS=100 steps of the last part.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/core/native.ts';
import { openBackend, openGpu } from '../src/tensor/open-backend.ts';
import { nameOfAdapter } from '../src/tensor/webgpu/adapter.ts';
import { createWebGpuBackend } from '../src/tensor/webgpu/backend.ts';
import type { Bench } from './bench.ts';
import { GOLDEN_MODELS, measureLogits, measureTraining, openGoldenFolder } from './golden-model.ts';
import { openTrainingRun } from './training-run.ts';

const SMALL = { model: 'tiny-qwen3-1m', batch: 1, time: 32 };

export const webgpuParity: Bench = {
  name: 'webgpu-parity',
  summary: 'WebGPU against PyTorch (goldens) and the native backend (50 steps); growth over 500 steps',
  async run() {
    const notes: string[] = [];
    const table: (string | number)[][] = [
      ['model', 'logits', 'packed', 'loss', 'gradient', 'of', 'trajectory', 'greedy identical'],
    ];
    const backend = await createWebGpuBackend(await openGpu());
    const goldens = join(process.env['CORPUSMILL_SHARED'] ?? join(packageRoot(), '..', 'shared'), 'goldens');
    const wanted = process.env['CORPUSMILL_BENCH_MODELS']?.split(',') ?? GOLDEN_MODELS;
    const folders = wanted.map((name) => join(goldens, name)).filter(existsSync);
    if (folders.length === 0) notes.push('no folder of goldens beside this checkout');
    const most = { logits: 0, loss: 0, gradient: 0, trajectory: 0 };
    let greedyIdentical = true;
    for (const folder of folders) {
      const golden = await openGoldenFolder(folder, backend);
      const { logits, packedLogits } = await measureLogits(backend, golden);
      const { loss, gradient, gradientOf, trajectory, ...rest } = await measureTraining(backend, golden);
      const name = folder.split(/[\\/]/).at(-1) ?? folder;
      const numbers = [logits, packedLogits, loss, gradient].map((value) => value.toExponential(1));
      table.push([name, ...numbers, gradientOf, trajectory.toExponential(1), String(rest.greedyIdentical)]);
      most.logits = Math.max(most.logits, logits, packedLogits);
      most.loss = Math.max(most.loss, loss);
      most.gradient = Math.max(most.gradient, gradient);
      most.trajectory = Math.max(most.trajectory, trajectory);
      greedyIdentical &&= rest.greedyIdentical;
      golden.weights.dispose();
      await golden.reference.close();
    }
    const other = await openBackend('auto');
    const [own, theirs] = [openTrainingRun(backend, SMALL), openTrainingRun(other, SMALL)];
    let lossDifference = 0;
    for (let step = 0; step < 50; step++) {
      lossDifference = Math.max(lossDifference, Math.abs((await own.once()) / (await theirs.once()) - 1));
    }
    theirs.dispose();
    await other.dispose();
    const steps = Number(process.env['CORPUSMILL_BENCH_STEPS'] ?? 500);
    const [warm, warmMemory] = [backend.counts(), process.memoryUsage().rss];
    for (let step = 50; step < steps; step++) await own.once();
    const [last, lastMemory] = [backend.counts(), process.memoryUsage().rss];
    own.dispose();
    await backend.dispose();
    notes.push(`Adapter: ${nameOfAdapter(backend.adapter)}; losses of 50 steps beside the ${other.name} backend's.`);
    const figures = {
      adapter: nameOfAdapter(backend.adapter),
      software: backend.adapter.isSoftware,
      models: folders.length,
      maxLogitError: most.logits,
      maxLossRelative: most.loss,
      maxGradientRelative: most.gradient,
      maxTrajectoryRelative: most.trajectory,
      greedyIdentical,
      maxLossDifferenceOver50Steps: lossDifference,
      steps,
      buffersMadeAfterStep50: last.buffers - warm.buffers,
      bytesGrownAfterStep50: last.bytes - warm.bytes,
      pipelinesMadeAfterStep50: last.pipelines - warm.pipelines,
      residentMiBGrownAfterStep50: Math.round((lastMemory - warmMemory) / 2 ** 20),
      launchesPerStep: own.launches ?? null,
    };
    return { table, figures, notes };
  },
};

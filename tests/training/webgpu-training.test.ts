/** Training and generating on WebGPU: the losses and texts of the other backends, no growth, and a device that is lost. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import type { CorpusmillError } from '../../src/core/errors.ts';
import { native } from '../../src/core/native.ts';
import { readModelConfig } from '../../src/models/hf-config.ts';
import { createWeights } from '../../src/models/weights.ts';
import { loadTrainConfig } from '../../src/pipeline/config/load-train.ts';
import type { Backend } from '../../src/tensor/backend.ts';
import { openBackend } from '../../src/tensor/open-backend.ts';
import type { WebGpuBackend } from '../../src/tensor/webgpu/backend.ts';
import { createGenerator } from '../../src/training/generation/generator.ts';
import type { LogRecord } from '../../src/training/log.ts';
import { pretrainingObjective } from '../../src/training/objective.ts';
import { prepareTraining } from '../../src/training/run-training.ts';
import { createTrainer } from '../../src/training/trainer.ts';
import { SMALL } from '../models/small-models.ts';
import { describeWithWebGpu, webGpuBackend } from '../tensor/webgpu/device.ts';
import { ROWS, someData, TIME, tinyConfig } from './tiny-training.ts';

/** Enough text that a row can begin at many places. */
const TEXT = Array.from({ length: 400 }, (_, i) => `Line ${i % 37} says ${(i * i) % 101} to the ${i % 7}th.\n`).join(
  '',
);

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A folder with a text and the configuration of a run on it. */
function workspace(given: object = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'corpusmill-webgpu-'));
  folders.push(folder);
  writeFileSync(join(folder, 'text.txt'), TEXT);
  const config = {
    model: {
      from: 'tiny-qwen3-1m',
      set: { hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, head_dim: 4, max_position_embeddings: 32 },
      fitVocabulary: true,
    },
    data: { text: 'text.txt', tokenizer: 'characters' },
    batch: { rows: 2, sequenceLength: 16, accumulation: 2 },
    optimizer: { learningRate: 0.01 },
    dropout: 0.1,
    stop: { steps: 50 },
    checkpoints: { every: 8, keep: 2 },
    output: 'run',
    tensorboard: false,
    ...given,
  };
  writeFileSync(join(folder, 'train.json'), JSON.stringify(config));
  return folder;
}

/** Runs, or goes on with, the training of a folder; every record is told as it comes. */
async function train(folder: string, backend: Backend, onRecord: (record: LogRecord) => void = () => {}) {
  const config = await loadTrainConfig('train.json', { cwd: folder, env: {} });
  const prepared = await prepareTraining({ ...config, output: join(folder, 'run') }, { backend });
  const losses = new Map<number, number>();
  try {
    await prepared.run({
      onRecord(record) {
        if (record.kind === 'step') losses.set(record.step, record.loss as number);
        onRecord(record);
      },
    });
  } finally {
    await prepared.close();
  }
  return losses;
}

/** The largest relative difference of the losses of steps that both have. */
function difference(a: ReadonlyMap<number, number>, b: ReadonlyMap<number, number>): number {
  return [...a].reduce((most, [step, loss]) => Math.max(most, Math.abs(loss / (b.get(step) ?? Number.NaN) - 1)), 0);
}

describeWithWebGpu('training on WebGPU', () => {
  const others: Backend[] = [];
  const other = async (): Promise<Backend> => {
    const backend = await openBackend(native === undefined ? 'reference' : 'native');
    others.push(backend);
    return backend;
  };
  // One for those that leave it whole: compiling its kernels takes longer than running them.
  let shared: WebGpuBackend | undefined;
  afterAll(() => Promise.all([shared, ...others].map((backend) => backend?.dispose())));

  it('has the losses of the native backend over 50 steps, and makes nothing once it is warm', async () => {
    const expected = await train(workspace(), await other());
    shared ??= await webGpuBackend();
    const backend = shared;
    const counts: ReturnType<WebGpuBackend['counts']>[] = [];
    const found = await train(workspace(), backend, (record) => {
      if (record.kind === 'step') counts.push(backend.counts());
    });
    expect(found.size).toBe(50);
    expect(difference(expected, found)).toBeLessThan(1e-3);
    // The first checkpoint, after step 8, is read through pages of its own.
    for (const count of counts.slice(9)) expect(count).toEqual(counts[9]);
  }, 180_000);

  it('of experts has them too', async () => {
    const model = {
      from: 'tiny-qwen3-moe',
      set: {
        hidden_size: 16,
        intermediate_size: 32,
        moe_intermediate_size: 8,
        num_hidden_layers: 1,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        num_experts: 4,
        num_experts_per_tok: 2,
        head_dim: 4,
        max_position_embeddings: 32,
      },
      fitVocabulary: true,
    };
    const given = { model, stop: { steps: 20 } };
    const expected = await train(workspace(given), await other());
    shared ??= await webGpuBackend();
    const backend = shared;
    const found = await train(workspace(given), backend);
    expect(found.size).toBe(20);
    expect(difference(expected, found)).toBeLessThan(1e-3);
  }, 180_000);

  it('with float16 weights and a scaled loss has the losses of the native backend', async () => {
    const given = { precision: 'f16', stop: { steps: 20 } };
    const expected = await train(workspace(given), await other());
    shared ??= await webGpuBackend();
    const found = await train(workspace(given), shared);
    expect(difference(expected, found)).toBeLessThan(1e-3);
  }, 180_000);

  it('multiplies in float16, on adapters that have it: every loss within 0.5 % of float32, none lost', async ({
    skip,
  }) => {
    const backend = await webGpuBackend({ products: { precision: 'f16' } });
    if (!backend.features.has('shader-f16')) {
      await backend.dispose();
      skip('this adapter has no shader-f16');
    }
    let halves = 0;
    const make = backend.device.createShaderModule.bind(backend.device);
    backend.device.createShaderModule = (descriptor) => {
      if (descriptor.label?.startsWith('product') === true) halves += Number(/^enable f16;/.test(descriptor.code));
      return make(descriptor);
    };
    const steps: Extract<LogRecord, { kind: 'step' }>[] = [];
    const found = await train(workspace({ precision: 'f16' }), backend, (record) => {
      if (record.kind === 'step') steps.push(record);
    });
    const expected = await train(workspace(), await other());
    await backend.dispose();
    expect(halves).toBeGreaterThan(5);
    expect(steps.map(({ updated }) => updated)).not.toContain(false);
    expect(steps.every(({ lossScale }) => lossScale === 65536)).toBe(true);
    expect(found.get(50)).toBeLessThan(0.8 * (found.get(1) as number));
    expect(difference(expected, found)).toBeLessThan(5e-3);
  }, 300_000);

  it('leaves out steps whose scaled gradients overflow, and goes on with a smaller scale', async () => {
    const backend = await webGpuBackend({ products: { precision: 'f16' } });
    const weights = createWeights(backend, tinyConfig());
    weights.initialize(5);
    const steps: Extract<LogRecord, { kind: 'step' }>[] = [];
    const trainer = createTrainer({
      backend,
      weights,
      objective: pretrainingObjective({ batch: ROWS, time: TIME, packed: false }),
      data: someData(),
      optimizer: { learningRate: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clipNorm: 1 },
      schedule: { kind: 'cosine', unit: 'steps', warmup: 2, length: 40, floor: 0.1 },
      accumulation: 1,
      sequenceLength: TIME,
      seed: 7,
      precision: 'f16',
      // A gradient of the loss of 0.1 is beyond float16 (65,504) from a scale of 2^20 on.
      lossScale: { initial: 2 ** 26, growthInterval: 2000 },
      stop: { steps: 40 },
      onRecord: (record) => record.kind === 'step' && steps.push(record),
    });
    await trainer.run();
    trainer.dispose();
    const lost = steps.filter(({ updated }) => !updated);
    expect(lost.length).toBeGreaterThan(2);
    // The first ones, one after another, and perhaps one later; each halves the scale.
    expect(lost.slice(0, 5).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(steps.at(-1)?.lossScale).toBe(2 ** (26 - lost.length));
    expect(lost.length).toBeLessThan(15);
    expect(steps.every(({ loss }) => Number.isFinite(loss))).toBe(true);
    const mean = (some: typeof steps): number => some.reduce((sum, { loss }) => sum + (loss ?? 0), 0) / some.length;
    expect(mean(steps.slice(-9))).toBeLessThan(mean(steps.slice(0, 9)) - 0.05);
    await backend.dispose();
  }, 180_000);

  it('that loses its device says so, and goes on from its checkpoint on another backend', async () => {
    const expected = await train(workspace(), await other());
    const folder = workspace();
    const backend = await webGpuBackend();
    const before = new Map<number, number>();
    const lost = await train(folder, backend, (record) => {
      if (record.kind !== 'step') return;
      before.set(record.step, record.loss as number);
      if (record.step === 21) backend.device.destroy();
    }).then(
      () => undefined,
      (error: unknown) => error as CorpusmillError,
    );
    await backend.dispose();
    expect(lost).toMatchObject({ code: 'BACKEND_LOST', exitCode: 1 });
    expect(lost?.message).toMatch(/^training stopped after step 21: the WebGPU device was lost: /);
    expect(lost?.hint).toContain('goes on from');
    expect(lost?.hint).toContain('step-00000016');
    expect(lost?.hint).toContain('--backend native');
    const after = await train(folder, await other());
    expect([...after.keys()]).toEqual(Array.from({ length: 34 }, (_, i) => 17 + i));
    expect(difference(new Map([...expected].filter(([step]) => step <= 21)), before)).toBeLessThan(1e-3);
    expect(difference(after, expected)).toBeLessThan(1e-3);
  }, 180_000);

  it.each(['qwen3', 'gpt2'])(
    '%s generates the likeliest texts of the native backend',
    async (model) => {
      const config = readModelConfig({ initializer_range: 0.2, ...SMALL[model] }, model);
      const requests = Array.from({ length: 4 }, (_, i) => ({
        ids: Array.from({ length: 1 + 3 * i }, (_, t) => (t * 13 + i * 5) % 40),
        seed: i,
        maxNewTokens: 12,
        sampling: { temperature: 0 },
      }));
      const texts = async (backend: Backend): Promise<number[][]> => {
        const weights = createWeights(backend, config);
        weights.initialize(5);
        const made = await createGenerator(backend, weights, { slots: 3, capacity: 24 }).generate(requests);
        weights.dispose();
        return made.map(({ ids }) => Array.from(ids));
      };
      const backend = await webGpuBackend();
      expect(await texts(backend)).toEqual(await texts(await other()));
    },
    60_000,
  );
});

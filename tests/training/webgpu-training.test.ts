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
import { prepareTraining } from '../../src/training/run-training.ts';
import { SMALL } from '../models/small-models.ts';
import { describeWithWebGpu, webGpuBackend } from '../tensor/webgpu/device.ts';

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

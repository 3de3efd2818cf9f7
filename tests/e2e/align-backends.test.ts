/** Alignment from the command line on other backends than the native one: without the add-on, and on WebGPU. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stageFolder } from '../align/stage-folders.ts';
import { describeWithWebGpu } from '../tensor/webgpu/device.ts';
import { cli } from './cli.ts';

const COMMON = {
  batch: { rows: 2, sequenceLength: 64 },
  samples: { every: 0 },
  tensorboard: false,
  stop: { steps: 2 },
};
const SFT = {
  ...COMMON,
  model: 'config.json',
  data: { tokenizer: 'tokenizer', conversations: 'conversations.jsonl' },
  samples: { every: 2, prompts: ['say 3'], tokens: 4 },
};
const DPO = { ...COMMON, model: 'runs/sft/checkpoints/step-00000002', data: { pairs: 'pairs.jsonl' } };

let folder: string;
beforeAll(async () => {
  folder = await stageFolder();
  for (const [name, config] of Object.entries({ sft: SFT, dpo: DPO })) {
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(config));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const losses = (run: string): number[] =>
  readFileSync(join(folder, 'runs', run, 'train-log.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; loss: number })
    .filter(({ kind }) => kind === 'step')
    .map(({ loss }) => loss);

describe('without the native add-on', () => {
  const plain = { env: { CORPUSMILL_NATIVE: '0' } };

  it('SFT and DPO come to their end, one from the other', async () => {
    for (const stage of ['sft', 'dpo']) {
      const result = await cli(['align', stage, `${stage}.json`], folder, plain);
      expect(result.code, result.stderr).toBe(0);
    }
    expect(losses('sft')).toHaveLength(2);
    // The policy is the reference still.
    expect(losses('dpo')[0]).toBeCloseTo(Math.LN2, 5);
  });

  it('the native backend asked for by name is refused with what to do', async () => {
    const result = await cli(['align', 'sft', 'sft.json', '--backend', 'native', '-o', 'other'], folder, plain);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('the native add-on is not built');
    expect(result.stderr).toContain('npm run build:native');
  });
});

it('WebGPU without an adapter is refused with what to do', async () => {
  const env = { VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' };
  const result = await cli(['align', 'sft', 'sft.json', '--backend', 'webgpu', '-o', 'other'], folder, { env });
  // A machine whose GPU is not Vulkan's has one all the same.
  if (result.code === 0) return;
  expect(result.code).toBe(2);
  expect(result.stderr).toContain('the WebGPU backend was asked for');
  expect(result.stderr).toContain('corpusmill doctor');
});

describeWithWebGpu('on WebGPU', () => {
  it('SFT learns and answers', { timeout: 120_000 }, async () => {
    const args = ['align', 'sft', 'sft.json', '-o', 'runs/gpu'];
    const [gpu, other] = [await cli([...args, '--backend', 'webgpu'], folder), join('runs', 'native')];
    expect(gpu.code, gpu.stderr).toBe(0);
    expect(gpu.stderr).toContain('sample at step 2');
    const native = await cli(['align', 'sft', 'sft.json', '-o', other], folder);
    expect(native.code, native.stderr).toBe(0);
    losses('native').forEach((loss, i) => expect(losses('gpu')[i] / loss).toBeCloseTo(1, 3));
  });
});

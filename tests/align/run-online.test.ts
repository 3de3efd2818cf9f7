import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ONLINE_SCHEMAS, type OnlineStage, type ResolvedOnlineConfig } from '../../src/align/config/online-schema.ts';
import { ALIGN_LOG_NAME } from '../../src/align/online-log.ts';
import { runOnline } from '../../src/align/run-online.ts';
import { EVENT_FILE } from '../../src/io/tensorboard/event-file.ts';
import { openCheckpoint } from '../../src/models/checkpoint/read.ts';
import { hasTokenizer } from '../../src/tokenizer/formats/load-tokenizer.ts';
import { digitShards, END_TOKEN, modelFolder, promptFile } from './online-folders.ts';

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true });
});

function root(): string {
  const path = mkdtempSync(join(tmpdir(), 'corpusmill-align-'));
  made.push(path);
  return path;
}

function configOf<S extends OnlineStage>(
  stage: S,
  place: string,
  given: Record<string, unknown>,
): ResolvedOnlineConfig<S> {
  const config = ONLINE_SCHEMAS[stage].parse({
    data: { prompts: join(place, 'prompts.jsonl'), template: 'none', maxTokens: 8 },
    reward: { program: 'agreement' },
    sampling: { maxNewTokens: 4 },
    batch: { prompts: 3, responses: 4, rows: 4 },
    optimizer: { learningRate: 0.01 },
    stop: { steps: 4 },
    checkpoints: { every: 2 },
    backend: 'reference',
    ...given,
  });
  return { ...config, name: 'test', output: join(place, String(given['output'] ?? 'run')) } as ResolvedOnlineConfig<S>;
}

function logOf(output: string): Record<string, unknown>[] {
  const lines = readFileSync(join(output, ALIGN_LOG_NAME), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function weightsOf(folder: string): Promise<Float32Array> {
  const opened = await openCheckpoint(folder);
  const values = await opened.read('model.layers.0.self_attn.q_proj.weight');
  await opened.close();
  return values;
}

it.each(Object.keys(ONLINE_SCHEMAS) as OnlineStage[])(
  '%s runs, and goes on to the bit where it was stopped',
  async (stage) => {
    const place = root();
    const model = await modelFolder(place, 'policy');
    promptFile(place);
    const critic = stage === 'ppo' ? { critic: { warmup: 1, optimizer: { learningRate: 0.01 } } } : {};
    const whole = configOf(stage, place, { model, ...critic, output: 'whole' });
    const first = await runOnline(stage, whole);
    expect(first).toMatchObject({ reason: 'steps', step: 4 });
    const log = logOf(whole.output);
    // Two prompts of the data are answered before the first step and at the end.
    expect(
      log.map(({ kind, step }) => `${kind === 'sample' || kind === 'end' ? `${kind} ` : ''}${step ?? kind}`),
    ).toEqual(['run', 'sample 0', 'sample 0', '1', '2', '3', '4', 'sample 4', 'sample 4', 'end 4']);
    expect(log.at(-1)).toMatchObject({ reason: 'steps', policy: 'checkpoints/step-00000004/policy' });
    expect(log[0]).toMatchObject({ stage, reward: 'agreement', prompts: { records: 4, used: 3 } });
    expect((log[0]['prompts'] as { skipped: unknown[] }).skipped).toMatchObject([
      { reason: 'prompt too long', count: 1 },
    ]);
    expect(hasTokenizer(first.policy!)).toBe(true);
    expect(await weightsOf(first.policy!)).not.toEqual(await weightsOf(model));

    const parts = configOf(stage, place, { model, ...critic, output: 'parts', checkpoints: { every: 0 } });
    const controller = new AbortController();
    const interrupted = await runOnline(stage, parts, {
      signal: controller.signal,
      onRecord: (record) => {
        if (record.kind !== 'run' && record.step === 2) controller.abort();
      },
    });
    expect(interrupted).toMatchObject({ reason: 'interrupted', step: 2 });
    const second = await runOnline(stage, parts);
    expect(second.step).toBe(4);
    expect(logOf(parts.output)).toEqual(log);
    expect(await weightsOf(second.policy!)).toEqual(await weightsOf(first.policy!));
    const events = [whole, parts].map(({ output }) => readFileSync(join(output, 'tensorboard', EVENT_FILE), 'latin1'));
    expect(events[1]).toBe(events[0]);
    for (const tag of ['train/reward', 'train/response_length', 'train/gradient_norm', 'sample/31>']) {
      expect(events[0]).toContain(tag);
    }
  },
);

it('answers the same prompts on the way with the same draws, also where it goes on, or none', async () => {
  const place = root();
  const model = await modelFolder(place, 'policy');
  promptFile(place);
  const samples = { every: 2, prompts: ['7>', '31>'], tokens: 3, temperature: 1 };
  const whole = configOf('grpo', place, { model, samples, stop: { steps: 5 }, output: 'whole', tensorboard: false });
  await runOnline('grpo', whole);
  const log = logOf(whole.output).filter(({ kind }) => kind === 'sample');
  expect(log.map(({ step, prompt }) => [step, prompt])).toEqual(
    [0, 2, 4, 5].flatMap((step) => samples.prompts.map((prompt) => [step, prompt])),
  );
  for (const { text } of log) expect(text).toMatch(/^[0-9>]{0,3}$/);
  expect(existsSync(join(whole.output, 'tensorboard'))).toBe(false);
  // A policy that has not moved answers as before.
  const still = configOf('grpo', place, { model, samples, optimizer: { learningRate: 1e-12 }, output: 'still' });
  await runOnline('grpo', still);
  const texts = logOf(still.output).filter(({ kind }) => kind === 'sample');
  expect(texts.slice(2, 4).map(({ text }) => text)).toEqual(texts.slice(0, 2).map(({ text }) => text));
  expect(log.slice(0, 2).map(({ text }) => text)).toEqual(texts.slice(0, 2).map(({ text }) => text));

  const none = configOf('grpo', place, { model, samples: { every: 0 }, stop: { steps: 1 }, output: 'none' });
  await runOnline('grpo', none);
  expect(logOf(none.output).map(({ kind }) => kind)).toEqual(['run', 'online', 'end']);
  const long = { every: 1, prompts: ['1234567890123456>'] };
  await expect(runOnline('grpo', configOf('grpo', place, { model, samples: long, output: 'long' }))).rejects.toThrow(
    'samples.prompts: "1234567890123456>" has 17 tokens, the model is made for 16',
  );
});

it.each(['ppo', 'grpo', 'rloo'] as const)(
  '%s with pretraining text mixed in goes on to the bit, and learns otherwise than without',
  async (stage) => {
    const place = root();
    const model = await modelFolder(place, 'policy');
    promptFile(place);
    const pretraining = { shards: await digitShards(place, model), rows: 2, coefficient: 0.3 };
    const critic = stage === 'ppo' ? { critic: { warmup: 1, optimizer: { learningRate: 0.01 } } } : {};
    const whole = configOf(stage, place, { model, ...critic, pretraining, output: 'whole' });
    const first = await runOnline(stage, whole);
    const log = logOf(whole.output);
    const losses = log.filter(({ kind }) => kind === 'online').map((record) => record['pretrainingLoss']);
    // While the critic alone learns there is none. A model of 12 ids, drawn at random: about ln 12.
    losses.forEach((loss, i) => {
      if (stage === 'ppo' && i === 0) expect(loss).toBeNull();
      else expect(loss).toBeGreaterThan(1);
    });

    const parts = configOf(stage, place, { model, ...critic, pretraining, output: 'parts' });
    for (const steps of [1, 3, 4]) await runOnline(stage, { ...parts, stop: { steps } });
    const steps = (records: typeof log) => records.filter(({ kind }) => kind === 'online');
    expect(steps(logOf(parts.output))).toEqual(steps(log));
    const last = join(parts.output, 'checkpoints/step-00000004/policy');
    expect(await weightsOf(last)).toEqual(await weightsOf(first.policy!));

    const without = await runOnline(stage, configOf(stage, place, { model, ...critic, output: 'without' }));
    expect(await weightsOf(without.policy!)).not.toEqual(await weightsOf(first.policy!));
    await expect(runOnline(stage, { ...parts, pretraining: undefined })).rejects.toThrow(
      /checkpoints of another run: pretraining was .*, is nothing/,
    );
  },
);

it('refuses pretraining text that is not there, with its path', async () => {
  const place = root();
  const model = await modelFolder(place, 'policy');
  promptFile(place);
  const config = configOf('grpo', place, { model, pretraining: { shards: join(place, 'nowhere') } });
  await expect(runOnline('grpo', config)).rejects.toThrow(/^pretraining\.shards: .*nowhere/);
});

describe('a reward model', () => {
  it('scores the same alone and among others, and begins a critic', async () => {
    const place = root();
    const model = await modelFolder(place, 'policy');
    const reward = await modelFolder(place, 'reward', { head: 'score', seed: 8 });
    promptFile(place);
    const common = { model, reward: { model: reward }, stop: { steps: 1 }, samples: { every: 1, shown: 12 } };
    const critic = { critic: { model: reward, warmup: 0 } };
    const scores: unknown[] = [];
    for (const rows of [1, 5]) {
      const batch = { prompts: 3, responses: 4, rows };
      const config = configOf('ppo', place, { ...common, ...critic, batch, output: `rows-${rows}` });
      await runOnline('ppo', config);
      scores.push(logOf(config.output).find(({ kind }) => kind === 'online')!['samples']);
      expect(existsSync(join(config.output, 'checkpoints/step-00000001/critic/config.json'))).toBe(true);
    }
    const [alone, together] = scores as { response: string; score: number }[][];
    expect(alone.length).toBe(12);
    alone.forEach(({ response, score }, i) => {
      expect(together[i].response).toBe(response);
      expect(together[i].score).toBeCloseTo(score, 5);
    });
    expect(new Set(alone.map(({ score }) => score)).size).toBeGreaterThan(3);
  });

  it('with another tokenizer, without a head, or beside a program is refused', async () => {
    const place = root();
    const model = await modelFolder(place, 'policy');
    promptFile(place);
    const run = (reward: Record<string, unknown>) => runOnline('grpo', configOf('grpo', place, { model, reward }));
    const other = await modelFolder(place, 'other', { head: 'score', characters: '0123456789>abc' });
    await expect(run({ model: other })).rejects.toThrow(
      /the tokenizer of the reward model .* is not that of the policy/,
    );
    await expect(run({ model })).rejects.toThrow('it has no head of scores');
    await expect(run({ model: other, program: 'length' })).rejects.toThrow('give one of `model` and `program`');
    await expect(run({ program: 'lenght' })).rejects.toThrow('there is no program "lenght"');
  });
});

it('refuses the folder of a run with other settings, unless it is to begin anew', async () => {
  const place = root();
  const model = await modelFolder(place, 'policy');
  promptFile(place);
  const config = configOf('grpo', place, { model, stop: { steps: 1 }, sampling: { maxNewTokens: 4, stop: END_TOKEN } });
  await runOnline('grpo', config);
  const changed = { ...config, clip: 0.3 };
  await expect(runOnline('grpo', changed)).rejects.toThrow(/checkpoints of another run: clip was 0.2, is 0.3/);
  expect((await runOnline('grpo', changed, { fresh: true })).step).toBe(1);
  expect((await runOnline('grpo', { ...changed, stop: { steps: 2 } })).step).toBe(2);
});

/**
 * An online stage from its configuration to a run: opens the models, the prompts and the reward, makes steps, writes its log
 * (online-log.ts) and checkpoints, and goes on from the last one. A checkpoint's `policy/` is a model folder like any other.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { loadWeights, readWeights } from '../models/checkpoint/load-weights.ts';
import { createWeights, type ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import { openBackend } from '../tensor/open-backend.ts';
import { openModel } from '../training/config/open-model.ts';
import { differences } from '../training/config/settings.ts';
import { stopTokenId } from '../training/generation/text-generator.ts';
import { listed } from './chat-setup.ts';
import type { OnlineStage, ResolvedOnlineConfig } from './config/online-schema.ts';
import { readPrompts } from './data/prompts.ts';
import { checkModelTokenizer, checkScoringModel, type PolicyTokenizer } from './model-checks.ts';
import { modelReward } from './model-reward.ts';
import { latestOnline, restoreOnline, saveOnline } from './online-checkpoint.ts';
import {
  ALIGN_LOG_NAME,
  type OnlineLog,
  type OnlineLogRecord,
  type OnlineRunRecord,
  openOnlineLog,
} from './online-log.ts';
import { createOnlineLoop, type OnlineStepRecord } from './online-loop.ts';
import { onlineMerging } from './online-merging.ts';
import { createOnlineSampler } from './online-samples.ts';
import type { PretrainingMix } from './policy-learner.ts';
import { openPretraining } from './pretraining-mix.ts';
import { openPromptFormat, type PromptFormat } from './prompt-format.ts';
import { programReward, type Reward } from './rewards.ts';
import type { OnlinePrompt } from './scored-rollout.ts';
import { withValueHead } from './value-head.ts';

export interface OnlineOutcome {
  readonly reason: 'steps' | 'interrupted';
  readonly step: number;
  readonly last: OnlineStepRecord | undefined;
  /** Folder of the policy; undefined where nothing was done. */
  readonly policy: string | undefined;
}

export interface RunOnlineOptions {
  readonly signal?: AbortSignal;
  readonly onRecord?: (record: OnlineLogRecord) => void;
  /** Remove what an earlier run left in the output folder. */
  readonly fresh?: boolean;
  /** Default: the one of the configuration. */
  readonly backend?: Backend;
}

/**
 * Runs a stage to its last step, or until `signal`: then a checkpoint of the last whole step is written. Throws CONFIG_INVALID for
 * what cannot be, RUN_CONFLICT for an output folder with another run's checkpoints, and what reading the files throws.
 */
export async function runOnline<S extends OnlineStage>(
  stage: S,
  config: ResolvedOnlineConfig<S>,
  options: RunOnlineOptions = {},
): Promise<OnlineOutcome> {
  const { signal, fresh = false } = options;
  const root = join(config.output, 'checkpoints');
  if (fresh)
    for (const name of ['checkpoints', 'tensorboard', ALIGN_LOG_NAME])
      await rm(join(config.output, name), { recursive: true, force: true });
  await mkdir(config.output, { recursive: true });
  const format = await openPromptFormat(config, config.output);
  const { encode } = format;
  const { system, maxTokens, prompts: paths } = config.data;
  const { prompts, report } = await readPrompts(listed(paths), { encode, system, maxTokens });
  const settings = settingsOf(config);
  const saved = await latestOnline(root);
  if (saved !== undefined) refuseOther(config.output, saved.settings, settings);

  const backend =
    options.backend ?? (await openBackend(config.backend, config.threads === 0 ? {} : { threads: config.threads }));
  const made: { dispose(): void }[] = [];
  let log: OnlineLog | undefined;
  let pretraining: PretrainingMix | undefined;
  const keep = <T extends { dispose(): void }>(value: T): T => {
    made.push(value);
    return value;
  };
  try {
    const longestPrompt = Math.max(...prompts.map(({ ids }) => ids.length));
    const capacity = longestPrompt + config.sampling.maxNewTokens;
    const policyTokenizer = { path: format.path, hash: format.tokenizer.hash };
    if ('reference' in config && config.reference !== undefined) {
      checkModelTokenizer('reference', config.reference, policyTokenizer);
    }
    const opened = openModel(config.model, {
      vocabSize: format.vocabSize,
      sequenceLength: capacity,
      lengthHint: 'Lower sampling.maxNewTokens, or data.maxTokens: longer prompts are then left out.',
    });
    if ('pretraining' in config && config.pretraining !== undefined) {
      pretraining = await openPretraining(config.pretraining, {
        seed: config.seed,
        tokenizer: format.tokenizer.hash,
        policy: opened.config,
      });
    }
    const begin = async (from: string | undefined): Promise<ModelWeights> => {
      const weights = keep(createWeights(backend, opened.config));
      if (from === undefined) await opened.begin(weights, config.seed);
      else await readWeights(weights, from, config.seed);
      return weights;
    };
    const language = await begin(undefined);
    const reference = 'kl' in config || 'loss' in config ? await begin(config.reference) : undefined;
    const isShared = 'critic' in config && config.critic.shared;
    if (isShared && config.critic.model !== undefined) {
      throw new CorpusmillError('CONFIG_INVALID', 'critic: `shared` and `model` are both given', {
        hint: 'A shared critic is a head on the policy; leave out critic.model, or critic.shared.',
      });
    }
    const policy = isShared ? keep(withValueHead(backend, language)) : language;
    const around =
      'merging' in config && config.merging !== undefined && reference !== undefined
        ? await onlineMerging(policy, reference, keep(await loadWeights(backend, config.merging.base)), {
            ...config.merging,
            seed: config.seed,
          })
        : undefined;
    const common = { backend, capacity, policyTokenizer, keep };
    const reward = await openReward(config, common);
    const stopTokens =
      config.sampling.stop === undefined
        ? [...new Set([...format.stopTokens, ...opened.config.eosTokenIds])]
        : [stopTokenId(format.tokenizer, config.sampling.stop)];
    if (stopTokens.length === 0) {
      throw new CorpusmillError(
        'CONFIG_INVALID',
        'sampling.stop: neither the model nor its tokenizer says what ends a text',
        {
          hint: 'Set sampling.stop to a special token.',
        },
      );
    }
    const loop = createOnlineLoop({ stage, config } as Parameters<typeof createOnlineLoop>[0], {
      backend,
      policy,
      reference,
      critic: isShared ? 'policy' : await openCritic(config, language, common),
      prompts: prompts as OnlinePrompt[],
      reward,
      stopTokens,
      decode: (ids) => format.tokenizer.decode(ids, { skipSpecial: true }),
      vocabSize: format.vocabSize,
      longestPrompt,
      shown: config.samples.shown,
      pretraining,
      around,
    });
    const record: OnlineRunRecord = {
      kind: 'run',
      version: 1,
      name: config.name,
      stage,
      prompts: report,
      reward: reward.name,
      settings,
    };
    const sampler =
      config.samples.every === 0
        ? undefined
        : keep(samplerOf(config, { backend, language, format, prompts, stopTokens }));
    const logged = await openOnlineLog(join(config.output, ALIGN_LOG_NAME), {
      step: saved === undefined ? undefined : stepOf(saved),
      events: config.tensorboard ? join(config.output, 'tensorboard') : undefined,
    });
    log = logged;
    const note = (entry: OnlineLogRecord): void => {
      logged.write(entry);
      options.onRecord?.(entry);
    };
    if (logged.kept.length === 0) note(record);
    if (saved !== undefined) {
      await restoreOnline(saved.folder, loop.run);
      loop.restore(saved.state);
    }
    let sampledAt = logged.kept.findLast((entry) => entry.kind === 'sample')?.step ?? -1;
    const sample = async (): Promise<void> => {
      const { step } = loop.state;
      if (sampler === undefined || sampledAt === step) return;
      for (const made of await sampler.make()) note({ kind: 'sample', step, ...made });
      sampledAt = step;
    };
    let [last, folder]: [OnlineStepRecord | undefined, string | undefined] = [undefined, saved?.folder];
    let savedAt = loop.state.step;
    const save = async (): Promise<void> => {
      if (savedAt === loop.state.step) return;
      logged.sync();
      const kept = { keep: config.checkpoints.keep, settings, tokenizer: format.folder };
      folder = await saveOnline(root, loop.run, loop.state, kept);
      savedAt = loop.state.step;
    };
    const isDue = (step: number, every: number): boolean => every > 0 && step % every === 0;
    if (loop.state.step === 0) await sample();
    while (loop.state.step < config.stop.steps && signal?.aborted !== true) {
      const found = await loop.step();
      const { every } = config.samples;
      const isShown = isDue(found.step, every) || (found.step === 1 && every > 0);
      last = isShown ? found : { ...found, samples: [] };
      note(last);
      if (isDue(found.step, every)) await sample();
      if (isDue(found.step, config.checkpoints.every)) await save();
    }
    const { step } = loop.state;
    const reason = step < config.stop.steps ? 'interrupted' : 'steps';
    if (reason === 'steps') await sample();
    await save();
    const left = folder && join(folder, 'policy');
    if (reason === 'steps' && left !== undefined) {
      note({ kind: 'end', step, reason, policy: relative(config.output, left).replaceAll('\\', '/') });
    }
    await loop.dispose();
    return { reason, step, last, policy: left };
  } finally {
    log?.close();
    await pretraining?.data.close();
    for (const value of made) value.dispose();
    if (options.backend === undefined) await backend.dispose();
  }
}

/** Asks what the configuration says, or the first prompts that are learnt from. */
function samplerOf(
  { samples, sampling, data }: ResolvedOnlineConfig<OnlineStage>,
  {
    backend,
    language,
    format,
    prompts,
    stopTokens,
  }: {
    backend: Backend;
    language: ModelWeights;
    format: PromptFormat;
    prompts: readonly OnlinePrompt[];
    stopTokens: readonly number[];
  },
) {
  const asked = samples.prompts?.map((text) => {
    const before = data.system === undefined ? [] : [{ role: 'system' as const, content: data.system }];
    return { text, ids: format.encode([...before, { role: 'user', content: text }]) };
  });
  return createOnlineSampler(backend, language, {
    prompts: asked ?? prompts.slice(0, SAMPLED_PROMPTS),
    tokens: samples.tokens ?? sampling.maxNewTokens,
    temperature: samples.temperature,
    stopTokens,
    tokenizer: format.tokenizer,
    vocabSize: format.vocabSize,
  });
}

/** Of the data, where the configuration names none. */
const SAMPLED_PROMPTS = 2;

/** What opening another model of the stage needs. */
interface OpeningContext {
  readonly backend: Backend;
  /** Tokens of a text. */
  readonly capacity: number;
  readonly policyTokenizer: PolicyTokenizer;
  readonly keep: <T extends { dispose(): void }>(value: T) => T;
}

async function openReward(
  { reward, batch }: ResolvedOnlineConfig<OnlineStage>,
  { backend, capacity, policyTokenizer, keep }: OpeningContext,
): Promise<Reward> {
  if ((reward.model === undefined) === (reward.program === undefined)) {
    throw new CorpusmillError('CONFIG_INVALID', 'reward: give one of `model` and `program`', {
      hint: 'A reward model is a folder; programs have names, such as exact-match.',
    });
  }
  if (reward.model === undefined) return programReward(reward.program!, reward.options);
  checkModelTokenizer('reward', reward.model, policyTokenizer, { needed: true });
  const weights = keep(await loadWeights(backend, reward.model));
  return keep(modelReward(backend, weights, { name: reward.model, rows: batch.rows, capacity }));
}

/** The critic of PPO with a backbone of its own: a reward model's folder, or the policy with a head that gives 0 to all. */
async function openCritic(
  config: ResolvedOnlineConfig<OnlineStage>,
  policy: ModelWeights,
  { backend, capacity, policyTokenizer, keep }: OpeningContext,
): Promise<ModelWeights | undefined> {
  if (!('critic' in config)) return undefined;
  const { model } = config.critic;
  if (model !== undefined) {
    checkModelTokenizer('critic', model, policyTokenizer);
    const critic = keep(await loadWeights(backend, model));
    checkScoringModel('critic', model, critic.config, capacity);
    return critic;
  }
  const critic = keep(createWeights(backend, { ...policy.config, head: 'score' }));
  for (const { name } of critic.parameters) {
    if (name !== 'score.weight') critic.write(name, await policy.read(name));
  }
  return critic;
}

/** What decides the weights that come out. Where a run stops, what it keeps and shows may change when it goes on. */
function settingsOf(config: ResolvedOnlineConfig<OnlineStage>): Record<string, unknown> {
  const { name, output, stop, checkpoints, samples, tensorboard, backend, threads, ...rest } = config;
  return JSON.parse(JSON.stringify(rest)) as Record<string, unknown>;
}

function refuseOther(output: string, before: unknown, now: unknown): void {
  const [first, ...more] = differences(before, now);
  if (first === undefined) return;
  const others = more.length === 0 ? '' : ` and ${more.length} more`;
  throw new CorpusmillError(
    'RUN_CONFLICT',
    `${output} holds checkpoints of another run: ${first.path} was ${first.before}, is ${first.now}${others}`,
    { hint: 'Choose another output folder, or remove the checkpoints: --fresh.' },
  );
}

function stepOf({ state }: { readonly state: unknown }): number {
  return Number((state as { step?: unknown }).step);
}

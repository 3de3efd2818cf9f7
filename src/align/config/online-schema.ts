/**
 * The configurations of the online stages, which learn from the policy's own samples: PPO, GRPO, RLOO, rejection sampling and online
 * DPO. Defaults are those of online-settings.ts, learning rates fifty times those of the papers, as in schema.ts: what models of
 * 1 to 100 million weights bear.
 */
import { z } from 'zod';
import { trainSchema } from '../../training/config/schema.ts';
import { PREFERENCE_LOSSES } from '../preference-losses.ts';
import { mergingSchema } from './merging-schema.ts';

const path = z.string().min(1);
const positive = z.int().positive();
const count = z.int().nonnegative();
const { optimizer, model, name, output, seed, backend, threads, tensorboard } = trainSchema.shape;

const optimizerOf = (learningRate: number) =>
  optimizer
    .unwrap()
    .extend({
      learningRate: z.number().positive().default(learningRate),
      weightDecay: z.number().min(0).default(0).describe('Of matrices and embeddings.'),
    })
    .prefault({})
    .describe('AdamW.');

const dataSchema = z.object({
  prompts: z
    .union([path, z.array(path).min(1)])
    .describe('Files, folders or globs of prompts: `prompt`, or conversations without their last answer.'),
  tokenizer: path.optional().describe("A tokenizer file or folder. Default: the model folder's."),
  template: path
    .optional()
    .describe(
      "How prompts are written: a .jinja file, a tokenizer_config.json with one, `chatml`, `dialogue`, or `none`: as they are. Default: the tokenizer's own.",
    ),
  system: z.string().optional().describe('A turn of the system for conversations that have none.'),
  maxTokens: positive.default(256).describe('Of a prompt; longer ones are left out.'),
});

const rewardSchema = z
  .object({
    model: path.optional().describe('Folder of a reward model, or of its run, with the tokenizer of the policy.'),
    program: z.string().optional().describe('Name of a programmatic reward, such as `exact-match`.'),
    options: z.record(z.string(), z.unknown()).default({}).describe('Of the program.'),
  })
  .describe('What scores a response: one of model and program.');

const samplingOf = (topP: number) =>
  z
    .object({
      temperature: z.number().positive().default(1),
      topP: z.number().gt(0).max(1).default(topP).describe('Losses and KL are of the whole distribution all the same.'),
      topK: count.default(0).describe('0: of all tokens.'),
      maxNewTokens: positive.default(128).describe('Of a response.'),
      stop: z.string().optional().describe("Token that ends a response. Default: the end of a turn, or the model's."),
      missingEndPenalty: z.number().min(0).default(0).describe('Taken from the score of a response without an end.'),
    })
    .prefault({});

const batchOf = (responses: number, epochs: number) =>
  z
    .object({
      prompts: positive.default(32).describe('Of a step.'),
      responses: positive.default(responses).describe('To each prompt.'),
      epochs: positive.default(epochs).describe("Times that a step's samples are learnt from."),
      miniBatches: positive.default(1).describe('Updates of each of those times.'),
      rows: positive.default(16).describe('Texts computed at once.'),
    })
    .prefault({});

const base = z.object({
  name,
  output,
  seed,
  model: model.describe('The policy.'),
  data: dataSchema,
  reward: rewardSchema,
  stop: z.object({ steps: positive.default(200) }).prefault({}),
  checkpoints: z
    .object({
      every: count.default(50).describe('Steps between checkpoints; 0: none but the last.'),
      keep: positive.default(2),
    })
    .prefault({}),
  samples: z
    .object({
      every: count.default(10).describe('Steps between samples in the log; 0: none.'),
      shown: positive.default(2).describe("Of the step's own responses, quoted with their scores."),
      prompts: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe(
          'What a user says, to be answered before the first step, on the way and at the end. Default: the first two prompts of the data.',
        ),
      tokens: positive.optional().describe('Of an answer, at most. Default: sampling.maxNewTokens.'),
      temperature: z.number().min(0).default(0).describe('0: the likeliest answer.'),
    })
    .prefault({})
    .describe('Answers while it learns.'),
  tensorboard,
  backend,
  threads,
});

const referenceSchema = path
  .optional()
  .describe('Folder of the model that KL is measured from. Default: the weights that `model` begins with.');

const clip = z.number().positive().default(0.2).describe('The ratio is held between 1 − clip and 1 + clipHigh.');
const clipHigh = z.number().positive().optional().describe('Default: clip.');
const warmup = count.default(0).describe('Steps over which the learning rate rises.');
const entropy = z.number().min(0).default(0).describe('Coefficient of the entropy bonus.');
const adaptive = z
  .object({ target: z.number().positive().default(6), horizon: positive.default(10_000) })
  .optional()
  .describe('The coefficient follows a KL of so many nats a text.');

/** What pretraining reads; in pipelines the name of a stage may stand for a path. */
export const pretrainingShards = trainSchema.shape.data.shape.shards.unwrap();

const pretraining = z
  .object({
    shards: pretrainingShards.describe('Shards of what the model was pretrained on, or a mixture of several.'),
    coefficient: z
      .number()
      .positive()
      .default(1)
      .describe("Of that text's loss, a mean over its tokens, beside the policy's. InstructGPT: 27.8."),
    rows: positive.default(8).describe('Of that text, beside each micro-batch of responses.'),
  })
  .optional()
  .describe('PPO-ptx: each update learns from pretraining text too, against forgetting.');

export const ppoSchema = base.extend({
  reference: referenceSchema,
  merging: mergingSchema,
  pretraining,
  sampling: samplingOf(0.9),
  batch: batchOf(2, 4),
  optimizer: optimizerOf(5e-5),
  warmup,
  clip,
  clipHigh,
  entropy,
  kl: z
    .object({ coefficient: z.number().min(0).default(0.04), estimator: z.enum(['k1', 'k3']).default('k1'), adaptive })
    .prefault({})
    .describe('To the reference, in the reward of each token.'),
  normalisation: z.enum(['none', 'mean', 'mean-deviation']).default('mean').describe('Of scores, by running moments.'),
  critic: z
    .object({
      model: path.optional().describe('Folder it begins with, such as the reward model. Default: that of the policy.'),
      shared: z.boolean().default(false).describe("A head on the policy's backbone in place of a model of its own."),
      optimizer: optimizerOf(2.5e-4),
      warmup: count.default(50).describe('Steps in which the critic alone learns.'),
      clip: z.number().positive().default(0.15).describe('Of values.'),
      coefficient: z.number().positive().default(0.1).describe('Of its loss, where it is shared.'),
      gamma: z.number().gt(0).max(1).default(1),
      lambda: z.number().min(0).max(1).default(0.95),
      whiten: z.boolean().default(true),
    })
    .prefault({}),
});

export const grpoSchema = base.extend({
  reference: referenceSchema,
  merging: mergingSchema,
  pretraining,
  sampling: samplingOf(1),
  batch: batchOf(8, 1),
  optimizer: optimizerOf(5e-5),
  warmup,
  clip,
  clipHigh,
  entropy,
  kl: z
    .object({ coefficient: z.number().min(0).default(0) })
    .prefault({})
    .describe('To the reference, in the loss (k3).'),
  scale: z.enum(['group', 'batch', 'none']).default('group').describe('What differences from the mean are divided by.'),
  mean: z
    .enum(['tokens', 'texts', 'length'])
    .default('tokens')
    .describe('What the loss is a mean over: tokens (DAPO), texts (as published), a fixed length (Dr. GRPO).'),
  ratio: z.enum(['token', 'mean']).default('token').describe('Of each token, or of texts (GSPO).'),
});

export const rlooSchema = base.extend({
  reference: referenceSchema,
  merging: mergingSchema,
  pretraining,
  sampling: samplingOf(1),
  batch: batchOf(4, 1),
  optimizer: optimizerOf(5e-5),
  warmup,
  clip,
  clipHigh,
  entropy,
  kl: z
    .object({ coefficient: z.number().min(0).default(0.05), estimator: z.enum(['k1', 'k3']).default('k1'), adaptive })
    .prefault({})
    .describe('To the reference, in the score.'),
});

export const rejectionSchema = base.extend({
  sampling: samplingOf(1),
  batch: batchOf(8, 1),
  optimizer: optimizerOf(1e-4),
  replay: count.optional().describe("Earlier prompts' best that join a round. Default: as many as its own."),
});

export const onlineDpoSchema = base.extend({
  reference: referenceSchema,
  merging: mergingSchema,
  sampling: samplingOf(1),
  batch: batchOf(4, 1),
  optimizer: optimizerOf(3.5e-5),
  loss: z
    .object({
      kind: z.enum(PREFERENCE_LOSSES).default('sigmoid'),
      beta: z.number().positive().default(0.1),
      labelSmoothing: z.number().min(0).lt(0.5).default(0),
      lengthNormalized: z.boolean().optional().describe('Default: for ipo alone.'),
      sftWeight: z.number().min(0).default(0),
    })
    .prefault({}),
});

/** The stages' schemas by the names of the command. */
export const ONLINE_SCHEMAS = {
  ppo: ppoSchema,
  grpo: grpoSchema,
  rloo: rlooSchema,
  rejection: rejectionSchema,
  'online-dpo': onlineDpoSchema,
} as const;
export type OnlineStage = keyof typeof ONLINE_SCHEMAS;
export type OnlineConfigs = { [S in OnlineStage]: z.output<(typeof ONLINE_SCHEMAS)[S]> };
/** With absolute paths and the output folder filled in. */
export type ResolvedOnlineConfig<S extends OnlineStage> = OnlineConfigs[S] & {
  readonly name: string;
  readonly output: string;
};

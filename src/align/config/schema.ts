/**
 * The configurations of the alignment stages that learn from files, as YAML or JSON has them: a training configuration
 * (src/training/config/schema.ts) with other data, another loss and other defaults.
 *
 * Defaults follow the Qwen reports where they do not depend on the model's size: weight decay .1, clipping at 1, β .9 and .95,
 * dropout .1 and two epochs of SFT, one epoch at a constant rate for reward models, one epoch of DPO. Learning rates are fifty times those
 * that the reports give for 7 to 72 billion parameters (SFT 2e-6, reward model 3e-6, DPO 7e-7): what models of 1 to 100 million bear.
 * Sources: QwenLM/Qwen technical report, §3; arXiv 2407.10671 (Qwen2), §4; arXiv 2412.15115 (Qwen2.5), §4.
 */
import { z } from 'zod';
import { trainSchema } from '../../training/config/schema.ts';
import { MASKS } from '../data/masks.ts';
import { PREFERENCE_LOSSES } from '../preference-losses.ts';
import { mergingSchema } from './merging-schema.ts';

const path = z.string().min(1);
const paths = z.union([path, z.array(path).min(1)]);
const positive = z.int().positive();
const { optimizer, schedule, evaluation, samples, stop } = trainSchema.shape;

/** AdamW with another learning rate unless one is written. */
const optimizerOf = (learningRate: number) =>
  optimizer
    .unwrap()
    .extend({ learningRate: z.number().positive().default(learningRate).describe('At its peak.') })
    .prefault({})
    .describe('AdamW.');

const share = z.string().regex(/^\d+(\.\d+)?%$/);

const scheduleOf = (kind: 'cosine' | 'constant', warmup: string) =>
  schedule
    .unwrap()
    .extend({
      kind: z
        .enum(['cosine', 'constant', 'wsd'])
        .default(kind)
        .describe('After a linear warm-up: half a cosine, the peak, or the peak with a decay at the end.'),
      warmup: z
        .union([z.int().nonnegative(), z.number().gt(0).lt(1), share])
        .default(warmup)
        .describe('Length of the warm-up, or its share of the whole.'),
    })
    .prefault({})
    .describe('The learning rate over the run.');

const evaluationOf = (every: number) =>
  evaluation
    .unwrap()
    .extend({ every: z.int().nonnegative().default(every).describe('Steps between evaluations; 0: none.') })
    .prefault({});

/** Answers to what a user says. */
const samplesOf = (every: number) =>
  samples
    .unwrap()
    .extend({
      every: z.int().nonnegative().default(every).describe('Steps between samples; 0: none.'),
      prompts: z.array(z.string()).min(1).default(['Hello!']).describe('What a user says, to be answered.'),
      tokens: positive.default(64).describe('Of an answer, at most.'),
      temperature: z.number().min(0).default(0).describe('0: the likeliest answer.'),
    })
    .prefault({})
    .describe('Answers while it trains.');

const validationMembers = {
  validation: paths.optional().describe('Files that evaluation reads, of the same form.'),
  validationShare: z
    .union([z.number().gt(0).lt(1), z.string().regex(/^\d+(\.\d+)?%$/)])
    .optional()
    .describe('A share of the records, drawn by a hash of their places, is for evaluation: `5%`.'),
};

const chatMembers = {
  tokenizer: path.optional().describe("A tokenizer file or folder. Default: the model folder's."),
  template: path
    .optional()
    .describe(
      "How conversations are written: a .jinja file, a tokenizer_config.json with one, `chatml`, or `dialogue` (Human: and Assistant:). Default: the tokenizer's own.",
    ),
  system: z.string().optional().describe('A turn of the system for conversations that have none.'),
  order: z.enum(['shuffled', 'sequential']).default('shuffled').describe('Of rows or pairs in an epoch.'),
};

const epochs = z.union([z.number().positive(), z.literal('unlimited')]);

const tooLong = (fallback: 'truncate' | 'drop') =>
  z
    .enum(['truncate', 'drop'])
    .default(fallback)
    .describe('What is longer than a row: cut to its beginning, or left out.');

const batchMembers = {
  rows: positive.default(8).describe('Rows of a micro-batch: what is computed at once.'),
  sequenceLength: positive.optional().describe("Tokens of a row. Default: the model's positions, at most 1024."),
  accumulation: positive.optional().describe('Micro-batches of a step. Default 1.'),
  tokensPerStep: positive
    .optional()
    .describe('In place of accumulation: places for tokens in a step, a multiple of rows · sequenceLength.'),
};

const base = trainSchema
  .omit({
    data: true,
    batch: true,
    optimizer: true,
    schedule: true,
    stop: true,
    dropout: true,
    labelSmoothing: true,
    zLoss: true,
    evaluation: true,
    samples: true,
  })
  .extend({
    stop: stop
      .prefault({})
      .describe('What ends the run before its epochs do: steps, tokens (of pairs: pairs) or minutes.'),
    evaluation: evaluationOf(50),
  });

/** SFT. */
export const sftSchema = base.extend({
  data: z
    .object({
      conversations: paths
        .optional()
        .describe('Files, folders or globs of conversations: messages, ShareGPT, Alpaca, or prompt and completion.'),
      shards: path
        .optional()
        .describe('In place of conversations: packed shards with labels (stage `shards` with `conversations`).'),
      ...validationMembers,
      ...chatMembers,
      mask: z
        .enum(MASKS)
        .default('assistant-only')
        .describe(
          "What is trained: what the assistant says with the end of its turn, or what Qwen's finetune.py trains.",
        ),
      tooLong: tooLong('truncate'),
      packing: z
        .enum(['best-fit', 'none'])
        .default('best-fit')
        .describe('Several conversations in a row, which do not see each other, or one.'),
      epochs: epochs.default(2),
    })
    .describe('What is learnt from: conversations or shards.'),
  batch: z.object(batchMembers).prefault({}),
  optimizer: optimizerOf(1e-4),
  schedule: scheduleOf('cosine', '10%'),
  dropout: z.number().min(0).lt(1).default(0.1).describe('Of residual branches and embeddings.'),
  labelSmoothing: z.number().min(0).lt(1).default(0),
  neftune: z
    .number()
    .min(0)
    .default(0)
    .describe('Alpha of NEFTune, uniform noise on the embeddings in training: 5 is usual; 0: none.'),
  merging: mergingSchema,
  samples: samplesOf(100),
});

const pairsMembers = {
  pairs: paths.describe('Files, folders or globs of preference pairs: chosen and rejected, with or without a prompt.'),
  ...validationMembers,
  ...chatMembers,
  epochs: epochs.default(1),
};

const pairBatch = z.object({
  ...batchMembers,
  rows: positive.min(2).default(8).describe('Rows of a micro-batch, which both sides of its pairs share.'),
  pairs: positive.optional().describe('Most pairs of a micro-batch. Default: 8 a row, or what fits.'),
});

/** Reward models. */
export const rewardSchema = base.extend({
  data: z
    .object({ ...pairsMembers, tooLong: tooLong('drop') })
    .describe('Pairs; a folder with a reward model as `model` goes on from its pretraining on other pairs.'),
  batch: pairBatch.prefault({}),
  optimizer: optimizerOf(1.5e-4),
  schedule: scheduleOf('constant', '3%'),
  dropout: z.number().min(0).lt(1).default(0).describe('Of residual branches and embeddings.'),
  margin: z
    .enum(['none', 'data'])
    .default('none')
    .describe("data: the chosen one must lead by the record's `margin`, or by score_chosen − score_rejected."),
  centering: z.number().min(0).default(0).describe('Weight of (r_chosen + r_rejected)²; .01 holds scores about zero.'),
  samples: samplesOf(0),
});

/** The family of DPO. */
export const dpoSchema = base.extend({
  data: z.object({ ...pairsMembers, tooLong: tooLong('drop') }).describe('Preference pairs.'),
  batch: pairBatch.prefault({}),
  loss: z
    .object({
      kind: z.enum(PREFERENCE_LOSSES).default('sigmoid'),
      beta: z.number().positive().default(0.1).describe('How closely the policy is held to the reference (ipo: τ).'),
      labelSmoothing: z
        .number()
        .min(0)
        .lt(0.5)
        .default(0)
        .describe('Of sigmoid (conservative) and robust: share of labels taken for wrong.'),
      lengthNormalized: z
        .boolean()
        .optional()
        .describe('Log-ratios divided by the number of tokens. Default: for ipo alone.'),
      sftWeight: z
        .number()
        .min(0)
        .default(0)
        .describe("Of the chosen completions' mean negative log-likelihood, added to the loss."),
    })
    .prefault({}),
  reference: z
    .object({
      model: path.optional().describe('Folder of the reference policy. Default: the weights that `model` begins with.'),
      mode: z
        .enum(['precomputed', 'weights'])
        .default('precomputed')
        .describe(
          'Its log-probabilities are computed once and kept in the run, or again in every step: 4/3 of the work.',
        ),
    })
    .prefault({}),
  optimizer: optimizerOf(3.5e-5),
  schedule: scheduleOf('cosine', '10%'),
  dropout: z.number().min(0).lt(1).default(0).describe('Of residual branches and embeddings.'),
  merging: mergingSchema,
  samples: samplesOf(100),
});

export type SftConfig = z.output<typeof sftSchema>;
export type RewardConfig = z.output<typeof rewardSchema>;
export type DpoConfig = z.output<typeof dpoSchema>;

/** The stages' schemas by the names of the command. */
export const ALIGN_SCHEMAS = { sft: sftSchema, reward: rewardSchema, dpo: dpoSchema } as const;
export type OfflineStage = keyof typeof ALIGN_SCHEMAS;

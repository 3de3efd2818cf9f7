/**
 * The configuration of a training run, as its YAML or JSON file has it. Every member's description is what an editor shows; the
 * published form is configs/train.schema.json.
 */
import { z } from 'zod';
import { BACKEND_CHOICES } from '../../tensor/backend.ts';
import { PRECISIONS } from '../precision.ts';

const count = z.int().nonnegative();
const positive = z.int().positive();
const path = z.string().min(1);

/** A share of a whole: `0.1` or `10%`. */
const share = z.union([z.number().gt(0).lt(1), z.string().regex(/^\d+(\.\d+)?%$/)]);

const modelSchema = (fitVocabulary: boolean) =>
  z.union([
    path,
    z.object({
      from: path.describe(
        'A name of configs/models, a config.json, or a folder with one; with weights in it training goes on from them. The folder of a run stands for its best checkpoint, or its newest.',
      ),
      set: z
        .record(z.string(), z.unknown())
        .default({})
        .describe("Members of config.json to be set otherwise, by Hugging Face's names: `{ vocab_size: 65 }`."),
      fitVocabulary: z
        .boolean()
        .default(fitVocabulary)
        .describe("vocab_size and the ids of special tokens become the tokenizer's; models with weights keep theirs."),
      fresh: z
        .boolean()
        .default(false)
        .describe('Begin with weights drawn from the seed, although the folder has some.'),
    }),
  ]);

const shardSourceSchema = z.object({
  path: path.describe('Folder of shards, or of a split with the sides train and validation.'),
  weight: z.number().positive().optional().describe('Share of the mixture, in tokens. All sources have one or none.'),
  epochs: z.number().positive().optional().describe('How often its rows may come at most.'),
});

const dataSchema = z.object({
  shards: z
    .union([path, z.array(z.union([path, shardSourceSchema])).min(1)])
    .optional()
    .describe('Packed shards of corpusmill: a folder, or a mixture of several.'),
  text: path.optional().describe('A text file, for experiments: held in memory as ids.'),
  tokens: path.optional().describe('Token ids without documents: a .bin of uint16 (nanoGPT), or an .npy.'),
  validation: path
    .optional()
    .describe("Shards, text or tokens that evaluation reads, of the same kind. Default: the split's validation side."),
  validationShare: share.optional().describe('Of text and tokens: the last share of them is for evaluation.'),
  tokenizer: z
    .union([z.enum(['characters', 'bytes']), path])
    .optional()
    .describe(
      'Of text: `characters` (those of the file), `bytes`, or a tokenizer file or folder. Of tokens: the one that made them.',
    ),
  epochs: z
    .union([z.number().positive(), z.literal('unlimited')])
    .default('unlimited')
    .describe('How often shards are read; steps, tokens or minutes end a run without a limit here.'),
  order: z
    .enum(['shuffled', 'blocks', 'sequential'])
    .default('shuffled')
    .describe('Of rows: shuffled (text and tokens: each row begins at a place drawn for it), or as they lie.'),
});

const batchSchema = z.object({
  rows: positive.default(8).describe('Rows of a micro-batch: what is computed at once.'),
  sequenceLength: positive.optional().describe("Tokens of a row. Of shards: theirs. Default otherwise: the model's."),
  accumulation: positive.optional().describe('Micro-batches of a step. Default 1.'),
  tokensPerStep: positive
    .optional()
    .describe('In place of accumulation: places for tokens in a step, a multiple of rows · sequenceLength.'),
});

const optimizerSchema = z.object({
  learningRate: z.number().positive().default(1e-3).describe('At its peak.'),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.95),
  eps: z.number().positive().default(1e-8),
  weightDecay: z.number().min(0).default(0.1).describe('Of matrices and embeddings; norms and biases have none.'),
  clipNorm: z.number().min(0).default(1).describe('Gradients are scaled down to this global norm; 0: never.'),
});

const scheduleSchema = z.object({
  kind: z
    .enum(['cosine', 'constant', 'wsd'])
    .default('cosine')
    .describe('After a linear warm-up: half a cosine, the peak, or the peak with a decay at the end.'),
  unit: z.enum(['steps', 'tokens']).default('steps').describe('Of warmup, length and decay.'),
  warmup: z.union([count, share]).default('2%').describe('Length of the warm-up, or its share of the whole.'),
  length: positive.optional().describe('Where the floor is reached. Default: where the run stops.'),
  floor: z.number().min(0).max(1).default(0.1).describe('Last learning rate over the peak.'),
  decay: z.union([count, share]).default('20%').describe('Of wsd: length of the decay, or its share of the whole.'),
  shape: z.enum(['linear', 'sqrt']).default('sqrt').describe('Of the decay of wsd: linear, or 1 − √x.'),
});

const evaluationSchema = z.object({
  every: count.default(250).describe('Steps between evaluations; 0: none.'),
  batches: z
    .union([positive, z.literal('all')])
    .default('all')
    .describe('Micro-batches of one.'),
});

const samplesSchema = z.object({
  every: count.default(500).describe('Steps between samples; 0: none.'),
  prompts: z.array(z.string()).min(1).default(['\n']).describe('Texts to go on from.'),
  tokens: positive.default(100).describe('Of a sample.'),
  temperature: z.number().min(0).default(0.8),
  topP: z.number().gt(0).max(1).default(1),
  topK: count.default(0).describe('0: of all tokens.'),
});

const checkpointsSchema = z.object({
  every: count.default(500).describe('Steps between checkpoints; 0: none but the last.'),
  minutes: z.number().min(0).default(15).describe('Minutes between checkpoints; 0: none.'),
  keep: positive.default(2).describe('Last ones that are kept.'),
  best: z.boolean().default(true).describe('Write and keep the one of the lowest validation loss too.'),
});

const guardSchema = z.object({
  onNonFinite: z.enum(['skip', 'stop']).default('skip').describe('What a loss or gradient that is not finite does.'),
  spikeFactor: z
    .number()
    .gt(1)
    .nullable()
    .default(null)
    .describe('A gradient norm above so many times the running median is a spike; null: none is.'),
  onSpike: z.enum(['skip', 'stop']).default('skip'),
  window: z.int().min(20).default(100).describe('Steps that the median is of.'),
  maxSkips: count.default(5).describe('Steps skipped in a row before the run stops all the same.'),
});

const stopSchema = z.object({
  steps: positive.optional(),
  tokens: positive.optional().describe('Trained tokens.'),
  minutes: z.number().positive().optional().describe('Of training, pauses not counted.'),
});

export const trainSchema = z.object({
  name: z
    .string()
    .regex(/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,99}$/u)
    .meta({ patternErrorMessage: "a name of letters, digits, '.', '_' and '-' that begins with a letter or digit" })
    .optional()
    .describe("Default: the file's name without extension."),
  output: path
    .optional()
    .describe('Folder of the run, relative to this file. Default: runs/NAME, where the command is.'),
  seed: z
    .int()
    .min(-(2 ** 31))
    .max(2 ** 31 - 1)
    .default(1)
    .describe('Of weights, order and dropout.'),
  model: modelSchema(false).describe('What is trained.'),
  data: dataSchema.describe('What it is trained on: one of shards, text and tokens.'),
  batch: batchSchema.prefault({}),
  optimizer: optimizerSchema.prefault({}).describe('AdamW.'),
  schedule: scheduleSchema.prefault({}).describe('The learning rate over the run.'),
  stop: stopSchema.describe('What ends the run, whichever comes first: steps, tokens or minutes.'),
  dropout: z.number().min(0).lt(1).default(0).describe('Of residual branches and embeddings.'),
  labelSmoothing: z.number().min(0).lt(1).default(0),
  zLoss: z.number().min(0).default(0).describe('Weight of log²Z in the loss (PaLM: 1e-4).'),
  precision: z
    .enum(PRECISIONS)
    .default('float32')
    .describe('bf16, f16: weights as that format stores them, over float32 master weights; f16 scales the loss.'),
  recompute: z
    .boolean()
    .default(false)
    .describe('Compute activations again instead of keeping them: less memory, more time.'),
  evaluation: evaluationSchema.prefault({}),
  samples: samplesSchema.prefault({}),
  checkpoints: checkpointsSchema.prefault({}),
  guard: guardSchema.prefault({}).describe('What becomes of steps whose gradients cannot be trusted.'),
  backend: z
    .enum(BACKEND_CHOICES)
    .default('auto')
    .describe('What computes: native kernels, a GPU, plain TypeScript. auto: native where it is built.'),
  threads: count.default(0).describe('Of the native backend; 0: all. Results do not depend on it.'),
  tensorboard: z.boolean().default(true).describe('Write TensorBoard events beside the log.'),
});

/** What of data is left to say where the shards and their tokenizer are those of the same pipeline. */
const pipelineDataSchema = z.object({
  shards: path.optional().describe('Name of the stage whose shards it is. Default: the last `shards` before.'),
  epochs: dataSchema.shape.epochs,
  order: dataSchema.shape.order,
});

/** The block `train` of a pipeline: a training configuration without paths. */
export const pipelineTrainSchema = trainSchema.omit({ name: true, output: true }).extend({
  seed: trainSchema.shape.seed
    .removeDefault()
    .optional()
    .describe("Of weights, order and dropout. Default: the pipeline's."),
  model: modelSchema(true).describe('What is trained; its vocabulary becomes that of the shards.'),
  data: pipelineDataSchema.prefault({}).describe('How the shards of this pipeline are read.'),
});

export type PipelineTrainBlock = z.output<typeof pipelineTrainSchema>;

/** What a file may leave out is filled in. */
export type TrainConfig = z.output<typeof trainSchema>;
export type TrainConfigInput = z.input<typeof trainSchema>;

/** A whole that a share is of, in numbers: `10%` of 200 is 20. */
export function lengthOf(value: number | string, whole: number): number {
  const fraction = fractionOf(value);
  return fraction === undefined ? Number(value) : Math.round(fraction * whole);
}

/** The fraction that a share stands for; undefined for a whole number. */
export function fractionOf(value: number | string): number | undefined {
  if (typeof value === 'string') return Number(value.slice(0, -1)) / 100;
  return value > 0 && value < 1 ? value : undefined;
}

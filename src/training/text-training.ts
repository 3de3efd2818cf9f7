/**
 * A tiny model that learns one text in memory, from a few numbers: what a web page or an experiment needs and a configuration
 * file would be too much for. The model is a small Qwen3 (norms of queries and keys, SwiGLU, rotary positions, one matrix
 * for embedding and output); ids are the text's characters or its UTF-8 bytes; the learning rate warms up and then stays,
 * so that training may be stopped and gone on with for as long as one likes.
 */
import { CorpusmillError } from '../core/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import { readModelConfig } from '../models/hf-config.ts';
import { createWeights, type ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import { writeHfTokenizer } from '../tokenizer/hf-json.ts';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { byteTables, characterIds, characterTables } from './data/text-tokens.ts';
import { type TokenIds, tokenData } from './data/token-data.ts';
import type { TrainingData } from './data/training-data.ts';
import type { LogRecord } from './log.ts';
import { pretrainingObjective } from './objective.ts';
import { createSampler, type SamplerOptions } from './sampler.ts';
import { createTrainer, type Trainer } from './trainer.ts';

export interface TextTrainingOptions {
  /** Default `characters`. */
  readonly tokenizer?: 'characters' | 'bytes';
  /** Default 2. */
  readonly layers?: number;
  /** A multiple of twice `heads`; default 64. */
  readonly hiddenSize?: number;
  /** Default 4. */
  readonly heads?: number;
  /** Tokens that the model sees at once; default 64. */
  readonly context?: number;
  /** Stretches of text in a step; default 8. */
  readonly rows?: number;
  /** Default 0.002, after a warm-up of 20 steps. */
  readonly learningRate?: number;
  /** Ends training after so many steps; default: when it is stopped. */
  readonly steps?: number;
  /** Of weights and data; default 0. */
  readonly seed?: number;
  /** Share of the text's end that is not trained on but evaluated; default 0.1. */
  readonly validationShare?: number;
  /** Steps between evaluations, each of at most 8 micro-batches; default 50, 0: never. */
  readonly evaluateEvery?: number;
  /** Texts of the model after every so many steps. */
  readonly samples?: SamplerOptions & { readonly every: number };
  /** Told of steps, evaluations and samples. */
  readonly onRecord?: (record: LogRecord) => void;
  /** Waited for before each micro-batch: time for whatever else runs in this thread. */
  readonly pause?: () => Promise<void>;
}

export interface TextTraining {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  readonly weights: ModelWeights;
  readonly trainer: Trainer;
  /** Weights of the model. */
  readonly parameters: number;
  /** Ids of the whole text. */
  readonly tokens: number;
  /** Frees weights and trainer. */
  dispose(): void;
}

/** Tokens of what the model may write. */
const LONGEST_TEXT = 1024;
/** Micro-batches of an evaluation. */
const EVALUATED = 8;

/** Throws CONFIG_INVALID for sizes that do not go together, a text that is too short, and prompts that the model cannot read. */
export function createTextTraining(backend: Backend, text: string, options: TextTrainingOptions = {}): TextTraining {
  const { context: time = 64, rows = 8, seed = 0, validationShare = 0.1, evaluateEvery = 50, samples } = options;
  const { tokenizer, ids } = tokensOf(text, options.tokenizer ?? 'characters');
  const config = tinyModel(tokenizer.vocabSize, options);
  const border = Math.floor(ids.length * (1 - validationShare));
  const data = tokenData(ids.subarray(0, border), {
    rows,
    time,
    order: 'random',
    seed,
    kind: 'text',
    name: 'the text',
  });
  const heldOut = ids.subarray(border);
  const evaluation =
    evaluateEvery > 0 && heldOut.length > 1
      ? {
          steps: evaluateEvery,
          data: tokenData(heldOut, { rows, time, order: 'sequential', seed, limit: EVALUATED, name: "the text's end" }),
        }
      : undefined;
  const weights = createWeights(backend, config);
  weights.initialize(seed);
  const trainer = createTrainer({
    backend,
    weights,
    objective: pretrainingObjective({ batch: rows, time, packed: false }),
    data: options.pause === undefined ? data : withPauses(data, options.pause),
    optimizer: {
      learningRate: options.learningRate ?? 0.002,
      beta1: 0.9,
      beta2: 0.99,
      eps: 1e-8,
      weightDecay: 0.1,
      clipNorm: 1,
    },
    schedule: { kind: 'constant', unit: 'steps', warmup: 20 },
    accumulation: 1,
    sequenceLength: time,
    seed,
    stop: { steps: options.steps },
    ...(evaluation !== undefined && { evaluation }),
    ...(samples !== undefined && {
      samples: { steps: samples.every, make: createSampler(backend, weights, tokenizer, samples) },
    }),
    ...(options.onRecord !== undefined && { onRecord: options.onRecord }),
  });
  return {
    config,
    tokenizer,
    weights,
    trainer,
    parameters: weights.parameters.reduce((sum, { buffer }) => sum + buffer.length, 0),
    tokens: ids.length,
    dispose() {
      trainer.dispose();
      weights.dispose();
    },
  };
}

function tokensOf(text: string, kind: 'characters' | 'bytes'): { tokenizer: Tokenizer; ids: TokenIds } {
  // A lone surrogate is no character of any encoding.
  const whole = text.toWellFormed();
  const tables = kind === 'bytes' ? byteTables() : characterTables(whole);
  const tokenizer = Tokenizer.fromJson(writeHfTokenizer(tables));
  const ids = kind === 'bytes' ? Uint16Array.from(new TextEncoder().encode(whole)) : characterIds(whole);
  return { tokenizer, ids };
}

function tinyModel(vocabSize: number, options: TextTrainingOptions): ModelConfig {
  const { layers = 2, hiddenSize = 64, heads = 4, context = 64 } = options;
  if (vocabSize === 0) {
    throw new CorpusmillError('CONFIG_INVALID', 'training on a text: it is empty', { hint: 'Give a text to learn.' });
  }
  if (hiddenSize % (2 * heads) !== 0) {
    throw new CorpusmillError('CONFIG_INVALID', `a model of width ${hiddenSize} with ${heads} heads`, {
      hint: `Rotary positions turn pairs within each head: take a width that is a multiple of ${2 * heads}.`,
    });
  }
  return readModelConfig(
    {
      model_type: 'qwen3',
      vocab_size: vocabSize,
      hidden_size: hiddenSize,
      intermediate_size: 3 * hiddenSize,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: heads,
      head_dim: hiddenSize / heads,
      // Tokens see as many before them as rows have: with rotary positions, texts may then be longer than rows.
      max_position_embeddings: Math.max(context, LONGEST_TEXT),
      use_sliding_window: true,
      sliding_window: context,
      layer_types: Array.from({ length: layers }, () => 'sliding_attention'),
      rope_theta: 10_000,
      tie_word_embeddings: true,
    },
    'a tiny model',
  );
}

function withPauses(data: TrainingData, pause: () => Promise<void>): TrainingData {
  return {
    ...data,
    async *batches(cursor) {
      for await (const batch of data.batches(cursor)) {
        await pause();
        yield batch;
      }
    },
  };
}

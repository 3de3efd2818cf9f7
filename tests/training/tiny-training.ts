/** A model small enough for the reference backend, and training on made data. */
import type { ModelConfig } from '../../src/models/config.ts';
import { readModelConfig } from '../../src/models/hf-config.ts';
import { createWeights, type ModelWeights } from '../../src/models/weights.ts';
import type { Backend } from '../../src/tensor/backend.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { tokenData } from '../../src/training/data/token-data.ts';
import type { MicroBatch, TrainingData } from '../../src/training/data/training-data.ts';
import { comparable, type LogRecord } from '../../src/training/log.ts';
import { pretrainingObjective } from '../../src/training/objective.ts';
import { createTrainer, type Trainer, type TrainerOptions } from '../../src/training/trainer.ts';

export function tinyConfig(vocabSize = 16, given: Readonly<Record<string, unknown>> = {}): ModelConfig {
  return readModelConfig(
    {
      model_type: 'qwen3',
      vocab_size: vocabSize,
      hidden_size: 8,
      intermediate_size: 16,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      head_dim: 4,
      max_position_embeddings: 16,
      rope_theta: 10000,
      tie_word_embeddings: true,
      ...given,
    },
    'a tiny model',
  );
}

export const ROWS = 2;
export const TIME = 8;

/** A text that repeats itself with a twist: something to learn. */
export function someTokens(length = 400): Uint16Array {
  return Uint16Array.from({ length }, (_, i) => (i * i + (i >> 3)) % 16);
}

export function someData(rows = ROWS, seed = 3): TrainingData {
  return tokenData(someTokens(), { rows, time: TIME, order: 'random', seed, name: 'made tokens' });
}

export interface TinyTraining {
  readonly trainer: Trainer;
  readonly records: LogRecord[];
  readonly model: { readonly backend: Backend; readonly weights: ModelWeights };
  /** Without clock values. */
  comparable(): Record<string, unknown>[];
  steps(): Extract<LogRecord, { kind: 'step' }>[];
  weights(): Promise<Record<string, number[]>>;
  write(name: string, values: readonly number[]): void;
}

export function tinyTraining(
  given: Partial<TrainerOptions> = {},
  { initialSeed = 5, config = tinyConfig() } = {},
): TinyTraining {
  const backend = createReferenceBackend();
  const weights = createWeights(backend, config);
  weights.initialize(initialSeed);
  const records: LogRecord[] = [];
  const trainer = createTrainer({
    backend,
    weights,
    objective: pretrainingObjective({ batch: ROWS, time: TIME, packed: false }),
    data: someData(),
    optimizer: { learningRate: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clipNorm: 1 },
    schedule: { kind: 'cosine', unit: 'steps', warmup: 2, length: 20, floor: 0.1 },
    accumulation: 1,
    sequenceLength: TIME,
    seed: 7,
    stop: { steps: 4 },
    onRecord: (record) => void records.push(record),
    ...given,
  });
  return {
    trainer,
    records,
    model: { backend, weights },
    comparable: () => comparable(records),
    steps: () => records.filter((record) => record.kind === 'step'),
    write: (name, values) => weights.write(name, Float32Array.from(values)),
    async weights() {
      const entries = weights.parameters.map(async ({ name }) => [name, Array.from(await weights.read(name))] as const);
      return Object.fromEntries(await Promise.all(entries));
    },
  };
}

/** Micro-batches as they are given, each of a weight and the objective's inputs for a step's weight. */
export function listedData(
  batches: readonly { weight: number; inputs: (stepWeight: number) => ReturnType<MicroBatch['inputs']> }[],
): TrainingData {
  return {
    kind: 'other',
    tokens: null,
    async *batches(cursor = '0') {
      for (let i = Number(cursor); i < batches.length; i++) {
        yield { ...batches[i], places: 1, cursor: String(i + 1) };
      }
    },
    async close() {},
  };
}

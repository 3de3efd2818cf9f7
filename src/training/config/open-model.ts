/** The model that a configuration names: its shape, and the weights it begins with. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { INDEX_FILE, SINGLE_FILE } from '../../io/safetensors/sharded.ts';
import { notALanguageModel, readWeights } from '../../models/checkpoint/load-weights.ts';
import type { ModelConfig } from '../../models/config.ts';
import { configError } from '../../models/config-error.ts';
import { readModelConfig } from '../../models/hf-config.ts';
import { findConfig } from '../../models/known-configs.ts';
import type { ModelWeights } from '../../models/weights.ts';
import type { TrainConfig } from './schema.ts';

/** What the data ask of a model. */
export interface NeededOfModel {
  readonly vocabSize: number;
  readonly sequenceLength: number;
  /** What to do where that is too long for the model; default: for rows of a configured length. */
  readonly lengthHint?: string;
  /** Where the tokenizer's special tokens are known: members of config.json. */
  readonly tokenIds?: Readonly<Record<string, number>> | undefined;
  /** `score`: the model gets a head of scores; weights of a language model then begin with one drawn from the seed. */
  readonly head?: 'score';
}

export interface OpenedModel {
  readonly config: ModelConfig;
  /** Folder of the weights it goes on from; null: it begins anew. */
  readonly startedFrom: string | null;
  /** Puts the first weights into place: the folder's, or draws of the seed. */
  begin(weights: ModelWeights, seed: number): Promise<void>;
}

/**
 * Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, and CONFIG_INVALID for a model that cannot be, or whose vocabulary or context is
 * too small for the data.
 */
export function openModel(model: TrainConfig['model'], needed: NeededOfModel): OpenedModel {
  const given = typeof model === 'string' ? { from: model, set: {}, fitVocabulary: false, fresh: false } : model;
  const named = findConfig(given.from);
  const folder = dirname(named.path);
  const hasWeights = [SINGLE_FILE, INDEX_FILE].some((name) => existsSync(join(folder, name)));
  const startedFrom = hasWeights && !given.fresh ? folder : null;
  const fitted = given.fitVocabulary && startedFrom === null;
  const set = { ...(fitted && needed.tokenIds), ...given.set, ...(fitted && { vocab_size: needed.vocabSize }) };
  const read =
    Object.keys(set).length === 0
      ? named.config
      : readModelConfig({ ...(JSON.parse(readFileSync(named.path, 'utf8')) as object), ...set }, named.path);
  if (read.head === 'score' && needed.head !== 'score') throw notALanguageModel(given.from);
  const config: ModelConfig = needed.head === 'score' ? { ...read, head: 'score' } : read;
  check(config, needed, { from: given.from, isNew: startedFrom === null });
  return {
    config,
    startedFrom,
    async begin(weights, seed) {
      if (startedFrom === null) weights.initialize(seed);
      else await readWeights(weights, startedFrom, seed);
    },
  };
}

function check(config: ModelConfig, needed: NeededOfModel, { from, isNew }: { from: string; isNew: boolean }): void {
  if (needed.vocabSize > config.vocabSize) {
    throw configError(
      from,
      `its vocabulary has ${config.vocabSize} ids, the data use ${needed.vocabSize}`,
      isNew
        ? 'Set model.fitVocabulary, or vocab_size in model.set, or take data of this tokenizer.'
        : 'Take data of the tokenizer that the weights were trained with, or begin anew: `fresh: true`.',
    );
  }
  if (needed.sequenceLength > config.maxPositionEmbeddings) {
    throw configError(
      from,
      `it is made for ${config.maxPositionEmbeddings} positions, ${needed.lengthHint === undefined ? 'rows have' : 'texts have up to'} ${needed.sequenceLength} tokens`,
      needed.lengthHint ??
        'Set batch.sequenceLength lower, or max_position_embeddings (n_positions of GPT-2) in model.set.',
    );
  }
}

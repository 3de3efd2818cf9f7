/** What `corpusmill model info` and `model list` show of a configuration. */
import type { ModelConfig } from './config.ts';
import { costOf, countParameters, type ModelCost } from './cost.ts';
import { findConfig, knownConfigs } from './known-configs.ts';

export interface ModelInfo extends ModelCost {
  name: string;
  path: string;
  /** Where the figures of a configuration of corpusmill's come from. */
  source: string | undefined;
  /** Type that the file says its weights have. */
  dtype: string | undefined;
  config: ModelConfig;
}

/**
 * A configuration with its costs. `word` is a name of configs/models, a config.json or a folder with one; `path` its absolute form.
 * Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, CONFIG_INVALID.
 */
export function describeModel(word: string, path: string, sequenceLength?: number): ModelInfo {
  const named = findConfig(word, path);
  return { ...named, ...costOf(named.config, sequenceLength) };
}

export interface ListedModel {
  name: string;
  architecture: string;
  total: number;
  active: number;
  source: string | undefined;
}

/** The configurations that come with corpusmill. */
export function listModels(): ListedModel[] {
  return knownConfigs().map(({ name, config, source }) => {
    const { total, active } = countParameters(config);
    return { name, architecture: config.architecture, total, active, source };
  });
}

/**
 * The configurations that come with corpusmill, `configs/models/NAME.json`, and any configuration by its name or path.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CorpusmillError, systemCode } from '../core/errors.ts';
import type { ModelConfig } from './config.ts';
import { configFolder, configPath } from './config-files.ts';
import { CONFIG_HINT, noConfig, readConfigText } from './hf-config.ts';

export interface NamedConfig {
  /** The file's name without `.json`, or of a folder its own. */
  name: string;
  path: string;
  config: ModelConfig;
  /** Where the figures come from, as the file says (`_source`). */
  source: string | undefined;
  /** The type that the file's weights have, where it says so. */
  dtype: string | undefined;
}

/** Every configuration that comes with corpusmill, by name. */
export function knownConfigs(): NamedConfig[] {
  return readdirSync(configFolder())
    .filter((file) => file.endsWith('.json'))
    .sort(new Intl.Collator('en', { numeric: true }).compare)
    .map((file) => readConfigFile(join(configFolder(), file)));
}

/**
 * The configuration that a word stands for, as `configPath` finds it. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, CONFIG_INVALID.
 *
 * @param path absolute form of `word`
 */
export function findConfig(word: string, path = word): NamedConfig {
  return readConfigFile(configPath(word, path));
}

/** Reads a config.json with its remarks. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, CONFIG_INVALID. */
export function readConfigFile(path: string): NamedConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw noConfig(path);
    const message = `reading the model configuration ${path}: ${(error as Error).message}`;
    throw new CorpusmillError('INPUT_UNREADABLE', message, { hint: CONFIG_HINT, cause: error });
  }
  const { config, json: remarks } = readConfigText(text, path);
  const stringOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const file = basename(path, '.json');
  return {
    name: file === 'config' ? basename(join(path, '..')) : file,
    path,
    config,
    source: stringOf(remarks['_source']),
    dtype: stringOf(remarks['dtype'] ?? remarks['torch_dtype']),
  };
}

/**
 * The configurations that come with corpusmill, `configs/models/NAME.json`, and any configuration by its name or path.
 */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ModelConfig } from './config.ts';
import { configFolder, configPath, readConfigBytes } from './config-files.ts';
import { readConfigText } from './hf-config.ts';

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
  const text = readConfigBytes(path).toString('utf8');
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

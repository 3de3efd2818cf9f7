/** Where model configurations lie: those that come with corpusmill, `configs/models/NAME.json`, and any by its path. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CorpusmillError, systemCode } from '../core/errors.ts';
import { packageRoot } from '../core/package-root.ts';
import { CONFIG_HINT, noConfig } from './config-error.ts';

/** The folder of the configurations that come with corpusmill. */
export function configFolder(): string {
  return join(packageRoot(), 'configs', 'models');
}

/**
 * The file that a word stands for: a path of a config.json, a folder with one, or a name of `configs/models/`. A path comes
 * first. Throws INPUT_NOT_FOUND.
 *
 * @param path absolute form of `word`
 */
export function configPath(word: string, path = word): string {
  if (existsSync(path)) return statSync(path).isDirectory() ? join(path, 'config.json') : path;
  const named = join(configFolder(), `${word}.json`);
  // A name, not a way out of the folder.
  if (basename(word) === word && existsSync(named)) return named;
  throw new CorpusmillError(
    'INPUT_NOT_FOUND',
    `the model ${word}: there is no such file or folder, and no configuration has this name`,
    { hint: '`corpusmill model list` shows the names; a path leads to a config.json or a folder with one.' },
  );
}

/** The bytes of a config.json. Throws INPUT_NOT_FOUND and INPUT_UNREADABLE. */
export function readConfigBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw noConfig(path);
    const message = `reading the model configuration ${path}: ${(error as Error).message}`;
    throw new CorpusmillError('INPUT_UNREADABLE', message, { hint: CONFIG_HINT, cause: error });
  }
}

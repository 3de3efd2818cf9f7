/** Where model configurations lie: those that come with corpusmill, `configs/models/NAME.json`, and any by its path. */
import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { packageRoot } from '../core/native.ts';

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

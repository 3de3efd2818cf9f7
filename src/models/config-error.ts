/** The errors of configurations that cannot be used, or are not there. */
import { CorpusmillError } from '../core/errors.ts';

/** What is wrong, where, and what to do. `source` names the configuration: a path, or where it was given. */
export function configError(source: string, found: string, hint: string): CorpusmillError {
  return new CorpusmillError('CONFIG_INVALID', `the model configuration ${source}: ${found}`, { hint });
}

export const CONFIG_HINT = 'Give a config.json, or a folder with one.';

/** The error of a config.json that is not there. */
export function noConfig(path: string): CorpusmillError {
  return new CorpusmillError('INPUT_NOT_FOUND', `reading the model configuration ${path}: there is no such file`, {
    hint: CONFIG_HINT,
  });
}

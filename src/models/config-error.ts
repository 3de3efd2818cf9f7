/** The one error of configurations that cannot be used. */
import { CorpusmillError } from '../core/errors.ts';

/** What is wrong, where, and what to do. `source` names the configuration: a path, or where it was given. */
export function configError(source: string, found: string, hint: string): CorpusmillError {
  return new CorpusmillError('CONFIG_INVALID', `the model configuration ${source}: ${found}`, { hint });
}

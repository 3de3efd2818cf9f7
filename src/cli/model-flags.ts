/** What commands that run a model have in common: where it computes, and the folder it comes from. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BACKEND_CHOICES, type BackendChoice } from '../tensor/backend.ts';
import { wholeNumber } from './flags.ts';

export interface BackendFlags {
  backend: BackendChoice;
  threads?: number;
}

/** What `--backend` is, on every command that has it. */
export const BACKEND_HELP =
  'what computes: the native add-on, a GPU (webgpu), plain TypeScript (reference); auto: the first that is right here';

/** `--backend` and `--threads`. */
export function backendOptions(command: Command): Command {
  return command
    .addOption(new Option('--backend <name>', BACKEND_HELP).choices(BACKEND_CHOICES).default('auto'))
    .option('--threads <n>', 'threads of the native backend (default: all processors)', wholeNumber(1));
}

/** A finite number. */
export function number(value: string): number {
  const parsed = Number(value);
  if (value.trim() !== '' && Number.isFinite(parsed)) return parsed;
  throw new InvalidArgumentError('expected a number');
}

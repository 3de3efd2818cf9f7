/** What commands that run a model have in common: where it computes, and the folder it comes from. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { BackendChoice } from '../tensor/open-backend.ts';
import { wholeNumber } from './flags.ts';

export interface BackendFlags {
  backend: BackendChoice;
  threads?: number;
}

/** `--backend` and `--threads`. */
export function backendOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--backend <name>', 'what computes: the native add-on where it is built, or plain TypeScript')
        .choices(['auto', 'native', 'reference'])
        .default('auto'),
    )
    .option('--threads <n>', 'threads of the native backend (default: all processors)', wholeNumber(1));
}

/** A finite number. */
export function number(value: string): number {
  const parsed = Number(value);
  if (value.trim() !== '' && Number.isFinite(parsed)) return parsed;
  throw new InvalidArgumentError('expected a number');
}

/** `corpusmill model upcycle`: a mixture of experts from a dense checkpoint. */
import { Command, InvalidArgumentError } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { CliContext, ExitCode } from './context.ts';
import { print, printJson } from './print.ts';

const EXAMPLES = `
Reads a dense Qwen2 or Qwen3. Its feed-forward layers are copied, shuffled and cut into experts, and half of each expert is drawn
anew; train it further before use.

Examples:
  $ corpusmill model upcycle checkpoint moe --experts 16 --per-token 4 --expert-width 128 --shared-width 256
  $ corpusmill train configs/training/mine.yaml --set model=moe`;

interface UpcycleFlags {
  experts: number;
  perToken: number;
  expertWidth: number;
  sharedWidth?: number;
  reinitialize: number;
  seed: number;
  json?: boolean;
}

export function modelUpcycleCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('upcycle')
    .description('make a mixture of experts of a dense checkpoint')
    .argument('<folder>', 'the dense checkpoint')
    .argument('<output>', 'where to write; made when it is not there')
    .requiredOption('--experts <n>', 'how many experts a layer has', count)
    .requiredOption('--per-token <n>', 'how many of them a token goes through', count)
    .requiredOption('--expert-width <n>', 'width of one branch of an expert', count)
    .option('--shared-width <n>', 'width of the shared expert (Qwen2)', count)
    .option('--reinitialize <share>', 'of each expert that is drawn anew', share, 0.5)
    .option('--seed <n>', 'of the shuffles and draws', (text) => count(text), 1)
    .option('--json', 'one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (folder: string, output: string, flags: UpcycleFlags) => {
      // Loaded here: every command imports this file.
      const { resolve } = await import('node:path');
      const { upcycleCheckpoint } = await import('../models/checkpoint/upcycle.ts');
      const { countParameters } = await import('../models/cost.ts');
      const { config, files } = await upcycleCheckpoint(
        resolve(context.cwd, folder),
        resolve(context.cwd, output),
        flags,
      );
      const { total, active } = countParameters(config);
      if (flags.json) {
        await printJson(context, {
          folder: output,
          architecture: config.architecture,
          parameters: total,
          active,
          files,
        });
      } else {
        const of = `${total.toLocaleString('en')} parameters, ${active.toLocaleString('en')} of them for a token`;
        await print(context.stdout, `${output}: ${config.architecture}, ${flags.experts} experts, ${of}\n`);
      }
      setExitCode(EXIT.ok);
    });
}

function count(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('expected a whole number above 0');
  return Number(text);
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('expected a number from 0 to 1');
  return value;
}

/** `corpusmill model average`: the mean of several checkpoints' weights. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { StoredDtype } from '../models/hf-config-write.ts';
import type { CliContext, ExitCode } from './context.ts';
import { print, printJson } from './print.ts';

const EXAMPLES = `
All checkpoints must be models of one shape. Configuration and tokenizer are those of the first.

Examples:
  $ corpusmill model average run-1/policy run-2/policy run-3/policy -o mean
  $ corpusmill model average sft/checkpoints/step-00000400 ppo/checkpoints/step-00000200/policy --weights 1,3 -o mixed`;

interface AverageFlags {
  output: string;
  weights?: number[];
  dtype?: StoredDtype;
  json?: boolean;
}

export function modelAverageCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('average')
    .description('write the mean of several checkpoints')
    .argument('<folders...>', 'the checkpoints, at least two')
    .requiredOption('-o, --output <folder>', 'where to write; made when it is not there')
    .option('--weights <list>', 'one positive number for each checkpoint, such as 1,3 (default: equal)', numbers)
    .addOption(
      new Option('--dtype <type>', 'of the weights').choices(['float32', 'bfloat16', 'float16']).default('float32'),
    )
    .option('--json', 'one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (folders: string[], flags: AverageFlags) => {
      // Loaded here: every command imports this file.
      const { resolve } = await import('node:path');
      const { averageCheckpoints } = await import('../models/checkpoint/average.ts');
      const files = await averageCheckpoints(
        folders.map((folder) => resolve(context.cwd, folder)),
        resolve(context.cwd, flags.output),
        {
          ...(flags.weights !== undefined && { weights: flags.weights }),
          ...(flags.dtype !== undefined && { dtype: flags.dtype }),
        },
      );
      if (flags.json) await printJson(context, { folder: flags.output, of: folders, files });
      else await print(context.stdout, `${flags.output}: the mean of ${folders.length} checkpoints\n`);
      setExitCode(EXIT.ok);
    });
}

function numbers(text: string): number[] {
  const values = text.split(',').map(Number);
  if (text.trim() === '' || values.some(Number.isNaN)) throw new InvalidArgumentError('expected numbers, such as 1,3');
  return values;
}

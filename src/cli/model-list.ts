/** `corpusmill model list`: the configurations of configs/models. */
import { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { CliContext, ExitCode } from './context.ts';
import { columns, print, printJson, widthOf } from './print.ts';

export function modelListCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('list')
    .description('the configurations that come with corpusmill')
    .option('--json', 'one JSON object on standard output')
    .action(async (flags: { json?: boolean }) => {
      // Loaded here: every command imports this file.
      const { listModels } = await import('../models/model-info.ts');
      const models = listModels();
      if (flags.json) await printJson(context, { models });
      else {
        const rows = models.map(({ name, architecture, total, active }) => [
          name,
          architecture,
          `${short(total)}${active === total ? '' : ` (${short(active)} active)`}`,
        ]);
        await print(context.stdout, `${columns(rows, widthOf(context.stdout))}\n`);
      }
      setExitCode(EXIT.ok);
    });
}

/** `494 M`, `57.4 B`. */
function short(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toPrecision(3)} B`;
  return count >= 1e6 ? `${(count / 1e6).toPrecision(3)} M` : `${(count / 1e3).toPrecision(3)} K`;
}

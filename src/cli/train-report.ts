/** `corpusmill train report`: training runs as one page, several with their curves laid over each other. */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { CliContext, ExitCode } from './context.ts';
import { print, printJson, shellPath } from './print.ts';

const EXAMPLES = `
A run is the output folder of \`corpusmill train\` or \`align\`, or the run directory of a pipeline that trains; it may still be under
way. Stages that learn from their own samples (\`align ppo\` and its kin) have a page each.

Examples:
  $ corpusmill train report runs/small
  $ corpusmill train report runs/all runs/filtered --output compared.html`;

interface Flags {
  output?: string;
  json?: boolean;
}

export function trainReportCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('report')
    .description('write the HTML report of one training run, or of several beside each other')
    .argument('<run...>', 'folders of training runs')
    .option(
      '-o, --output <file>',
      'default: report.html in the folder of the run; of several: training-report.html here',
    )
    .option('--json', 'print one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (runs: string[], flags: Flags) => setExitCode(await report(runs, flags, context)));
}

async function report(given: readonly string[], flags: Flags, context: CliContext): Promise<ExitCode> {
  const { isOnlineRun } = await import('../report/online/read-run.ts');
  if (given.length === 1 && isOnlineRun(resolve(context.cwd, given[0]))) return reportOnline(given[0], flags, context);
  const { readTrainingRun } = await import('../report/training/read-run.ts');
  const { writeComparison } = await import('../report/training/index.ts');
  const { lowest, smoothedLoss, statusOf } = await import('../report/training/tables.ts');
  const paths = given.map((path) => resolve(context.cwd, path));
  const runs = paths.map(readTrainingRun);
  const file =
    flags.output !== undefined
      ? resolve(context.cwd, flags.output)
      : runs.length === 1
        ? resolve(runs[0].folder, 'report.html')
        : resolve(context.cwd, 'training-report.html');
  await writeComparison(paths, file);
  if (flags.json === true) {
    await printJson(context, {
      report: file,
      runs: runs.map((run) => ({
        name: run.name,
        folder: run.folder,
        steps: run.steps.at(-1)?.step ?? 0,
        tokens: run.steps.at(-1)?.tokens ?? 0,
        finished: run.end !== undefined,
        loss: smoothedLoss(run),
        validationLoss: run.evaluations.at(-1)?.loss ?? null,
        bestValidationLoss: lowest(run),
      })),
    });
    return EXIT.ok;
  }
  const loss = (value: number | null | undefined): string => (value == null ? 'none' : value.toFixed(4));
  const lines = runs.map(
    (run) =>
      `${run.name}: ${statusOf(run)}, training loss ${loss(smoothedLoss(run))}, validation loss ${loss(run.evaluations.at(-1)?.loss)}`,
  );
  await print(context.stdout, `${lines.join('\n')}\n${shellPath(file)}\n`);
  return EXIT.ok;
}

/** The page of an online stage of alignment. */
async function reportOnline(given: string, flags: Flags, context: CliContext): Promise<ExitCode> {
  const { readOnlineRun } = await import('../report/online/read-run.ts');
  const { writeOnlineReport } = await import('../report/online/index.ts');
  const folder = resolve(context.cwd, given);
  const { run, steps, end } = readOnlineRun(folder);
  const file = await writeOnlineReport(folder, flags.output && resolve(context.cwd, flags.output));
  const [last, finished] = [steps.at(-1), end !== undefined];
  const step = last?.step ?? 0;
  if (flags.json === true) {
    const figures = { steps: step, finished, reward: last?.reward ?? null };
    await printJson(context, { report: file, runs: [{ name: run.name, folder, stage: run.stage, ...figures }] });
    return EXIT.ok;
  }
  const reward = last === undefined ? '' : `, reward ${last.reward.toFixed(4)}`;
  await print(
    context.stdout,
    `${run.name}: ${step} steps${reward}${finished ? '' : ', not finished'}\n${shellPath(file)}\n`,
  );
  return EXIT.ok;
}

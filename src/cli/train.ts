/** `corpusmill train`: trains a model, shows its loss, and can be stopped and run again at any time. */
import { Command } from 'commander';
import type { CliContext, ExitCode } from './context.ts';
import { trainReportCommand } from './train-report.ts';
import { loadOptionsOf, prepareOptionsOf, type RunFlags, runOptions, runTraining } from './train-run.ts';

const EXAMPLES = `
After Ctrl-C, a crash or a power cut the same command goes on from the last checkpoint, to the bit: the losses are those of
a run that was never stopped. The result does not depend on the number of threads.

Examples:
  $ corpusmill train configs/training/shakespeare-qwen.yaml
  $ corpusmill train small.yaml --dry-run        parameters, memory and steps; nothing is trained
  $ corpusmill train small.yaml --set optimizer.learningRate=3e-4 --output runs/lower
  $ corpusmill train small.yaml --profile        time, GFLOP/s and GB/s of every operation
  $ corpusmill train small.yaml --json > result.json
  $ corpusmill train report runs/all runs/filtered    both runs' curves on one page`;

export function trainCommand(
  context: CliContext,
  setExitCode: (code: ExitCode) => void,
  configure: (command: Command) => void,
): Command {
  const report = trainReportCommand(context, setExitCode);
  configure(report);
  return (
    runOptions(new Command('train'))
      .description('train a language model on shards, text or token files')
      .addHelpText('after', EXAMPLES)
      // What stands behind `report` is its own: both have --output and --json.
      .enablePositionalOptions()
      .addCommand(report)
      .action(async (file: string, flags: RunFlags) => setExitCode(await train(file, flags, context)))
  );
}

async function train(file: string, flags: RunFlags, context: CliContext): Promise<ExitCode> {
  const { loadTrainConfig } = await import('../pipeline/config/load-train.ts');
  const { prepareTraining } = await import('../training/run-training.ts');
  const config = await loadTrainConfig(file, loadOptionsOf(flags, context));
  return runTraining(await prepareTraining(config, prepareOptionsOf(flags)), flags, context);
}

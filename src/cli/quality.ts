/** `corpusmill quality`: models that judge texts, trained, asked and evaluated on files, without a pipeline file. */
import { Command } from 'commander';
import type { CliContext, ExitCode } from './context.ts';
import { qualityEvaluateCommand } from './quality-evaluate.ts';
import { qualityScoreCommand } from './quality-score.ts';
import { qualityTrainCommand } from './quality-train.ts';

const EXAMPLES = `
Examples:
  $ corpusmill quality train --positive good.jsonl --negative crawl.jsonl --save quality.bin
  $ corpusmill quality score crawl/*.jsonl.zst --model quality.bin --write parquet
  $ corpusmill quality evaluate labelled.jsonl --model quality.bin --positive keep

In a pipeline the stages quality.train, quality.score, quality.evaluate, quality.human-review and filter.threshold do the
same and more: docs/quality-models.md.`;

export function qualityCommand(
  context: CliContext,
  setExitCode: (code: ExitCode) => void,
  configure: (command: Command) => void,
): Command {
  const command = new Command('quality')
    .description('train, ask and judge quality models: classifiers and language models')
    .addHelpText('after', EXAMPLES);
  for (const create of [qualityTrainCommand, qualityScoreCommand, qualityEvaluateCommand]) {
    const sub = create(context, setExitCode);
    configure(sub);
    command.addCommand(sub);
  }
  return command;
}

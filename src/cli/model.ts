/** `corpusmill model`: configurations of models, and checkpoints from one form into another. */
import { Command } from 'commander';
import type { CliContext, ExitCode } from './context.ts';
import { modelAverageCommand } from './model-average.ts';
import { modelConvertCommand } from './model-convert.ts';
import { modelExportCommand } from './model-export.ts';
import { modelInfoCommand } from './model-info.ts';
import { modelListCommand } from './model-list.ts';
import { modelUpcycleCommand } from './model-upcycle.ts';

const EXAMPLES = `
Examples:
  $ corpusmill model list                              the configurations that come with corpusmill
  $ corpusmill model info qwen2-0.5b                   parameters, arithmetic, memory
  $ corpusmill model convert checkpoint small --dtype bfloat16
  $ corpusmill model export checkpoint --gguf model.gguf --type q8_0`;

export function modelCommand(
  context: CliContext,
  setExitCode: (code: ExitCode) => void,
  configure: (command: Command) => void,
): Command {
  const command = new Command('model')
    .description('what a model costs; checkpoints for transformers and llama.cpp')
    .addHelpText('after', EXAMPLES);
  for (const create of [
    modelListCommand,
    modelInfoCommand,
    modelConvertCommand,
    modelUpcycleCommand,
    modelAverageCommand,
    modelExportCommand,
  ]) {
    const sub = create(context, setExitCode);
    configure(sub);
    command.addCommand(sub);
  }
  return command;
}

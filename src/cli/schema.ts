/** `corpusmill schema`: the JSON Schema of pipeline files and of training configurations, for editors. */
import { Argument, Command } from 'commander';
import type { OnlineStage } from '../align/config/online-schema.ts';
import type { OfflineStage } from '../align/config/schema.ts';
import { EXIT } from '../core/errors.ts';
import type { CliContext, ExitCode } from './context.ts';
import { printJson } from './print.ts';

const KINDS = [
  'pipeline',
  'train',
  'align-sft',
  'align-reward',
  'align-dpo',
  'align-ppo',
  'align-grpo',
  'align-rloo',
  'align-rejection',
  'align-online-dpo',
] as const;
const ONLINE = ['ppo', 'grpo', 'rloo', 'rejection', 'online-dpo'];

const EXAMPLES = `
Shipped as configs/KIND.schema.json. Editors with a YAML language server complete stages and options when a
pipeline's first line says where it is:
  # yaml-language-server: $schema=./pipeline.schema.json

Examples:
  $ corpusmill schema > pipeline.schema.json
  $ corpusmill schema train > train.schema.json`;

export function schemaCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('schema')
    .description('print the JSON Schema of pipeline files or training configurations (completion in editors)')
    .addArgument(new Argument('[kind]', 'of which files').choices(KINDS).default('pipeline'))
    .addHelpText('after', EXAMPLES)
    .action(async (kind: (typeof KINDS)[number]) => {
      if (ONLINE.includes(kind.slice('align-'.length))) {
        const { onlineJsonSchema } = await import('../pipeline/config/load-online.ts');
        await printJson(context, onlineJsonSchema(kind.slice('align-'.length) as OnlineStage));
        setExitCode(EXIT.ok);
        return;
      }
      if (kind.startsWith('align-')) {
        const { stageJsonSchema } = await import('../pipeline/config/load-align.ts');
        await printJson(context, stageJsonSchema(kind.slice('align-'.length) as OfflineStage));
        setExitCode(EXIT.ok);
        return;
      }
      if (kind === 'train') {
        const { trainJsonSchema } = await import('../pipeline/config/load-train.ts');
        await printJson(context, trainJsonSchema());
        setExitCode(EXIT.ok);
        return;
      }
      const { pipelineJsonSchema } = await import('../pipeline/config/json-schema.ts');
      await printJson(context, pipelineJsonSchema(context.registry));
      setExitCode(EXIT.ok);
    });
}

/** `corpusmill schema`: the JSON Schema of pipeline files, for editors. */
import { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { CliContext, ExitCode } from './context.ts';
import { printJson } from './print.ts';

const EXAMPLES = `
Shipped as configs/pipeline.schema.json. Editors with a YAML language server complete stages and options when a
pipeline's first line says where it is:
  # yaml-language-server: $schema=./pipeline.schema.json

Examples:
  $ corpusmill schema > pipeline.schema.json`;

export function schemaCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('schema')
    .description('print the JSON Schema of pipeline files (completion in editors)')
    .addHelpText('after', EXAMPLES)
    .action(async () => {
      const { pipelineJsonSchema } = await import('../pipeline/config/json-schema.ts');
      await printJson(context, pipelineJsonSchema(context.registry));
      setExitCode(EXIT.ok);
    });
}

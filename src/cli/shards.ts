/** `corpusmill shards`: shard folders looked at and checked. */
import { Command } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { CliContext, ExitCode } from './context.ts';
import { printJson } from './print.ts';
import { shardsInfoCommand } from './shards-info.ts';
import { shardsVerifyCommand } from './shards-verify.ts';

const EXAMPLES = `
Examples:
  $ corpusmill shards info runs/web/output/shards       rows, tokens, padding, sources, sides of a split
  $ corpusmill shards verify /mnt/copy/shards           every file against its manifest; exit code 4 when one is wrong
  $ corpusmill shards schema > manifest.schema.json     the JSON Schema of manifest.json

\`corpusmill inspect\` shows rows as text.`;

export function shardsCommand(
  context: CliContext,
  setExitCode: (code: ExitCode) => void,
  configure: (command: Command) => void,
): Command {
  const command = new Command('shards')
    .description('what shard folders hold, and whether they are whole')
    .addHelpText('after', EXAMPLES);
  for (const create of [shardsInfoCommand, shardsVerifyCommand, shardsSchemaCommand]) {
    const sub = create(context, setExitCode);
    configure(sub);
    command.addCommand(sub);
  }
  return command;
}

function shardsSchemaCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('schema').description('print the JSON Schema of manifest.json').action(async () => {
    const { shardManifestJsonSchema } = await import('../shards/manifest.ts');
    await printJson(context, shardManifestJsonSchema());
    setExitCode(EXIT.ok);
  });
}

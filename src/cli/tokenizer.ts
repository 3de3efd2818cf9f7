/** `corpusmill tokenizer`: tokenizers compared on files, and tried on a text, without a pipeline file. */
import { Command } from 'commander';
import type { CliContext, ExitCode } from './context.ts';
import { tokenizerCompareCommand } from './tokenizer-compare.ts';
import { tokenizerConvertCommand } from './tokenizer-convert.ts';
import { tokenizerDecodeCommand, tokenizerEncodeCommand } from './tokenizer-encode.ts';

const EXAMPLES = `
Examples:
  $ corpusmill tokenizer compare qwen/tokenizer.json runs/web/output/tokenizer.train --on data/*.jsonl.zst
  $ corpusmill tokenizer encode qwen/tokenizer.json 'Hello 世界'
  $ corpusmill tokenizer decode qwen/tokenizer.json 9707 220 99489
  $ corpusmill tokenizer convert o200k_base.tiktoken o200k

In a pipeline the stage tokenizer.train makes one: docs/tokenizer-and-shards.md.`;

export function tokenizerCommand(
  context: CliContext,
  setExitCode: (code: ExitCode) => void,
  configure: (command: Command) => void,
): Command {
  const command = new Command('tokenizer')
    .description('compare tokenizers on files, try one on a text, write one in another form')
    .addHelpText('after', EXAMPLES);
  for (const create of [
    tokenizerCompareCommand,
    tokenizerEncodeCommand,
    tokenizerDecodeCommand,
    tokenizerConvertCommand,
  ]) {
    const sub = create(context, setExitCode);
    configure(sub);
    command.addCommand(sub);
  }
  return command;
}

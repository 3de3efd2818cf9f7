/** `corpusmill tokenizer convert`: a tokenizer in a form that another program opens. */
import { Command, Option } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { CliContext, ExitCode } from './context.ts';
import { plural, print } from './print.ts';

const EXAMPLES = `
The input is a folder or file of Hugging Face (tokenizer.json), OpenAI (.tiktoken) or GPT-2 (vocab.json and merges.txt).
The output is a folder; its files give the same ids, or the conversion is refused.

Examples:
  $ corpusmill tokenizer convert o200k_base.tiktoken o200k
  $ corpusmill tokenizer convert ranks.tiktoken own --pattern cl100k --special '<|endoftext|>' --special '<|pad|>'
  $ corpusmill tokenizer convert runs/web/output/tokenizer.train gpt2-form --to gpt2`;

interface ConvertFlags {
  to: 'hf' | 'tiktoken' | 'gpt2';
  encoding?: string;
  pattern?: string;
  special?: string[];
}

export function tokenizerConvertCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('convert')
    .description('write a tokenizer in the form of Hugging Face, tiktoken or GPT-2')
    .argument('<tokenizer>', 'a file or folder')
    .argument('<folder>', 'where to write; made when it is not there')
    .addOption(new Option('--to <form>', 'form').choices(['hf', 'tiktoken', 'gpt2']).default('hf'))
    .option('--encoding <name>', 'of ranks: the published encoding (cl100k_base, o200k_base, qwen, gpt2, llama3 …)')
    .option('--pattern <pattern>', 'of ranks: how text is cut: qwen2, gpt2, cl100k, o200k or a regular expression')
    .option('--special <token>', 'of ranks: a special token; ids follow the ranks (repeatable)', collect)
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, folder: string, flags: ConvertFlags) => {
      await convert(path, folder, flags, context);
      setExitCode(EXIT.ok);
    });
}

function collect(token: string, before: string[] = []): string[] {
  return [...before, token];
}

async function convert(path: string, folder: string, flags: ConvertFlags, context: CliContext): Promise<void> {
  // Loaded here: every command imports this file.
  const { mkdir } = await import('node:fs/promises');
  const { resolve } = await import('node:path');
  const { convertTokenizer } = await import('../tokenizer/formats/convert-tokenizer.ts');
  const { openTokenizer } = await import('../tokenizer/formats/load-tokenizer.ts');
  const { writeFiles } = await import('../tokenizer/tokenizer-files.ts');
  const { CorpusmillError } = await import('../core/errors.ts');
  const opened = openTokenizer(resolve(context.cwd, path), {
    ...(flags.encoding !== undefined && { encoding: flags.encoding }),
    ...(flags.pattern !== undefined && { pattern: flags.pattern }),
    ...(flags.special !== undefined && { specialTokens: flags.special }),
  });
  const files = convertTokenizer(opened, flags.to);
  const output = resolve(context.cwd, folder);
  try {
    await mkdir(output, { recursive: true });
  } catch (error) {
    throw new CorpusmillError('OUTPUT_FAILED', `making the folder ${output}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  await writeFiles(output, files);
  const { vocabSize, addedTokens } = opened.tokenizer;
  await print(
    context.stdout,
    `${folder}: ${Object.keys(files).join(', ')} (${plural(vocabSize, 'id')}, ${plural(addedTokens.length, 'added token')})\n`,
  );
}

/** `corpusmill model export`: a checkpoint as the one file that llama.cpp opens. */
import { Command, Option } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { TensorType } from '../models/checkpoint/gguf/format.ts';
import type { CliContext, ExitCode } from './context.ts';
import { plural, print, printJson } from './print.ts';

const EXAMPLES = `
Matrices get the type asked for; vectors and the routers of experts stay float32, rows that a block of 32 does not divide become
float16, and with q4_0 the vocabulary's matrices are q8_0. What llama.cpp would compute otherwise is refused by name.

Examples:
  $ corpusmill model export checkpoint --gguf model.gguf
  $ corpusmill model export checkpoint --gguf small.gguf --type q4_0 --tokenizer runs/web/output/tokenizer.train`;

interface ExportFlags {
  gguf: string;
  type: string;
  tokenizer?: string;
  json?: boolean;
}

export function modelExportCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('export')
    .description('write a checkpoint as a GGUF file for llama.cpp')
    .argument('<folder>', 'the checkpoint')
    .requiredOption('--gguf <file>', 'where to write')
    .addOption(
      new Option('--type <type>', 'of the matrices').choices(['f32', 'f16', 'bf16', 'q8_0', 'q4_0']).default('f16'),
    )
    .option('--tokenizer <folder>', "to write along (default: the checkpoint's own)")
    .option('--json', 'one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (folder: string, flags: ExportFlags) => {
      // Loaded here: every command imports this file.
      const { resolve } = await import('node:path');
      const { exportGguf } = await import('../models/checkpoint/gguf/export.ts');
      const result = await exportGguf(resolve(context.cwd, folder), resolve(context.cwd, flags.gguf), {
        type: flags.type.toUpperCase() as TensorType,
        ...(flags.tokenizer !== undefined && { tokenizer: resolve(context.cwd, flags.tokenizer) }),
      });
      if (flags.json) await printJson(context, { file: flags.gguf, ...result });
      else {
        const { bytes, tensors, architecture, tokenizer, lost } = result;
        const texts = tokenizer === undefined ? 'without a tokenizer: it works with ids' : 'with its tokenizer';
        await print(
          context.stdout,
          `${flags.gguf}: ${architecture}, ${plural(tensors, 'tensor')}, ${bytes.toLocaleString('en-US')} B, ${texts}\n`,
        );
        for (const what of lost) await print(context.stdout, `not kept: ${what}\n`);
      }
      setExitCode(EXIT.ok);
    });
}

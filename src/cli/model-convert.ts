/** `corpusmill model convert`: a checkpoint in another precision, in shards, or the first Qwen as a Qwen2. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { EXIT } from '../core/errors.ts';
import type { StoredDtype } from '../models/hf-config-write.ts';
import type { CliContext, ExitCode } from './context.ts';
import { plural, print, printJson } from './print.ts';

const EXAMPLES = `
Reads a folder with config.json and model.safetensors (or shards) of Qwen, Qwen2, Qwen2-MoE, Qwen3, Qwen3-MoE, Llama or GPT-2 and
writes one that transformers opens. The tokenizer's files go along.

Examples:
  $ corpusmill model convert checkpoint half --dtype bfloat16
  $ corpusmill model convert checkpoint parts --max-shard-size 2GB
  $ corpusmill model convert qwen-7b qwen-7b-as-qwen2 --to qwen2`;

interface ConvertFlags {
  dtype?: StoredDtype;
  maxShardSize?: number;
  to?: 'qwen2';
  tokenizer?: string;
  json?: boolean;
}

export function modelConvertCommand(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  return new Command('convert')
    .description('write a checkpoint in another form')
    .argument('<folder>', 'the checkpoint')
    .argument('<output>', 'where to write; made when it is not there')
    .addOption(
      new Option('--dtype <type>', 'of the weights').choices(['float32', 'bfloat16', 'float16']).default('float32'),
    )
    .option('--max-shard-size <size>', 'no tensor file larger than this, such as 500MB or 2GB (default: 5GB)', fileSize)
    .addOption(
      new Option('--to <architecture>', 'the first Qwen as the Qwen2 that computes the same').choices(['qwen2']),
    )
    .option('--tokenizer <folder>', "whose files go along (default: the checkpoint's own)")
    .option('--json', 'one JSON object on standard output')
    .addHelpText('after', EXAMPLES)
    .action(async (folder: string, output: string, flags: ConvertFlags) => {
      // Loaded here: every command imports this file.
      const { resolve } = await import('node:path');
      const { convertCheckpoint } = await import('../models/checkpoint/convert.ts');
      const { files, lost, config } = await convertCheckpoint(
        resolve(context.cwd, folder),
        resolve(context.cwd, output),
        {
          ...(flags.dtype !== undefined && { dtype: flags.dtype }),
          ...(flags.maxShardSize !== undefined && { maxShardBytes: flags.maxShardSize }),
          ...(flags.to !== undefined && { architecture: flags.to }),
          ...(flags.tokenizer !== undefined && { tokenizer: resolve(context.cwd, flags.tokenizer) }),
        },
      );
      if (flags.json) await printJson(context, { folder: output, architecture: config.architecture, files, lost });
      else {
        const weights = files.filter((file) => file.endsWith('.safetensors'));
        const others = files.filter((file) => !file.endsWith('.safetensors'));
        await print(context.stdout, `${output}: ${plural(weights.length, 'file')} of weights, ${others.join(', ')}\n`);
        for (const what of lost) await print(context.stdout, `not kept: ${what}\n`);
      }
      setExitCode(EXIT.ok);
    });
}

/** `500MB`, `2GB`, `1GiB` or bytes. */
function fileSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?(|[kMGT]i?)B?$/i.exec(text);
  if (match === null || Number(match[1]) === 0) throw new InvalidArgumentError('expected a size such as 500MB or 2GB');
  const power = ['', 'k', 'm', 'g', 't'].indexOf(match[2].charAt(0).toLowerCase());
  return Math.floor(Number(match[1]) * (match[2].toLowerCase().endsWith('i') ? 1024 : 1000) ** power);
}

/**
 * Writes a model as a folder that transformers opens: `config.json`, `generation_config.json`, `model.safetensors` (or several
 * with an index) and the tokenizer's files.
 *
 * Every file appears whole or not at all, and config.json last: a folder without one is no checkpoint. Weights are
 * written tensor by tensor from where they lie.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import { outputFailed, writeFileAtomic } from '../../io/atomic.ts';
import { DTYPE_BYTES } from '../../io/safetensors/dtypes.ts';
import { INDEX_FILE, SINGLE_FILE } from '../../io/safetensors/sharded.ts';
import { elementsOf, writeSafetensors } from '../../io/safetensors/writer.ts';
import type { ModelConfig } from '../config.ts';
import { type StoredDtype, writeModelConfig } from '../hf-config-write.ts';
import { type FileTensor, fileTensors, gather } from './layout.ts';

export interface CheckpointOptions {
  config: ModelConfig;
  /** A parameter's values by its name in `parametersOf(config)`, row-major. */
  values: (parameter: string) => Float32Array | Promise<Float32Array>;
  /** How weights are stored; default float32. */
  dtype?: StoredDtype;
  /** A tensor file is not made larger than this where a tensor is not; default 5 GB, as transformers has it. */
  maxShardBytes?: number;
  /** A folder whose tokenizer files are copied. */
  tokenizer?: string;
  /** What generation_config.json says beside the tokens: `{ temperature: 0.7, top_p: 0.8 }`. */
  generation?: Readonly<Record<string, unknown>>;
}

/** Files of a tokenizer, by the names of transformers, tiktoken and SentencePiece. */
export const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
  'tokenizer.tiktoken',
] as const;

const STORED = { float32: 'F32', bfloat16: 'BF16', float16: 'F16' } as const;

/**
 * Writes the folder, over a checkpoint that is there. Returns the names of its files in order of writing. Throws OUTPUT_FAILED,
 * and INPUT_NOT_FOUND for a tokenizer folder without a tokenizer.
 */
export async function writeCheckpoint(folder: string, options: CheckpointOptions): Promise<string[]> {
  const { config, values, dtype = 'float32', maxShardBytes = 5e9, generation = {} } = options;
  const tokenizerFiles = options.tokenizer === undefined ? [] : tokenizerFilesOf(options.tokenizer);
  try {
    await mkdir(folder, { recursive: true });
    await rm(join(folder, 'config.json'), { force: true });
  } catch (error) {
    throw outputFailed('make', folder, error);
  }
  const shards = cutIntoShards(fileTensors(config), STORED[dtype], maxShardBytes);
  const written: string[] = [];
  const write = async (name: string, content: string | Uint8Array): Promise<void> => {
    await writeFileAtomic(join(folder, name), content);
    written.push(name);
  };
  for (const { file, tensors } of shards) {
    const sources = tensors.map((tensor) => ({
      name: tensor.name,
      shape: tensor.shape,
      dtype: STORED[dtype],
      values: () => gather(tensor, values),
    }));
    await writeSafetensors(join(folder, file), sources);
    written.push(file);
  }
  if (shards.length > 1) await write(INDEX_FILE, indexOf(shards, STORED[dtype]));
  for (const name of tokenizerFiles) await write(name, await readFile(join(options.tokenizer!, name)));
  const { bosTokenId, eosTokenIds, padTokenId } = config;
  await write(
    'generation_config.json',
    jsonText({
      ...(bosTokenId !== null && { bos_token_id: bosTokenId }),
      ...(eosTokenIds.length > 0 && { eos_token_id: eosTokenIds.length > 1 ? eosTokenIds : eosTokenIds[0] }),
      ...(padTokenId !== null && { pad_token_id: padTokenId }),
      ...generation,
    }),
  );
  await removeOtherShards(folder, new Set(written));
  await write('config.json', jsonText(writeModelConfig(config, dtype)));
  return written;
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The tokenizer files of a folder. Throws INPUT_NOT_FOUND where it has no vocabulary. */
function tokenizerFilesOf(folder: string): string[] {
  const found = TOKENIZER_FILES.filter((name) => existsSync(join(folder, name)));
  const vocabularies = ['tokenizer.json', 'vocab.json', 'tokenizer.model', 'tokenizer.tiktoken'];
  if (found.some((name) => vocabularies.includes(name))) return found;
  throw new CorpusmillError(
    'INPUT_NOT_FOUND',
    `copying the tokenizer of ${folder}: it has none of ${vocabularies.join(', ')}`,
    {
      hint: 'Give a folder as `corpusmill tokenizer convert` or transformers writes it.',
    },
  );
}

interface Shard {
  file: string;
  tensors: FileTensor[];
}

/** Tensors in order, a new file where the next would pass the limit. */
function cutIntoShards(tensors: readonly FileTensor[], dtype: 'F32' | 'BF16' | 'F16', maxBytes: number): Shard[] {
  const groups: FileTensor[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const size = DTYPE_BYTES[dtype] * elementsOf(tensor.shape);
    if (bytes + size > maxBytes && bytes > 0) {
      groups.push([]);
      bytes = 0;
    }
    groups[groups.length - 1].push(tensor);
    bytes += size;
  }
  const five = (n: number): string => String(n).padStart(5, '0');
  return groups.map((group, i) => ({
    file: groups.length === 1 ? SINGLE_FILE : `model-${five(i + 1)}-of-${five(groups.length)}.safetensors`,
    tensors: group,
  }));
}

function indexOf(shards: readonly Shard[], dtype: 'F32' | 'BF16' | 'F16'): string {
  const all = shards.flatMap(({ file, tensors }) => tensors.map((tensor) => ({ file, tensor })));
  const elements = all.reduce((sum, { tensor }) => sum + elementsOf(tensor.shape), 0);
  return jsonText({
    metadata: { total_size: DTYPE_BYTES[dtype] * elements },
    weight_map: Object.fromEntries(all.map(({ file, tensor }) => [tensor.name, file])),
  });
}

/** Weights of a checkpoint that was there before, in another number of files. */
async function removeOtherShards(folder: string, written: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    const isWeights = /^model(-\d{5}-of-\d{5})?\.safetensors$/.test(name) || name === INDEX_FILE;
    if (isWeights && !written.has(name)) await rm(join(folder, name), { force: true });
  }
}

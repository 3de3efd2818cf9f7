/** A checkpoint folder as one GGUF file, which llama.cpp and what builds on it open. */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { asQwen2 } from '../convert.ts';
import { openCheckpoint } from '../read.ts';
import { inexpressible, type TensorType } from './format.ts';
import { ggufArchitecture, modelKeys } from './model-keys.ts';
import { modelTensors } from './model-tensors.ts';
import { placeholderKeys, tokenizerKeys } from './tokenizer-keys.ts';
import { writeGguf } from './writer.ts';

export interface GgufOptions {
  /** Type of the matrices; vectors and routers are always F32. Default F16. */
  type?: TensorType;
  /** Folder or file of the tokenizer. Default: the checkpoint's folder where it has one, else tokens without texts. */
  tokenizer?: string;
}

export interface GgufResult {
  bytes: number;
  tensors: number;
  architecture: string;
  /** The tokenizer written, or undefined for tokens without texts. */
  tokenizer: string | undefined;
  /** What the file no longer says. */
  lost: string[];
}

/**
 * Writes the file. The first Qwen is written as the Qwen2 that computes the same. Throws what reading throws, CONFIG_INVALID
 * for a model or tokenizer that llama.cpp does not compute, OUTPUT_FAILED.
 */
export async function exportGguf(folder: string, path: string, options: GgufOptions = {}): Promise<GgufResult> {
  const { type = 'F16' } = options;
  const opened = await openCheckpoint(folder);
  try {
    const { config, lost } =
      opened.config.architecture === 'qwen' ? asQwen2(opened.config, folder) : { config: opened.config, lost: [] };
    const architecture = ggufArchitecture(config);
    if (config.head === 'score')
      throw inexpressible('models with a head of scores are not written', 'Keep the safetensors form.');
    if (config.architecture === 'gpt2')
      throw inexpressible('models of gpt2 are not written', 'Keep the safetensors form.');
    const own = ['tokenizer.json', 'vocab.json', 'tokenizer.tiktoken'].some((file) => existsSync(join(folder, file)));
    const tokenizer = options.tokenizer ?? (own ? folder : undefined);
    const metadata = new Map([
      ...modelKeys(config, basename(resolve(folder)), type),
      ...(tokenizer === undefined ? placeholderKeys(config) : tokenizerKeys(tokenizer, config)),
    ]);
    const tensors = modelTensors(config, type, opened.read);
    const bytes = await writeGguf(path, metadata, tensors);
    return { bytes, tensors: tensors.length, architecture, tokenizer, lost };
  } finally {
    await opened.close();
  }
}

/**
 * A checkpoint in another form: other precision, other shards, or the first Qwen as the Qwen2 that computes the same. One
 * parameter after another goes through memory.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import type { ModelConfig } from '../config.ts';
import type { StoredDtype } from '../hf-config-write.ts';
import { openCheckpoint } from './read.ts';
import { TOKENIZER_FILES, writeCheckpoint } from './write.ts';

export interface ConvertOptions {
  dtype?: StoredDtype;
  maxShardBytes?: number;
  /** Default: the architecture it has. */
  architecture?: 'qwen2';
  /** Default: the source folder, where it has a tokenizer. */
  tokenizer?: string;
}

export interface Converted {
  config: ModelConfig;
  files: string[];
  /** What the new form no longer says. */
  lost: string[];
}

/** Reads one folder and writes another. Throws what reading and writing throw, and CONFIG_INVALID for a form that cannot be. */
export async function convertCheckpoint(from: string, to: string, options: ConvertOptions = {}): Promise<Converted> {
  if (resolve(from) === resolve(to)) {
    throw new CorpusmillError('USAGE', `converting ${from}: the output is the same folder`, {
      hint: 'Give another folder: the weights are read while the new ones are written.',
    });
  }
  const opened = await openCheckpoint(from);
  try {
    const { config, lost } =
      options.architecture === 'qwen2' ? asQwen2(opened.config, from) : { config: opened.config, lost: [] };
    const ownTokenizer = TOKENIZER_FILES.some((name) => existsSync(join(from, name))) ? from : undefined;
    const tokenizer = options.tokenizer ?? ownTokenizer;
    const files = await writeCheckpoint(to, {
      config,
      values: opened.read,
      ...(options.dtype !== undefined && { dtype: options.dtype }),
      ...(options.maxShardBytes !== undefined && { maxShardBytes: options.maxShardBytes }),
      ...(tokenizer !== undefined && { tokenizer }),
      generation: await generationOf(from),
    });
    return { config, files, lost };
  } finally {
    await opened.close();
  }
}

/**
 * The first Qwen is a Qwen2 without shared heads and with an output matrix of its own. What acts only beyond the trained length
 * (dynamic NTK in Qwen's form, LogN) has no place in a Qwen2.
 */
export function asQwen2(config: ModelConfig, source: string): { config: ModelConfig; lost: string[] } {
  if (config.architecture === 'qwen2') return { config, lost: [] };
  if (config.architecture !== 'qwen') {
    throw new CorpusmillError('CONFIG_INVALID', `converting ${source} to qwen2: it is a ${config.architecture}`, {
      hint: 'Only the first Qwen computes what a Qwen2 can.',
    });
  }
  const lost: string[] = [];
  if (config.ropeScaling.type === 'qwen-dynamic-ntk') {
    lost.push(`dynamic NTK scaling beyond ${config.ropeScaling.trainedLength} positions`);
  }
  if (config.logN !== null) lost.push(`LogN attention beyond ${config.logN.trainedLength} positions`);
  return { config: { ...config, architecture: 'qwen2', ropeScaling: { type: 'none' }, logN: null }, lost };
}

/** What generation_config.json says beside the tokens, which the configuration has. */
async function generationOf(folder: string): Promise<Record<string, unknown>> {
  const path = join(folder, 'generation_config.json');
  if (!existsSync(path)) return {};
  try {
    const { bos_token_id, eos_token_id, pad_token_id, ...rest } = JSON.parse(await readFile(path, 'utf8')) as Record<
      string,
      unknown
    >;
    return rest;
  } catch (error) {
    throw new CorpusmillError('INPUT_CORRUPT', `reading ${path}: ${(error as Error).message}`, { cause: error });
  }
}

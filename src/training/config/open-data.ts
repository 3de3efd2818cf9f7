/** The data that a configuration names: what is trained on, what evaluates, and the tokenizer that both are in. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import type { MixtureSource } from '../../shards/loader.ts';
import type { ShardManifest } from '../../shards/manifest.ts';
import { openShards, shardFolders } from '../../shards/shard-set.ts';
import { loadTokenizer } from '../../tokenizer/formats/load-tokenizer.ts';
import { type BpeTables, writeHfTokenizer } from '../../tokenizer/hf-json.ts';
import { tokenizerJsonText } from '../../tokenizer/tokenizer.ts';
import { configFiles } from '../../tokenizer/tokenizer-files.ts';
import { rowLengthOf, shardData } from '../data/shard-data.ts';
import { byteTables, characterIds, characterTables } from '../data/text-tokens.ts';
import { type TokenIds, tokenData } from '../data/token-data.ts';
import { readBytes, readTokenFile } from '../data/token-file.ts';
import type { EvaluationData, TrainingData } from '../data/training-data.ts';
import { fractionOf, type TrainConfig } from './schema.ts';

export interface OpenedData {
  readonly data: TrainingData;
  readonly validation: EvaluationData | undefined;
  /** Rows hold several documents. */
  readonly packed: boolean;
  readonly sequenceLength: number;
  /** Ids that the data may hold. */
  readonly vocabSize: number;
  /** Of special tokens, by the names of config.json, where the data say. */
  readonly tokenIds?: Readonly<Record<string, number>>;
  readonly paths: readonly string[];
  /** Folder with the tokenizer's files, where there is one. */
  readonly tokenizer: string | undefined;
}

/** Sequence length of text and tokens where neither the configuration nor the model says one. */
const DEFAULT_LENGTH = 256;

/**
 * Opens everything, checked. `modelLength`: what the model is made for, the default of text and tokens. Throws
 * CONFIG_INVALID for data that do not fit together, and what their readers throw. Tokenizers of characters and bytes are
 * written into `output`.
 */
export async function openData(
  config: TrainConfig & { output: string },
  modelLength: number | undefined,
): Promise<OpenedData> {
  const kinds = (['shards', 'text', 'tokens'] as const).filter((kind) => config.data[kind] !== undefined);
  if (kinds.length !== 1) {
    const found = kinds.length === 0 ? 'none of them' : kinds.join(' and ');
    throw wrong(`has ${found}, expected one of shards, text and tokens`, 'Give the path of one kind of data.');
  }
  if (kinds[0] === 'shards') return openShardData(config);
  const opened = kinds[0] === 'text' ? await openText(config) : await openTokens(config);
  return openIds(config, opened, config.batch.sequenceLength ?? modelLength ?? DEFAULT_LENGTH);
}

async function openShardData(config: TrainConfig): Promise<OpenedData> {
  const { data, batch, seed, evaluation } = config;
  if (data.tokenizer !== undefined) throw wrong('tokenizer is given, but shards have their own', 'Leave it out.');
  if (data.validationShare !== undefined) {
    throw wrong('validationShare is given for shards', 'Set `split` in the stage shards, which makes both sides.');
  }
  const list = typeof data.shards === 'string' ? [data.shards] : data.shards!;
  const sources: MixtureSource[] = [];
  const heldOut: MixtureSource[] = [];
  for (const entry of list) {
    const { path, ...rest } = typeof entry === 'string' ? { path: entry } : entry;
    const sides = await shardFolders(path);
    for (const { folder, name } of sides) {
      if (name === 'validation') {
        const shards = await openShards(folder);
        // Of a few documents a hash may hold out none.
        if (shards.manifest.rows > 0) heldOut.push({ shards });
        else await shards.close();
      } else {
        const { weight, epochs } = rest as { weight?: number; epochs?: number };
        sources.push({
          shards: await openShards(folder),
          ...(weight !== undefined && { weight }),
          ...(epochs !== undefined && { epochs }),
        });
      }
    }
  }
  if (data.validation !== undefined) {
    const sides = await shardFolders(data.validation);
    const side = sides.find(({ name }) => name === 'validation') ?? sides[0];
    heldOut.splice(0, heldOut.length, { shards: await openShards(side.folder) });
  }
  const sequenceLength = rowLengthOf(sources, batch.sequenceLength);
  const { manifest, dir } = sources[0].shards;
  const limit = evaluation.batches === 'all' ? undefined : evaluation.batches;
  const order = { shuffled: 'global', blocks: 'blocks', sequential: 'sequential' } as const;
  const hasTokenizer = existsSync(join(dir, 'tokenizer.json'));
  return {
    data: shardData(sources, {
      seed,
      rows: batch.rows,
      order: order[data.order],
      epochs: data.epochs === 'unlimited' ? Number.POSITIVE_INFINITY : data.epochs,
    }),
    validation:
      heldOut.length === 0
        ? undefined
        : shardData(heldOut, {
            seed: 0,
            rows: batch.rows,
            order: limit === undefined ? 'sequential' : 'global',
            ...(limit !== undefined && { limit }),
          }),
    packed: true,
    sequenceLength,
    vocabSize: manifest.tokenizer.vocabSize,
    tokenIds: tokenIdsOf(manifest),
    paths: list.map((entry) => (typeof entry === 'string' ? entry : entry.path)),
    tokenizer: hasTokenizer ? dir : undefined,
  };
}

function tokenIdsOf({ bos, eos, pad }: ShardManifest): Record<string, number> {
  return {
    ...(bos !== null && { bos_token_id: bos.id }),
    ...(eos !== null && { eos_token_id: eos.id }),
    ...(pad.id !== eos?.id && { pad_token_id: pad.id }),
  };
}

/** Ids in memory, before they are cut into two sides. */
interface OpenedIds {
  kind: 'text' | 'tokens';
  path: string;
  train: TokenIds;
  validation: TokenIds | undefined;
  vocabSize: number;
  tokenizer: string | undefined;
}

function openIds(config: TrainConfig, opened: OpenedIds, time: number): OpenedData {
  const { data, batch, seed, evaluation } = config;
  let { train, validation } = opened;
  if (data.validationShare !== undefined) {
    if (validation !== undefined) throw wrong('has both validation and validationShare', 'Give one of them.');
    // As nanoGPT's prepare.py cuts: int(n · 0.9) tokens are for training.
    const border = Math.floor(train.length * (1 - fractionOf(data.validationShare)!));
    validation = train.subarray(border);
    train = train.subarray(0, border);
  }
  const limit = evaluation.batches === 'all' ? undefined : evaluation.batches;
  const common = { rows: batch.rows, time, kind: opened.kind };
  return {
    data: tokenData(train, {
      ...common,
      name: opened.path,
      seed,
      order: data.order === 'shuffled' ? 'random' : 'sequential',
      epochs: data.epochs === 'unlimited' ? Number.POSITIVE_INFINITY : data.epochs,
    }),
    validation:
      validation &&
      tokenData(validation, {
        ...common,
        name: `the validation part of ${opened.path}`,
        seed: 0,
        order: limit === undefined ? 'sequential' : 'random',
        ...(limit !== undefined && { limit }),
      }),
    packed: false,
    sequenceLength: time,
    vocabSize: opened.vocabSize,
    paths: [opened.path],
    tokenizer: opened.tokenizer,
  };
}

async function openText(config: TrainConfig & { output: string }): Promise<OpenedIds> {
  const { text: path, validation: other, tokenizer } = config.data;
  if (tokenizer === undefined) {
    throw wrong('text has no tokenizer', 'Set data.tokenizer to `characters`, `bytes` or the path of a tokenizer.');
  }
  const text = await readText(path!);
  const held = other === undefined ? undefined : await readText(other);
  const base = { kind: 'text' as const, path: path! };
  if (tokenizer !== 'characters' && tokenizer !== 'bytes') {
    const loaded = loadTokenizer(tokenizer);
    const validation = held === undefined ? undefined : loaded.encode(held);
    const folder = tokenizer.endsWith('tokenizer.json') ? dirname(tokenizer) : tokenizer;
    const kept = existsSync(join(folder, 'tokenizer.json')) ? folder : undefined;
    return { ...base, train: loaded.encode(text), validation, vocabSize: loaded.vocabSize, tokenizer: kept };
  }
  const folder = join(config.output, 'tokenizer');
  if (tokenizer === 'bytes') {
    await writeTables(byteTables(), folder);
    const ids = (of: string): Uint16Array => Uint16Array.from(Buffer.from(of));
    return {
      ...base,
      train: ids(text),
      validation: held === undefined ? undefined : ids(held),
      vocabSize: 256,
      tokenizer: folder,
    };
  }
  // One vocabulary for both, which characters of the held-out text alone belong to as well.
  const tables = characterTables(text + (held ?? ''));
  await writeTables(tables, folder);
  const all = characterIds(text + (held ?? ''));
  const border = held === undefined ? all.length : all.length - [...held].length;
  return {
    ...base,
    train: all.subarray(0, border),
    validation: held === undefined ? undefined : all.subarray(border),
    vocabSize: tables.vocabSize,
    tokenizer: folder,
  };
}

async function openTokens(config: TrainConfig): Promise<OpenedIds> {
  const { tokens: path, validation: other, tokenizer } = config.data;
  if (tokenizer === 'characters' || tokenizer === 'bytes') {
    throw wrong(`tokenizer is ${tokenizer} for token ids`, 'Give the path of the tokenizer that made them, or none.');
  }
  const train = await readTokenFile(path!);
  const validation = other === undefined ? undefined : await readTokenFile(other);
  let most = 0;
  for (const ids of [train, validation ?? []]) for (const id of ids) if (id > most) most = id;
  const folder = tokenizer?.endsWith('tokenizer.json') ? dirname(tokenizer) : tokenizer;
  const kept = folder !== undefined && existsSync(join(folder, 'tokenizer.json')) ? folder : undefined;
  return { kind: 'tokens', path: path!, train, validation, vocabSize: most + 1, tokenizer: kept };
}

async function readText(path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readBytes(path));
  } catch (error) {
    if (error instanceof CorpusmillError) throw error;
    throw new CorpusmillError('INPUT_CORRUPT', `reading ${path}: it is not UTF-8 text`, { cause: error });
  }
}

async function writeTables(tables: BpeTables, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(join(folder, 'tokenizer.json'), tokenizerJsonText(writeHfTokenizer(tables)));
  for (const [name, text] of Object.entries(configFiles(tables))) await writeFileAtomic(join(folder, name), text);
}

function wrong(found: string, hint: string): CorpusmillError {
  return new CorpusmillError('CONFIG_INVALID', `the training configuration: data ${found}`, { hint });
}

/**
 * The one door: a tokenizer from any of the files that tokenizers come in.
 *
 *   folder                    by what is in it, in the order below
 *   tokenizer.json            HF tokenizers: byte-level BPE, and BPE of SentencePiece's kind
 *   vocab.json + merges.txt   GPT-2 and kin; either file, or OpenAI's encoder.json + vocab.bpe
 *   *.tiktoken                ranks; the encoding by option or by the file's name (cl100k_base.tiktoken)
 *   *.model                   SentencePiece (BPE and unigram), or ranks, as Meta distributes Llama 3
 *
 * Which it is is seen from the content, not from the name. Gzip is seen through. Reading is synchronous, since stages are
 * created so; it happens once a thread.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CorpusmillError, systemCode } from '../../core/errors.ts';
import { sha256Hex } from '../../core/sha256.ts';
import { type BpeTables, writeHfTokenizer } from '../hf-json.ts';
import type { TextTokenizer } from '../text-tokenizer.ts';
import { Tokenizer, tokenizerJsonText } from '../tokenizer.ts';
import { readGpt2Files } from './gpt2-files.ts';
import { KNOWN_ENCODINGS } from './known-encodings.ts';
import { looksLikeSentencePiece, readSentencePieceModel } from './sentencepiece-model.ts';
import { createSentencePieceTokenizer } from './sentencepiece-tokenizer.ts';
import { looksLikeTiktoken, readTiktoken, type TiktokenOptions } from './tiktoken.ts';
import { COMPANIONS, readTokenizerConfig, type TokenizerConfig } from './tokenizer-config.ts';
import { tokenizerFromJson } from './tokenizer-json.ts';

export type TokenizerFormat = 'hf' | 'gpt2' | 'tiktoken' | 'sentencepiece';

/** A tokenizer with what its files say of it. */
export interface OpenedTokenizer {
  tokenizer: TextTokenizer;
  format: TokenizerFormat;
  /** The file that was read (of two, the vocabulary). */
  path: string;
  /** The tables of a byte-level BPE tokenizer, made when asked for; undefined for one of SentencePiece's kind. */
  readTables(): BpeTables | undefined;
  config: TokenizerConfig;
  /**
   * Files by which other programs open the same tokenizer, the first one its own: `tokenizer.json` (made where it was
   * read from ranks or GPT-2's files), or SentencePiece's `tokenizer.model`; then those that lie beside it.
   */
  files: ReadonlyMap<string, Uint8Array>;
}

/** Options apply to files that do not say these things themselves: ranks, and GPT-2's. */
export type LoadTokenizerOptions = TiktokenOptions;

/**
 * The tokenizer of a file or folder. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_CORRUPT for files that are something
 * else, and CONFIG_INVALID where ranks come without an encoding.
 */
export function loadTokenizer(path: string, options: LoadTokenizerOptions = {}): TextTokenizer {
  return openTokenizer(path, options).tokenizer;
}

/** The same with its format, tables, configuration and files. */
export function openTokenizer(path: string, options: LoadTokenizerOptions = {}): OpenedTokenizer {
  const file = isFolder(path) ? vocabularyOf(path) : path;
  const bytes = readBytes(file);
  const opened = { path: file, ...readCompanions(dirname(file)) };
  if (looksLikeTiktoken(bytes)) {
    const tables = readTiktoken(textOf(bytes), file, { ...encodingOf(file, bytes), ...withoutAbsent(options) });
    return { ...opened, ...fromTables(tables, 'tiktoken', opened.companions) };
  }
  const pair = gpt2Pair(file);
  if (pair !== undefined && !bytes.subarray(0, 4096).includes(0)) {
    const { tokenizerClass, added } = opened.config;
    const known = tokenizerClass === undefined ? undefined : GPT2_CLASSES[tokenizerClass];
    const { pattern, normalization } = { ...known, ...withoutAbsent(options) };
    const tables = readGpt2Files(textOf(readBytes(pair.vocab)), textOf(readBytes(pair.merges)), file, {
      ...(pattern !== undefined && { pattern }),
      ...(normalization !== undefined && { normalization }),
      added,
    });
    return { ...opened, ...fromTables(tables, 'gpt2', opened.companions), path: pair.vocab };
  }
  if (looksLikeSentencePiece(bytes)) {
    const model = readSentencePieceModel(bytes, file);
    const tokenizer = createSentencePieceTokenizer(model, sha256Hex(bytes), opened.config.added);
    const files = new Map([['tokenizer.model', bytes], ...opened.companions]);
    return { ...opened, tokenizer, format: 'sentencepiece', readTables: () => undefined, files };
  }
  const files = new Map([['tokenizer.json', bytes], ...opened.companions]);
  return { ...opened, ...tokenizerFromJson(bytes, file), format: 'hf', files };
}

/**
 * The files that a path stands for, absolute: the vocabulary that `openTokenizer` reads, of GPT-2's form both files, and what
 * lies beside it (configuration, chat template); of an absent path none. What a stage's `keyFiles` needs. Throws
 * INPUT_NOT_FOUND for a folder without a tokenizer.
 */
export function tokenizerFiles(path: string | undefined, baseDir: string): string[] {
  if (path === undefined) return [];
  const given = resolve(baseDir, path);
  // A path that leads nowhere is the reader's failure, said there.
  const file = statSync(given, { throwIfNoEntry: false })?.isDirectory() ? vocabularyOf(given) : given;
  const pair = gpt2Pair(file);
  const beside = COMPANIONS.map((name) => join(dirname(file), name)).filter((companion) => existsSync(companion));
  return [...(pair === undefined ? [file] : [pair.vocab, pair.merges]), ...beside];
}

/** A byte-level tokenizer that has no tokenizer.json yet. */
function fromTables(
  tables: BpeTables,
  format: TokenizerFormat,
  companions: ReadonlyMap<string, Uint8Array>,
): Pick<OpenedTokenizer, 'tokenizer' | 'format' | 'readTables' | 'files'> {
  const json = writeHfTokenizer(tables);
  const text = new TextEncoder().encode(tokenizerJsonText(json));
  return {
    tokenizer: Tokenizer.fromJson(json, sha256Hex(text)),
    format,
    readTables: () => tables,
    files: new Map([['tokenizer.json', text], ...companions]),
  };
}

/** What transformers' slow tokenizers of vocab.json and merges.txt do besides, by class. */
const GPT2_CLASSES: Readonly<Record<string, Pick<LoadTokenizerOptions, 'pattern' | 'normalization'>>> = {
  GPT2Tokenizer: { pattern: 'gpt2' },
  Qwen2Tokenizer: { pattern: 'qwen2', normalization: 'nfc' },
};

/** The encoding of a rank file: by its name, or Llama 3, whose file is called tokenizer.model. */
function encodingOf(file: string, bytes: Uint8Array): { encoding?: string } {
  const stem = basename(file)
    .replace(/\.gz$/, '')
    .replace(/\.[^.]*$/, '');
  if (Object.hasOwn(KNOWN_ENCODINGS, stem)) return { encoding: stem };
  let lines = 0;
  for (const byte of bytes) if (byte === 10) lines++;
  return basename(file) === 'tokenizer.model' && lines === LLAMA3_RANKS ? { encoding: 'llama3' } : {};
}

const LLAMA3_RANKS = 128_000;

function withoutAbsent(options: LoadTokenizerOptions): LoadTokenizerOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** The two files of GPT-2's form, given either. */
function gpt2Pair(file: string): { vocab: string; merges: string } | undefined {
  const name = basename(file);
  for (const [vocab, merges] of [
    ['vocab.json', 'merges.txt'],
    ['encoder.json', 'vocab.bpe'],
  ] as const) {
    const isVocab = name.includes(vocab);
    if (!isVocab && !name.includes(merges)) continue;
    const beside = (from: string, to: string): string => join(dirname(file), name.replace(from, to));
    return isVocab ? { vocab: file, merges: beside(vocab, merges) } : { vocab: beside(merges, vocab), merges: file };
  }
  return undefined;
}

const VOCABULARIES = ['tokenizer.json', 'vocab.json', 'encoder.json', 'tokenizer.model', 'spiece.model'];

/** Whether a folder holds the vocabulary of a tokenizer. */
export function hasTokenizer(folder: string): boolean {
  return vocabularyAmong(readdirSync(folder)) !== undefined;
}

function vocabularyAmong(names: readonly string[]): string | undefined {
  return VOCABULARIES.find((name) => names.includes(name)) ?? names.find((name) => /\.(tiktoken|model)$/.test(name));
}

/** The file of a folder that holds the vocabulary. */
function vocabularyOf(folder: string): string {
  const names = readdirSync(folder).sort();
  const found = vocabularyAmong(names);
  if (found !== undefined) return join(folder, found);
  const listed = names.length === 0 ? 'nothing' : names.slice(0, 10).join(', ');
  throw new CorpusmillError(
    'INPUT_NOT_FOUND',
    `reading the tokenizer ${folder}: there is none in it; it has ${listed}`,
    {
      hint: `Looked for ${VOCABULARIES.join(', ')} and files named *.tiktoken or *.model.`,
    },
  );
}

function readCompanions(folder: string): { config: TokenizerConfig; companions: ReadonlyMap<string, Uint8Array> } {
  const companions = new Map<string, Uint8Array>();
  const texts: Record<string, string> = {};
  for (const name of COMPANIONS) {
    try {
      const bytes = readFileSync(join(folder, name));
      companions.set(name, bytes);
      texts[name] = textOf(bytes);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw unreadable(join(folder, name), error);
    }
  }
  return { config: readTokenizerConfig(texts, folder), companions };
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw unreadable(path, error);
  }
}

function readBytes(path: string): Uint8Array {
  try {
    const bytes = readFileSync(path);
    return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): CorpusmillError {
  const missing = systemCode(error) === 'ENOENT';
  return new CorpusmillError(
    missing ? 'INPUT_NOT_FOUND' : 'INPUT_UNREADABLE',
    `reading the tokenizer ${path}: ${missing ? 'there is no such file' : (error as Error).message}`,
    { hint: 'Give a tokenizer.json, a .tiktoken or .model file, or a folder with one of them.', cause: error },
  );
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8').decode(bytes);
}

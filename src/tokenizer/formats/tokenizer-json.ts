/**
 * The bytes of an HF tokenizer.json: byte-level BPE, or BPE of SentencePiece's kind, which of them is seen from the content.
 * A browser has this door alone (load-tokenizer.ts has the others).
 */
import { CorpusmillError } from '../../core/errors.ts';
import { sha256Hex } from '../../core/sha256.ts';
import { type HfFile, readHfFile } from '../hf-file.ts';
import type { BpeTables } from '../hf-json.ts';
import { nativeBpe } from '../native-bpe.ts';
import type { TextTokenizer } from '../text-tokenizer.ts';
import { Tokenizer } from '../tokenizer.ts';
import { isSentencePieceJson, readSentencePieceJson } from './sentencepiece-json.ts';
import { createSentencePieceTokenizer } from './sentencepiece-tokenizer.ts';

export interface JsonTokenizer {
  readonly tokenizer: TextTokenizer;
  /** The tables of a byte-level BPE tokenizer, made when asked for; undefined for one of SentencePiece's kind. */
  readTables(): BpeTables | undefined;
}

/** `file` names the bytes in messages. Throws INPUT_CORRUPT for what is no tokenizer.json, or one that is not supported. */
export function tokenizerFromJson(bytes: Uint8Array, file: string): JsonTokenizer {
  let read: HfFile;
  try {
    read = readHfFile(bytes, nativeBpe);
  } catch (error) {
    throw new CorpusmillError('INPUT_CORRUPT', `reading the tokenizer ${file}: ${whatItIs(bytes, error as Error)}`, {
      hint: 'Known are HF tokenizer.json, vocab.json with merges.txt, .tiktoken and SentencePiece .model.',
      cause: error,
    });
  }
  if (isSentencePieceJson(read.head)) {
    const tokenizer = createSentencePieceTokenizer(readSentencePieceJson(read.whole(), file), sha256Hex(bytes));
    return { tokenizer, readTables: () => undefined };
  }
  return { tokenizer: Tokenizer.fromHfFile(read, file, sha256Hex(bytes)), readTables: () => read.readTables(file) };
}

/** Names a file that is no tokenizer by its first bytes. */
function whatItIs(bytes: Uint8Array, error: Error): string {
  if (bytes.length === 0) return 'it is empty';
  const head = String.fromCharCode(...bytes.subarray(0, 64));
  const known = KINDS.find(([pattern]) => pattern.test(head));
  if (known !== undefined) return `it is ${known[1]}, not a tokenizer`;
  return bytes.subarray(0, 4096).includes(0) ? 'it is a binary file of unknown kind' : error.message;
}

const KINDS: readonly [RegExp, string][] = [
  [/^PK\x03\x04/, 'a zip archive (or a PyTorch checkpoint)'],
  [/^PAR1/, 'a Parquet file'],
  [/^ARROW1/, 'an Arrow file'],
  [/^GGUF/, 'a GGUF model file'],
  [/^\x28\xb5\x2f\xfd/, 'compressed with zstd'],
  [/^.{8}\{"/s, 'a safetensors file'],
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer: fetch the file itself (git lfs pull)'],
  [/^<(!doctype|html)/i, 'a web page'],
];

/**
 * A model's file for scoring: its arrays as they lie in memory, so that loading is reading. Reading an ARPA file of the same
 * model takes ten times as long (bench/ngram-lm.ts), too long for every worker to do.
 *
 * Layout, little-endian: the line MAGIC, a 32-bit length and so many bytes of JSON (what the arrays are), then the arrays
 * without gaps: words' starts, words' bytes, slots of words, unigrams, tables by order. At the end a checksum of 8 bytes:
 * xxHash64 of pieces, each seeded with the hash of the piece before.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';
import { CorpusmillError } from '../../core/errors.ts';
import { xxh64 } from '../../core/hash.ts';
import { openAtomic } from '../../io/atomic.ts';
import type { LanguageModelData } from './model.ts';
import { MAX_ORDER, tokenFormSchema } from './options.ts';
import { createTables, tableLengths } from './tables.ts';

const MAGIC = Buffer.from('corpusmill n-gram model 1\n');
/** Read and hashed while it is in the cache: with 16 MiB hashing takes ten times as long. */
const PIECE_BYTES = 1 << 18;
const MOST_HEADER_BYTES = 1 << 16;
const CHECKSUM_BYTES = 8;

const count = z.int().min(0);
const headerSchema = z.strictObject({
  form: tokenFormSchema,
  sizes: z.array(count).min(1).max(MAX_ORDER),
  seed: z.int().min(0).max(0xffff_ffff),
  isClosed: z.boolean(),
  words: z.int().min(3),
  wordBytes: count,
  wordSlots: count,
});
type Header = z.output<typeof headerSchema>;

/** Saves a model, atomically; the same model gives the same bytes. Throws OUTPUT_FAILED. */
export async function saveLanguageModel({ form, vocabulary, tables }: LanguageModelData, path: string): Promise<void> {
  const words = vocabulary.size;
  const wordBytes = vocabulary.starts[words];
  const header: Header = {
    form,
    sizes: tables.sizes,
    seed: tables.seed,
    isClosed: tables.isClosed,
    words,
    wordBytes,
    wordSlots: vocabulary.slots.length,
  };
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  const arrays = [
    bytesOf(vocabulary.starts.subarray(0, words + 1)),
    vocabulary.bytes.subarray(0, wordBytes),
    bytesOf(vocabulary.slots),
    bytesOf(tables.unigrams.subarray(0, 2 * words)),
    ...tables.tables.map(bytesOf),
  ];
  const file = await openAtomic(path);
  try {
    let hash = 0n;
    for (const part of [Buffer.concat([MAGIC, length, json]), ...arrays]) {
      for (const piece of piecesOf(part)) {
        hash = xxh64(piece, hash);
        await file.write(piece);
      }
    }
    const checksum = Buffer.alloc(CHECKSUM_BYTES);
    checksum.writeBigUInt64LE(hash);
    await file.write(checksum);
    await file.commit();
  } catch (error) {
    await file.abort();
    throw error;
  }
}

/** Loads a model that `saveLanguageModel` wrote. Throws INPUT_NOT_FOUND, or INPUT_CORRUPT. */
export function loadLanguageModel(path: string): LanguageModelData {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CorpusmillError('INPUT_NOT_FOUND', `cannot open the language model: ${reason}`, { cause: error });
  }
  try {
    return readModel(file, path);
  } finally {
    closeSync(file);
  }
}

/** Whether the first bytes of a file are those of a language model that `saveLanguageModel` wrote. */
export function startsLanguageModel(start: Uint8Array): boolean {
  return start.length >= MAGIC.length && MAGIC.equals(start.subarray(0, MAGIC.length));
}

function readModel(file: number, path: string): LanguageModelData {
  const corrupt = (found: string, hint = 'is it a model that corpusmill saved, and whole?'): CorpusmillError =>
    new CorpusmillError('INPUT_CORRUPT', `reading the language model ${path}: found ${found}`, { hint });
  const stat = fstatSync(file);
  if (!stat.isFile()) throw corrupt('a folder or a device');
  const { size } = stat;
  let position = 0;
  const read = (target: Uint8Array): void => {
    for (let done = 0; done < target.length; ) {
      const taken = readSync(file, target, done, target.length - done, position);
      if (taken === 0) throw corrupt('the end of the file');
      done += taken;
      position += taken;
    }
  };
  const start = Buffer.alloc(Math.min(size, MAGIC.length + 4));
  read(start);
  if (start.length < MAGIC.length + 4 || !start.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw corrupt('no model of corpusmill');
  }
  const headerBytes = start.readUInt32LE(MAGIC.length);
  if (headerBytes > Math.min(MOST_HEADER_BYTES, size)) throw corrupt(`a header of ${headerBytes} bytes`);
  const json = Buffer.alloc(headerBytes);
  read(json);
  const header = parseHeader(json.toString('utf8'));
  if (header === undefined) throw corrupt('a header that makes no sense');
  const { form, sizes, seed, isClosed, words, wordBytes, wordSlots } = header;
  const numbers = words + 1 + wordSlots + 2 * words + tableLengths(sizes).reduce((sum, length) => sum + length, 0);
  const expected = position + 4 * numbers + wordBytes + CHECKSUM_BYTES;
  // Before anything of these sizes is made.
  if (size !== expected) throw corrupt(`${size} bytes where the header makes ${expected}`);

  const tables = { ...createTables(sizes, words, seed), isClosed };
  const vocabulary = {
    size: words,
    starts: new Uint32Array(new SharedArrayBuffer(4 * (words + 1))),
    bytes: new Uint8Array(new SharedArrayBuffer(wordBytes)),
    slots: new Uint32Array(new SharedArrayBuffer(4 * wordSlots)),
  };
  let hash = xxh64(Buffer.concat([start, json]), 0n);
  for (const array of [vocabulary.starts, vocabulary.bytes, vocabulary.slots, tables.unigrams, ...tables.tables]) {
    for (const piece of piecesOf(bytesOf(array))) {
      read(piece);
      hash = xxh64(piece, hash);
    }
  }
  const checksum = Buffer.alloc(CHECKSUM_BYTES);
  read(checksum);
  if (checksum.readBigUInt64LE() !== hash) throw corrupt('bytes that do not fit their checksum');
  return { form, vocabulary, tables };
}

function parseHeader(json: string): Header | undefined {
  try {
    const header = headerSchema.parse(JSON.parse(json));
    return Number.isInteger(Math.log2(header.wordSlots)) ? header : undefined;
  } catch {
    return undefined;
  }
}

function bytesOf(array: Uint8Array | Uint32Array | Float32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function* piecesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

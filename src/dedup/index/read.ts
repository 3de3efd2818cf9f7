/**
 * Reads indexes of earlier runs: several folders as one list of documents, those of the first folder first. Keys are
 * read as a stream, ids and sketches by row; what is read is verified against its checksums.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ByteRange, wordsOf } from '../../core/columns.ts';
import { CorpusmillError, systemCode } from '../../core/errors.ts';
import { xxh64Hex } from '../../core/hash.ts';
import { BLOCK_BYTES, type BlockReader, openBlockReader } from './block-file.ts';
import type { IndexContent, IndexRows } from './content.ts';
import {
  CHECKSUMS_NAME,
  checkAgreement,
  damagedIndex,
  INDEX_FILES,
  type IndexFile,
  type IndexManifest,
  type IndexNeeds,
  ROW_WORDS,
  readManifest,
} from './manifest.ts';
import { readSketch, type Sketch } from './sketch.ts';

/** Bytes of keys in memory while they are streamed. */
const KEY_STRETCH_BYTES = 1 << 20;
const ROWS_PER_STRETCH = 1 << 12;

/** The documents of all indexes, numbered from 0 on. */
export interface IndexReader {
  documents: number;
  /** Key `key` of every document, in order. */
  keys(key: number): AsyncGenerator<Uint32Array>;
  /** Rows ascending, without repeats. */
  sketches(rows: readonly number[]): Promise<Sketch[]>;
  ids(rows: readonly number[]): Promise<string[]>;
  /** What each folder holds, for a merged index. */
  contents: readonly IndexContent[];
}

/** Opens indexes that agree with `needs`. Throws CorpusmillError: CONFIG_INVALID, INPUT_NOT_FOUND, INPUT_CORRUPT. */
export async function openIndexes(folders: readonly string[], needs: IndexNeeds): Promise<IndexReader> {
  const opened: OpenIndex[] = [];
  let documents = 0;
  for (const folder of folders) {
    const manifest = await readManifest(folder);
    checkAgreement(folder, manifest, needs);
    opened.push({ folder, manifest, first: documents, files: await openFiles(folder, manifest) });
    documents += manifest.documents;
  }
  // Rows are 32-bit numbers wherever they are held, one of them kept for "none".
  if (documents >= 2 ** 32 - 1) {
    const message = `the dedup indexes hold ${documents} documents together, at most 2^32 - 2 can be compared with`;
    throw new CorpusmillError('CONFIG_INVALID', message, { hint: 'Give fewer of them.' });
  }
  const contents = opened.map(contentOfIndex);
  return {
    documents,
    async *keys(key) {
      for (const content of contents) yield* content.keys(key);
    },
    sketches: (rows) => byIndex(opened, rows, readSketches),
    ids: (rows) => byIndex(opened, rows, readIds),
    contents,
  };
}

interface OpenIndex {
  folder: string;
  manifest: IndexManifest;
  /** Number of its first document. */
  first: number;
  files: Record<IndexFile, BlockReader>;
}

async function openFiles(folder: string, manifest: IndexManifest): Promise<Record<IndexFile, BlockReader>> {
  const damaged = damagedIndex(folder);
  let sums: Uint8Array;
  try {
    sums = await readFile(join(folder, CHECKSUMS_NAME));
  } catch (error) {
    throw damaged(`${CHECKSUMS_NAME} cannot be read (${systemCode(error) ?? String(error)})`, error);
  }
  if (xxh64Hex(sums) !== manifest.checksums) throw damaged(`${CHECKSUMS_NAME} is not as it was written (checksum)`);
  const all = new BigUint64Array(new Uint8Array(sums).buffer);
  const { documents, keys, keyWords, files } = manifest;
  if (files['keys.bin'] !== 4 * keys * keyWords * documents || files['rows.bin'] !== 4 * ROW_WORDS * documents) {
    throw damaged(`its files have other sizes than ${documents} documents of ${keys} keys take`);
  }
  const opened = {} as Record<IndexFile, BlockReader>;
  let at = 0;
  for (const name of INDEX_FILES) {
    const blocks = Math.ceil(files[name] / BLOCK_BYTES);
    const checksums = all.subarray(at, at + blocks);
    at += blocks;
    opened[name] = await openBlockReader(join(folder, name), { bytes: files[name], checksums, damaged });
  }
  return opened;
}

function contentOfIndex({ folder, manifest, files }: OpenIndex): IndexContent {
  const { documents, keyWords, sources } = manifest;
  return {
    documents,
    sources,
    async *keys(key) {
      const stride = 4 * keyWords;
      const step = Math.floor(KEY_STRETCH_BYTES / stride);
      for (let row = 0; row < documents; row += step) {
        const count = Math.min(step, documents - row);
        yield wordsOf(await files['keys.bin'].read((key * documents + row) * stride, count * stride));
      }
    },
    async *rows() {
      for (let row = 0; row < documents; row += ROWS_PER_STRETCH) {
        const count = Math.min(ROWS_PER_STRETCH, documents - row);
        const places = await readPlaces(files['rows.bin'], row, count);
        yield {
          idLengths: Uint32Array.from(places, (place) => place.id.length),
          ids: await stretch(
            files['ids.bin'],
            places.map(({ id }) => id),
          ),
          sources: Uint32Array.from(places, ({ source }) => inRange(source, sources.length, folder)),
          sketchLengths: Uint32Array.from(places, ({ sketch }) => sketch.length / 4),
          sketches: wordsOf(
            await stretch(
              files['sketches.bin'],
              places.map(({ sketch }) => sketch),
            ),
          ),
        } satisfies IndexRows;
      }
    },
  };
}

function inRange(source: number, sources: number, folder: string): number {
  if (source < sources) return source;
  throw damagedIndex(folder)(`a row names source ${source} of ${sources}`);
}

/** Ranges that follow one another, as one. */
function stretch(file: BlockReader, ranges: readonly ByteRange[]): Promise<Uint8Array> {
  const last = ranges[ranges.length - 1];
  return file.read(ranges[0].offset, last.offset + last.length - ranges[0].offset);
}

/** Where the id and the sketch of a document lie, in bytes. */
interface Place {
  id: ByteRange;
  sketch: ByteRange;
  source: number;
}

async function readPlaces(file: BlockReader, first: number, count: number): Promise<Place[]> {
  // Where a document begins stands in the row before it.
  const before = first === 0 ? 0 : 1;
  const bytes = 4 * ROW_WORDS;
  return placesOf(wordsOf(await file.read((first - before) * bytes, (count + before) * bytes)), before);
}

function placesOf(words: Uint32Array, before: number): Place[] {
  const end = (at: number): number => words[at] + 2 ** 32 * words[at + 1];
  const places: Place[] = [];
  for (let at = before * ROW_WORDS; at < words.length; at += ROW_WORDS) {
    const idStart = at === 0 ? 0 : end(at - ROW_WORDS);
    const sketchStart = at === 0 ? 0 : end(at + 2 - ROW_WORDS);
    places.push({
      id: { offset: idStart, length: end(at) - idStart },
      sketch: { offset: 4 * sketchStart, length: 4 * (end(at + 2) - sketchStart) },
      source: words[at + 4],
    });
  }
  return places;
}

/** Asks each index for its own rows. */
async function byIndex<T>(
  indexes: readonly OpenIndex[],
  rows: readonly number[],
  ask: (index: OpenIndex, rows: number[]) => Promise<T[]>,
): Promise<T[]> {
  const found: T[] = [];
  let at = 0;
  for (const index of indexes) {
    const own: number[] = [];
    for (; at < rows.length && rows[at] < index.first + index.manifest.documents; at++)
      own.push(rows[at] - index.first);
    if (own.length > 0) for (const one of await ask(index, own)) found.push(one);
  }
  return found;
}

async function placesAt({ files }: OpenIndex, rows: readonly number[]): Promise<Place[]> {
  const bytes = 4 * ROW_WORDS;
  const ranges = rows.map((row) =>
    row === 0 ? { offset: 0, length: bytes } : { offset: (row - 1) * bytes, length: 2 * bytes },
  );
  const found = await files['rows.bin'].readAll(ranges);
  return found.map((words, i) => placesOf(wordsOf(words), rows[i] === 0 ? 0 : 1)[0]);
}

async function readIds(index: OpenIndex, rows: readonly number[]): Promise<string[]> {
  const places = await placesAt(index, rows);
  const decoder = new TextDecoder();
  return (await index.files['ids.bin'].readAll(places.map(({ id }) => id))).map((bytes) => decoder.decode(bytes));
}

async function readSketches(index: OpenIndex, rows: readonly number[]): Promise<Sketch[]> {
  const places = await placesAt(index, rows);
  const records = await index.files['sketches.bin'].readAll(places.map(({ sketch }) => sketch));
  return records.map((bytes, i) => {
    const sketch = readSketch(wordsOf(bytes));
    if (sketch === undefined) throw damagedIndex(index.folder)(`the sketch of document ${rows[i]} is none`);
    return sketch;
  });
}

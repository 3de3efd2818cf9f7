/**
 * Reads columns of features of all parts, as `decide` asks for them. Columns that lie next to each other are read ahead
 * into a window, one read a part: a small corpus is read once, of a large one only the columns in question, and never a
 * whole blob for one band. The window is an eighth of the columns: a wider one would save less in reads than its memory
 * costs when it is filled for the first time.
 *
 * Memory: the window, at most a quarter of `context.memoryBytes` and 256 MiB; without room for one column of every part
 * columns are read part by part.
 */

import {
  type ByteRange,
  type ColumnHeader,
  columnRange,
  HEADER_BYTES,
  readHeader,
  splitColumns,
  trailerRange,
} from './columns.ts';
import { largeWords } from './large-pages.ts';
import type { BarrierContext, FeaturePart } from './stage.ts';

const MAX_WINDOW_BYTES = 256 << 20;
/** All columns of a corpus of this size are read at once. */
const SMALL_BYTES = 2 << 20;
/** A window's share of the columns otherwise. */
const STRETCHES = 8;

export interface FeatureReader {
  /** In ascending order of ordinals. */
  parts: readonly FeaturePart[];
  /** Rows of all parts. */
  rows: number;
  /** `count` columns of a part from `first` on, by default all; good until the next call. */
  columns(part: FeaturePart, first?: number, count?: number): Promise<Uint32Array[]>;
  /** What the observer left behind the columns of a part. */
  trailer(part: FeaturePart): Promise<Uint8Array>;
}

type ReaderContext = Pick<BarrierContext, 'parts' | 'memoryBytes' | 'signal'>;

/** A reader of what the observers left; `windowBytes` bounds the columns that it reads ahead. */
export function createFeatureReader(
  context: ReaderContext,
  windowBytes = Math.min(MAX_WINDOW_BYTES, context.memoryBytes / 4),
): FeatureReader {
  const parts = [...context.parts].sort((a, b) => a.firstOrdinal - b.firstOrdinal);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const firstPart = parts.find((part) => part.rows > 0);
  let total: number | undefined;
  let window: Window | undefined;
  /** For the columns of one part, where they have no window. */
  let single = new Uint32Array(0);

  const columns = async (part: FeaturePart, first = 0, count?: number): Promise<Uint32Array[]> => {
    context.signal.throwIfAborted();
    total ??= await countColumns(parts);
    const wanted = count ?? total - first;
    if (part.rows === 0) return Array.from({ length: wanted }, () => new Uint32Array());
    if (window === undefined || first < window.first || first + wanted > window.first + window.count) {
      const fits = Math.floor(windowBytes / (4 * rows));
      // A window is for a scan of all parts; whoever looks into one of them does not move it.
      if (fits < wanted || part !== firstPart) {
        if (single.length < part.rows * wanted) single = largeWords(part.rows * wanted);
        const words = single.subarray(0, part.rows * wanted);
        await readInto(part, columnRange(part.rows, first, wanted), words);
        return splitColumns(words, part.rows, wanted);
      }
      const ahead = Math.max(wanted, Math.ceil(total / STRETCHES), Math.floor(SMALL_BYTES / (4 * rows)));
      const from = Math.min(fits, ahead) >= total ? 0 : first;
      const width = Math.min(fits, ahead, total - from);
      window = await readWindow(parts, rows, from, width, window?.words, context.signal);
    }
    const start = part.firstOrdinal * window.count;
    return Array.from({ length: wanted }, (_, i) => {
      const at = start + (first - window!.first + i) * part.rows;
      return window!.words.subarray(at, at + part.rows);
    });
  };
  const trailer = async (part: FeaturePart): Promise<Uint8Array> => readRange(part, trailerRange(await headerOf(part)));
  return { parts, rows, columns, trailer };
}

/** Columns of all parts: those of a part lie one behind the other from `count` × its first ordinal on. */
interface Window {
  first: number;
  count: number;
  words: Uint32Array<ArrayBuffer>;
}

async function readWindow(
  parts: readonly FeaturePart[],
  rows: number,
  first: number,
  count: number,
  store: Uint32Array<ArrayBuffer> | undefined,
  signal: AbortSignal,
): Promise<Window> {
  const words = store !== undefined && store.length >= rows * count ? store : largeWords(rows * count);
  for (const part of parts) {
    if (part.rows === 0) continue;
    signal.throwIfAborted();
    const at = part.firstOrdinal * count;
    await readInto(part, columnRange(part.rows, first, count), words.subarray(at, at + part.rows * count));
  }
  return { first, count, words };
}

async function headerOf(part: FeaturePart): Promise<ColumnHeader> {
  const header = readHeader(await readRange(part, { offset: 0, length: HEADER_BYTES }));
  if (header.rows !== part.rows) {
    throw new Error(`part ${part.part} has ${part.rows} rows, its features ${header.rows}`);
  }
  return header;
}

/** How many columns there are; looks at every part, so that what is read after it is where it should be. */
async function countColumns(parts: readonly FeaturePart[]): Promise<number> {
  let total = 0;
  for (const part of parts) {
    if (part.rows === 0) continue;
    const { columns } = await headerOf(part);
    if (total !== 0 && columns !== total) throw new Error(`part ${part.part} has ${columns} columns, others ${total}`);
    total = columns;
  }
  return total;
}

/** Fills `words`, which are as many as the range has. */
async function readInto(part: FeaturePart, range: ByteRange, words: Uint32Array): Promise<void> {
  const into = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const bytes = await readRange(part, range, into);
  if (bytes !== into) into.set(bytes);
}

async function readRange(part: FeaturePart, range: ByteRange, into?: Uint8Array): Promise<Uint8Array> {
  const bytes = await part.features(range, into);
  if (bytes.length === range.length) return bytes;
  throw new Error(`features of part ${part.part}: ${bytes.length} bytes at ${range.offset}, expected ${range.length}`);
}

/** A set of rows, one bit each by ordinal. */
export type RowSet = Uint32Array;

/** The rows that are alive and, given a column, have at least `atLeast` in it; undefined when those are all. */
export async function rowsWith(reader: FeatureReader, column?: number, atLeast = 1): Promise<RowSet | undefined> {
  if (column === undefined && reader.parts.every(({ alive }) => alive === undefined)) return undefined;
  const set = new Uint32Array((reader.rows + 31) >>> 5);
  for (const part of reader.parts) {
    const { alive, firstOrdinal, rows } = part;
    const values = column === undefined ? undefined : (await reader.columns(part, column, 1))[0];
    for (let row = 0, ordinal = firstOrdinal; row < rows; row++, ordinal++) {
      if (alive !== undefined && alive[row] === 0) continue;
      if (values !== undefined && values[row] < atLeast) continue;
      set[ordinal >>> 5] |= 1 << (ordinal & 31);
    }
  }
  return set;
}

/**
 * The scratch file that the `pack` step leaves per window: which pieces make up each row, and in which part files the
 * window's documents lie. Little-endian uint32 throughout, sections in this order:
 *
 *   header    magic, version, rows, pieces, spans, 0, 0, 0
 *   spans     [spans][3]: part, first document within the part, documents — the window's documents in order
 *   rowStart  [rows + 1]
 *   document  [pieces], start [pieces], length [pieces]   as in PackedRows
 *
 * A shard reads just its rows' stretch of each section, so memory does not grow with the window.
 */
import type { FileHandle } from 'node:fs/promises';
import { CorpusmillError } from '../core/errors.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import type { PackedRows } from './packing.ts';
import { bytesOf, openToRead, readWords } from './positioned-read.ts';

const MAGIC = 0x594c4d43; // "CMLY"
const VERSION = 1;
const HEADER_WORDS = 8;

/** Consecutive documents of one part. */
export interface Span {
  part: number;
  /** First document, counted within the part. */
  from: number;
  documents: number;
}

/** Rows [from, to) of a window, as the pieces they are made of. */
export interface LayoutSlice {
  rows: number;
  /** [rows + 1], starting at 0. */
  rowStart: Uint32Array;
  /** [pieces]: document counted within the window. */
  document: Uint32Array;
  start: Uint32Array;
  length: Uint32Array;
  spans: Span[];
}

/** File name of a window's layout within the work folder. */
export function layoutName(window: number): string {
  return `layout-${String(window).padStart(5, '0')}.bin`;
}

export async function writeLayout(path: string, packed: PackedRows, spans: readonly Span[]): Promise<void> {
  const header = Uint32Array.of(MAGIC, VERSION, packed.rows, packed.length.length, spans.length, 0, 0, 0);
  const spanWords = Uint32Array.from(spans.flatMap(({ part, from, documents }) => [part, from, documents]));
  const sections = [header, spanWords, packed.rowStart, packed.document, packed.start, packed.length];
  await writeFileAtomic(path, Buffer.concat(sections.map(bytesOf)));
}

/** Reads rows [from, to). Throws CorpusmillError('INPUT_CORRUPT') when the file is not a whole layout. */
export async function readLayout(path: string, from: number, to: number): Promise<LayoutSlice> {
  const file = await openToRead(path, 'reading the packing layout');
  try {
    return await readSlice(file, path, from, to);
  } finally {
    await file.close();
  }
}

async function readSlice(file: FileHandle, path: string, from: number, to: number): Promise<LayoutSlice> {
  const [magic, version, rows, pieces, spanCount] = await readWords(file, path, 0, HEADER_WORDS);
  if (magic !== MAGIC || version !== VERSION || to > rows) {
    throw new CorpusmillError(
      'INPUT_CORRUPT',
      `reading the packing layout: ${path} is not a layout of version ${VERSION} with at least ${to} rows`,
      { hint: 'Remove the run directory and run again.' },
    );
  }
  const spansAt = HEADER_WORDS;
  const rowStartAt = spansAt + 3 * spanCount;
  const documentAt = rowStartAt + rows + 1;
  const words = (at: number, count: number) => readWords(file, path, at * 4, count);

  const spanWords = await words(spansAt, 3 * spanCount);
  const rowStart = await words(rowStartAt + from, to - from + 1);
  const first = rowStart[0];
  const count = rowStart[to - from] - first;
  const slice: LayoutSlice = {
    rows: to - from,
    rowStart: rowStart.map((at) => at - first),
    document: await words(documentAt + first, count),
    start: await words(documentAt + pieces + first, count),
    length: await words(documentAt + 2 * pieces + first, count),
    spans: [],
  };
  for (let i = 0; i < spanCount; i++) {
    slice.spans.push({ part: spanWords[3 * i], from: spanWords[3 * i + 1], documents: spanWords[3 * i + 2] });
  }
  return slice;
}

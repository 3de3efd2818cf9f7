/**
 * The surviving documents of a part as columns: ids and texts as they lie in its file, without a string or an object of
 * any. Reading web pages costs 20 ms a 100 MB so, in place of 700 (objects, strings, and collecting them).
 *
 * What barriers decided is done to the columns in place: rows that were dropped are closed up, and a text from which spans
 * were cut is written anew where it lies, since it only gets shorter. Marks make a new column of `meta`.
 */
import type { DocumentColumns, Meta, SourceNumbers } from '../core/document.ts';
import { CorpusmillError } from '../core/errors.ts';
import { collectGarbage } from '../core/memory.ts';
import { native } from '../core/native.ts';
import { columnOf, type Utf8Column } from '../core/utf8-column.ts';
import { textBuffer } from '../io/text-bytes.ts';
import { cutSpans, spansOfRow } from './edits.ts';
import { atPath, damaged, type PartRef, partFile, readAlive, readSpans, withPartBytes } from './parts.ts';

/** Calls `use`, which keeps nothing of the columns once it is done: their memory is used again. */
export async function withPartColumns<R>(
  ref: PartRef,
  use: (columns: DocumentColumns) => R | Promise<R>,
): Promise<Awaited<R>> {
  if (ref.rows === 0) {
    const none = { bytes: new Uint8Array(), offsets: new Int32Array(1) };
    return await use({
      rows: 0,
      ids: none,
      texts: none,
      metas: none,
      sources: { numbers: new Uint32Array(), names: [] },
    });
  }
  collectGarbage();
  const path = partFile(ref.dir, ref.part, 'arrow');
  const alive = await readAlive(ref);
  const { readDocumentColumns } = await import('../io/document-batch.ts');
  return await withPartBytes(path, async (file) => {
    const columns = atPath(path, () => readDocumentColumns(file));
    const { ids, texts } = columns;
    let { metas } = columns;
    const rows = texts.offsets.length - 1;
    if (rows !== ref.rows) throw damaged(path, `it holds ${rows} documents, not ${ref.rows}`);
    for (const edits of ref.edits) {
      const spans = await readSpans(ref, edits);
      if (spans.length === 0) continue;
      if (edits.action === 'remove') cutTexts(texts, spans, edits.name);
      else metas = markedMetas(metas, spans, edits.name);
    }
    if (alive !== undefined) for (const column of [ids, texts, metas]) keepRows(column, alive);
    const kept = ids.offsets.length - 1;
    return await use({ rows: kept, ids, texts, metas, sources: sourcesOf(metas) });
  });
}

/** Cuts spans out of texts; `spans` as `TextEdits` describes them. */
function cutTexts({ bytes, offsets }: Utf8Column, spans: Uint32Array, name: string): void {
  const values = textBuffer(bytes);
  let end = offsets[0];
  let start = end;
  let at = 0;
  for (let row = 0; row < offsets.length - 1; row++) {
    const next = offsets[row + 1];
    offsets[row] = end;
    if (spans[at] === row) {
      const found = spansOfRow(spans, at);
      at += 3 * found.length;
      end += values.utf8Write(cutSpans(values.utf8Slice(start, next), found, name, row), end);
      if (end > next) throw new Error(`${name}: row ${row} is longer with its spans cut out: it was no UTF-8`);
    } else {
      if (end !== start) bytes.copyWithin(end, start, next);
      end += next - start;
    }
    start = next;
  }
  offsets[offsets.length - 1] = end;
  if (at < spans.length) throw new Error(`${name}: a span of row ${spans[at]} lies outside its text`);
}

/** The column with `meta[name].spans` in the rows that have spans. */
function markedMetas({ bytes, offsets }: Utf8Column, spans: Uint32Array, name: string): Utf8Column {
  const values = textBuffer(bytes);
  let at = 0;
  const strings = Array.from({ length: offsets.length - 1 }, (_, row) => {
    const json = values.utf8Slice(offsets[row], offsets[row + 1]);
    if (spans[at] !== row) return json;
    const found = spansOfRow(spans, at);
    at += 3 * found.length;
    return JSON.stringify({ ...metaIn(json), [name]: { spans: found } });
  });
  return columnOf(strings);
}

/** Closes the column up over rows that are not alive. */
function keepRows(column: Utf8Column, alive: Uint8Array): void {
  const { bytes, offsets } = column;
  let end = offsets[0];
  let kept = 0;
  for (let row = 0; row < alive.length; ) {
    if (alive[row] === 0) {
      row++;
      continue;
    }
    // A run of rows moves at once.
    const start = offsets[row];
    const moved = end - start;
    for (; row < alive.length && alive[row] === 1; row++) offsets[++kept] = offsets[row + 1] + moved;
    if (moved !== 0) bytes.copyWithin(end, start, offsets[kept] - moved);
    end = offsets[kept];
  }
  column.offsets = offsets.subarray(0, kept + 1);
}

const SOURCE_FIRST = Buffer.from('{"source":"');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * `meta.source` of each row, '' where it is no string. Readers put it first, where it is found without the rest, and
 * neighbours mostly have the same: what is read is one of a run. `findRun`: `sourceRunTwin` in tests.
 */
export function sourcesOf({ bytes, offsets }: Utf8Column, findRun = sourceRun): SourceNumbers {
  const values = textBuffer(bytes);
  const rows = offsets.length - 1;
  const numbers = new Uint32Array(rows);
  const known = new Map<string, number>();
  const head = new Uint32Array(1);
  for (let row = 0; row < rows; ) {
    const end = findRun(bytes, offsets, row, rows, head);
    const [start, stop] = [offsets[row], offsets[row + 1]];
    const isPlain = head[0] > 0;
    const name = isPlain
      ? values.utf8Slice(start + SOURCE_FIRST.length, start + head[0] - 1)
      : sourceIn(values.utf8Slice(start, stop));
    const number = known.get(name) ?? known.size;
    known.set(name, number);
    numbers.fill(number, row, end);
    row = end;
  }
  return { numbers, names: [...known.keys()] };
}

/**
 * The first row behind `from` that does not begin as row `from` does, up to the end of its source; `head[0]` receives the
 * bytes up to there, 0 where `source` does not come first, is no string, or has an escape: then the run is that row alone.
 */
const sourceRun = native?.sourceRun ?? sourceRunTwin;

/** The native kernel's twin. */
export function sourceRunTwin(
  bytes: Uint8Array,
  offsets: Int32Array,
  from: number,
  to: number,
  head: Uint32Array,
): number {
  const values = textBuffer(bytes);
  const start = offsets[from];
  const quote = isSourceFirst(values, start, offsets[from + 1])
    ? closingQuote(values, start + SOURCE_FIRST.length, offsets[from + 1])
    : -1;
  head[0] = quote === -1 ? 0 : quote + 1 - start;
  let row = from + 1;
  if (quote === -1) return row;
  const beginsAlike = (at: number, stop: number): boolean =>
    stop - at > head[0] && values.compare(values, start, quote + 1, at, at + head[0]) === 0;
  while (row < to && beginsAlike(offsets[row], offsets[row + 1])) row++;
  return row;
}

function isSourceFirst(values: Buffer, start: number, stop: number): boolean {
  if (stop - start < SOURCE_FIRST.length) return false;
  return values.compare(SOURCE_FIRST, 0, SOURCE_FIRST.length, start, start + SOURCE_FIRST.length) === 0;
}

/** Where the JSON string ends; -1 when it holds an escape, or does not end. */
function closingQuote(values: Buffer, from: number, stop: number): number {
  for (let at = from; at < stop; at++) {
    if (values[at] === QUOTE) return at;
    if (values[at] === BACKSLASH) return -1;
  }
  return -1;
}

function sourceIn(json: string): string {
  const { source } = metaIn(json);
  return typeof source === 'string' ? source : '';
}

function metaIn(json: string): Meta {
  try {
    return JSON.parse(json) as Meta;
  } catch (cause) {
    throw new CorpusmillError('INPUT_CORRUPT', `reading a part's documents: ${(cause as Error).message}`, { cause });
  }
}

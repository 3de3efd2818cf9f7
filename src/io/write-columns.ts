/**
 * The columns of a document in Parquet and Arrow files: `id`, `text`, `source`, and the rest of `meta` as JSON text. They
 * are gathered group by group from the columns of parts, bytes from bytes: no string is made but of the few sources.
 */
import type { DocumentColumns, Meta } from '../core/document.ts';
import { native } from '../core/native.ts';
import type { NativeAddon } from '../core/native-addon.ts';
import { setOwn } from './record.ts';
import { textBuffer } from './text-bytes.ts';
import { createUtf8Builder, MAX_COLUMN_BYTES, type Utf8Builder } from './utf8-builder.ts';

export const COLUMN_NAMES = ['id', 'text', 'source', 'meta'] as const;

/** Room for the row that passes the bytes of a group. */
const SPARE_BYTES = 1024 * 1024;

/** Rows that will be written together. */
export interface DocumentGroup {
  readonly id: Utf8Builder;
  readonly text: Utf8Builder;
  /** `meta.source` of every row. */
  readonly source: readonly string[];
  /** `meta` without `source`. */
  readonly meta: Utf8Builder;
  /** True when the rows hold as many bytes as a group is to have. */
  isFull(): boolean;
  /** Adds rows from `from` on until the group is full; returns the first that it left. */
  add(columns: DocumentColumns, from: number): number;
  clear(): void;
  release(): void;
}

/** A group that is full at `fullBytes` of ids, texts and meta. */
export function createDocumentGroup(fullBytes: number): DocumentGroup {
  const [id, meta] = ['id', 'meta'].map((name) => createUtf8Builder(name));
  const text = createUtf8Builder('text', MAX_COLUMN_BYTES, fullBytes + SPARE_BYTES);
  let source: string[] = [];
  let bytes = 0;
  return {
    id,
    text,
    meta,
    get source() {
      return source;
    },
    isFull: () => bytes >= fullBytes,
    add(columns, from) {
      const { rows, ids, texts, metas, sources } = columns;
      const metaBytes = textBuffer(metas.bytes);
      const starts = sources.names.map((name) => Buffer.from(`{"source":${JSON.stringify(name)}`));
      let to = from;
      while (to < rows && bytes < fullBytes) {
        const number = sources.numbers[to];
        const before = to;
        const metaBefore = meta.bytes;
        if (native !== undefined) to = addRests(native, meta, columns, to, starts[number], fullBytes - bytes);
        // What the kernel leaves, or there is none.
        if (to === before) {
          addRest(meta, metaBytes, metas.offsets[to], metas.offsets[to + 1], starts[number]);
          to++;
        }
        bytes += meta.bytes - metaBefore;
        for (const { offsets } of [ids, texts]) bytes += offsets[to] - offsets[before];
        for (let row = before; row < to; row++) source.push(sources.names[number]);
      }
      id.addRows(ids, from, to);
      text.addRows(texts, from, to);
      return to;
    },
    clear() {
      source = [];
      bytes = 0;
      for (const builder of [id, text, meta]) builder.clear();
    },
    release() {
      for (const builder of [id, text, meta]) builder.release();
    },
  };
}

/** Rows whose metas are looked at together. */
const ROWS_AT_ONCE = 4096;

/**
 * Adds rows of one source from `from` on as `addRest` does, natively, until `budget` bytes of ids, texts and metas are
 * reached; returns the first that is left.
 */
function addRests(
  addon: NativeAddon,
  meta: Utf8Builder,
  { rows, ids, texts, metas, sources: { numbers } }: DocumentColumns,
  from: number,
  head: Uint8Array,
  budget: number,
): number {
  const most = Math.min(rows, from + ROWS_AT_ONCE);
  let to = from + 1;
  while (to < most && numbers[to] === numbers[from]) to++;
  // A rest is longer than what it is cut from by a byte at most.
  const room = meta.open(metas.offsets[to] - metas.offsets[from] + to - from, to - from);
  const { rows: written } = meta;
  const { bytes, offsets } = metas;
  const end = addon.writeRests(
    bytes,
    offsets,
    from,
    to,
    ids.offsets,
    texts.offsets,
    head,
    budget,
    room.values,
    room.offsets,
    written,
  );
  meta.advance(written + end - from);
  return end;
}

const COMMA = 0x2c;
const OPENING = 0x7b;
const CLOSING = 0x7d;
const EMPTY = Buffer.from('{}');

/** Adds a row: the object `values[start, end)` without its member `source`, of which `first` is how it begins where readers put it. */
function addRest(
  meta: Utf8Builder,
  values: ReturnType<typeof textBuffer>,
  start: number,
  end: number,
  first: Buffer,
): void {
  const next = start + first.length;
  if (next < end && values.compare(first, 0, first.length, start, next) === 0) {
    if (values[next] === CLOSING) {
      meta.addBytes(EMPTY, 0, EMPTY.length);
      return;
    }
    if (values[next] === COMMA) {
      // For this moment the comma is the brace that opens what is left.
      values[next] = OPENING;
      meta.addBytes(values, next, end);
      values[next] = COMMA;
      return;
    }
  }
  const rest: Meta = {};
  const whole = JSON.parse(values.utf8Slice(start, end)) as Meta;
  for (const key of Object.keys(whole)) if (key !== 'source') setOwn(rest, key, whole[key]);
  meta.add(JSON.stringify(rest));
}

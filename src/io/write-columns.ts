/**
 * The columns of a document in Parquet and Arrow files: `id`, `text`, `source`, and the rest of `meta` as JSON text. They
 * are gathered group by group from the columns of parts, bytes from bytes: no string is made but of the few sources.
 */
import type { DocumentColumns, Meta } from '../core/document.ts';
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
    add({ rows, ids, texts, metas, sources: { numbers, names } }, from) {
      const metaBytes = textBuffer(metas.bytes);
      const starts = names.map((name) => Buffer.from(`{"source":${JSON.stringify(name)}`));
      let to = from;
      for (; to < rows && bytes < fullBytes; to++) {
        source.push(names[numbers[to]]);
        bytes -= meta.bytes;
        addRest(meta, metaBytes, metas.offsets[to], metas.offsets[to + 1], starts[numbers[to]]);
        bytes += meta.bytes;
        bytes += ids.offsets[to + 1] - ids.offsets[to] + texts.offsets[to + 1] - texts.offsets[to];
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

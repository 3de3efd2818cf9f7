/**
 * JSON Lines: one object a line, `id` and `text` first. Compressed files are a run of complete members or frames of
 * about 4 MiB of lines each, which every tool reads as one file and several can read in parallel.
 */
import type { Document, Meta } from '../core/document.ts';
import type { Utf8Column } from '../core/utf8-column.ts';
import { type Compression, compress } from './codecs.ts';
import type { DocumentEncoder } from './document-encoder.ts';
import { setOwn } from './record.ts';
import { textBuffer } from './text-bytes.ts';

/** UTF-16 units of lines per member or frame. */
const MEMBER_CHARS = 4 * 1024 * 1024;

function stringAt({ bytes, offsets }: Utf8Column, row: number): string {
  return textBuffer(bytes).utf8Slice(offsets[row], offsets[row + 1]);
}

/** Lines, compressed member by member. */
export function jsonlEncoder(compression: Compression, level: number, meta: 'nested' | 'flat'): DocumentEncoder {
  let lines: string[] = [];
  let chars = 0;
  let wrote = false;
  const take = async (): Promise<Uint8Array[]> => {
    if (lines.length === 0) return [];
    const bytes = Buffer.from(lines.join(''));
    lines = [];
    chars = 0;
    wrote = true;
    return [await compress(bytes, compression, level)];
  };
  return {
    add({ rows, ids, texts, metas }, from) {
      let row = from;
      for (; row < rows && chars < MEMBER_CHARS; row++) {
        const document: Document = {
          id: stringAt(ids, row),
          text: stringAt(texts, row),
          meta: JSON.parse(stringAt(metas, row)) as Meta,
        };
        const line = `${JSON.stringify(meta === 'flat' ? flatRecord(document) : document)}\n`;
        lines.push(line);
        chars += line.length;
      }
      return row;
    },
    ready: () => chars >= MEMBER_CHARS,
    take,
    async finish() {
      const rest = await take();
      // An empty compressed file still needs a member: zero bytes are not a valid .gz or .zst.
      return rest.length === 0 && compression !== 'none' && !wrote
        ? [await compress(Buffer.alloc(0), compression, level)]
        : rest;
    },
  };
}

/**
 * The document with the members of `meta` beside `id` and `text`. A member that would hide one of them is named
 * `meta_<name>` (again, while that name is taken).
 */
export function flatRecord(document: Document): Record<string, unknown> {
  const record: Record<string, unknown> = { id: document.id, text: document.text };
  const meta: Meta = document.meta;
  for (const key of Object.keys(meta)) {
    let name = key;
    if (key === 'id' || key === 'text') {
      do name = `meta_${name}`;
      while (Object.hasOwn(meta, name));
    }
    setOwn(record, name, meta[key]);
  }
  return record;
}

/** The columns of a document in Parquet and Arrow files: `id`, `text`, `source`, and the rest of `meta` as JSON text. */
import type { Document } from '../core/document.ts';
import { setOwn } from './record.ts';

export interface DocumentColumns {
  id: string[];
  text: string[];
  source: string[];
  meta: string[];
}

export const COLUMN_NAMES = ['id', 'text', 'source', 'meta'] as const;

export function emptyColumns(): DocumentColumns {
  return { id: [], text: [], source: [], meta: [] };
}

/** Appends a document; returns the UTF-16 units it added, for sizing groups. */
export function appendDocument(columns: DocumentColumns, document: Document): number {
  const rest: Record<string, unknown> = {};
  for (const key of Object.keys(document.meta)) if (key !== 'source') setOwn(rest, key, document.meta[key]);
  const meta = JSON.stringify(rest);
  const source = document.meta['source'];
  columns.id.push(document.id);
  columns.text.push(document.text);
  columns.source.push(typeof source === 'string' ? source : '');
  columns.meta.push(meta);
  return document.id.length + document.text.length + meta.length;
}

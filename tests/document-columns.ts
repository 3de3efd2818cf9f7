/** Documents as the columns that a part has. */
import type { Document, DocumentColumns } from '../src/core/document.ts';
import { columnOf } from '../src/core/utf8-column.ts';

export function documentColumns(documents: readonly Document[]): DocumentColumns {
  const sources = documents.map(({ meta: { source } }) => (typeof source === 'string' ? source : ''));
  const names = [...new Set(sources)];
  return {
    rows: documents.length,
    ids: columnOf(documents.map(({ id }) => id)),
    texts: columnOf(documents.map(({ text }) => text)),
    metas: columnOf(documents.map(({ meta }) => JSON.stringify(meta))),
    sources: { numbers: Uint32Array.from(sources, (source) => names.indexOf(source)), names },
  };
}

/** How long documents are, as columns of features: what decides which copy is kept, and what a report sums up. */
import type { ColumnBlock } from '../core/columns.ts';
import type { FeatureReader } from '../core/feature-reader.ts';
import type { TextRows } from '../core/utf8-column.ts';
import { foldRows } from '../text/folded-rows.ts';

/** Writes the UTF-16 units and the tokens of rows of texts into their columns of a block; needs the native add-on. */
export function writeRowLengths(
  rows: TextRows,
  { words, at, stride }: ColumnBlock,
  columns: { length: number; tokens: number },
): void {
  const { tokens, units } = foldRows(rows);
  words.set(units, at + columns.length * stride);
  words.set(tokens, at + columns.tokens * stride);
}

/** One column of every part as one array by ordinal: 4 bytes per document. */
export async function readLengths(reader: FeatureReader, rows: number, column: number): Promise<Uint32Array> {
  const lengths = new Uint32Array(rows);
  for (const part of reader.parts) lengths.set((await reader.columns(part, column, 1))[0], part.firstOrdinal);
  return lengths;
}

/** One column of every part as one array by ordinal: 4 bytes per document. */
import type { FeatureReader } from '../core/feature-reader.ts';

export async function readLengths(reader: FeatureReader, rows: number, column: number): Promise<Uint32Array> {
  const lengths = new Uint32Array(rows);
  for (const part of reader.parts) lengths.set((await reader.columns(part, column, 1))[0], part.firstOrdinal);
  return lengths;
}

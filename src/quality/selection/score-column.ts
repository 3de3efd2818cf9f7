/** A number of each document's meta as three columns of features: a float64 in two words, and whether there is one. */
import type { Document } from '../../core/document.ts';
import type { FeatureReader } from '../../core/feature-reader.ts';
import { fieldValue } from '../../core/meta-field.ts';

export const SCORE_WORDS = 3;

/** Writes the number at a path into `meta` to a row, from `at` on. */
export function createScoreColumn(field: string): (row: Uint32Array, at: number, document: Document) => void {
  const path = field.split('.');
  const value = new Float64Array(1);
  const words = new Uint32Array(value.buffer);
  return (row, at, { meta }) => {
    const found = fieldValue(meta, path);
    const isNumber = typeof found === 'number' && Number.isFinite(found);
    value[0] = isNumber ? found : 0;
    row[at] = words[0];
    row[at + 1] = words[1];
    row[at + 2] = isNumber ? 1 : 0;
  };
}

/** The numbers by ordinal, NaN where there is none: 8 bytes a document. `column` is where the writer began. */
export async function readScores(reader: FeatureReader, column: number): Promise<Float64Array> {
  const scores = new Float64Array(reader.rows).fill(Number.NaN);
  const value = new Float64Array(1);
  const words = new Uint32Array(value.buffer);
  for (const part of reader.parts) {
    const [low, high, present] = await reader.columns(part, column, SCORE_WORDS);
    for (let row = 0; row < part.rows; row++) {
      if (present[row] === 0) continue;
      words[0] = low[row];
      words[1] = high[row];
      scores[part.firstOrdinal + row] = value[0];
    }
  }
  return scores;
}

/** By ordinal, 1 for documents that earlier stages left. */
export function readAliveRows(reader: FeatureReader): Uint8Array {
  const alive = new Uint8Array(reader.rows).fill(1);
  for (const part of reader.parts) if (part.alive !== undefined) alive.set(part.alive, part.firstOrdinal);
  return alive;
}

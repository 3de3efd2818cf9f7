/**
 * What deduplication saved, in all and by source, and who copies from whom: for every pair of sources how many documents
 * of the one were dropped because a document of the other stands for them.
 */

import type { FeatureReader } from '../core/feature-reader.ts';
import type { DuplicateDetails, DuplicateSources } from '../core/run-summary.ts';
import { OTHER_SOURCES, type SourceTable } from '../core/sources.ts';
import { NOBODY } from '../core/stage.ts';

/** Sources listed by name; those with fewest documents are summed up. */
const SOURCES_LISTED = 200;

export interface SourceCounts {
  documents: number;
  saved: DuplicateDetails['saved'];
  sources: DuplicateSources;
}

/** One pass over the parts. `tokensColumn` is the number of the column with tokens. */
export async function countBySource(
  keptAs: Uint32Array,
  reader: FeatureReader,
  table: SourceTable,
  tokensColumn: number,
): Promise<SourceCounts> {
  const size = table.names.length;
  const documents = new Float64Array(size);
  const duplicates = new Float64Array(size);
  const bytesSaved = new Float64Array(size);
  const pairs = new Map<number, number>();
  const saved = { bytes: 0, tokens: 0 };
  for (const part of reader.parts) {
    if (part.rows === 0) continue;
    const [tokens] = await reader.columns(part, tokensColumn, 1);
    const info = await part.rowInfo();
    for (let row = 0, ordinal = part.firstOrdinal; row < part.rows; row++, ordinal++) {
      if (part.alive !== undefined && part.alive[row] === 0) continue;
      const source = table.of[ordinal];
      documents[source]++;
      const kept = keptAs[ordinal];
      if (kept === ordinal || kept === NOBODY) continue;
      duplicates[source]++;
      bytesSaved[source] += info[2 * row];
      saved.bytes += info[2 * row];
      saved.tokens += tokens[row];
      const pair = source * size + table.of[kept];
      pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
    }
  }
  const found: Found = { names: table.names, documents, duplicates, bytesSaved, pairs };
  return { documents: sumOf(documents), saved, sources: listed(table.by, found) };
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

interface Found {
  names: readonly string[];
  documents: Float64Array;
  duplicates: Float64Array;
  bytesSaved: Float64Array;
  /** `row × size + column` → documents. */
  pairs: ReadonlyMap<number, number>;
}

/** The sources with documents, most first; what is past the list under one name. */
function listed(by: string, { names, documents, duplicates, bytesSaved, pairs }: Found): DuplicateSources {
  const order = names
    .map((_, i) => i)
    .filter((i) => documents[i] > 0)
    .sort((a, b) => documents[b] - documents[a] || (names[a] < names[b] ? -1 : 1));
  const place = new Map(order.map((source, i) => [source, Math.min(i, SOURCES_LISTED)]));
  const sources: DuplicateSources = { by, names: [], documents: [], duplicates: [], bytesSaved: [], matrix: [] };
  for (const source of order) {
    const at = place.get(source)!;
    sources.names[at] = at === SOURCES_LISTED ? OTHER_SOURCES : names[source];
    sources.documents[at] = (sources.documents[at] ?? 0) + documents[source];
    sources.duplicates[at] = (sources.duplicates[at] ?? 0) + duplicates[source];
    sources.bytesSaved[at] = (sources.bytesSaved[at] ?? 0) + bytesSaved[source];
  }
  const cells = new Map<number, number>();
  const width = SOURCES_LISTED + 1;
  for (const [pair, count] of pairs) {
    const cell = place.get(Math.floor(pair / names.length))! * width + place.get(pair % names.length)!;
    cells.set(cell, (cells.get(cell) ?? 0) + count);
  }
  sources.matrix = [...cells]
    .sort(([a], [b]) => a - b)
    .map(([cell, count]) => [Math.floor(cell / width), cell % width, count]);
  return sources;
}

/** Parts of features in memory, as a reader sees them. */

import { createColumnWriter, cutRange } from '../../src/core/columns.ts';
import type { FeaturePart } from '../../src/core/stage.ts';

export interface Read {
  part: number;
  offset: number;
  length: number;
}

/** Parts of `partRows` rows out of rows of columns, in falling order; `reads` gets every range asked for. */
export function partsOf(
  rows: readonly (readonly number[])[],
  partRows: number,
  {
    alive,
    reads = [],
    trailer,
  }: { alive?: (i: number) => boolean; reads?: Read[]; trailer?: (part: number) => unknown },
): FeaturePart[] {
  const parts: FeaturePart[] = [];
  for (let first = 0; first < rows.length; first += partRows) {
    const own = rows.slice(first, first + partRows);
    const writer = createColumnWriter(rows[0].length);
    for (const row of own) writer.push(Uint32Array.from(row));
    const part = parts.length;
    const blob = writer.finish(trailer?.(part));
    parts.push({
      part,
      rows: own.length,
      firstOrdinal: first,
      alive: alive && Uint8Array.from(own, (_, row) => (alive(first + row) ? 1 : 0)),
      features: async (range) => {
        const { offset, length } = range ?? { offset: 0, length: blob.length };
        reads.push({ part, offset, length });
        return cutRange(blob, range);
      },
      rowInfo: async () => new Uint32Array(2 * own.length),
    });
  }
  return parts.reverse();
}

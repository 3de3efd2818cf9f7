/**
 * Spans of documents in symbols, gathered in any order, as the union of them all: starts and ends are sorted apart, as
 * 64-bit numbers of ordinal and place, and swept together. 16 bytes a span while gathering.
 */

export interface SpanList {
  /** Symbols [start, end) of a document. */
  add(ordinal: number, start: number, end: number): void;
  /** Triples (ordinal, start, end), ascending; spans that overlap or touch are one. */
  union(): Uint32Array;
}

export function createSpanList(): SpanList {
  // Low word the place, high word the ordinal.
  let starts = new Uint32Array(1 << 10);
  let ends = new Uint32Array(1 << 10);
  let words = 0;
  return {
    add(ordinal, start, end) {
      if (words === starts.length) {
        starts = grown(starts);
        ends = grown(ends);
      }
      starts[words] = start;
      ends[words++] = end;
      starts[words] = ordinal;
      ends[words++] = ordinal;
    },
    union() {
      const count = words / 2;
      new BigUint64Array(starts.buffer, 0, count).sort();
      new BigUint64Array(ends.buffer, 0, count).sort();
      const union: number[] | Uint32Array = new Uint32Array(3 * count);
      let found = 0;
      // Both lists in step: a span of the union ends where as many have ended as have begun and none begins.
      for (let first = 0; first < count; ) {
        let last = first;
        while (
          last + 1 < count &&
          starts[2 * last + 3] === ends[2 * last + 1] &&
          starts[2 * last + 2] <= ends[2 * last]
        ) {
          last++;
        }
        union[found++] = starts[2 * first + 1];
        union[found++] = starts[2 * first];
        union[found++] = ends[2 * last];
        first = last + 1;
      }
      return union.slice(0, found);
    },
  };
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * array.length);
  larger.set(array);
  return larger;
}

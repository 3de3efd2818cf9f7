/**
 * What an observer leaves for an index besides its columns: the id and the sketch of every row, behind the blob of
 * columns (columns.ts), where decisions that write no index never read:
 *
 *   [words of sketch, bytes of id] for each row · the sketches · the ids
 */

import { HEADER_BYTES, readHeader, trailerRange, wordsOf } from '../../core/columns.ts';
import type { FeaturePart } from '../../core/stage.ts';

export interface AppendixWriter {
  /** `sketch` is copied. */
  push(id: string, sketch?: Uint32Array): void;
  /** The blob with the appendix behind it. */
  append(blob: Uint8Array): Uint8Array;
}

export function createAppendix(): AppendixWriter {
  const sizes: number[] = [];
  const encoder = new TextEncoder();
  let words = new Uint32Array(1 << 12);
  let ids = new Uint8Array(1 << 12);
  let usedWords = 0;
  let usedBytes = 0;
  return {
    push(id, sketch) {
      const length = sketch?.length ?? 0;
      if (usedWords + length > words.length) words = enlarged(words, new Uint32Array(2 * (usedWords + length)));
      if (sketch !== undefined) words.set(sketch, usedWords);
      usedWords += length;
      // A UTF-16 unit takes at most three bytes.
      const most = usedBytes + 3 * id.length;
      if (most > ids.length) ids = enlarged(ids, new Uint8Array(2 * most));
      const { written } = encoder.encodeInto(id, ids.subarray(usedBytes));
      usedBytes += written;
      sizes.push(length, written);
    },
    append(blob) {
      const start = aligned(blob.length);
      const whole = new Uint8Array(start + 4 * (sizes.length + usedWords) + usedBytes);
      whole.set(blob);
      const into = new Uint32Array(whole.buffer, start, sizes.length + usedWords);
      into.set(sizes);
      into.set(words.subarray(0, usedWords), sizes.length);
      whole.set(ids.subarray(0, usedBytes), start + into.byteLength);
      return whole;
    },
  };
}

function enlarged<T extends Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

/** Ids and sketches of a part, by row. */
export interface Appendix {
  sketch(row: number): Uint32Array;
  id(row: number): Uint8Array;
}

export async function readAppendix(part: FeaturePart): Promise<Appendix> {
  const trailer = trailerRange(readHeader(await part.features({ offset: 0, length: HEADER_BYTES })));
  const start = aligned(trailer.offset + trailer.length);
  const sizes = wordsOf(await part.features({ offset: start, length: 8 * part.rows }));
  const sketchEnds = new Uint32Array(part.rows + 1);
  const idEnds = new Uint32Array(part.rows + 1);
  for (let row = 0; row < part.rows; row++) {
    sketchEnds[row + 1] = sketchEnds[row] + sizes[2 * row];
    idEnds[row + 1] = idEnds[row] + sizes[2 * row + 1];
  }
  const sketchBytes = 4 * sketchEnds[part.rows];
  const bytes = await part.features({ offset: start + 8 * part.rows, length: sketchBytes + idEnds[part.rows] });
  const sketches = wordsOf(bytes.subarray(0, sketchBytes));
  const ids = bytes.subarray(sketchBytes);
  return {
    sketch: (row) => sketches.subarray(sketchEnds[row], sketchEnds[row + 1]),
    id: (row) => ids.subarray(idEnds[row], idEnds[row + 1]),
  };
}

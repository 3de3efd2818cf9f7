/** Counting and finding over UTF-16 units: Python's `len`, `str.count` and `in` without making strings. */

/** Code points between two offsets, a lone surrogate being one. */
export function countCodePoints(units: Uint16Array, start: number, end: number): number {
  let count = end - start;
  for (let i = start + 1; i < end; i++) {
    if ((units[i] & 0xfc00) === 0xdc00 && (units[i - 1] & 0xfc00) === 0xd800) count--;
  }
  return count;
}

/** Occurrences of `piece` in `text` that do not overlap, as Python's `str.count`. */
export function countOccurrences(text: string, piece: string): number {
  let count = 0;
  for (let at = text.indexOf(piece); at !== -1; at = text.indexOf(piece, at + piece.length)) count++;
  return count;
}

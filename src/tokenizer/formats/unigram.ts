/**
 * Unigram segmentation: of all ways to write a text as pieces, the one whose scores (log probabilities) add up to most.
 *
 * One pass from left to right over the ends of pieces, which a trie finds. Sums are floats, as in the original: paths that
 * are equal but for a rounding are many (`... . .` and `. . ...`), and the rounding decides. User-defined pieces are
 * taken wherever they stand, and no other piece reaches into them.
 * Source: Kudo 2018, arXiv 1804.10959; sentencepiece 0.2.2, `unigram_model.cc`. Releases up to 0.2.1 add up in doubles
 * before they round, so of equal paths they may choose another.
 */
import { createPairTable, NO_VALUE } from './pair-table.ts';
import { PIECE_TYPE, type Segmentation } from './piece-model.ts';
import type { WholeMatcher } from './user-pieces.ts';

/** What an unknown character costs beyond the least likely piece. */
const UNKNOWN_PENALTY = 10;

/** `scores`: log probability by id. */
export function createUnigram(
  pieces: readonly (string | undefined)[],
  types: Uint8Array,
  scores: Float32Array,
  whole?: WholeMatcher,
): Segmentation {
  let least = Number.POSITIVE_INFINITY;
  const trie = createPairTable(pieces.length * 4);
  const idAtNode: number[] = [-1];
  pieces.forEach((piece, id) => {
    const type = types[id];
    if (piece === undefined || type !== PIECE_TYPE.normal) return;
    least = Math.min(least, scores[id]);
    let node = 0;
    for (let i = 0; i < piece.length; i++) {
      const unit = piece.charCodeAt(i);
      let child = trie.get(node, unit);
      if (child === NO_VALUE) {
        child = idAtNode.push(-1) - 1;
        trie.set(node, unit, child);
      }
      node = child;
    }
    idAtNode[node] = id;
  });
  const unknownScore = Math.fround(least - UNKNOWN_PENALTY);

  return (text, ids) => {
    const length = text.length;
    const best = new Float32Array(length + 1);
    const startOf = new Int32Array(length + 1).fill(-1);
    const idOf = new Int32Array(length + 1);
    const offer = (start: number, end: number, id: number, sum: number): void => {
      if (startOf[end] !== -1 && sum <= best[end]) return;
      best[end] = sum;
      startOf[end] = start;
      idOf[end] = id;
    };
    for (let start = 0, stop = 0; start < length; ) {
      if (start === stop) {
        // Up to the next user-defined piece; one that stands here is the path.
        stop = length;
        const found = whole?.(text, start);
        if (found !== undefined) {
          offer(start, start + found.length, found.id, best[start]);
          start += found.length;
          stop = start;
          continue;
        }
        if (whole !== undefined) for (stop = start + 1; stop < length && whole(text, stop) === undefined; ) stop++;
      }
      const width = (text.charCodeAt(start) & 0xfc00) === 0xd800 && start + 1 < length ? 2 : 1;
      let single = false;
      let node = 0;
      for (let end = start; end < stop; ) {
        node = trie.get(node, text.charCodeAt(end++));
        if (node === NO_VALUE) break;
        const id = idAtNode[node];
        if (id < 0) continue;
        offer(start, end, id, Math.fround(scores[id] + best[start]));
        if (end - start === width) single = true;
      }
      if (!single) offer(start, start + width, -1 - text.codePointAt(start)!, Math.fround(unknownScore + best[start]));
      start += width;
    }
    const from = ids.length;
    for (let end = length; end > 0; end = startOf[end]) ids.push(idOf[end]);
    // Found from the end.
    for (let a = from, b = ids.length - 1; a < b; a++, b--) [ids[a], ids[b]] = [ids[b], ids[a]];
  };
}

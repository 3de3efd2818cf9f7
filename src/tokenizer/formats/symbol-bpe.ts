/**
 * BPE over characters: the neighbours of best rank are joined first, the leftmost of equals, until none can be joined.
 * Pieces and ranks are SentencePiece's (a piece's score) or those of a merge list.
 *
 * Where no piece goes on behind a space (`▁` only at the beginning of pieces: nearly every model), a text is cut before
 * spaces and words are remembered; otherwise it is one stretch. A heap of pairs keeps a stretch of n characters at
 * n log n.
 * Source: sentencepiece `bpe_model.cc`; HF tokenizers `Word::merge_all`.
 */
import { NO_VALUE, type PairTable } from './pair-table.ts';
import { type Segmentation, SPACE_SYMBOL } from './piece-model.ts';
import type { WholeMatcher } from './user-pieces.ts';

export interface SymbolBpe {
  /** Symbol of a character, or undefined for one that is in no piece. Symbols from `vocabSize` on are no pieces. */
  symbolOf: ReadonlyMap<string, number>;
  /** Two symbols → merge; a lower merge is joined first. */
  merges: PairTable;
  /** By merge: the symbol it makes. */
  products: Int32Array;
  /** By merge: its rank; merges of equal rank are joined from left to right. Undefined: the merge itself. */
  ranks?: Int32Array;
  /** Where a text is cut before merging. */
  cut: 'before-spaces' | 'at-spaces' | 'never';
  /** The longest piece that is taken as a whole at a place of a text, as its length and id. */
  whole?: WholeMatcher;
  /** Symbols that are taken apart again into what they were made of. */
  unused?: ReadonlySet<number>;
  /** Code points of the characters that are no pieces: symbol `vocabSize + i` is `strangers[i]`. */
  vocabSize: number;
  strangers: readonly number[];
}

/** Words remembered at most; then all are forgotten. */
const MAX_WORDS = 1 << 16;
const MAX_WORD_UNITS = 64;

export function createSymbolBpe(bpe: SymbolBpe): Segmentation {
  const words = new Map<string, number[]>();
  const stretch = (text: string, ids: number[]): void => {
    if (text.length > MAX_WORD_UNITS) {
      mergeStretch(bpe, text, ids);
      return;
    }
    let known = words.get(text);
    if (known === undefined) {
      known = [];
      mergeStretch(bpe, text, known);
      if (words.size >= MAX_WORDS) words.clear();
      words.set(text, known);
    }
    for (const id of known) ids.push(id);
  };
  if (bpe.cut === 'never') return stretch;
  const border = bpe.cut === 'at-spaces' ? AT_SPACES : BEFORE_SPACES;
  return (text, ids) => {
    for (const word of text.split(border)) stretch(word, ids);
  };
}

/** Before every ▁; and before the first of several. */
const AT_SPACES = new RegExp(`(?=${SPACE_SYMBOL})`);
const BEFORE_SPACES = new RegExp(`(?<=[^${SPACE_SYMBOL}])(?=${SPACE_SYMBOL})`);

function mergeStretch(bpe: SymbolBpe, text: string, ids: number[]): void {
  const { merges, products, ranks } = bpe;
  // A linked list of symbols; -1 where one was joined to the one before. Frozen symbols are never joined.
  const symbols: number[] = [];
  const frozen: boolean[] = [];
  for (let at = 0; at < text.length; ) {
    const whole = bpe.whole?.(text, at);
    const length = whole?.length ?? (text.codePointAt(at)! > 0xffff ? 2 : 1);
    const char = text.slice(at, at + length);
    symbols.push(whole?.id ?? bpe.symbolOf.get(char) ?? -2 - char.codePointAt(0)!);
    frozen.push(whole !== undefined);
    at += length;
  }
  const next = symbols.map((_, i) => i + 1);
  const previous = symbols.map((_, i) => i - 1);
  const dead = new Uint8Array(symbols.length);
  const queue = createPairQueue();
  const parts = new Map<number, [number, number]>();
  const offer = (left: number, right: number): void => {
    if (left < 0 || right >= symbols.length || symbols[left] < 0 || symbols[right] < 0) return;
    if (frozen[left] || frozen[right]) return;
    const merge = merges.get(symbols[left], symbols[right]);
    if (merge === NO_VALUE) return;
    queue.push(ranks === undefined ? merge : ranks[merge], left, merge);
    if (bpe.unused?.has(products[merge])) parts.set(products[merge], [symbols[left], symbols[right]]);
  };
  for (let i = 0; i + 1 < symbols.length; i++) offer(i, i + 1);
  for (let pair = queue.pop(); pair !== undefined; pair = queue.pop()) {
    const { left, merge } = pair;
    const right = next[left];
    // Of a pair that is no longer there nothing is left but this entry.
    if (dead[left] === 1 || right >= symbols.length || symbols[left] < 0 || symbols[right] < 0) continue;
    if (merges.get(symbols[left], symbols[right]) !== merge) continue;
    symbols[left] = products[merge];
    dead[right] = 1;
    next[left] = next[right];
    if (next[right] < symbols.length) previous[next[right]] = left;
    offer(previous[left], left);
    offer(left, next[left]);
  }
  const emit = (symbol: number): void => {
    const made = bpe.unused?.has(symbol) ? parts.get(symbol) : undefined;
    if (made !== undefined) for (const part of made) emit(part);
    else ids.push(symbol < bpe.vocabSize ? symbol : -1 - bpe.strangers[symbol - bpe.vocabSize]);
  };
  for (let i = 0; i < symbols.length; i = next[i]) {
    if (symbols[i] < 0) ids.push(symbols[i] + 1);
    else emit(symbols[i]);
  }
}

interface PairQueue {
  push(rank: number, left: number, merge: number): void;
  /** The pair of lowest rank, the leftmost of equals. */
  pop(): { left: number; merge: number } | undefined;
}

/** A binary heap in three arrays. */
function createPairQueue(): PairQueue {
  const ranks: number[] = [];
  const lefts: number[] = [];
  const merges: number[] = [];
  const before = (a: number, b: number): boolean =>
    ranks[a] < ranks[b] || (ranks[a] === ranks[b] && lefts[a] < lefts[b]);
  const swap = (a: number, b: number): void => {
    for (const array of [ranks, lefts, merges]) [array[a], array[b]] = [array[b], array[a]];
  };
  return {
    push(rank, left, merge) {
      let at = ranks.push(rank) - 1;
      lefts.push(left);
      merges.push(merge);
      while (at > 0 && before(at, (at - 1) >> 1)) {
        swap(at, (at - 1) >> 1);
        at = (at - 1) >> 1;
      }
    },
    pop() {
      if (ranks.length === 0) return undefined;
      swap(0, ranks.length - 1);
      ranks.pop();
      const left = lefts.pop()!;
      const merge = merges.pop()!;
      for (let at = 0; ; ) {
        let child = 2 * at + 1;
        if (child >= ranks.length) return { left, merge };
        if (child + 1 < ranks.length && before(child + 1, child)) child++;
        if (!before(child, at)) return { left, merge };
        swap(at, child);
        at = child;
      }
    },
  };
}

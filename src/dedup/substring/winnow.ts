/**
 * Winnowing (Schleimer, Wilkerson & Aiken 2003): a few fingerprints of a document such that any two documents with a
 * common passage of `minLength` symbols have one in common.
 *
 * Every run of `gram` symbols has a 64-bit key; of each `window` keys in a row the smallest is selected, and since
 * gram + window - 1 = minLength, a passage of that length decides by itself which key that is. Of equal keys the one that
 * is selected already stays ("robust winnowing"), so that a run of one symbol does not select everything. But then two
 * places of a passage that overlap may share one selected place; the key stands twice in it there, so where a key ties with
 * itself it is selected a second time: every key of a passage with two places is selected at least twice.
 *
 * About 2 / (window + 1) of all places are selected: with windows of half the minimum, one in 13 for 50 tokens. Cost: two
 * rolling hashes and a comparison or two for each symbol.
 */
import { mix32 } from '../../core/random.ts';
import { fits, roomFor } from '../../text/folded-tokens.ts';

export interface WinnowShape {
  /** Symbols that a key covers. */
  gram: number;
  /** Keys of which one is selected. */
  window: number;
}

/** For common passages of `minLength` symbols. */
export function winnowShape(minLength: number): WinnowShape {
  const window = Math.ceil(minLength / 2);
  return { gram: minLength - window + 1, window };
}

/** Fingerprints of one sequence after another, in buffers that are reused. */
export interface Winnower {
  /** The key of the gram at each place of the last sequence, in two words. */
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  /** Places of the selected keys: entries [0, number), ascending. */
  readonly selected: Uint32Array;
  /** The first window in which each of them is the smallest: it is so up to the first window of the next. */
  readonly since: Uint32Array;
  /** Fills them for symbols [0, count) and returns how many are selected: none where there are fewer than a window needs. */
  winnow(symbols: Int32Array, count: number): number;
}

export function createWinnower({ gram, window }: WinnowShape): Winnower {
  let high = new Uint32Array(0);
  let low = new Uint32Array(0);
  let selected = new Uint32Array(0);
  let since = new Uint32Array(0);

  const winnow = (symbols: Int32Array, count: number): number => {
    const keys = count - gram + 1;
    if (keys < window) return 0;
    if (!fits(keys, high.length)) {
      high = new Uint32Array(roomFor(keys));
      low = new Uint32Array(high.length);
      selected = new Uint32Array(high.length);
      since = new Uint32Array(high.length);
    }
    gramKeys(symbols, count, gram, high, low);
    let found = 0;
    let smallest = -1;
    // True once the key that is the smallest has been selected twice.
    let isTwice = false;
    const select = (place: number, first: number): void => {
      since[found] = first;
      selected[found++] = place;
    };
    for (let last = window - 1; last < keys; last++) {
      const first = last - window + 1;
      if (smallest < first) {
        const before = smallest;
        let tied = -1;
        smallest = first;
        for (let i = first + 1; i <= last; i++) {
          if (high[i] > high[smallest] || (high[i] === high[smallest] && low[i] > low[smallest])) continue;
          tied = high[i] === high[smallest] && low[i] === low[smallest] ? smallest : -1;
          smallest = i;
        }
        isTwice = before !== -1 && high[before] === high[smallest] && low[before] === low[smallest];
        if (!isTwice && tied !== -1) {
          select(tied, first);
          isTwice = true;
        }
        select(smallest, first);
      } else if (high[last] <= high[smallest] && (high[last] < high[smallest] || low[last] <= low[smallest])) {
        const isTie = high[last] === high[smallest] && low[last] === low[smallest];
        if (isTie && isTwice) continue;
        isTwice = isTie;
        smallest = last;
        select(last, first);
      }
    }
    return found;
  };
  return {
    get high() {
      return high;
    },
    get low() {
      return low;
    },
    get selected() {
      return selected;
    },
    get since() {
      return since;
    },
    winnow,
  };
}

const HIGH_BASE = 0x9e3779b1;
const LOW_BASE = 0x85ebca77;

/** Two polynomials of the symbols mod 2^32, rolled, each with a full-avalanche finalizer. */
export function gramKeys(symbols: Int32Array, count: number, gram: number, high: Uint32Array, low: Uint32Array): void {
  // What a symbol's share has been multiplied by when it leaves.
  let highLeave = 1;
  let lowLeave = 1;
  for (let i = 0; i < gram; i++) {
    highLeave = Math.imul(highLeave, HIGH_BASE);
    lowLeave = Math.imul(lowLeave, LOW_BASE);
  }
  let a = 0;
  let b = 0;
  for (let i = 0; i < gram; i++) {
    a = (Math.imul(a, HIGH_BASE) + symbols[i]) | 0;
    b = (Math.imul(b, LOW_BASE) + symbols[i]) | 0;
  }
  high[0] = mix32(a);
  low[0] = mix32(b);
  for (let i = gram; i < count; i++) {
    const entering = symbols[i];
    const leaving = symbols[i - gram];
    a = (Math.imul(a, HIGH_BASE) + entering - Math.imul(leaving, highLeave)) | 0;
    b = (Math.imul(b, LOW_BASE) + entering - Math.imul(leaving, lowLeave)) | 0;
    high[i - gram + 1] = mix32(a);
    low[i - gram + 1] = mix32(b);
  }
}

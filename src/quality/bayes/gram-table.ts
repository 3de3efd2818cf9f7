/**
 * Numbers for words and word pairs, each known by the hashes of its tokens (src/text/folded-tokens.ts): open addressing over
 * typed arrays, no string built. A single word has 0 for its second hash. Tokens have 32 bits, so of 200,000 different words
 * about five pairs share one number; nothing is lost but that those two count as one word.
 */

export interface GramTable {
  readonly count: number;
  /** Number of the gram, or −1. */
  find(first: number, second: number): number;
  /** Number of the gram; the next free one where it is new. */
  add(first: number, second: number): number;
  /** Hashes by number; entries up to `count`. */
  readonly firsts: Int32Array;
  readonly seconds: Int32Array;
}

export function createGramTable(capacity = 1 << 12): GramTable {
  let size = 2 ** Math.ceil(Math.log2(Math.max(16, capacity)));
  let firsts = new Int32Array(size);
  let seconds = new Int32Array(size);
  let slots = new Int32Array(size * 2).fill(-1);
  let mask = slots.length - 1;
  let count = 0;

  const slotOf = (first: number, second: number): number => {
    let slot = mix(first, second) & mask;
    for (let at = slots[slot]; at !== -1 && (firsts[at] !== first || seconds[at] !== second); at = slots[slot]) {
      slot = (slot + 1) & mask;
    }
    return slot;
  };
  const grow = (): void => {
    size *= 2;
    const oldFirsts = firsts;
    const oldSeconds = seconds;
    firsts = new Int32Array(size);
    seconds = new Int32Array(size);
    firsts.set(oldFirsts);
    seconds.set(oldSeconds);
    slots = new Int32Array(size * 2).fill(-1);
    mask = slots.length - 1;
    for (let at = 0; at < count; at++) slots[slotOf(firsts[at], seconds[at])] = at;
  };
  return {
    get count() {
      return count;
    },
    get firsts() {
      return firsts;
    },
    get seconds() {
      return seconds;
    },
    find: (first, second) => slots[slotOf(first, second)],
    add(first, second) {
      let slot = slotOf(first, second);
      if (slots[slot] !== -1) return slots[slot];
      if (count === size) {
        grow();
        slot = slotOf(first, second);
      }
      firsts[count] = first;
      seconds[count] = second;
      slots[slot] = count;
      return count++;
    },
  };
}

function mix(first: number, second: number): number {
  const h = Math.imul(first ^ Math.imul(second, 0x85ebca77), 0x9e3779b1);
  return h ^ (h >>> 15);
}

/**
 * Length of the longest common subsequence, 32 tokens of the shorter text at a time (Hyyrö 2004, "Bit-parallel LCS-length
 * computation revisited"): a text of n tokens against a pattern of m costs n × ⌈m / 32⌉ steps.
 */

export interface Pattern {
  /** Sets the pattern to `tokens[start, end)`. */
  set(tokens: Int32Array, start: number, end: number): void;
  /** Its longest common subsequence with `text[from, to)`, in tokens. */
  lcsWith(text: Int32Array, from: number, to: number): number;
}

export function createPattern(): Pattern {
  let length = 0;
  let words = 0;
  // Different tokens of the pattern in an open table, each with a row of `words` masks: where it stands.
  let slots = new Int32Array(64);
  let keys = new Int32Array(64);
  let masks = new Uint32Array(64);
  let state = new Uint32Array(4);
  let tableMask = 63;

  const find = (token: number): number => {
    let slot = (token ^ (token >>> 15)) & tableMask;
    while (slots[slot] !== 0 && keys[slot] !== token) slot = (slot + 1) & tableMask;
    return slot;
  };
  return {
    set(tokens, start, end) {
      length = end - start;
      words = (length + 31) >>> 5;
      const size = 2 ** Math.max(6, Math.ceil(Math.log2(length * 2 + 1)));
      if (slots.length < size) {
        slots = new Int32Array(size);
        keys = new Int32Array(size);
      }
      tableMask = size - 1;
      slots.fill(0, 0, size);
      if (masks.length < length * words) masks = new Uint32Array(length * words);
      if (state.length < words) state = new Uint32Array(words);
      masks.fill(0, 0, length * words);
      let rows = 0;
      for (let i = 0; i < length; i++) {
        const slot = find(tokens[start + i]);
        if (slots[slot] === 0) {
          slots[slot] = ++rows;
          keys[slot] = tokens[start + i];
        }
        masks[(slots[slot] - 1) * words + (i >>> 5)] |= 1 << (i & 31);
      }
    },
    lcsWith(text, from, to) {
      state.fill(0xffffffff, 0, words);
      for (let i = from; i < to; i++) {
        const row = slots[find(text[i])];
        if (row === 0) continue;
        const at = (row - 1) * words;
        let carry = 0;
        for (let w = 0; w < words; w++) {
          const v = state[w];
          const u = (v & masks[at + w]) >>> 0;
          const sum = v + u + carry;
          carry = sum > 0xffffffff ? 1 : 0;
          state[w] = sum | (v & ~u);
        }
      }
      let zeros = 0;
      for (let w = 0; w < words; w++) {
        const bits = Math.min(32, length - 32 * w);
        zeros += countBits(~state[w] & (bits === 32 ? -1 : (1 << bits) - 1));
      }
      return zeros;
    },
  };
}

function countBits(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

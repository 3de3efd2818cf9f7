/**
 * Where the benchmarks hold an n-gram: a hash table over all their n-grams behind a bit table that nearly every n-gram
 * of an uncontaminated document fails. Hashes roll, so a document costs two multiplications and one look-up a token
 * whatever n is; a hit is confirmed token by token.
 */
import { mix32 } from '../../core/random.ts';
import type { Sequences } from './sequences.ts';

const BASE = 0x9e3779b1;

export interface GramIndex {
  size: number;
  sequences: Sequences;
  /** First position of the n-gram in a slot, or −1. */
  slots: Int32Array;
  /** By position: the next one with the same n-gram, or −1. */
  next: Int32Array;
  bits: Uint8Array;
  bitMask: number;
  /** What a token's share of the rolling sum is when it leaves. */
  leave: number;
}

/**
 * Indexes the n-grams of `size` tokens at the positions that `isWanted(sequence, position)` names. N-grams that more than
 * `maxSequences` sequences hold are left out: instructions that a benchmark repeats in every item say nothing of one. So
 * are n-grams that are numbers by more than half: "5 6 7 8 …" stands in every calendar.
 */
export function createGramIndex(
  sequences: Sequences,
  size: number,
  maxSequences: number,
  isWanted: (sequence: number, position: number) => boolean,
): GramIndex {
  const { tokens, starts, of, numbersBefore } = sequences;
  let leave = 1;
  for (let i = 0; i < size; i++) leave = Math.imul(leave, BASE);
  const tableSize = 2 ** Math.max(4, Math.ceil(Math.log2(tokens.length * 2 + 1)));
  const bitCount = 2 ** Math.max(13, Math.ceil(Math.log2(tokens.length * 16 + 1)));
  const index: GramIndex = {
    size,
    sequences,
    slots: new Int32Array(tableSize).fill(-1),
    next: new Int32Array(tokens.length).fill(-1),
    bits: new Uint8Array(bitCount >> 3),
    bitMask: bitCount - 1,
    leave,
  };
  // The last position of each n-gram's chain and the sequences on it, by its first position.
  const last = new Int32Array(tokens.length);
  const holders = new Int32Array(tokens.length);
  for (let sequence = 0; sequence < sequences.count; sequence++) {
    for (let at = starts[sequence]; at + size <= starts[sequence + 1]; at++) {
      if (!isWanted(sequence, at - starts[sequence])) continue;
      if (numbersBefore[at + size] - numbersBefore[at] > size / 2) continue;
      const hash = gramHash(tokens, at, size);
      const slot = findSlot(index, tokens, at, hash);
      const first = index.slots[slot];
      if (first === -1) {
        index.slots[slot] = at;
        last[at] = at;
        holders[at] = 1;
        index.bits[(hash & index.bitMask) >>> 3] |= 1 << (hash & 7);
        continue;
      }
      if (of[last[first]] !== sequence) holders[first]++;
      index.next[last[first]] = at;
      last[first] = at;
    }
  }
  // Chains that are too long end after nothing: their slot stays, so that probing still works.
  index.slots.forEach((first) => {
    if (first !== -1 && holders[first] > maxSequences) index.next[first] = BOILERPLATE;
  });
  return index;
}

/** In `next` of a first position: the n-gram is not to be reported. */
const BOILERPLATE = -2;

/** Calls `found(position in the document, position in the sequences)` for every pair with the same n-gram. */
export function findGrams(
  index: GramIndex,
  tokens: Int32Array,
  count: number,
  found: (at: number, position: number) => void,
): void {
  const { size, bits, bitMask, leave, next } = index;
  if (count < size) return;
  let roll = 0;
  for (let i = 0; i < size; i++) roll = (Math.imul(roll, BASE) + tokens[i]) | 0;
  for (let at = 0; ; at++) {
    const hash = mix32(roll);
    if ((bits[(hash & bitMask) >>> 3] & (1 << (hash & 7))) !== 0) {
      let position = index.slots[findSlot(index, tokens, at, hash)];
      if (position !== -1 && next[position] !== BOILERPLATE) {
        for (; position !== -1; position = next[position]) found(at, position);
      }
    }
    if (at + size >= count) return;
    roll = (Math.imul(roll, BASE) + tokens[at + size] - Math.imul(tokens[at], leave)) | 0;
  }
}

function gramHash(tokens: Int32Array, at: number, size: number): number {
  let roll = 0;
  for (let i = 0; i < size; i++) roll = (Math.imul(roll, BASE) + tokens[at + i]) | 0;
  return mix32(roll);
}

/** The slot of the n-gram `tokens[at, at + size)`, or the empty one where it would go. */
function findSlot({ slots, size, sequences }: GramIndex, tokens: Int32Array, at: number, hash: number): number {
  const mask = slots.length - 1;
  let slot = (hash ^ (hash >>> 15)) & mask;
  while (slots[slot] !== -1) {
    if (isSame(sequences.tokens, slots[slot], tokens, at, size)) return slot;
    slot = (slot + 1) & mask;
  }
  return slot;
}

function isSame(a: Int32Array, from: number, b: Int32Array, at: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (a[from + i] !== b[at + i]) return false;
  return true;
}

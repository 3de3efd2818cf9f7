/**
 * The words of a language model by their UTF-8 bytes: word ↔ number, in an open-addressed table over one arena of bytes.
 *
 * Numbers: 0 `<unk>`, 1 `<s>`, 2 `</s>`, then words in order of first appearance, as in lmplz. The table lies in shared memory,
 * so that workers read one copy. Cost: 8 bytes a word and its bytes, twice that at most; a look-up costs a hash of the word's
 * bytes and a comparison.
 */
import { CorpusmillError } from '../../core/errors.ts';

export const UNKNOWN = 0;
export const SENTENCE_START = 1;
export const SENTENCE_END = 2;
/** Of the first numbers; what stands for them in a text is no word of it. */
export const SPECIAL_WORDS = ['<unk>', '<s>', '</s>'] as const;

/** Offsets into the arena and word numbers are kept in 32 bits. */
const MAX_BYTES = 0xffff_ffff;
const MAX_WORDS = 0x7fff_ffff;

/** 32-bit FNV-1a of bytes from `start` to `end`, its high bits mixed into the low ones that a table takes. */
function hashToken(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** A vocabulary's arrays: what workers share. */
export interface WordTable {
  /** Words in use. */
  size: number;
  /** The words' bytes one behind the other: word i from starts[i] to starts[i + 1]. */
  bytes: Uint8Array<SharedArrayBuffer>;
  starts: Uint32Array<SharedArrayBuffer>;
  /** Word number + 1 by hash; 0 is free. A power of two, at most half full. */
  slots: Uint32Array<SharedArrayBuffer>;
}

export class Vocabulary implements WordTable {
  size = 0;
  bytes = new Uint8Array(new SharedArrayBuffer(1 << 16));
  starts = new Uint32Array(new SharedArrayBuffer(4 << 12));
  slots = new Uint32Array(new SharedArrayBuffer(4 << 12));

  /** The vocabulary over `table`'s arrays, or a new one, which holds the special words. */
  constructor(table?: WordTable) {
    if (table !== undefined) {
      this.size = table.size;
      this.bytes = table.bytes;
      this.starts = table.starts;
      this.slots = table.slots;
      return;
    }
    for (const word of SPECIAL_WORDS) {
      const bytes = Buffer.from(word);
      this.add(bytes, 0, bytes.length);
    }
  }

  /** The number of the word at `start` to `end` of `bytes`, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return findWord(this.slots, this.starts, this.bytes, this.size, bytes, start, end);
  }

  /** The number of the word at `start` to `end` of `bytes`, which is added if it is new. */
  add(bytes: Uint8Array, start: number, end: number): number {
    const known = this.find(bytes, start, end);
    if (known >= 0) return known;
    const from = this.starts[this.size];
    const to = from + (end - start);
    if (to > MAX_BYTES || this.size === MAX_WORDS) {
      throw new CorpusmillError('CONFIG_INVALID', `language model: its words take more than ${MAX_BYTES} bytes`, {
        hint: 'are these texts, tokenized as the option `tokens` says?',
      });
    }
    if (this.size + 2 > this.starts.length) this.starts = grown(this.starts, this.size + 2);
    if (to > this.bytes.length) this.bytes = grown(this.bytes, to);
    this.bytes.set(bytes.subarray(start, end), from);
    this.starts[this.size + 1] = to;
    if (2 * (this.size + 1) > this.slots.length) {
      this.slots = new Uint32Array(new SharedArrayBuffer(8 * this.slots.length));
      for (let id = 0; id < this.size; id++) this.#enter(id);
    }
    this.#enter(this.size);
    return this.size++;
  }

  /** Takes the first free slot for a word that has none. */
  #enter(id: number): void {
    const mask = this.slots.length - 1;
    let slot = hashToken(this.bytes, this.starts[id], this.starts[id + 1]) & mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
    this.slots[slot] = id + 1;
  }
}

/** The number of the word at `start` to `end` of `bytes` in a table's arrays, or -1. Twin: find in native/ngram_lm_words.cc. */
export function findWord(
  slots: Uint32Array,
  starts: Uint32Array,
  wordBytes: Uint8Array,
  wordCount: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const mask = slots.length - 1;
  let slot = hashToken(bytes, start, end) & mask;
  for (let probes = 0; probes <= mask; probes++) {
    const id = slots[slot] - 1;
    if (id < 0 || id >= wordCount) return -1;
    const from = starts[id];
    if (starts[id + 1] - from === end - start) {
      let i = start;
      while (i < end && wordBytes[from + i - start] === bytes[i]) i++;
      if (i === end) return id;
    }
    slot = (slot + 1) & mask;
  }
  return -1;
}

function grown<T extends Uint8Array<SharedArrayBuffer> | Uint32Array<SharedArrayBuffer>>(array: T, least: number): T {
  const capacity = Math.max(2 * array.length, least);
  const buffer = new SharedArrayBuffer(capacity * array.BYTES_PER_ELEMENT);
  const larger = (array instanceof Uint8Array ? new Uint8Array(buffer) : new Uint32Array(buffer)) as T;
  larger.set(array);
  return larger;
}

/** The TypeScript twin of native/fasttext_texts.cc: see training-texts.ts. */
import { rankBits, rankOf } from './ngram-rows.ts';
import { Utf8Buffer } from './utf8-buffer.ts';
import { FNV_PRIME, FNV_START } from './word-hash.ts';
import { WordNgrams } from './word-ngrams.ts';
import { endOfText, endOfTextHash, isEndOfText, isLabel, isSeparator } from './word-scan.ts';

type Numbers = Uint8Array | Int32Array | Uint32Array | Float64Array;

export class TrainingTextsTwin {
  readonly #text = new Utf8Buffer();
  #slots = new Int32Array(1 << 12).fill(-1);
  /** The different words: bytes, hash, count; word i lies at starts[i] to starts[i + 1]. */
  #bytes = new Uint8Array(1 << 16);
  #starts = new Float64Array(1 << 10);
  #hashes = new Int32Array(1 << 10);
  #counts = new Float64Array(1 << 10);
  #types = 0;
  #tokens = new Uint32Array(1 << 16);
  #tokenCount = 0;
  #lengths = new Uint32Array(1 << 10);
  #texts = 0;

  add(text: string): void {
    const bytes = this.#text.encode(text);
    const { length } = this.#text;
    const before = this.#tokenCount;
    for (let at = 0; at < length; ) {
      while (at < length && isSeparator[bytes[at]] !== 0) at++;
      if (at === length) break;
      const start = at;
      let hash = FNV_START;
      do {
        hash = Math.imul(hash ^ ((bytes[at++] << 24) >> 24), FNV_PRIME);
      } while (at < length && isSeparator[bytes[at]] === 0);
      if (isEndOfText(bytes, start, at, hash)) break;
      if (!isLabel(bytes, start, at)) this.#addToken(bytes, start, at, hash);
    }
    this.#addToken(endOfText, 0, endOfText.length, endOfTextHash);
    this.#lengths = grown(this.#lengths, this.#texts + 1);
    this.#lengths[this.#texts++] = this.#tokenCount - before;
  }

  size() {
    return {
      types: this.#types,
      typeBytes: this.#starts[this.#types],
      texts: this.#texts,
      tokens: this.#tokenCount,
    };
  }

  readTypes(bytes: Uint8Array, starts: Float64Array, counts: Float64Array): void {
    bytes.set(this.#bytes.subarray(0, this.#starts[this.#types]));
    starts.set(this.#starts.subarray(0, this.#types + 1));
    counts.set(this.#counts.subarray(0, this.#types));
  }

  readLengths(lengths: Uint32Array): void {
    lengths.set(this.#lengths.subarray(0, this.#texts));
  }

  writeEntries(
    unitOf: Int32Array,
    wordNgrams: number,
    bucket: number,
    bits: Int32Array,
    firstNgram: number,
    entries: Uint32Array,
    starts: Float64Array,
  ): void {
    const ngrams = new WordNgrams(wordNgrams, bucket);
    const ngramStarts = new Float64Array(this.#texts);
    let written = 0;
    // First the buckets themselves, since their ranks are known when all have been seen.
    const write = (found: number): void => {
      bits[found >>> 5] |= 1 << found;
      entries[written++] = found;
    };
    for (let i = 0, first = 0; i < this.#texts; first += this.#lengths[i++]) {
      const tokens = this.#tokens.subarray(first, first + this.#lengths[i]);
      for (const type of tokens) if (unitOf[type] >= 0) entries[written++] = unitOf[type];
      ngramStarts[i] = written;
      if (wordNgrams > 1) {
        ngrams.clear();
        for (const type of tokens) ngrams.push(this.#hashes[type]);
        ngrams.forEach(write);
      }
      starts[i + 1] = written;
    }
    const ranked = rankBits(bits, 'zeros');
    for (let i = 0; i < this.#texts; i++) {
      for (let at = ngramStarts[i]; at < starts[i + 1]; at++) entries[at] = firstNgram + rankOf(ranked, entries[at]);
    }
  }

  #addToken(bytes: Uint8Array, start: number, end: number, hash: number): void {
    const type = this.#typeOf(bytes, start, end, hash);
    this.#counts[type]++;
    this.#tokens = grown(this.#tokens, this.#tokenCount + 1);
    this.#tokens[this.#tokenCount++] = type;
  }

  #typeOf(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const known = this.#slots[this.#slotOf(bytes, start, end, hash)];
    if (known >= 0) return known;
    const type = this.#types++;
    const from = this.#starts[type];
    const to = from + end - start;
    this.#bytes = grown(this.#bytes, to);
    this.#starts = grown(this.#starts, type + 2);
    this.#hashes = grown(this.#hashes, type + 1);
    this.#counts = grown(this.#counts, type + 1);
    for (let i = start; i < end; i++) this.#bytes[from + i - start] = bytes[i];
    this.#starts[type + 1] = to;
    this.#hashes[type] = hash;
    if (2 * this.#types > this.#slots.length) {
      this.#slots = new Int32Array(this.#slots.length * 2).fill(-1);
      for (let i = 0; i < type; i++) {
        this.#slots[this.#slotOf(this.#bytes, this.#starts[i], this.#starts[i + 1], this.#hashes[i])] = i;
      }
    }
    this.#slots[this.#slotOf(bytes, start, end, hash)] = type;
    return type;
  }

  #slotOf(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (this.#slots[slot] >= 0 && !this.#equals(this.#slots[slot], bytes, start, end)) slot = (slot + 1) & mask;
    return slot;
  }

  #equals(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[type];
    if (this.#starts[type + 1] - from !== end - start) return false;
    for (let i = start; i < end; i++) if (this.#bytes[from + i - start] !== bytes[i]) return false;
    return true;
  }
}

/** The same numbers in an array with room for `length`. */
function grown<T extends Numbers>(array: T, length: number): T {
  if (length <= array.length) return array;
  const larger = new (array.constructor as new (length: number) => T)(Math.max(length, array.length * 2));
  larger.set(array);
  return larger;
}

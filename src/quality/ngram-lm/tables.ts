/**
 * A model in the form that scoring asks: a hash table of n-grams for each order from 2 up, linear probing, and an array of
 * unigrams by word number. In shared memory, so that workers read one copy.
 *
 * An entry is a 32-bit fingerprint, log10 of the probability and (below the highest order) of the back-off weight, as 32-bit
 * floats: 12 bytes, 8 of the highest order, at two thirds full. n-grams are not kept, only their hashes: two chains of 32 bits
 * over the words from the last to the first; one gives the slot, the other the fingerprint. No two n-grams of a model are
 * taken for one another: where two meet with the same fingerprint, the model is built anew with the next seed. One that
 * is not in the model is taken for one that is with a chance of about 2⁻³¹ a look-up.
 * After KenLM's probing model (Heafield, KenLM: Faster and Smaller Language Model Queries, WMT 2011). Cost: bench/ngram-lm.ts.
 */
import { native } from '../../core/native.ts';
import { mix32 } from '../../core/random.ts';

/** Slots per n-gram. */
const SPACE = 1.5;
const FREE = 0;

/** Everything about a model's n-grams that scoring reads. */
export interface NgramTables {
  /** Tokens of the longest n-gram. */
  order: number;
  /** Of the hashes. */
  seed: number;
  /** Every n-gram's suffix is in the model too, so that none need be looked for behind a shorter one that is missing. */
  isClosed: boolean;
  /** By order, as in the header of an ARPA file. */
  sizes: number[];
  /** Word i: log10 of its probability at 2 i, of its back-off weight at 2 i + 1. */
  unigrams: Float32Array<SharedArrayBuffer>;
  /** Entry k: the n-grams of order k + 2, in entries of `entryWords` words. */
  tables: Uint32Array<SharedArrayBuffer>[];
}

/** 32-bit words of an entry of n-grams of `order` in a model up to `highest`. */
function entryWords(order: number, highest: number): number {
  return order === highest ? 2 : 3;
}

/** 32-bit words of each table of a model with so many n-grams of each order. */
export function tableLengths(sizes: readonly number[]): number[] {
  return sizes.slice(1).map((size, k) => (Math.floor(size * SPACE) + 1) * entryWords(k + 2, sizes.length));
}

/** Empty tables with room for `sizes` n-grams and `words` unigrams. */
export function createTables(sizes: readonly number[], words: number, seed: number): NgramTables {
  const tables = tableLengths(sizes).map((length) => new Uint32Array(new SharedArrayBuffer(4 * length)));
  const unigrams = new Float32Array(new SharedArrayBuffer(8 * words));
  return { order: sizes.length, seed, isClosed: true, sizes: [...sizes], unigrams, tables };
}

/** The hash that leads to the slot, with one more word to the left. Begins with the seed. */
export function extendPlace(hash: number, word: number): number {
  hash = Math.imul(hash ^ Math.imul(word, 0xcc9e2d51), 0x9e3779b1);
  return hash ^ (hash >>> 15);
}

/** The hash that is the fingerprint, with one more word to the left. Begins with the seed. */
export function extendMark(hash: number, word: number): number {
  hash = Math.imul(hash ^ Math.imul(word, 0x1b873593), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}

/** The first slot to look into. */
function slotOf(place: number, slots: number): number {
  return Math.floor((mix32(place) * slots) / 0x1_0000_0000);
}

/** The fingerprint as it stands in the table, where 0 is free. */
function fingerprint(mark: number): number {
  return mark === FREE ? 1 : mark >>> 0;
}

/** n-grams of one order on their way into the tables. */
export interface NgramBatch {
  /** The words of n-gram i from order * i on, first word first. */
  ids: Uint32Array;
  /** log10 of its probability at 2 i, of its back-off weight at 2 i + 1. */
  values: Float32Array;
  count: number;
}

/**
 * Puts n-grams in and returns how many were put in before one that cannot be told from an n-gram that is there: it stands
 * twice, or two have the same hashes. An n-gram whose suffix is not there clears `isClosed`, unless `isKnownClosed` says that
 * this need not be looked at.
 */
export function insertNgrams(tables: NgramTables, order: number, batch: NgramBatch, isKnownClosed: boolean): number {
  const table = tables.tables[order - 2];
  const suffixes = isKnownClosed || order === 2 ? NO_TABLE : tables.tables[order - 3];
  const width = entryWords(order, tables.order);
  const insert = native?.ngramLm.insert ?? insertTwin;
  closed[0] = tables.isClosed ? 1 : 0;
  const done = insert(table, width, suffixes, tables.seed, order, batch.ids, batch.values, batch.count, closed);
  tables.isClosed = closed[0] === 1;
  return done;
}

const NO_TABLE = new Uint32Array(0);
const closed = new Uint8Array(1);

/** The twin of insert in native/ngram_lm_tables.cc. */
export function insertTwin(
  table: Uint32Array,
  width: number,
  suffixes: Uint32Array,
  seed: number,
  order: number,
  ids: Uint32Array,
  values: Float32Array,
  count: number,
  isClosed: Uint8Array,
): number {
  const floats = new Float32Array(table.buffer);
  for (let i = 0; i < count; i++) {
    let place = seed;
    let mark = seed;
    for (let word = order - 1; word > 0; word--) {
      place = extendPlace(place, ids[order * i + word]);
      mark = extendMark(mark, ids[order * i + word]);
    }
    if (suffixes.length > 0 && findNgram(suffixes, 3, place, mark) < 0) isClosed[0] = 0;
    place = extendPlace(place, ids[order * i]);
    mark = extendMark(mark, ids[order * i]);
    const entry = entryOf(table, width, place, mark);
    if (entry < 0 || table[entry] !== FREE) return i;
    table[entry] = fingerprint(mark);
    floats[entry + 1] = values[2 * i];
    if (width === 3) floats[entry + 2] = values[2 * i + 1];
  }
  return count;
}

/** The index of an n-gram's entry, or of the free one where it would be put; -1 in a full table without it. */
function entryOf(table: Uint32Array, width: number, place: number, mark: number): number {
  const slots = table.length / width;
  const print = fingerprint(mark);
  let slot = slotOf(place, slots);
  for (let probes = 0; probes < slots; probes++) {
    const found = table[slot * width];
    if (found === print || found === FREE) return slot * width;
    slot = slot + 1 === slots ? 0 : slot + 1;
  }
  return -1;
}

/** The index of an n-gram's entry in the table, or -1. */
export function findNgram(table: Uint32Array, width: number, place: number, mark: number): number {
  const entry = entryOf(table, width, place, mark);
  return entry < 0 || table[entry] === FREE ? -1 : entry;
}

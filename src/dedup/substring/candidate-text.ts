/**
 * The text over which a suffix array is built: regions one behind the other, each closed by a letter of its own, so that no
 * repeat reaches across a border. Letters are dense: the symbols that occur are numbered as they come.
 *
 * A region that is, symbol by symbol, the same as an earlier one is not put in again: it is kept as a copy, 12 bytes. So a
 * phrase that stands in every document of a site costs its text once.
 */

export interface CandidateText {
  /** Adds symbols [from, to) of `symbols`, which stand in document `ordinal` from place `start` on. In input order. */
  add(ordinal: number, start: number, symbols: Int32Array, from: number, to: number): void;
  /** Numbers the symbols; nothing can be added after it. */
  finish(): LetterText;
}

export interface LetterText {
  letters: Int32Array;
  alphabetSize: number;
  regions: number;
  /** Of each region: its document, its first symbol's place there, and where it begins in `letters`; one entry more of the last. */
  ordinals: Uint32Array;
  starts: Uint32Array;
  offsets: Uint32Array;
  /** Regions that are the same as an earlier one, as triples (earlier region, ordinal, start), in input order. */
  copies: Uint32Array;
  copyCount: number;
}

/** Room for `maxSymbols` symbols and the ends of their regions, of which there are at most `maxRegions`. */
export function createCandidateText(maxSymbols: number, maxRegions: number): CandidateText {
  // Pages that are never written to are never resident, so the room for copies costs nothing.
  const letters = new Int32Array(maxSymbols + maxRegions);
  const ordinals = new Uint32Array(maxRegions);
  const starts = new Uint32Array(maxRegions);
  const offsets = new Uint32Array(maxRegions + 1);
  const tableSize = 2 ** Math.ceil(Math.log2(2 * maxRegions + 2));
  /** 1 + the region. */
  const table = new Uint32Array(tableSize);
  let copies = new Uint32Array(1 << 10);
  let copyCount = 0;
  let regions = 0;
  let length = 0;

  const add = (ordinal: number, start: number, symbols: Int32Array, from: number, to: number): void => {
    let hash = to - from;
    for (let i = from; i < to; i++) hash = (Math.imul(hash, 0x9e3779b1) ^ symbols[i]) | 0;
    let slot = (hash ^ (hash >>> 15)) & (tableSize - 1);
    for (; table[slot] !== 0; slot = (slot + 1) & (tableSize - 1)) {
      const earlier = table[slot] - 1;
      if (!isSame(letters, offsets[earlier], offsets[earlier + 1] - 1, symbols, from, to)) continue;
      if (3 * copyCount + 3 > copies.length) {
        const larger = new Uint32Array(2 * copies.length);
        larger.set(copies);
        copies = larger;
      }
      copies.set([earlier, ordinal, start], 3 * copyCount++);
      return;
    }
    table[slot] = regions + 1;
    ordinals[regions] = ordinal;
    starts[regions] = start;
    for (let i = from; i < to; i++) letters[length++] = symbols[i];
    // Room for the letter that closes the region.
    offsets[++regions] = ++length;
  };

  const finish = (): LetterText => {
    const text = letters.subarray(0, length);
    const distinct = number(text, offsets, regions);
    for (let region = 0; region < regions; region++) text[offsets[region + 1] - 1] = distinct + region;
    const alphabetSize = distinct + regions;
    return { letters: text, alphabetSize, regions, ordinals, starts, offsets, copies, copyCount };
  };
  return { add, finish };
}

function isSame(
  letters: Int32Array,
  start: number,
  end: number,
  symbols: Int32Array,
  from: number,
  to: number,
): boolean {
  if (end - start !== to - from) return false;
  for (let i = start, j = from; i < end; i++, j++) if (letters[i] !== symbols[j]) return false;
  return true;
}

/** Replaces every symbol by its number in order of first occurrence; returns how many there are. */
function number(text: Int32Array, offsets: Uint32Array, regions: number): number {
  let mask = (1 << 12) - 1;
  let symbols = new Int32Array(mask + 1);
  // 1 + the number.
  let numbers = new Int32Array(mask + 1);
  let distinct = 0;
  for (let region = 0; region < regions; region++) {
    for (let i = offsets[region]; i < offsets[region + 1] - 1; i++) {
      const symbol = text[i];
      let slot = symbol & mask;
      while (numbers[slot] !== 0 && symbols[slot] !== symbol) slot = (slot + 1) & mask;
      if (numbers[slot] === 0) {
        symbols[slot] = symbol;
        numbers[slot] = ++distinct;
        if (2 * distinct > mask) {
          [symbols, numbers] = rehash(symbols, numbers, 2 * (mask + 1));
          mask = symbols.length - 1;
          text[i] = distinct - 1;
          continue;
        }
      }
      text[i] = numbers[slot] - 1;
    }
  }
  return distinct;
}

function rehash(
  symbols: Int32Array,
  numbers: Int32Array,
  size: number,
): [Int32Array<ArrayBuffer>, Int32Array<ArrayBuffer>] {
  const moved: [Int32Array<ArrayBuffer>, Int32Array<ArrayBuffer>] = [new Int32Array(size), new Int32Array(size)];
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i] === 0) continue;
    let slot = symbols[i] & (size - 1);
    while (moved[1][slot] !== 0) slot = (slot + 1) & (size - 1);
    moved[0][slot] = symbols[i];
    moved[1][slot] = numbers[i];
  }
  return moved;
}

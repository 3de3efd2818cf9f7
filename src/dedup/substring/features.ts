/**
 * What the observer leaves for each part, and how the decision reads it: the winnowed keys of every row, as 32-bit
 * little-endian words: [rows, keys, symbols of each row …, keys of each row …, high words …, low words …]. 8 bytes a key
 * and 8 a row.
 */
import type { FeaturePart, Observer } from '../../core/stage.ts';
import { createSymbolReader, type Unit } from './units.ts';
import { createWinnower, winnowShape } from './winnow.ts';

/** Leaves the winnowed keys of each document. */
export function createSubstringObserver(unit: Unit, minLength: number): Observer {
  const reader = createSymbolReader(unit);
  const winnower = createWinnower(winnowShape(minLength));
  const lengths: number[] = [];
  const counts: number[] = [];
  let high = new Uint32Array(1 << 12);
  let low = new Uint32Array(1 << 12);
  let keys = 0;
  return {
    observe({ text }) {
      const length = reader.read(text);
      const found = winnower.winnow(reader.symbols, length);
      lengths.push(length);
      counts.push(found);
      if (keys + found > high.length) {
        high = grown(high, keys + found);
        low = grown(low, keys + found);
      }
      for (let i = 0; i < found; i++) {
        high[keys] = winnower.high[winnower.selected[i]];
        low[keys++] = winnower.low[winnower.selected[i]];
      }
    },
    finish() {
      const rows = counts.length;
      const words = new Uint32Array(2 + 2 * rows + 2 * keys);
      words[0] = rows;
      words[1] = keys;
      words.set(lengths, 2);
      words.set(counts, 2 + rows);
      words.set(high.subarray(0, keys), 2 + 2 * rows);
      words.set(low.subarray(0, keys), 2 + 2 * rows + keys);
      return new Uint8Array(words.buffer);
    },
  };
}

function grown(array: Uint32Array, least: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(2 * array.length, least));
  larger.set(array);
  return larger;
}

/** How many symbols and keys each row has. */
export async function readCounts(part: FeaturePart): Promise<{ lengths: Uint32Array; keys: Uint32Array }> {
  const { rows } = part;
  const words = wordsOf(await part.features({ offset: 0, length: 4 * (2 + 2 * rows) }));
  if (words[0] !== rows) throw new Error(`part ${part.part} has ${rows} rows, its features ${words[0]}`);
  return { lengths: words.subarray(2, 2 + rows), keys: words.subarray(2 + rows) };
}

/** The keys of all rows, one behind the other, and how many each row has. */
export async function readKeys(part: FeaturePart): Promise<{ keys: Uint32Array; high: Uint32Array; low: Uint32Array }> {
  const words = wordsOf(await part.features());
  const [rows, total] = words;
  const from = 2 + 2 * rows;
  if (rows !== part.rows || words.length !== from + 2 * total) {
    throw new Error(`features of part ${part.part}: ${words.length} words for ${rows} rows and ${total} keys`);
  }
  return {
    keys: words.subarray(2 + rows, from),
    high: words.subarray(from, from + total),
    low: words.subarray(from + total),
  };
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  // Not bytes.slice(): a Buffer's slice is a view at the same offset.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >>> 2);
}

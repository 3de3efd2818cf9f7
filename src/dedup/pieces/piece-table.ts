/**
 * All keys and places of a corpus as `decide` reads them. A key's number is its rank in input order over all parts, so that it
 * says which row it is of; keys of dropped rows have numbers too, and are passed over.
 *
 * Memory: 4 bytes a document; keys and places are read a part at a time.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { collectGarbage } from '../../core/memory.ts';
import type { BarrierContext, FeaturePart } from '../../core/stage.ts';
import { type KeyRecords, visitAlive } from '../key-groups.ts';
import {
  createPlaceReader,
  HEADER_BYTES,
  type PieceHeader,
  type PlaceReader,
  pieceRanges,
  readPieceHeader,
  wordsOf,
} from './piece-features.ts';

/** Key numbers are 32-bit, and one is no number. */
const MAX_KEYS = 2 ** 32 - 1;

export interface PieceTable {
  /** In ascending order of ordinals. */
  parts: readonly FeaturePart[];
  /** By ordinal the number of the row's first key; behind the last row the number of all keys. */
  firstKey: Uint32Array;
  /** All keys, and those of rows that are alive. */
  keys: number;
  aliveKeys: number;
  /** Every key of a row that is alive, in order of numbers. */
  scan: KeyRecords['scan'];
  /** The places of a part, from its first row on. */
  places(part: FeaturePart): Promise<PlaceReader>;
  /** The row that a key is of. A guess that lies before it makes the search short. */
  rowOf(key: number, guess?: number): number;
}

export async function readPieceTable(context: BarrierContext): Promise<PieceTable> {
  const parts = [...context.parts].sort((a, b) => a.firstOrdinal - b.firstOrdinal);
  const headers = new Map<number, PieceHeader>();
  const firstKey = new Uint32Array(context.rows + 1);
  let keys = 0;
  let aliveKeys = 0;
  for (const part of parts) {
    context.signal.throwIfAborted();
    const header = readPieceHeader(await part.features({ offset: 0, length: HEADER_BYTES }));
    if (header.rows !== part.rows) {
      throw new Error(`part ${part.part} has ${part.rows} rows, its features ${header.rows}`);
    }
    headers.set(part.part, header);
    const counts = wordsOf(await part.features(pieceRanges(header).rowKeys));
    for (let row = 0; row < part.rows; row++) {
      firstKey[part.firstOrdinal + row] = keys;
      keys += counts[row];
      if (part.alive === undefined || part.alive[row] !== 0) aliveKeys += counts[row];
    }
    if (keys > MAX_KEYS) throw tooManyKeys(context);
  }
  firstKey[context.rows] = keys;

  const scan: PieceTable['scan'] = async (visit) => {
    for (const part of parts) {
      const header = headers.get(part.part)!;
      if (header.keys === 0) continue;
      context.signal.throwIfAborted();
      const words = wordsOf(await part.features(pieceRanges(header).keyWords));
      const columns = [words.subarray(0, header.keys), words.subarray(header.keys, 2 * header.keys)];
      const first = part.firstOrdinal;
      const keysOf = (row: number): number => firstKey[first + row + 1] - firstKey[first + row];
      visitAlive({ columns, firstId: firstKey[first] }, part, keysOf, visit);
      collectGarbage();
    }
  };
  const places: PieceTable['places'] = async (part) => {
    context.signal.throwIfAborted();
    collectGarbage();
    return createPlaceReader(await part.features(pieceRanges(headers.get(part.part)!).places));
  };
  const rowOf: PieceTable['rowOf'] = (key, guess = 0) => {
    // Steps that double, then halving between the last two.
    let low = guess;
    let step = 1;
    while (low + step < context.rows && firstKey[low + step] <= key) {
      low += step;
      step *= 2;
    }
    let high = Math.min(low + step, context.rows);
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (firstKey[middle] <= key) low = middle;
      else high = middle;
    }
    return low;
  };
  return { parts, firstKey, keys, aliveKeys, scan, places, rowOf };
}

function tooManyKeys({ name }: BarrierContext): CorpusmillError {
  return new CorpusmillError('CONFIG_INVALID', `${name}: found more than ${MAX_KEYS} lines, paragraphs or spans`, {
    hint: 'raise minChars, or run over parts of the corpus',
  });
}

/** How documents and rows are dealt: numbers of a set go to places by a keyed permutation, places to parts of equal size. */
import { keyedPermutation } from '../../core/random.ts';
import { equalBorders, partOf } from '../packing.ts';

/** Numbers [0, items) over `parts` windows or shards, of which the first has number `first`. */
export interface EvenParts {
  first: number;
  parts: number;
  items: number;
  /** Of the permutation; undefined: items stay in order. */
  seed: number | undefined;
}

/** A number → its part and its place there. The result is the same object each time. */
export function evenPlaces({ first, parts, items, seed }: EvenParts): (number: number) => {
  part: number;
  place: number;
} {
  const borders = equalBorders(items, parts);
  const permute = seed === undefined ? undefined : keyedPermutation(items, seed);
  const found = { part: 0, place: 0 };
  return (number) => {
    const place = permute?.(number) ?? number;
    const part = partOf(borders, place);
    found.part = first + part;
    found.place = place - borders[part];
    return found;
  };
}

/** The same as the add-on takes them, five words each: native/shard_pieces.h, EvenParts. */
export function evenPartsWords(...sets: readonly EvenParts[]): Float64Array {
  return Float64Array.from(
    sets.flatMap(({ first, parts, items, seed }) => {
      return [first, parts, items, (seed ?? 0) >>> 0, seed === undefined ? 0 : 1];
    }),
  );
}

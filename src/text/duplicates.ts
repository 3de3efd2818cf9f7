/**
 * Repeated pieces of a text: how many second and later occurrences there are among lines or paragraphs and how many
 * characters they hold (datatrove's `find_duplicates`). Exact: pieces are compared unit by unit.
 *
 * A piece is looked up by its length and nine sampled units, so a text without repetition costs the same however long its lines
 * are. Where samples agree but pieces do not (tables that differ in one digit), all units are hashed instead.
 */
import { countCodePoints } from './unicode.ts';
import type { Bounds } from './word-break.ts';

export interface Duplicates {
  /** Pieces seen before. */
  elements: number;
  /** Their code points. */
  chars: number;
}

/** Longer tables are given back by the next text that does not need them. */
const RETAINED = 1 << 20;

let slots = new Int32Array(1024);
let keys = new Int32Array(512);

/** Repetition among the pieces that `bounds` lists. `hasSurrogates` may be true although there are none. */
export function findDuplicates(units: Uint16Array, bounds: Bounds, hasSurrogates: boolean): Duplicates {
  return count(units, bounds, hasSurrogates, false) ?? (count(units, bounds, hasSurrogates, true) as Duplicates);
}

/** Undefined when sampled keys collide too often to be of use. */
function count(units: Uint16Array, bounds: Bounds, hasSurrogates: boolean, isWhole: boolean): Duplicates | undefined {
  const { starts, ends } = bounds;
  const size = 2 ** Math.max(4, Math.ceil(Math.log2(bounds.count * 2 + 1)));
  if (slots.length < size || (slots.length > RETAINED && size <= RETAINED)) {
    slots = new Int32Array(size);
    keys = new Int32Array(size);
  }
  slots.fill(-1, 0, size);
  const mask = size - 1;
  let patience = 16;
  let elements = 0;
  let chars = 0;
  for (let i = 0; i < bounds.count; i++) {
    const start = starts[i];
    const end = ends[i];
    const key = isWhole ? wholeKey(units, start, end) : sampledKey(units, start, end);
    keys[i] = key;
    let slot = (key ^ (key >>> 15)) & mask;
    let other = slots[slot];
    while (other !== -1) {
      if (keys[other] === key) {
        if (isEqual(units, starts[other], ends[other], start, end)) break;
        if (!isWhole && --patience < 0) return undefined;
      }
      slot = (slot + 1) & mask;
      other = slots[slot];
    }
    if (other === -1) {
      slots[slot] = i;
    } else {
      elements++;
      chars += hasSurrogates ? countCodePoints(units, start, end) : end - start;
    }
  }
  return { elements, chars };
}

const MULTIPLIER = 0x85ebca6b;

function sampledKey(units: Uint16Array, start: number, end: number): number {
  const length = end - start;
  let key = Math.imul(length + 1, 0x9e3779b1);
  if (length <= 9) {
    for (let i = start; i < end; i++) key = Math.imul(key ^ units[i], MULTIPLIER) ^ (key >>> 13);
    return key;
  }
  const step = (length - 1) >> 3;
  for (let i = start; i < end; i += step) key = Math.imul(key ^ units[i], MULTIPLIER) ^ (key >>> 13);
  return Math.imul(key ^ units[end - 1], MULTIPLIER);
}

function wholeKey(units: Uint16Array, start: number, end: number): number {
  let key = Math.imul(end - start + 1, 0x9e3779b1);
  for (let i = start; i < end; i++) key = Math.imul(key ^ units[i], MULTIPLIER) ^ (key >>> 13);
  return key;
}

function isEqual(units: Uint16Array, a: number, aEnd: number, b: number, bEnd: number): boolean {
  if (aEnd - a !== bEnd - b) return false;
  while (a < aEnd) if (units[a++] !== units[b++]) return false;
  return true;
}

/**
 * The sets of representatives that wait for their members: one array of values for all, so that half a million short
 * documents are not a million small objects. A set goes at the end; gaps that released ones left are closed when they
 * are a third of what lies there.
 *
 * Memory: 4 bytes a value, half more in gaps while there is room, and about 100 bytes a set. The array is reserved at
 * once, a quarter above what may be held, and costs memory only as far as it is used.
 */
import { largeSharedWords } from '../core/large-pages.ts';
import type { Held, OpenSets } from './likeness.ts';

const FIRST_VALUES = 1 << 14;

export interface HeldSets {
  /** Sets held, and values in them. */
  readonly sets: number;
  readonly values: number;
  /** Holds what is open, without a copy on the way. */
  put(ordinal: number, open: OpenSets): void;
  has(ordinal: number): boolean;
  /** Views, good until the next `put`. */
  get(ordinal: number): Held | undefined;
  release(ordinal: number): void;
  /** Releases all. */
  clear(): void;
}

/** Room for sets of `mostValues` values together; more are taken, but then the array is copied. */
export function createHeldSets(mostValues: number): HeldSets {
  let store = reserve(Math.max(FIRST_VALUES, Math.ceil(1.25 * mostValues)));
  let end = 0;
  let live = 0;
  // How far the store is used before gaps are closed.
  let limit = FIRST_VALUES;
  const slotOf = new Map<number, number>();
  // By slot, in the order of the store: whose it is, where it starts, and how many of its values are of which kind.
  let slots: Slot[] = [];

  const closeGaps = (needed: number): void => {
    const target = live + needed > store.length ? reserve(live + needed) : store;
    end = 0;
    const kept: Slot[] = [];
    for (const slot of slots) {
      if (slot.ordinal < 0) continue;
      const size = slot.shingles + Math.max(0, slot.tokens);
      // Sets move towards the start alone, so within one array none is overwritten before it has moved.
      target.set(store.subarray(slot.start, slot.start + size), end);
      slot.start = end;
      slot.view = undefined;
      end += size;
      slotOf.set(slot.ordinal, kept.length);
      kept.push(slot);
    }
    slots = kept;
    store = target;
    limit = Math.min(store.length, Math.max(FIRST_VALUES, Math.ceil(1.5 * (live + needed))));
  };
  const add = (ordinal: number, shingles: number, tokens: number): number => {
    const size = shingles + Math.max(0, tokens);
    if (end + size > limit) closeGaps(size);
    slotOf.set(ordinal, slots.length);
    slots.push({ ordinal, start: end, shingles, tokens, view: undefined });
    end += size;
    live += size;
    return end - size;
  };
  return {
    get sets() {
      return slotOf.size;
    },
    get values() {
      return live;
    },
    put(ordinal, open) {
      const at = add(ordinal, open.shingles, open.tokens);
      open.write(store, at);
    },
    has: (ordinal) => slotOf.has(ordinal),
    get(ordinal) {
      const found = slotOf.get(ordinal);
      if (found === undefined) return undefined;
      const slot = slots[found];
      slot.view ??= viewOf(slot, store);
      return slot.view;
    },
    release(ordinal) {
      const found = slotOf.get(ordinal);
      if (found === undefined) return;
      const slot = slots[found];
      live -= slot.shingles + Math.max(0, slot.tokens);
      slot.ordinal = -1;
      slot.view = undefined;
      slotOf.delete(ordinal);
    },
    clear() {
      slotOf.clear();
      slots = [];
      end = 0;
      live = 0;
    },
  };
}

/**
 * Memory that V8 does not count: it would collect garbage over and over because of a quarter of a gigabyte that is merely
 * reserved.
 */
function reserve(values: number): Uint32Array<SharedArrayBuffer> {
  return largeSharedWords(values);
}

function viewOf({ start, shingles, tokens }: Slot, store: Uint32Array): Held {
  const middle = start + shingles;
  return {
    shingles: store.subarray(start, middle),
    tokens: tokens < 0 ? undefined : store.subarray(middle, middle + tokens),
  };
}

interface Slot {
  /** Negative when it has been released. */
  ordinal: number;
  start: number;
  shingles: number;
  /** Negative where tokens are not asked for. */
  tokens: number;
  /** Made when it is first asked for: most representatives are compared several times. */
  view: Held | undefined;
}

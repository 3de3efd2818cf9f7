/**
 * Do two short documents say the same things in the same order? Sets are blind to order: 「A 战胜 B」 and 「B 战胜 A」 share
 * every token and most shingles. So the values that both have are put in the order of one document and read in that of the
 * other: those outside the longest ascending run have moved (Schensted 1961, "Longest increasing and decreasing
 * subsequences").
 *
 * Each value counts where it stands first, so a changed word moves nothing unless it comes again further down: of the
 * poem pairs of the gold set .7 % are told apart for that, and with them nearly four times as many false pairs.
 * Cost: a few nanoseconds a value of both; the smaller side may have `MAX_VALUES`.
 */

/** Of the smaller side. */
const MAX_VALUES = 128;
const SLOTS = 4 * MAX_VALUES;

const slots = new Uint32Array(SLOTS);
const places = new Uint8Array(SLOTS);
/** The slot holds a value of the documents at hand when this is their number. */
const stamps = new Uint32Array(SLOTS);
let pair = 0;
/** For each length the least last place of an ascending run of it. */
const ends = new Uint8Array(MAX_VALUES);

/**
 * How many of the values that both lists have stand in another order. Each list has distinct values; beyond `MAX_VALUES`
 * of the shorter one only the first count.
 */
export function movedValues(a: Uint32Array, b: Uint32Array): number {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (++pair === 2 ** 32 - 1) {
    stamps.fill(0);
    pair = 1;
  }
  const count = Math.min(short.length, MAX_VALUES);
  for (let i = 0; i < count; i++) {
    let slot = short[i] & (SLOTS - 1);
    while (stamps[slot] === pair) slot = (slot + 1) & (SLOTS - 1);
    stamps[slot] = pair;
    slots[slot] = short[i];
    places[slot] = i;
  }
  let common = 0;
  let longest = 0;
  for (let i = 0; i < long.length && common < count; i++) {
    let slot = long[i] & (SLOTS - 1);
    while (stamps[slot] === pair && slots[slot] !== long[i]) slot = (slot + 1) & (SLOTS - 1);
    if (stamps[slot] !== pair) continue;
    common++;
    const place = places[slot];
    let at = longest;
    while (at > 0 && ends[at - 1] > place) at--;
    ends[at] = place;
    if (at === longest) longest++;
  }
  return common - longest;
}

/**
 * Suffix arrays of texts of integers, and what neighbours in them share: where the same passage stands twice, its
 * suffixes stand side by side.
 *
 * Construction: SA-IS (Nong, Zhang & Chan 2009), induced sorting in linear time, the reduced text kept inside the array
 * itself. Shared prefixes: by place in the text through the suffix before each (Kärkkäinen, Manzini & Puglisi 2009), after
 * Kasai et al. 2001, linear too. 32-bit places: texts of up to 2^31 - 2 letters.
 *
 * The work is done by native/suffix_array.cc where that is built (6–8 M letters per second on real text), else by the twins below
 * (3 M). Memory: the three arrays, 12 bytes a letter; while sorting 1 bit a letter and 8 bytes a letter of the
 * alphabet, and at most half of both again for each level of recursion.
 */
import { native } from '../../core/native.ts';

/**
 * Fills `order` with the starts of the suffixes of `text` in ascending order; a suffix that another begins with comes
 * before it. Letters are integers in [0, alphabetSize). The arrays have the same length and do not overlap.
 */
export const suffixArray: typeof suffixArrayTwin = native?.suffixArray ?? suffixArrayTwin;

/**
 * Fills `shared`: for each suffix, by its start, the number of letters that it shares with the suffix before it in
 * `order`; 0 for the first. `order` is the suffix array of `text`.
 */
export const sharedPrefixes: typeof sharedPrefixesTwin = native?.sharedPrefixes ?? sharedPrefixesTwin;

const EMPTY = -1;

/** The TypeScript twin of the native kernel. */
export function suffixArrayTwin(text: Int32Array, alphabetSize: number, order: Int32Array): void {
  const n = text.length;
  if (n < 2) {
    order.fill(0);
    return;
  }
  // 1 for a suffix that is smaller than the one that follows it (type S).
  const small = new Uint8Array(n);
  for (let i = n - 2; i >= 0; i--) {
    if (text[i] < text[i + 1] || (text[i] === text[i + 1] && small[i + 1] === 1)) small[i] = 1;
  }
  // Leftmost of a run of type S: the suffixes from which all others are induced.
  const isLeftmost = (i: number): boolean => i > 0 && small[i] === 1 && small[i - 1] === 0;
  const buckets = createBuckets(text, alphabetSize);

  // 1. Sort the substrings between them by inducing from their first letters.
  order.fill(EMPTY);
  buckets.toEnds();
  for (let i = n - 1; i > 0; i--) if (isLeftmost(i)) order[--buckets.border[text[i]]] = i;
  induce(text, small, buckets, order);

  // 2. Name them in that order. The reduced text is their names in order of place: no two are adjacent, so place / 2 is a
  // slot of its own behind the sorted ones, and from there they move to the end.
  let count = 0;
  for (let i = 0; i < n; i++) if (isLeftmost(order[i])) order[count++] = order[i];
  order.fill(EMPTY, count);
  let names = 0;
  for (let i = 0; i < count; i++) {
    if (i > 0 && !isSameSubstring(text, small, order[i - 1], order[i])) names++;
    order[count + (order[i] >> 1)] = names;
  }
  if (count > 0) names++;
  const reduced = order.subarray(n - count);
  for (let i = n - 1, at = count; i >= count; i--) if (order[i] !== EMPTY) reduced[--at] = order[i];

  // 3. Sort the suffixes of the reduced text: by recursion, or at once when every name is its own.
  const sorted = order.subarray(0, count);
  if (names < count) suffixArrayTwin(reduced, names, sorted);
  else for (let i = 0; i < count; i++) sorted[reduced[i]] = i;

  // 4. Put the leftmost suffixes in that order at the ends of their buckets, and induce the rest.
  for (let i = 1, at = 0; i < n; i++) if (isLeftmost(i)) reduced[at++] = i;
  for (let i = 0; i < count; i++) sorted[i] = reduced[sorted[i]];
  order.fill(EMPTY, count);
  buckets.toEnds();
  for (let i = count - 1; i >= 0; i--) {
    const place = order[i];
    order[i] = EMPTY;
    order[--buckets.border[text[place]]] = place;
  }
  induce(text, small, buckets, order);
}

/** The suffixes by first letter: where each letter's begin or end, moved as they are filled. */
interface Buckets {
  border: Int32Array;
  toStarts(): void;
  toEnds(): void;
}

function createBuckets(text: Int32Array, alphabetSize: number): Buckets {
  const counts = new Int32Array(alphabetSize);
  for (let i = 0; i < text.length; i++) counts[text[i]]++;
  const border = new Int32Array(alphabetSize);
  const toStarts = (): void => {
    for (let letter = 0, sum = 0; letter < alphabetSize; sum += counts[letter++]) border[letter] = sum;
  };
  const toEnds = (): void => {
    for (let letter = 0, sum = 0; letter < alphabetSize; letter++) border[letter] = sum += counts[letter];
  };
  return { border, toStarts, toEnds };
}

/** From leftmost suffixes in place at the ends of their buckets: all of type L from the left, then all of type S. */
function induce(text: Int32Array, small: Uint8Array, { border, toStarts, toEnds }: Buckets, order: Int32Array): void {
  const n = text.length;
  toStarts();
  // The last suffix is of type L; what would induce it is the empty suffix, which is not stored.
  order[border[text[n - 1]]++] = n - 1;
  for (let i = 0; i < n; i++) {
    const before = order[i] - 1;
    if (before >= 0 && small[before] === 0) order[border[text[before]]++] = before;
  }
  toEnds();
  for (let i = n - 1; i >= 0; i--) {
    const before = order[i] - 1;
    if (before >= 0 && small[before] === 1) order[--border[text[before]]] = before;
  }
}

/** Whether the substrings from a and b to the next leftmost suffix are the same; one that ends with the text is like none. */
function isSameSubstring(text: Int32Array, small: Uint8Array, a: number, b: number): boolean {
  for (let d = 0; ; d++) {
    if (a + d >= text.length || b + d >= text.length) return false;
    if (text[a + d] !== text[b + d] || small[a + d] !== small[b + d]) return false;
    // With equal types up to here both end or neither.
    if (d > 0 && small[a + d] === 1 && small[a + d - 1] === 0) return true;
  }
}

/** The TypeScript twin of the native kernel. */
export function sharedPrefixesTwin(text: Int32Array, order: Int32Array, shared: Int32Array): void {
  const n = text.length;
  shared.fill(EMPTY);
  for (let i = 1; i < n; i++) shared[order[i]] = order[i - 1];
  // In order of place: a suffix shares at least one letter less than the one a letter before it does.
  let length = 0;
  for (let i = 0; i < n; i++) {
    const other = shared[i];
    if (other === EMPTY) {
      length = 0;
    } else {
      const most = n - Math.max(i, other);
      while (length < most && text[i + length] === text[other + length]) length++;
    }
    shared[i] = length;
    if (length > 0) length--;
  }
}

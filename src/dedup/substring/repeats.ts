/**
 * Repeats in a candidate text: which of its passages of `minLength` symbols stand elsewhere too, and which of those go.
 *
 * In the suffix array all suffixes that begin with the same `minLength` letters stand in a row, each sharing at least so
 * many with the one before. Such a row is one passage with all its places. Of passages that count (in `minDocuments`
 * documents), `keep: first` takes out every place but the first in input order, `none` every place. What is taken out of a
 * document is the union of its passages, so that a longer repeat goes as a whole (Lee et al. 2022).
 *
 * With `keep: first` no text is lost: a symbol that goes stands in an earlier place as well, and either that stays or the
 * same holds of it. A passage's first place may itself be shortened by what overlaps it and stood before.
 *
 * Memory: the text's 4 bytes a symbol, 8 for the suffix array and what is shared, 1 for the marks.
 */
import type { LetterText } from './candidate-text.ts';
import type { SpanList } from './span-list.ts';
import { sharedPrefixes, suffixArray } from './suffix-array.ts';

export interface Selection {
  minLength: number;
  /** Documents that a passage must stand in: 1 to count repeats within a document too. */
  minDocuments: number;
  keep: 'first' | 'none';
}

/** A passage that begins here goes from the region as it stands in the text, or from the region's copies. */
const GOES = 1;
const COPIES_GO = 2;

/** Adds to `spans` what is taken out of the regions of `text` and their copies. */
export function findRepeats(text: LetterText, selection: Selection, spans: SpanList): void {
  const { letters, alphabetSize, copies, copyCount } = text;
  const order = new Int32Array(letters.length);
  const shared = new Int32Array(letters.length);
  suffixArray(letters, alphabetSize, order);
  sharedPrefixes(letters, order, shared);
  const marks = markPassages(text, order, shared, selection);
  for (let region = 0; region < text.regions; region++) {
    addUnion(text, region, marks, GOES, selection.minLength, spans, text.ordinals[region], text.starts[region]);
  }
  for (let i = 0; i < 3 * copyCount; i += 3) {
    addUnion(text, copies[i], marks, COPIES_GO, selection.minLength, spans, copies[i + 1], copies[i + 2]);
  }
}

function markPassages(
  text: LetterText,
  order: Int32Array,
  shared: Int32Array,
  { minLength, minDocuments, keep }: Selection,
): Uint8Array {
  const marks = new Uint8Array(order.length);
  const census = createCensus(text);
  // Of a suffix too near to the end of its region to begin a passage the mark is not looked at.
  for (let i = 0; i < order.length; ) {
    let end = i + 1;
    while (end < order.length && shared[order[end]] >= minLength) end++;
    const isAlone = end === i + 1;
    let counts = false;
    if (!isAlone || census.hasCopies(order[i])) {
      counts = census.documents(order, i, end, minDocuments) >= minDocuments;
    }
    if (counts) {
      let first = order[i];
      for (let at = i + 1; at < end; at++) if (order[at] < first) first = order[at];
      for (let at = i; at < end; at++) marks[order[at]] = GOES | COPIES_GO;
      if (keep === 'first') marks[first] = COPIES_GO;
    }
    i = end;
  }
  return marks;
}

/** In how many documents the passage stands whose places are some suffixes. */
interface Census {
  hasCopies(place: number): boolean;
  /** Of the suffixes order[from, to) and the copies of their regions; counts no further than `enough`. */
  documents(order: Int32Array, from: number, to: number, enough: number): number;
}

function createCensus({ offsets, regions, ordinals, copies, copyCount }: LetterText): Census {
  // Copies of one region behind each other: entries [firstCopy[r], firstCopy[r + 1]) of copyOrdinals.
  const firstCopy = new Uint32Array(regions + 1);
  for (let i = 0; i < copyCount; i++) firstCopy[copies[3 * i] + 1]++;
  for (let region = 0; region < regions; region++) firstCopy[region + 1] += firstCopy[region];
  const next = firstCopy.slice();
  const copyOrdinals = new Uint32Array(copyCount);
  for (let i = 0; i < copyCount; i++) copyOrdinals[next[copies[3 * i]]++] = copies[3 * i + 1];

  const regionOf = (place: number): number => {
    let low = 0;
    let high = regions - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (offsets[middle] <= place) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  return {
    hasCopies(place) {
      if (copyCount === 0) return false;
      const region = regionOf(place);
      return firstCopy[region + 1] > firstCopy[region];
    },
    documents(order, from, to, enough) {
      // One is always there, and most often enough.
      if (enough === 1) return 1;
      const found = new Set<number>();
      for (let at = from; at < to && found.size < enough; at++) {
        const region = regionOf(order[at]);
        found.add(ordinals[region]);
        for (let copy = firstCopy[region]; copy < firstCopy[region + 1] && found.size < enough; copy++) {
          found.add(copyOrdinals[copy]);
        }
      }
      return found.size;
    },
  };
}

/** The union of the marked passages of a region, as spans of the document that it stands in. */
function addUnion(
  { offsets }: LetterText,
  region: number,
  marks: Uint8Array,
  mark: number,
  minLength: number,
  spans: SpanList,
  ordinal: number,
  start: number,
): void {
  const from = offsets[region];
  const toPlace = start - from;
  let first = -1;
  let end = -1;
  for (let at = from; at + minLength < offsets[region + 1]; at++) {
    if ((marks[at] & mark) === 0) continue;
    if (at > end) {
      if (first !== -1) spans.add(ordinal, first + toPlace, end + toPlace);
      first = at;
    }
    end = at + minLength;
  }
  if (first !== -1) spans.add(ordinal, first + toPlace, end + toPlace);
}

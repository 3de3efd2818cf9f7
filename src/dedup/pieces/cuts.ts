/**
 * From marked keys to spans of text. Neighbouring pieces that go are one span; its ends are set so that what is left reads
 * as if the pieces had never been there: whole lines go with the blank ones behind them, a sentence goes with the
 * space that set it off, and the text ends as it ended.
 */
import type { PlaceReader } from './piece-features.ts';
import { isMarked, type KeySet } from './repeats.ts';

/** A span that leaves a text; offsets in UTF-16 units. */
export interface Cut {
  start: number;
  end: number;
  /** UTF-8 bytes. */
  bytes: number;
  pieces: number;
  words: number;
}

/**
 * Reads the next row of `reader` and calls `visit` for each of its cuts, ascending; the object is reused. `firstKey` is
 * the number of the row's first key; a marked key takes `span` pieces with it.
 */
export function eachCut(
  reader: PlaceReader,
  firstKey: number,
  marked: KeySet,
  span: number,
  visit: (cut: Cut) => void,
): void {
  const places = reader.nextRow();
  const { place, totals } = reader;
  let key = firstKey;
  /** Pieces before this one go. */
  let until = 0;
  let isOpen = false;
  for (let i = 0; i < places; i++) {
    reader.nextPlace();
    if (place.hasKey && isMarked(marked, key++)) until = i + span;
    const goes = i < until;
    if (isOpen && (!goes || place.start !== cut.end)) {
      visit(trimCut(totals.length));
      isOpen = false;
    }
    if (!goes) continue;
    if (!isOpen) {
      isOpen = true;
      cut.start = place.start;
      cut.bytes = 0;
      cut.pieces = 0;
      cut.words = 0;
      edge.lead = place.lead;
      edge.startsLine = place.startsLine;
    }
    cut.end = place.end;
    cut.bytes += place.bytes;
    cut.pieces++;
    cut.words += place.words;
    edge.tail = place.tail;
    edge.endsLine = place.endsLine;
  }
  if (isOpen) visit(trimCut(totals.length));
}

const cut: Cut = { start: 0, end: 0, bytes: 0, pieces: 0, words: 0 };
/** White space around the cut, one byte a unit, and where in their lines it begins and ends. */
const edge = { lead: 0, tail: 0, startsLine: false, endsLine: false };

function trimCut(length: number): Cut {
  const isLast = cut.end === length;
  // The whole text goes with all its white space. Otherwise what ends a line, or the text, goes on ending it.
  if (isLast ? cut.start > 0 : edge.endsLine && !edge.startsLine) {
    cut.start -= edge.lead;
    cut.end -= edge.tail;
    cut.bytes += edge.lead - edge.tail;
  }
  return cut;
}

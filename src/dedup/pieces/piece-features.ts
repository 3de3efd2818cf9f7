/**
 * The feature blob of the stages that look below the document, little-endian:
 *
 *   [mark, rows, keys, bytes of places, keys of each row …] [high words of keys] [low words] [places]
 *
 * Keys are together, so that matching reads nothing else: 8 bytes a key. Places are numbers of one byte or more (LEB128),
 * about 7 bytes a piece. For each row: UTF-16 units of its text, its pieces and words, the pieces that follow; for each of those: units
 * between it and the one before, its length with three flags, and what `Place` holds else. Short pieces have no place.
 */

/** 'cmp1': a blob of another layout is refused, not misread. */
const MARK = 0x31706d63;
export const HEADER_BYTES = 16;

/** Where a piece lies; all but `words` in UTF-16 units. */
export interface Place {
  /** Its extent: see pieces.ts. */
  start: number;
  end: number;
  /** ASCII white space right before the extent, and at its end. */
  lead: number;
  tail: number;
  /** UTF-8 bytes of the extent. */
  bytes: number;
  /** Words in it; 0 where the options do not ask. */
  words: number;
  /** A key belongs to the run that begins with it. */
  hasKey: boolean;
  startsLine: boolean;
  endsLine: boolean;
}

/** A place to be filled again and again. */
export function emptyPlace(): Place {
  return {
    start: 0,
    end: 0,
    lead: 0,
    tail: 0,
    bytes: 0,
    words: 0,
    hasKey: false,
    startsLine: false,
    endsLine: false,
  };
}

/** What is known of a row besides its places. */
export interface RowTotals {
  /** UTF-16 units of the text. */
  length: number;
  /** Of all its pieces, also those without a place; words 0 where the options do not ask. */
  pieces: number;
  words: number;
}

export interface PieceFeatureWriter {
  /** Begins a row of `places` places; their calls follow. */
  row(totals: RowTotals, places: number): void;
  place(place: Place): void;
  /** Of the run that begins with the last place; at most one for each place that has `hasKey`. */
  key(high: number, low: number): void;
  /** Appends rows as `textPieces` of the add-on gives them: their numbers of keys, keys as pairs of words, places. */
  append(ofRows: Uint32Array, ofKeys: Uint32Array, ofPlaces: Uint8Array): void;
  /** The blob. */
  finish(): Uint8Array;
}

export function createPieceFeatureWriter(): PieceFeatureWriter {
  let rowKeys = new Uint32Array(256);
  let keys = new Uint32Array(2048);
  let bytes = new Uint8Array(1 << 14);
  let rows = 0;
  let keyCount = 0;
  let used = 0;
  let before = 0;

  const put = (value: number): void => {
    while (value > 0x7f) {
      bytes[used++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    bytes[used++] = value;
  };
  return {
    row({ length, pieces, words }, places) {
      if (rows === rowKeys.length) rowKeys = longer(rowKeys);
      rowKeys[rows++] = 0;
      if (used + 64 > bytes.length) bytes = longer(bytes);
      put(length);
      put(pieces);
      put(words);
      put(places);
      before = 0;
    },
    place({ start, end, lead, tail, bytes: size, words, hasKey, startsLine, endsLine }) {
      if (used + 64 > bytes.length) bytes = longer(bytes);
      put(start - before);
      // Split, since a length of 2^29 with three flags is beyond 32 bits.
      put(end - start);
      bytes[used++] = (hasKey ? 1 : 0) | (startsLine ? 2 : 0) | (endsLine ? 4 : 0);
      put(lead);
      put(tail);
      put(size - (end - start));
      put(words);
      before = end;
    },
    key(high, low) {
      if (2 * keyCount + 2 > keys.length) keys = longer(keys);
      keys[2 * keyCount] = high;
      keys[2 * keyCount++ + 1] = low;
      rowKeys[rows - 1]++;
    },
    append(ofRows, ofKeys, ofPlaces) {
      while (rows + ofRows.length > rowKeys.length) rowKeys = longer(rowKeys);
      while (2 * keyCount + ofKeys.length > keys.length) keys = longer(keys);
      while (used + ofPlaces.length > bytes.length) bytes = longer(bytes);
      rowKeys.set(ofRows, rows);
      keys.set(ofKeys, 2 * keyCount);
      bytes.set(ofPlaces, used);
      rows += ofRows.length;
      keyCount += ofKeys.length / 2;
      used += ofPlaces.length;
    },
    finish() {
      const blob = new Uint8Array(HEADER_BYTES + 4 * rows + 8 * keyCount + used);
      const words = new Uint32Array(blob.buffer, 0, 4 + rows + 2 * keyCount);
      words.set([MARK, rows, keyCount, used]);
      words.set(rowKeys.subarray(0, rows), 4);
      for (let i = 0, at = 4 + rows; i < keyCount; i++, at++) {
        words[at] = keys[2 * i];
        words[at + keyCount] = keys[2 * i + 1];
      }
      blob.set(bytes.subarray(0, used), words.byteLength);
      return blob;
    },
  };
}

function longer<T extends Uint32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(array: T): T {
  const grown = new (array.constructor as new (length: number) => T)(array.length * 2);
  grown.set(array);
  return grown;
}

// ---- reading -------------------------------------------------------------------------------------------------------

export interface PieceHeader {
  rows: number;
  keys: number;
  placesBytes: number;
}

/** From the first `HEADER_BYTES` of a blob. */
export function readPieceHeader(blob: Uint8Array): PieceHeader {
  const [mark, rows, keys, placesBytes] = blob.length < HEADER_BYTES ? [] : wordsOf(blob.subarray(0, HEADER_BYTES));
  if (mark !== MARK) throw new Error('this is no blob of piece features');
  return { rows, keys, placesBytes };
}

/** Where the keys of each row are counted, where the keys lie (all high words, then all low ones), and the places. */
export function pieceRanges({ rows, keys, placesBytes }: PieceHeader) {
  const rowKeys = { offset: HEADER_BYTES, length: 4 * rows };
  const keyWords = { offset: rowKeys.offset + rowKeys.length, length: 8 * keys };
  return { rowKeys, keyWords, places: { offset: keyWords.offset + keyWords.length, length: placesBytes } };
}

/** Little-endian words, without copying where the alignment allows. */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  // Not bytes.slice(): a Buffer's slice is a view at the same offset.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >>> 2);
}

/** Reads rows and their places in order; both objects are reused. */
export interface PlaceReader {
  readonly totals: RowTotals;
  readonly place: Place;
  /** Goes to the next row, which must exist, and returns the number of its places. All places of the row before must be read. */
  nextRow(): number;
  nextPlace(): void;
}

export function createPlaceReader(places: Uint8Array): PlaceReader {
  const totals: RowTotals = { length: 0, pieces: 0, words: 0 };
  const place = emptyPlace();
  let at = 0;
  const take = (): number => {
    let byte = places[at++];
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = places[at++];
      value |= (byte & 0x7f) << shift;
    }
    return value >>> 0;
  };
  return {
    totals,
    place,
    nextRow() {
      totals.length = take();
      totals.pieces = take();
      totals.words = take();
      place.end = 0;
      return take();
    },
    nextPlace() {
      place.start = place.end + take();
      place.end = place.start + take();
      const flags = places[at++];
      place.hasKey = (flags & 1) !== 0;
      place.startsLine = (flags & 2) !== 0;
      place.endsLine = (flags & 4) !== 0;
      place.lead = take();
      place.tail = take();
      place.bytes = place.end - place.start + take();
      place.words = take();
    },
  };
}

/**
 * CSV and TSV (RFC 4180, and what Python's csv module makes of files that stray from it): a quote opens a quoted field
 * only at the field's start, `""` inside is a quote, and characters after a closing quote are kept as they are.
 *
 * Finding record borders and splitting fields share one reading of the dialect, so a chunk can never be cut where the
 * parser would not end a record. Both are byte loops, measured on 57 MB of real web text: borders 1.0 GB/s, rows to
 * documents 330 MB/s; csv-parse reads the same file at 40 MB/s.
 */
import { isBlank, type TextBuffer, textBuffer } from './text-bytes.ts';

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;
const TAB = 0x09;
const COMMA = 0x2c;

export type CsvFormat = 'csv' | 'tsv';

export function delimiterOf(format: CsvFormat): number {
  return format === 'tsv' ? TAB : COMMA;
}

/** Where a scan stands between two calls. */
export interface CsvScan {
  /** 0 at a field's start, 1 in an unquoted field, 2 inside quotes, 3 just after a quote inside quotes. */
  state: 0 | 1 | 2 | 3;
}

/**
 * Scans [from, to) and returns the index just after the last record that ends in it (or the first, if `stopAtFirst`),
 * -1 where none does. `scan` carries the state over; a scan must begin at a record's start with state 0.
 */
export function scanRecords(
  bytes: Uint8Array,
  from: number,
  to: number,
  delimiter: number,
  scan: CsvScan,
  stopAtFirst = false,
): number {
  let state = scan.state;
  let border = -1;
  for (let i = from; i < to; i++) {
    const byte = bytes[i];
    if (state === 2) {
      if (byte === QUOTE) state = 3;
      else if ((i & 63) === 63) {
        // A long quoted field: look for its quote with memchr.
        const quote = bytes.indexOf(QUOTE, i);
        i = quote === -1 ? to : quote - 1;
      }
    } else if (byte === LF) {
      state = 0;
      border = i + 1;
      if (stopAtFirst) break;
    } else if (byte === delimiter) {
      state = 0;
    } else if (byte === QUOTE) {
      if (state === 0 || state === 3) state = 2;
    } else {
      state = 1;
    }
  }
  scan.state = state;
  return border;
}

/** Where the record that starts at `from` ends (after its line end, or `to`). */
export function recordEnd(bytes: Uint8Array, from: number, to: number, delimiter: number): number {
  const border = scanRecords(bytes, from, to, delimiter, { state: 0 }, true);
  return border === -1 ? to : border;
}

/** A row of nothing is blank, and one of spaces; a row with a tab in it has fields. */
export function isBlankRow(bytes: Uint8Array, from: number, end: number): boolean {
  if (end > from && bytes[from] !== 0x20 && bytes[from] !== CR) return false;
  for (let i = from; i < end; i++) if (bytes[i] === TAB) return false;
  return isBlank(bytes, from, end);
}

/** The fields of one record, [from, to) with or without its line end. */
export function parseRecord(bytes: Uint8Array, from: number, to: number, delimiter: number): string[] {
  return splitFields(textBuffer(bytes), from, to, delimiter);
}

/** As parseRecord, over a buffer that already is one: for loops over many records. */
export function splitFields(buffer: TextBuffer, from: number, to: number, delimiter: number): string[] {
  let end = to;
  if (end > from && buffer[end - 1] === LF) end--;
  if (end > from && buffer[end - 1] === CR) end--;
  const fields: string[] = [];
  let at = from;
  for (;;) {
    if (at < end && buffer[at] === QUOTE) {
      at = quotedField(buffer, at, end, delimiter, fields);
    } else {
      let i = at;
      while (i < end && buffer[i] !== delimiter) i++;
      fields.push(buffer.utf8Slice(at, i));
      at = i;
    }
    if (at >= end) return fields;
    at++;
    if (at === end) {
      fields.push('');
      return fields;
    }
  }
}

/** Pushes the quoted field that starts at `at` and returns the index of the delimiter after it, or `end`. */
function quotedField(buffer: TextBuffer, at: number, end: number, delimiter: number, fields: string[]): number {
  let text = '';
  let start = at + 1;
  for (;;) {
    let quote = buffer.indexOf(QUOTE, start);
    if (quote === -1 || quote >= end) quote = end;
    text += buffer.utf8Slice(start, quote);
    if (quote >= end) break;
    const next = quote + 1 < end ? buffer[quote + 1] : delimiter;
    if (next === QUOTE) {
      text += '"';
      start = quote + 2;
      continue;
    }
    // The closing quote; whatever stands before the next delimiter belongs to the field all the same.
    let i = quote + 1;
    while (i < end && buffer[i] !== delimiter) i++;
    fields.push(i === quote + 1 ? text : text + buffer.utf8Slice(quote + 1, i));
    return i;
  }
  fields.push(text);
  return end;
}

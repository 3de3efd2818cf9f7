/**
 * What the hand-written scanners share: the class of the character at a byte offset, and runs of one class.
 *
 * Scanners walk UTF-8 bytes rather than UTF-16 units: the byte form is what counting, caching and merging need anyway,
 * and the native twin reads the same bytes. Input must be well-formed UTF-8 (TextEncoder's output is).
 */
import { BASE_CLASS, CLASS_OF, LETTER, NUMBER, OTHER, SPACE } from './unicode-classes.ts';

/**
 * Cuts `bytes[start, end)` into pieces: writes the end offset of each into `ends` until `end` is reached or `ends` is
 * full, and returns how many it wrote. `end` must be the end of the text (look-ahead stops there); call again from the
 * last end to go on. Every byte belongs to one piece.
 */
export type Scanner = (bytes: Uint8Array, start: number, end: number, ends: Uint32Array) => number;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Length of the UTF-8 sequence that starts with `lead`. */
export function widthOf(lead: number): number {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** Base class of the character that starts at `at`. */
export function classAt(bytes: Uint8Array, at: number): number {
  return fullClassAt(bytes, at) & BASE_CLASS;
}

/** Class of the character that starts at `at`, with the bits for case and marks. */
export function fullClassAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at];
  if (lead < 0x80) return CLASS_OF[lead];
  return CLASS_OF[codePointAt(bytes, at, lead)];
}

/** Code point of the multi-byte sequence at `at`, whose first byte is `lead`. */
function codePointAt(bytes: Uint8Array, at: number, lead: number): number {
  if (lead < 0xe0) return ((lead & 0x1f) << 6) | (bytes[at + 1] & 0x3f);
  if (lead < 0xf0) return ((lead & 0x0f) << 12) | ((bytes[at + 1] & 0x3f) << 6) | (bytes[at + 2] & 0x3f);
  return (
    ((lead & 0x07) << 18) | ((bytes[at + 1] & 0x3f) << 12) | ((bytes[at + 2] & 0x3f) << 6) | (bytes[at + 3] & 0x3f)
  );
}

/** End of the run of letters from `at`. */
export function skipLetters(bytes: Uint8Array, at: number, end: number): number {
  while (at < end) {
    const lead = bytes[at];
    if (lead < 0x80) {
      if ((CLASS_OF[lead] & BASE_CLASS) !== LETTER) break;
      at++;
    } else {
      if ((CLASS_OF[codePointAt(bytes, at, lead)] & BASE_CLASS) !== LETTER) break;
      at += widthOf(lead);
    }
  }
  return at;
}

/** End of the run of at most `most` numbers from `at`. */
export function skipNumbers(bytes: Uint8Array, at: number, end: number, most: number): number {
  while (at < end && most-- > 0 && classAt(bytes, at) === NUMBER) at += widthOf(bytes[at]);
  return at;
}

/** End of the run of characters that are neither letter, number nor space from `at`. */
export function skipOthers(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && classAt(bytes, at) === OTHER) at += widthOf(bytes[at]);
  return at;
}

/** End of the run of carriage returns and line feeds from `at`. */
export function skipNewlines(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at] === LINE_FEED || bytes[at] === CARRIAGE_RETURN)) at++;
  return at;
}

/**
 * End of the piece that begins with white space: `\s+(?!\S)|\s+`, and before those `\s*[\r\n]+` when `toNewline`.
 * The greedy `\s*` gives back until a newline follows, so that alternative ends at the run's last newline; the
 * look-ahead gives back one character when something else follows the run.
 */
export function skipSpaces(bytes: Uint8Array, start: number, end: number, toNewline: boolean): number {
  let at = start;
  let lastStart = start;
  let afterNewline = -1;
  while (at < end && classAt(bytes, at) === SPACE) {
    const lead = bytes[at];
    lastStart = at;
    at += widthOf(lead);
    if (lead === LINE_FEED || lead === CARRIAGE_RETURN) afterNewline = at;
  }
  if (toNewline && afterNewline > 0) return afterNewline;
  return at === end || lastStart === start ? at : lastStart;
}

/**
 * End of `s|t|re|ve|m|ll|d` after an apostrophe, any case, or -1. Unicode case folding makes U+017F (long s, bytes
 * C5 BF) an s.
 */
export function contractionEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const one = bytes[at] | 0x20;
  if (bytes[at] < 0x80 && (one === 0x73 || one === 0x74 || one === 0x6d || one === 0x64)) return at + 1;
  if (at + 1 >= end) return -1;
  if (bytes[at] === 0xc5 && bytes[at + 1] === 0xbf) return at + 2;
  const two = bytes[at + 1] | 0x20;
  if (bytes[at] >= 0x80 || bytes[at + 1] >= 0x80) return -1;
  return (two === 0x65 && (one === 0x72 || one === 0x76)) || (one === 0x6c && two === 0x6c) ? at + 2 : -1;
}

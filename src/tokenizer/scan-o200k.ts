/**
 * Pre-tokenizer scanner for the pattern of o200k_base, which tells cases apart and keeps marks and contractions with
 * their word. With U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], L = [\p{Ll}\p{Lm}\p{Lo}\p{M}] and C = (?i:'s|'t|'re|'ve|'m|'ll|'d):
 *
 *   [^\r\n\p{L}\p{N}]?U*L+C?|[^\r\n\p{L}\p{N}]?U+L*C?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * Letters without case and marks are in U and L both, so `U*L+` gives back: in `日本ABC` U* takes all, nothing is left for
 * L+, and the piece ends behind the last character that L can have, 本. Source: openai/tiktoken `openai_public.py`.
 */
import {
  contractionEnd,
  fullClassAt,
  type Scanner,
  skipNumbers,
  skipOthers,
  skipSpaces,
  widthOf,
} from './scan-runs.ts';
import { BASE_CLASS, LETTER, LOWER_BIT, MARK_BIT, NUMBER, OTHER, UPPER_BIT } from './unicode-classes.ts';

export const scanO200k: Scanner = (bytes, start, end, ends) => {
  const capacity = ends.length;
  let count = 0;
  let at = start;
  while (at < end && count < capacity) {
    at = pieceEnd(bytes, at, end);
    ends[count++] = at;
  }
  return count;
};

const APOSTROPHE = 0x27;

function pieceEnd(bytes: Uint8Array, start: number, end: number): number {
  const lead = bytes[start];
  const first = fullClassAt(bytes, start);
  const base = first & BASE_CLASS;
  if (base === NUMBER) return skipNumbers(bytes, start, end, 3);
  if (base === LETTER) return wordEnd(bytes, start, start, end);
  const next = start + widthOf(lead);
  if (next < end && lead !== 0x0a && lead !== 0x0d && isWordClass(fullClassAt(bytes, next))) {
    return wordEnd(bytes, start, next, end);
  }
  if ((first & MARK_BIT) !== 0) return wordEnd(bytes, start, start, end);
  if (base === OTHER || (lead === 0x20 && next < end && (fullClassAt(bytes, next) & BASE_CLASS) === OTHER)) {
    return skipNewlinesAndSlashes(bytes, skipOthers(bytes, next, end), end);
  }
  return skipSpaces(bytes, start, end, true);
}

/** A letter or a mark. */
function isWordClass(value: number): boolean {
  return (value & BASE_CLASS) === LETTER || (value & MARK_BIT) !== 0;
}

/** End of the word whose letters begin at `body`; before them, from `start`, there is at most one other character. */
function wordEnd(bytes: Uint8Array, start: number, body: number, end: number): number {
  let at = body;
  // Behind the last character of U* that L can have.
  let lastLower = -1;
  let value = 0;
  while (at < end) {
    value = fullClassAt(bytes, at);
    if (!isWordClass(value) || (value & LOWER_BIT) !== 0) break;
    at += widthOf(bytes[at]);
    if ((value & UPPER_BIT) === 0) lastLower = at;
  }
  if (at < end && (value & LOWER_BIT) !== 0) {
    do {
      at += widthOf(bytes[at]);
      if (at >= end) break;
      value = fullClassAt(bytes, at);
    } while (isWordClass(value) && (value & UPPER_BIT) === 0);
  } else if (lastLower > 0) at = lastLower;
  else if (start < body && (fullClassAt(bytes, start) & MARK_BIT) !== 0) {
    // Capitals alone behind a mark: before `U+` has its turn, `U*L+` is tried without the leading character, and takes it.
    at = body;
  }
  if (at < end && bytes[at] === APOSTROPHE) {
    const after = contractionEnd(bytes, at + 1, end);
    if (after > 0) return after;
  }
  return at;
}

function skipNewlinesAndSlashes(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && (bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x2f)) at++;
  return at;
}

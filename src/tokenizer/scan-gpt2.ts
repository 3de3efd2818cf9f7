/**
 * Pre-tokenizer scanner for GPT-2's pattern, which is also HF's `ByteLevel` with `use_regex`:
 *
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *
 * Source: openai/gpt-2 `encoder.py`.
 */
import { classAt, type Scanner, skipLetters, skipNumbers, skipOthers, skipSpaces, widthOf } from './scan-runs.ts';
import { LETTER, NUMBER, OTHER, SPACE } from './unicode-classes.ts';

export const scanGpt2: Scanner = (bytes, start, end, ends) => {
  const capacity = ends.length;
  let count = 0;
  let at = start;
  while (at < end && count < capacity) {
    at = pieceEnd(bytes, at, end);
    ends[count++] = at;
  }
  return count;
};

function pieceEnd(bytes: Uint8Array, start: number, end: number): number {
  const lead = bytes[start];
  if (lead === 0x27) {
    const after = contractionEnd(bytes, start + 1, end);
    if (after > 0) return after;
  }
  let body = start;
  let bodyClass = classAt(bytes, start);
  if (lead === 0x20 && start + 1 < end) {
    const second = classAt(bytes, start + 1);
    if (second !== SPACE) {
      body = start + 1;
      bodyClass = second;
    }
  }
  const next = body + widthOf(bytes[body]);
  if (bodyClass === LETTER) return skipLetters(bytes, next, end);
  if (bodyClass === NUMBER) return skipNumbers(bytes, next, end, Number.MAX_SAFE_INTEGER);
  if (bodyClass === OTHER) return skipOthers(bytes, next, end);
  return skipSpaces(bytes, start, end, false);
}

/** End of `s|t|re|ve|m|ll|d` after an apostrophe, lower case only, or -1. */
function contractionEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const one = bytes[at];
  if (one === 0x73 || one === 0x74 || one === 0x6d || one === 0x64) return at + 1;
  if (at + 1 >= end) return -1;
  const two = bytes[at + 1];
  return (two === 0x65 && (one === 0x72 || one === 0x76)) || (one === 0x6c && two === 0x6c) ? at + 2 : -1;
}

/**
 * Pre-tokenizer scanners for the patterns of cl100k_base (also Llama 3) and Qwen2, which differ only in how many digits
 * make a piece (three and one):
 *
 *   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * The alternatives are decided by the class of the first character and the one after it. Sources: openai/tiktoken
 * `openai_public.py`; `tokenizer.json` of Qwen2.5.
 */
import {
  classAt,
  contractionEnd,
  type Scanner,
  skipLetters,
  skipNewlines,
  skipNumbers,
  skipOthers,
  skipSpaces,
  widthOf,
} from './scan-runs.ts';
import { LETTER, NUMBER, OTHER } from './unicode-classes.ts';

/** Qwen2: single digits. */
export const scanQwen2: Scanner = (bytes, start, end, ends) => scan(bytes, start, end, ends, 1);

/** cl100k_base: up to three digits. */
export const scanCl100k: Scanner = (bytes, start, end, ends) => scan(bytes, start, end, ends, 3);

function scan(bytes: Uint8Array, start: number, end: number, ends: Uint32Array, maxDigits: number): number {
  const capacity = ends.length;
  let count = 0;
  let at = start;
  while (at < end && count < capacity) {
    at = pieceEnd(bytes, at, end, maxDigits);
    ends[count++] = at;
  }
  return count;
}

function pieceEnd(bytes: Uint8Array, start: number, end: number, maxDigits: number): number {
  const lead = bytes[start];
  const first = classAt(bytes, start);
  const next = start + widthOf(lead);
  if (first === LETTER) return skipLetters(bytes, next, end);
  if (first === NUMBER) return skipNumbers(bytes, next, end, maxDigits - 1);
  if (lead === 0x27) {
    const after = contractionEnd(bytes, next, end);
    if (after > 0) return after;
  }
  const isNewline = lead === 0x0a || lead === 0x0d;
  if (next < end && !isNewline) {
    const second = classAt(bytes, next);
    if (second === LETTER) return skipLetters(bytes, next, end);
    if (second === OTHER && lead === 0x20) return skipNewlines(bytes, skipOthers(bytes, next, end), end);
  }
  if (first === OTHER) return skipNewlines(bytes, skipOthers(bytes, next, end), end);
  return skipSpaces(bytes, start, end, true);
}

/**
 * Pre-tokenization: cutting a text into pieces that merges never cross. The well-known patterns have hand-written
 * scanners; any other pattern goes through a regular expression, about a third as fast.
 */
import { compilePattern } from './pattern-regex.ts';
import { scanCl100k, scanQwen2 } from './scan-cl100k.ts';
import { scanGpt2 } from './scan-gpt2.ts';
import { scanO200k } from './scan-o200k.ts';
import type { Scanner } from './scan-runs.ts';

/** The published patterns by the name used in options. */
export const PATTERNS = {
  qwen2:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  gpt2: "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  cl100k:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  o200k:
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|" +
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|" +
    '\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+',
} as const;

const SCANNERS = new Map<string, Scanner>([
  [PATTERNS.qwen2, scanQwen2],
  [PATTERNS.gpt2, scanGpt2],
  [PATTERNS.cl100k, scanCl100k],
  [PATTERNS.o200k, scanO200k],
]);

export interface PreTokenizer {
  /** The regular expression as it stands in tokenizer.json. */
  readonly pattern: string;
  /** The fast path; undefined for a pattern without a scanner. */
  readonly scan: Scanner | undefined;
  /** The slow path; undefined where there is a scanner. Of several, each cuts the pieces of the one before. */
  readonly regex: readonly RegExp[] | undefined;
}

/**
 * Between patterns that cut one after the other, as DeepSeek and StarCoder have them, each within the pieces of the one
 * before. Looks of the second never see beyond a piece of the first, so one expression for both cannot be made.
 */
const THEN = ' \u27eb ';

/** Several patterns as one text, and back. */
export function joinPatterns(patterns: readonly string[]): string {
  return patterns.join(THEN);
}

export function splitPatterns(pattern: string): string[] {
  return pattern.split(THEN);
}

/**
 * `pattern`: a name of `PATTERNS`, a regular expression, or several (`joinPatterns`). Throws CONFIG_INVALID when it cannot
 * be run.
 */
export function createPreTokenizer(pattern: string): PreTokenizer {
  const full = Object.hasOwn(PATTERNS, pattern) ? PATTERNS[pattern as keyof typeof PATTERNS] : pattern;
  const scan = SCANNERS.get(full);
  return { pattern: full, scan, regex: scan === undefined ? splitPatterns(full).map(compilePattern) : undefined };
}

/**
 * Piece ends of a whole text by regular expressions, as byte offsets (`text` well-formed); each cuts within the pieces of
 * the one before. What no match covers is a piece of its own, as HF's `Split` with behavior `Isolated` has it; empty
 * matches cut nothing.
 */
export function regexPieceEnds(text: string, regexes: readonly RegExp[]): Uint32Array {
  const ends = new Uint32Array(text.length);
  let count = 0;
  let unit = 0;
  let byte = 0;
  const cutAt = (end: number): void => {
    if (end === unit) return;
    byte += utf8Length(text, unit, end);
    unit = end;
    ends[count++] = byte;
  };
  const cut = (piece: string, start: number, level: number): void => {
    if (piece === '') return;
    if (level === regexes.length) {
      cutAt(start + piece.length);
      return;
    }
    let done = 0;
    for (const { index, 0: found } of piece.matchAll(regexes[level])) {
      if (found === '') continue;
      cut(piece.slice(done, index), start + done, level + 1);
      cut(found, start + index, level + 1);
      done = index + found.length;
    }
    cut(piece.slice(done), start + done, level + 1);
  };
  cut(text, 0, 0);
  return ends.subarray(0, count);
}

/** UTF-8 bytes of the UTF-16 units [start, end); lone surrogates count as U+FFFD. */
function utf8Length(text: string, start: number, end: number): number {
  let bytes = 0;
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < end && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

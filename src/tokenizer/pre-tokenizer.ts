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
  /** The slow path; undefined where there is a scanner. */
  readonly regex: RegExp | undefined;
}

/** `pattern`: a name of `PATTERNS` or a regular expression. Throws CONFIG_INVALID when it cannot be run. */
export function createPreTokenizer(pattern: string): PreTokenizer {
  const full = Object.hasOwn(PATTERNS, pattern) ? PATTERNS[pattern as keyof typeof PATTERNS] : pattern;
  const scan = SCANNERS.get(full);
  return { pattern: full, scan, regex: scan === undefined ? compilePattern(full) : undefined };
}

/**
 * Piece ends of a whole text by regular expression, as byte offsets (`text` well-formed). What no match covers is a
 * piece of its own, as HF's `Split` with behavior `Isolated` has it; empty matches cut nothing.
 */
export function regexPieceEnds(text: string, regex: RegExp): Uint32Array {
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
  for (const match of text.matchAll(regex)) {
    cutAt(match.index);
    cutAt(match.index + match[0].length);
  }
  cutAt(text.length);
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

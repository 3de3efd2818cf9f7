/**
 * SentencePiece's normalizer: replacements of character sequences by a compiled table (nmt_nfkc and kin), spaces made
 * one, written as ▁ and put before the text.
 *
 * The table is a double-array trie over UTF-8 (darts-clone) followed by the replacements, each ended by a zero byte.
 * Source: sentencepiece `normalizer.cc` (Normalize, NormalizePrefix), darts-clone `darts.h`.
 */
import { SPACE_SYMBOL } from './piece-model.ts';

export interface NormalizerSpec {
  /** `precompiled_charsmap`; empty for identity. */
  charsmap: Uint8Array;
  addDummyPrefix: boolean;
  removeExtraWhitespaces: boolean;
  escapeWhitespaces: boolean;
  /** ▁ goes behind words and not before them. */
  whitespaceAsSuffix: boolean;
}

/**
 * The normalizer of a model. `userDefined` finds the longest user-defined piece at a place of a text (its length, or 0):
 * these are left as they are. Throws RangeError for a broken table.
 */
export function createNormalizer(
  spec: NormalizerSpec,
  userDefined: (text: string, at: number) => number,
): (text: string, isStart: boolean) => string {
  const replace = spec.charsmap.length === 0 ? undefined : createCharsmap(spec.charsmap);
  const space = spec.escapeWhitespaces ? SPACE_SYMBOL : ' ';
  const { removeExtraWhitespaces: trims } = spec;
  return (input, isStart) => {
    const text = input.toWellFormed();
    let out = '';
    // Leading spaces go with those behind a space.
    let afterSpace = trims && isStart;
    const add = (part: string): void => {
      let piece = part;
      if (afterSpace) piece = piece.replace(/^ +/, '');
      if (piece === '') return;
      if (out === '' && isStart && spec.addDummyPrefix && !spec.whitespaceAsSuffix) out = space;
      out += spec.escapeWhitespaces ? piece.replaceAll(' ', SPACE_SYMBOL) : piece;
      afterSpace = trims && piece.endsWith(' ');
    };
    // Characters that stay as they are go on together; of several spaces in a row one is left.
    const addRun = (from: number, to: number): void => {
      if (from === to) return;
      const run = text.slice(from, to);
      add(trims ? run.replace(/ {2,}/g, ' ') : run);
    };
    const bytes = replace === undefined ? undefined : new TextEncoder().encode(text);
    let run = 0;
    let unit = 0;
    let byte = 0;
    while (unit < text.length) {
      const kept = userDefined(text, unit);
      if (kept > 0) {
        addRun(run, unit);
        add(text.slice(unit, unit + kept));
        byte += utf8Length(text, unit, unit + kept);
        unit += kept;
        run = unit;
        continue;
      }
      const match = bytes === undefined ? undefined : replace!(bytes, byte);
      if (match !== undefined) {
        addRun(run, unit);
        add(match.replacement);
        unit += unitsOf(bytes!, byte, match.length);
        byte += match.length;
        run = unit;
        continue;
      }
      const end = unit + (isHighSurrogate(text, unit) ? 2 : 1);
      byte += utf8Length(text, unit, end);
      unit = end;
    }
    addRun(run, unit);
    if (trims) while (out.endsWith(space)) out = out.slice(0, -1);
    if (out !== '' && isStart && spec.addDummyPrefix && spec.whitespaceAsSuffix) out += space;
    return out;
  };
}

interface Replacement {
  /** Bytes of the text that are replaced. */
  length: number;
  replacement: string;
}

/** The longest sequence of the table that `bytes` has at `at`. */
function createCharsmap(blob: Uint8Array): (bytes: Uint8Array, at: number) => Replacement | undefined {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
  if (blob.length < 8) throw new RangeError('the table of replacements is cut off');
  const trieBytes = view.getUint32(0, true);
  if (trieBytes % 4 !== 0 || trieBytes + 4 > blob.length) throw new RangeError('the table of replacements is cut off');
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const texts = blob.subarray(4 + trieBytes);
  const utf8 = new TextDecoder();
  const replacementAt = (offset: number): string => {
    let end = offset;
    while (end < texts.length && texts[end] !== 0) end++;
    return utf8.decode(texts.subarray(offset, end));
  };
  const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);
  const root = offsetOf(units[0] ?? 0);
  // Most characters begin no sequence.
  const begins = Uint8Array.from({ length: 256 }, (_, byte) =>
    ((units[root ^ byte] ?? 0) & 0x800000ff) >>> 0 === byte ? 1 : 0,
  );
  return (bytes, at) => {
    if (begins[bytes[at]] === 0) return undefined;
    let node = root;
    let length = 0;
    let value = 0;
    for (let i = at; i < bytes.length; i++) {
      node ^= bytes[i];
      const unit = units[node];
      if (unit === undefined || (unit & 0x800000ff) >>> 0 !== bytes[i]) break;
      node ^= offsetOf(unit);
      if ((unit & 0x100) !== 0) {
        length = i + 1 - at;
        value = (units[node] ?? 0) & 0x7fffffff;
      }
    }
    return length === 0 ? undefined : { length, replacement: replacementAt(value) };
  };
}

function isHighSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800;
}

/** UTF-16 units of `length` bytes of UTF-8. */
function unitsOf(bytes: Uint8Array, at: number, length: number): number {
  let units = 0;
  for (let i = at; i < at + length; i++) {
    if ((bytes[i] & 0xc0) !== 0x80) units += bytes[i] >= 0xf0 ? 2 : 1;
  }
  return units;
}

/** UTF-8 bytes of well-formed units [start, end). */
function utf8Length(text: string, start: number, end: number): number {
  let bytes = 0;
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit & 0xf800) === 0xd800 ? 2 : 3;
  }
  return bytes;
}

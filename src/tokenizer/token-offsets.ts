/**
 * Where tokens lie in the text they were made of. Every byte of the text belongs to exactly one token, so byte offsets are the
 * sums of the tokens' lengths; a walk over the text turns them into UTF-16 units. Tokens that share a character (its bytes
 * are in several) all begin at that character, and where the last of them ends the next begins.
 */

export interface OffsetEncoding {
  ids: Uint32Array;
  /** The text that the ids spell: well-formed, and normalized where the tokenizer does so. */
  text: string;
  /** Token i is the UTF-8 bytes [byteOffsets[i], byteOffsets[i + 1]) of `text`. */
  byteOffsets: Uint32Array;
  /** UTF-16 unit of the character in which the token's first byte lies; behind the last, the length of `text`. */
  charOffsets: Uint32Array;
}

/** `text` must be what the ids spell. */
export function offsetsOf(ids: Uint32Array, text: string, bytesOf: (id: number) => Uint8Array): OffsetEncoding {
  const byteOffsets = new Uint32Array(ids.length + 1);
  const charOffsets = new Uint32Array(ids.length + 1);
  let byte = 0;
  // The character at `unit` begins at byte `reached`.
  let unit = 0;
  let reached = 0;
  for (let i = 0; i < ids.length; i++) {
    byteOffsets[i] = byte;
    for (;;) {
      const next = reached + utf8Width(text, unit);
      if (next > byte) break;
      unit += text.codePointAt(unit)! > 0xffff ? 2 : 1;
      reached = next;
    }
    charOffsets[i] = unit;
    byte += bytesOf(ids[i]).length;
  }
  byteOffsets[ids.length] = byte;
  charOffsets[ids.length] = text.length;
  return { ids, text, byteOffsets, charOffsets };
}

function utf8Width(text: string, unit: number): number {
  const code = text.codePointAt(unit)!;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

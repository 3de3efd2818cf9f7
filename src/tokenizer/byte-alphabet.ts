/**
 * The byte alphabet of GPT-2: every byte has a printable character that stands for it in vocabulary and merge files, so
 * that a byte-level vocabulary is a plain list of words without spaces. Printable Latin-1 stands for itself, the other
 * 68 bytes are moved to U+0100 and up in byte order.
 * Source: openai/gpt-2 `bytes_to_unicode`; HF tokenizers `ByteLevel`.
 */

/** Byte → the UTF-16 unit that stands for it. */
export const CHAR_OF_BYTE: Uint16Array = charOfByte();

/** UTF-16 unit (below 0x200) → byte, or -1. */
export const BYTE_OF_CHAR: Int16Array = byteOfChar();

/** The 256 bytes in the order of their characters: the order of base ids in GPT-2, Qwen and HF's trainer (`!` first). */
export const BYTES_IN_ALPHABET_ORDER: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => byte).sort(
  (a, b) => CHAR_OF_BYTE[a] - CHAR_OF_BYTE[b],
);

/** Bytes as alphabet characters: `Ġthe` for the bytes of " the". */
export function bytesToAlphabet(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += String.fromCharCode(CHAR_OF_BYTE[bytes[i]]);
  return text;
}

/** Alphabet characters as bytes into memory, from `at` on; where they end, or -1 when a character stands for no byte. */
export function alphabetToBytesInto(word: string, into: Uint8Array, at: number): number {
  for (let i = 0; i < word.length; i++) {
    const unit = word.charCodeAt(i);
    const byte = unit < BYTE_OF_CHAR.length ? BYTE_OF_CHAR[unit] : -1;
    if (byte < 0) return -1;
    into[at + i] = byte;
  }
  return at + word.length;
}

function charOfByte(): Uint16Array {
  const chars = new Uint16Array(256);
  let moved = 0;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    chars[byte] = printable ? byte : 0x100 + moved++;
  }
  return chars;
}

function byteOfChar(): Int16Array {
  const bytes = new Int16Array(0x200).fill(-1);
  for (let byte = 0; byte < 256; byte++) bytes[CHAR_OF_BYTE[byte]] = byte;
  return bytes;
}

/** The token that two tokens join to. */
export function joinTokens(left: Uint8Array, right: Uint8Array): Uint8Array {
  const token = new Uint8Array(left.length + right.length);
  token.set(left);
  token.set(right, left.length);
  return token;
}

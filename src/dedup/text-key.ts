/**
 * The 128-bit key of a string: xxHash64 (Collet) of its UTF-8 under two seeds, which the native kernel
 * (native/text_key.cc) takes in one pass.
 */
import type { ColumnBlock } from '../core/columns.ts';
import { xxh64 } from '../core/hash.ts';
import { native } from '../core/native.ts';
import type { NativeAddon } from '../core/native-addon.ts';
import type { TextSource } from '../core/stored-text.ts';
import type { TextRows } from '../core/utf8-column.ts';

/** Words of a key. */
export const KEY_WORDS = 4;
const LARGE_BUFFER = 16 << 20;
/** Any two seeds; the first is 0, the second 2^64 divided by the golden ratio. */
const SECOND_SEED = 0x9e3779b97f4a7c15n;

/** Writes the key of a text into the first four words of `row`. */
export type WriteTextKey = (value: TextSource, row: Uint32Array) => void;

export const writeTextKey: WriteTextKey = native === undefined ? createTextKeyTwin() : nativeTextKey(native);

/** The keys of rows of texts, as the four first columns of a block; needs the native add-on. */
export function writeTextKeys({ bytes, offsets, from, to }: TextRows, { words, at, stride }: ColumnBlock): void {
  native!.textKeyRows(bytes, offsets, from, to, words, at, stride);
}

function nativeTextKey({ textKey, textKeyUtf8 }: NativeAddon): WriteTextKey {
  return (value, row) => {
    if (typeof value === 'string') textKey(value, row);
    else textKeyUtf8(value.bytes, value.start, value.end, row);
  };
}

/** The native kernel's twin. */
export function createTextKeyTwin(): WriteTextKey {
  const hashes = new BigUint64Array(2);
  const words = new Uint32Array(hashes.buffer);
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(0);
  const encode = (value: string): Uint8Array => {
    // A UTF-16 unit takes at most three bytes. What a huge document needed is given back after it.
    const needed = value.length * 3;
    if (needed > bytes.length || (bytes.length > LARGE_BUFFER && needed < bytes.length / 4)) {
      bytes = new Uint8Array(Math.max(1 << 16, needed + (needed >>> 2)));
    }
    return bytes.subarray(0, encoder.encodeInto(value, bytes).written);
  };
  return (value, row) => {
    const encoded = typeof value === 'string' ? encode(value) : value.bytes.subarray(value.start, value.end);
    hashes[0] = xxh64(encoded);
    hashes[1] = xxh64(encoded, SECOND_SEED);
    row.set(words);
  };
}

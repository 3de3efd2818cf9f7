/** Strings as Arrow has them, without a string of each: for those that go through the bytes of many. */

/** String i is the UTF-8 `bytes[offsets[i], offsets[i + 1])`. */
export interface Utf8Column {
  bytes: Uint8Array;
  offsets: Int32Array;
}

/** Rows [from, to) of a column of texts, which are well-formed. */
export interface TextRows extends Utf8Column {
  from: number;
  to: number;
}

/** Rows of the column from the first of these on. */
export function rowsLeft({ offsets, from }: TextRows): number {
  return offsets.length - 1 - from;
}

/** The column's strings. Malformed UTF-8 becomes U+FFFD. */
export function stringsOf({ bytes, offsets }: Utf8Column): string[] {
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  return Array.from({ length: offsets.length - 1 }, (_, i) => utf8.decode(bytes.subarray(offsets[i], offsets[i + 1])));
}

/** Strings as a column. Lone surrogates become U+FFFD. */
export function columnOf(strings: readonly string[]): Utf8Column {
  const encoded = strings.map((string) => Buffer.from(string, 'utf8'));
  const offsets = new Int32Array(strings.length + 1);
  for (let i = 0; i < encoded.length; i++) offsets[i + 1] = offsets[i] + encoded[i].length;
  return { bytes: Buffer.concat(encoded), offsets };
}

/**
 * fastText's hash: 32-bit FNV-1a over bytes, with its quirk that a byte from 0x80 up is taken as a negative number, so
 * that it changes the upper 24 bits of the state too. Every n-gram of a non-Latin script depends on that.
 *
 * Source: fastText, dictionary.cc (`Dictionary::hash`).
 */

export const FNV_START = 0x811c9dc5 | 0;
export const FNV_PRIME = 0x01000193;

/** The hash of bytes from `start` to `end`, as a signed 32-bit number. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let state = FNV_START;
  for (let i = start; i < end; i++) state = Math.imul(state ^ ((bytes[i] << 24) >> 24), FNV_PRIME);
  return state;
}

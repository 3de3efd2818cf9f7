/**
 * Hashing for identity: xxHash64 (Collet) through xxhash-wasm, loaded once per thread.
 * For per-shingle hashing use a loop over packed bytes instead: the call and the BigInt cost more than the hash.
 */
import xxhash from 'xxhash-wasm';

const { h64Raw } = await xxhash();
const utf8 = new TextEncoder();

/** xxHash64 of bytes. */
export function xxh64(bytes: Uint8Array, seed = 0n): bigint {
  return h64Raw(bytes, seed);
}

/** xxHash64 of bytes as 16 hexadecimal digits: the checksum used in manifests. */
export function xxh64Hex(bytes: Uint8Array, seed = 0n): string {
  return h64Raw(bytes, seed).toString(16).padStart(16, '0');
}

/** xxHash64 of a string's UTF-8 bytes as 16 hexadecimal digits. */
export function xxh64HexOfString(text: string, seed = 0n): string {
  return xxh64Hex(utf8.encode(text), seed);
}

/** JSON with sorted keys, so that equal values give equal text. `undefined` members are left out. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** 16 hexadecimal digits that identify a JSON value whatever the order of its keys. */
export function hashJson(value: unknown): string {
  return xxh64HexOfString(canonicalJson(value));
}

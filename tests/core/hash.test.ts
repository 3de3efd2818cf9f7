import { describe, expect, it } from 'vitest';
import { canonicalJson, hashJson, xxh64HexOfString } from '../../src/core/hash.ts';
import { sha256Hex } from '../../src/core/sha256.ts';

describe('hashes', () => {
  it('agree with published vectors', () => {
    // xxHash reference implementation, XXH64 with seed 0; FIPS 180-2 for SHA-256.
    expect(xxh64HexOfString('')).toBe('ef46db3751d8e999');
    expect(xxh64HexOfString('abc')).toBe('44bc2cf5ad770999');
    expect(sha256Hex(Buffer.from('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('canonicalJson', () => {
  it('sorts keys at every depth and leaves out what is undefined', () => {
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: 'x', e: undefined })).toBe('{"a":"x","b":[{"c":null,"d":1}]}');
  });
  it('gives equal hashes to equal values only', () => {
    expect(hashJson({ a: 1, b: 2 })).toBe(hashJson({ b: 2, a: 1 }));
    expect(hashJson({ a: 1 })).not.toBe(hashJson({ a: '1' }));
  });
});

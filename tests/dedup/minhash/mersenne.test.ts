/** datatrove's signatures: the same numbers from the native kernel, the twin, datatrove itself, and its published formula. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../../src/core/native.ts';
import {
  createMersennePermutations,
  mersenneSignature,
  mersenneSignatureTwin,
  type WordHash,
} from '../../../src/dedup/minhash/mersenne.ts';
import { createDatatroveSigner } from '../../../src/dedup/minhash/signers.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { readJsonlGz } from '../context.ts';

const SHAPE = { bands: 14, rows: 8 };
const FOX = 'the quick brown fox jumps over the lazy dog';

function signatureOf(text: string, hash: WordHash, window = 5): bigint[] {
  const bytes = Buffer.from(text);
  const values = new BigUint64Array(112);
  mersenneSignature(bytes, bytes.length, window, hash, createMersennePermutations(112, 1), values);
  return [...values];
}

describe("datatrove's signature", () => {
  // From datatrove's code, by numpy; the second band by hand in Python's integers.
  it('of SHA-1, 64 bits', () => {
    const values = signatureOf(FOX, { function: 'sha1', bits: 64 });
    expect(values.slice(0, 3)).toEqual([585594454516184072n, 284080765670708113n, 594234408324153881n]);
    expect(values.slice(104, 107)).toEqual([164139703210280404n, 29074511532028102n, 126148420424728747n]);
  });

  it('of SHA-1, 32 bits', () => {
    const values = signatureOf(FOX, { function: 'sha1', bits: 32 });
    expect(values.slice(0, 8)).toEqual([
      727492965n,
      1312834104n,
      1177392338n,
      807274274n,
      1570412064n,
      121714251n,
      253777155n,
      990517828n,
    ]);
  });

  it('is that of the least value by the published formula, over SHA-1 as node:crypto has it', () => {
    const { multipliers, increments } = createMersennePermutations(112, 1);
    const words = FOX.split(' ');
    const hashes = [0, 1, 2, 3, 4].map((i) =>
      createHash('sha1')
        .update(words.slice(i, i + 5).join(' '))
        .digest()
        .readBigUInt64LE(0),
    );
    expect(hashes[0]).toBe(12313522834835307089n);
    const expected = [...multipliers].map((a, k) =>
      hashes
        .map((hash) => ((hash * a + increments[k]) % 2n ** 64n) % (2n ** 61n - 1n))
        .reduce((least, value) => [least, value].sort((x, y) => (x < y ? -1 : 1))[0]),
    );
    expect(signatureOf(FOX, { function: 'sha1', bits: 64 })).toEqual(expected);
  });

  it('has no window in a text of fewer words, and every value is then the largest', () => {
    const bytes = Buffer.from('four words are here');
    const values = new BigUint64Array(112);
    const permutations = createMersennePermutations(112, 1);
    expect(mersenneSignature(bytes, bytes.length, 5, { function: 'xxhash', bits: 64 }, permutations, values)).toBe(0);
    expect(new Set(values)).toEqual(new Set([2n ** 64n - 1n]));
  });
});

describe.skipIf(native === undefined)('the native kernel', () => {
  const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'é', '字', '🙂'), minLength: 1, maxLength: 40 }), {
    maxLength: 30,
  });

  it('gives the bits of the twin', () => {
    fc.assert(
      fc.property(
        words,
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(0 as const, 1 as const),
        fc.constantFrom(32 as const, 64 as const),
        fc.integer({ min: 1, max: 70 }),
        (list, window, hashFunction, bits, count) => {
          const bytes = Buffer.from(`${list.join(' ')} and more`);
          const length = Buffer.byteLength(list.join(' '));
          const { multipliers, increments } = createMersennePermutations(count, 7);
          const found = new BigUint64Array(count);
          const expected = new BigUint64Array(count);
          const arguments_ = [bytes, length, window, hashFunction, bits, multipliers, increments] as const;
          const windows = native!.minhash61(...arguments_, found);
          expect(windows).toBe(mersenneSignatureTwin(...arguments_, expected));
          expect(found).toEqual(expected);
        },
      ),
    );
  });

  it('refuses arguments that are not what it takes', () => {
    const call = native!.minhash61 as (...given: unknown[]) => void;
    const [a, b, c] = [new BigUint64Array(3), new BigUint64Array(3), new BigUint64Array(2)];
    expect(() => call()).toThrow('bytes must be a Uint8Array');
    expect(() => call(new Uint8Array(4), 5, 5, 0, 64, a, b, a)).toThrow('length must be an integer from 0 to 4');
    expect(() => call(new Uint8Array(4), 4, 0, 0, 64, a, b, a)).toThrow('window');
    expect(() => call(new Uint8Array(4), 4, 5, 2, 64, a, b, a)).toThrow('function');
    expect(() => call(new Uint8Array(4), 4, 5, 0, 64, new Uint32Array(3), b, a)).toThrow('multipliers must be');
    expect(() => call(new Uint8Array(4), 4, 5, 0, 64, a, b, c)).toThrow('same length');
  });
});

describeWithShared('beside datatrove', () => {
  interface Golden {
    text: string;
    n_shingles: number;
    sha1_64: string[][] | null;
    xxhash_64: string[][] | null;
    sha1_32: string[][] | null;
  }

  it.each([
    ['sha1_64', { function: 'sha1', bits: 64 }],
    ['xxhash_64', { function: 'xxhash', bits: 64 }],
    ['sha1_32', { function: 'sha1', bits: 32 }],
  ] as const)('%s: every value of 37 signatures, the number of shingles of 110 texts', (name, hash) => {
    const cases = readJsonlGz<Golden>(shared('goldens/peers/datatrove_minhash.jsonl.gz'));
    const signer = createDatatroveSigner(SHAPE, 5, hash, 1);
    const values = new BigUint64Array(signer.signature.buffer);
    let signatures = 0;
    for (const golden of cases) {
      expect(signer.sign(golden.text)).toBe(golden.n_shingles);
      const expected = golden[name];
      if (expected === null || expected === undefined) continue;
      expect([...values].map(String)).toEqual(expected.flat());
      signatures++;
    }
    expect([cases.length, signatures]).toEqual([110, 37]);
  });
});

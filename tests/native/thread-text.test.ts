/** The native kernels over whole texts beside their TypeScript twins, and what they say of wrong arguments. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { bandKeys, bandKeysTwin } from '../../src/dedup/lsh.ts';
import { createFoldedSigner, createFoldedSignerTwin } from '../../src/dedup/minhash/signers.ts';
import { createShingleSet, createShingleSetTwin } from '../../src/dedup/shingle-set.ts';
import { createShingler, createShinglerTwin } from '../../src/dedup/shingles.ts';
import { createTextKeyTwin, writeTextKey } from '../../src/dedup/text-key.ts';
import { createTokenizer, createTokenizerTwin, readTokens } from '../../src/text/folded-tokens.ts';
import { describeWithShared, shared } from '../shared.ts';

const describeNative = native === undefined ? describe.skip : describe;

const tokenizer = createTokenizer();
const tokenizerTwin = createTokenizerTwin();
const textKeyTwin = createTextKeyTwin();
const shinglers = [1, 3, 5, 6, 7, 24].map((size) => ({
  shingler: createShingler(size),
  twin: createShinglerTwin(size),
}));

/** Tokens, shingles of several sizes and the key of a text are those of the twins. */
function expectAgreement(text: string): void {
  const count = tokenizer.tokenize(text);
  expect(count).toBe(tokenizerTwin.tokenize(text));
  const tokens = tokenizerTwin.tokens.slice(0, count);
  expect(Buffer.compare(bytes(tokenizer.tokens.subarray(0, count)), bytes(tokens))).toBe(0);

  const expected = new Uint32Array(count);
  for (const { shingler, twin } of shinglers) {
    const shingles = twin(tokens, count, expected);
    expect(shingler.shingle(text)).toBe(shingles);
    expect(shingler.tokens).toBe(count);
    expect(Buffer.compare(bytes(shingler.hashes.subarray(0, shingles)), bytes(expected.subarray(0, shingles)))).toBe(0);
  }
  const [key, keyTwin] = [new Uint32Array(5), new Uint32Array(5)];
  writeTextKey(text, key);
  textKeyTwin(text, keyTwin);
  expect([...key]).toEqual([...keyTwin]);
  if (text.isWellFormed()) expectTheSameOfBytes(text, count, tokens, key);
}

/** What the kernels say of a text that lies as UTF-8, with other bytes around it. */
function expectTheSameOfBytes(text: string, count: number, tokens: Int32Array, key: Uint32Array): void {
  const around = Buffer.from(`ab${text}cd`);
  const stored = { bytes: around, start: 2, end: around.length - 2, units: text.length };
  expect(readTokens(stored)).toBe(count);
  const found = new Int32Array(count);
  native!.foldedTokens(found);
  expect(Buffer.compare(bytes(found), bytes(tokens))).toBe(0);
  const ofBytes = new Uint32Array(5);
  writeTextKey(stored, ofBytes);
  expect([...ofBytes]).toEqual([...key]);
  textKeyTwin(stored, ofBytes);
  expect([...ofBytes]).toEqual([...key]);
}

function bytes(words: Int32Array | Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

// Words around the 8 steps that are always computed and around a block of 64 units; every kind of the character table.
const pieces = fc.oneof(
  fc.constantFrom(
    'a',
    'Don’t',
    'ÀÉ',
    'straße',
    'İ',
    'ς',
    '9',
    'x'.repeat(8),
    'y'.repeat(9),
    'z'.repeat(63),
    'w'.repeat(130),
  ),
  fc.constantFrom(' ', '  ', '.', '\n', '\u0000', '\u00a0', '\u3000', '—', '😀', '👩‍👩‍👧', '🇫🇷'),
  fc.constantFrom('汉', '漢字', '々', 'ひ', 'カ', 'ｶ', '한글', 'ꀀ', 'Ａ', '𠀀', '𪜶', '𝒜', '𝟗', '𐐀', '\u{1b000}'),
  fc.constantFrom('\u00ad', '\u200b', '\ufe0f', '\u{e0100}', '\u0301', '\ud800', '\udc00', '\udbff', 'ภาษา', 'א', 'ꙮ'),
);

describeNative('the native kernels over whole texts', () => {
  it('agree with their twins on any mixture of classes', () => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => expectAgreement(parts.join(''))),
      { numRuns: 2000 },
    );
  });

  it('agree with their twins on any string of units', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), expectAgreement), { numRuns: 1000 });
  });

  it('agree with their twins on every code point', () => {
    for (let from = 0; from < 0x110000; from += 0x400) {
      const points = Array.from({ length: 0x400 }, (_, i) => String.fromCodePoint(from + i));
      expectAgreement(points.join(''));
      expectAgreement(points.join(' '));
    }
  });

  it('agree with their twins on every length around a block', () => {
    for (let length = 0; length < 200; length++) {
      expectAgreement('a'.repeat(length));
      expectAgreement('中'.repeat(length));
      expectAgreement(`${'b '.repeat(length)}c`);
      expectAgreement(`${'d'.repeat(length)}𠀀e`);
    }
  });

  it('keep the text of the last reading apart from the one before, whatever their lengths', () => {
    expect(readTokens('one two three')).toBe(3);
    expect(readTokens('one two three')).toBe(3);
    const long = 'word '.repeat(100_000);
    expect(readTokens(long)).toBe(100_000);
    expect(readTokens('')).toBe(0);
    expect(createShingler(1).shingle(long)).toBe(100_000);
    expect(createShingler(3).shingle('a b')).toBe(1);
  });

  it('sign as the twin does', () => {
    const shape = { bands: 7, rows: 3 };
    const [signer, twin] = [createFoldedSigner(shape, 3, 5), createFoldedSignerTwin(shape, 3, 5)];
    const [keys, keysTwin] = [new Uint32Array(20), new Uint32Array(20)];
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 60 }), (parts) => {
        const text = parts.join('');
        expect(signer.sign(text)).toBe(twin.sign(text));
        expect(signer.tokens).toBe(twin.tokens);
        expect([...signer.signature]).toEqual([...twin.signature]);
        bandKeys(signer.signature, shape, keys);
        bandKeysTwin(twin.signature, shape, keysTwin);
        expect([...keys]).toEqual([...keysTwin]);
      }),
    );
  });

  it('hold sets as the twin does, in order of first occurrence', () => {
    const [set, twin] = [createShingleSet(2), createShingleSetTwin(2)];
    const values = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 60 });
    fc.assert(
      fc.property(values, values, (some, others) => {
        const probe = Uint32Array.from(new Set(others));
        for (const each of [set, twin]) each.open(Uint32Array.from(some), some.length);
        expect([...set.values()]).toEqual([...new Set(some)]);
        expect([...set.values()]).toEqual([...twin.values()]);
        expect(set.shared(probe)).toBe(twin.shared(probe));
        expect(set.jaccard(probe)).toBe(twin.jaccard(probe));
        const text = some.join(' ');
        for (const each of [set, twin]) each.openText(text);
        expect([...set.values()]).toEqual([...twin.values()]);
      }),
    );
  });

  // xxHash64 of its specification's reference implementation, seed 0: of nothing, "a" and "abc".
  it.each([
    ['', 'ef46db3751d8e999'],
    ['a', 'd24ec4f1a98c6e5b'],
    ['abc', '44bc2cf5ad770999'],
  ])('begin the key of %j with its published xxHash64', (text, hash) => {
    const row = new Uint32Array(4);
    writeTextKey(text, row);
    expect(((BigInt(row[1]) << 32n) | BigInt(row[0])).toString(16)).toBe(hash);
  });

  it('refuse arguments that would reach past an array', () => {
    const addon = native!;
    readTokens('one two three');
    expect(() => addon.foldUnits(1, new Int32Array(65_536))).toThrow(/65536/);
    expect(() => addon.foldUnits(-1, new Int32Array(1))).toThrow(/65536/);
    expect(() => addon.foldUnits(65_537, new Int32Array(0))).toThrow(/65536/);
    expect(() => addon.foldUnits(0, new Uint32Array(128) as never)).toThrow(/Int32Array/);
    expect(() => addon.foldPair(0xffff, 1)).toThrow(/code point/);
    expect(() => addon.foldPair(0x110000, 1)).toThrow(/code point/);
    expect(() => addon.foldPair(0x10000, 0)).toThrow(/entry/);
    expect(() => addon.foldText(7 as never)).toThrow(/string/);
    readTokens('four five six');
    expect(() => addon.foldedTokens(new Int32Array(2))).toThrow(/room/);
    expect(() => addon.shingleText(0, new Uint32Array(9))).toThrow(/size/);
    expect(() => addon.shingleText(1, new Uint32Array(2))).toThrow(/room/);
    expect(() => addon.textKey('a', new Uint32Array(3))).toThrow(/4 entries/);
    for (const [start, end] of [
      [-1, 2],
      [0, 4],
      [2, 1],
      [0.5, 1],
    ]) {
      expect(() => addon.foldUtf8(new Uint8Array(3), start, end)).toThrow(/begins and ends/);
      expect(() => addon.textKeyUtf8(new Uint8Array(3), start, end, new Uint32Array(4))).toThrow(/begins and ends/);
    }
    expect(() => addon.foldUtf8([1, 2] as never, 0, 1)).toThrow(/begins and ends/);
    expect(() => addon.bandKeys(new Uint32Array(8), 4, new Uint32Array(3))).toThrow(/room/);
    expect(() => addon.bandKeys(new Uint32Array(8), 9, new Uint32Array(4))).toThrow(/rows/);
    expect(() => new addon.TextSigner(3, new Uint32Array(2), new Uint32Array(3))).toThrow(/one length/);
    const signer = new addon.TextSigner(3, new Uint32Array(2), new Uint32Array(2));
    expect(() => signer.sign(new Uint32Array(1))).toThrow(/each multiplier/);
    expect(() => signer.sign.call({}, new Uint32Array(2))).toThrow(/Illegal invocation/);
    const set = new addon.OpenSet();
    expect(set.shared(Uint32Array.of(1))).toBe(0);
    expect(() => set.open(new Uint32Array(2), 3)).toThrow(/number of its entries/);
    expect(set.open(Uint32Array.of(4, 5, 4), 3)).toBe(2);
    expect(() => set.values(new Uint32Array(1), 0)).toThrow(/room/);
    expect(() => set.values(new Uint32Array(2), 1)).toThrow(/room/);
    expect(() => set.shared([1] as never)).toThrow(/Uint32Array/);
    expect(() => set.openText(-1)).toThrow(/tokens per shingle/);
  });
});

describeWithShared('the native kernels over web text', () => {
  it('agree with their twins on every 20th document', () => {
    const lines = gunzipSync(readFileSync(shared('data/web-mix.jsonl.gz')))
      .toString('utf8')
      .trimEnd()
      .split('\n');
    for (const line of lines.filter((_, i) => i % 20 === 0))
      expectAgreement((JSON.parse(line) as { text: string }).text);
  });
});

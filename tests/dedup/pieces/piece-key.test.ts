import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Normalization, normalizePiece } from '../../../src/dedup/fold-table.ts';
import { createPieceHasher, hashRun } from '../../../src/dedup/pieces/piece-key.ts';
import { stripText } from '../../../src/text/stripped-pieces.ts';

const NORMALIZATIONS: Normalization[] = ['raw', 'loose', 'ccnet'];

function keyOf(text: string, normalization: Normalization): [high: number, low: number, hasLetters: boolean] {
  const hasher = createPieceHasher(normalization);
  hasher.hash(text, unitsOf(text), 0, text.length);
  return [hasher.high, hasher.low, hasher.hasLetters];
}

function unitsOf(text: string): Uint16Array {
  const units = new Uint16Array(text.length);
  for (let i = 0; i < text.length; i++) units[i] = text.charCodeAt(i);
  return units;
}

describe('normalization of pieces', () => {
  // Left: a line; right: what `normalize_for_dedup` of cc_net gives in Python 3.11.
  it.each([
    ['  Hello, World 2024! ', 'hello, world 0000!'],
    ['ＡＢＣ １２３', 'ａｂｃ 000'],
    ['«Bonjour» — “quoted” … done’s', 'bonjour  quoted  dones'],
    ['今天，天气：好！（真的）【是】', '今天天气好真的是'],
    ['Tab\tand\x07bell\x85x', 'tabandbellx'],
    ['ΟΔΟΣ ΣΑΣ', 'οδος σας'],
    ['İstanbul ǅ', 'i̇stanbul ǆ'],
    ['٣٤٥ ৪', '000 0'],
    ['1.5% ► 20％', '0.0%  00'],
    ['a\u00a0b\u3000c', 'a\u00a0b\u3000c'],
    ['Ⅷ ² ½', 'ⅷ ² ½'],
    ['😀 ok 9', '😀 ok 0'],
    ['—…—', ''],
  ])('of %j is %j with `ccnet`, as in cc_net', (line, normalized) => {
    expect(normalizePiece(stripText(line), 'ccnet')).toBe(normalized);
  });

  it.each([
    ['Ｈｅｌｌｏ\u00a0\u00a0 WORLD', 'hello world'],
    ['a\n b\u3000c', 'a b c'],
    ['ﬁne Straße', 'fine straße'],
    ['e\u0301 ｶﾞ ㈱', 'é ガ (株)'],
  ])('of %j is %j with `loose`', (line, normalized) => {
    expect(normalizePiece(line, 'loose')).toBe(normalized);
  });
});

describe('keys of pieces', () => {
  const character = fc.oneof(
    fc.constantFrom(
      ...'aAzZ09 .,-\t\n\u00a0\u3000，。“”…éÉßΣϹσİı中文あｶﾞ％ﬁ½²',
      'e\u0301',
      '😀',
      '𝐀',
      '𐐀',
      '\ud800',
      '각',
      '\u1100\u1161',
      '\ufeff',
      '\u200d',
      '가\u11a8',
      ...'™№㎒ﷺ¨🌍🏿🄰🀄🫠🯱',
      '❤\ufe0f',
      'e\ufe0f\u0301',
      '\ud83d',
    ),
    fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  );
  const piece = fc
    .array(character, { minLength: 1, maxLength: 12 })
    .map((characters) => stripText(characters.join('')));

  it.each(NORMALIZATIONS)(
    'are those of the normalized text with `%s`, whatever way it is normalized',
    (normalization) => {
      fc.assert(
        fc.property(piece, (text) => {
          const normalized = normalizePiece(text, normalization);
          const [high, low] = keyOf(text, normalization);
          expect([high, low]).toEqual(keyOf(normalized, 'raw').slice(0, 2));
        }),
        { numRuns: 20_000 },
      );
    },
  );

  it.each(NORMALIZATIONS)('of every single character agree with `%s`', (normalization) => {
    const wrong: string[] = [];
    for (let unit = 0; unit < 0x10000; unit++) {
      const text = `x${String.fromCharCode(unit)}y`;
      const [high] = keyOf(text, normalization);
      if (high !== keyOf(normalizePiece(text, normalization), 'raw')[0]) wrong.push(unit.toString(16));
    }
    expect(wrong).toEqual([]);
  });

  it('know whether there is a letter or a number', () => {
    for (const normalization of NORMALIZATIONS) {
      const hasLetters = ['a', '中', '7', '𝐀', '½', '-- x --'].map((text) => keyOf(text, normalization)[2]);
      expect(hasLetters).toEqual([true, true, true, true, true, true]);
      const none = ['---', '…', '|  |', '😀', '{}'].map((text) => keyOf(text, normalization)[2]);
      expect(none).toEqual([false, false, false, false, false]);
    }
  });

  it('collide as random ones do: each half of 32 bits, over near-equal lines', () => {
    // The birthday paradox: n distinct values share n²/2^33 pairs of 32 bits; within five standard deviations (a Poisson count).
    const count = 400_000;
    const expected = count ** 2 / 2 ** 33;
    const makers: ((i: number) => string)[] = [
      (i) => `${i}`,
      (i) => `Page ${i} of 400000`,
      (i) => `${String.fromCharCode(0x4e00 + (i % 20_000))}${String.fromCharCode(0x4e00 + Math.floor(i / 20_000))}`,
      (i) => 'ab'.repeat(3) + [...i.toString(2).padStart(19, '0')].map((bit) => (bit === '0' ? 'a' : 'b')).join(''),
    ];
    const hasher = createPieceHasher('raw');
    for (const make of makers) {
      const halves = [new Uint32Array(count), new Uint32Array(count)];
      for (let i = 0; i < count; i++) {
        const text = make(i);
        hasher.hash(text, unitsOf(text), 0, text.length);
        halves[0][i] = hasher.high;
        halves[1][i] = hasher.low;
      }
      for (const half of halves) {
        const equal = count - new Set(half).size;
        expect(Math.abs(equal - expected), make(1)).toBeLessThan(5 * Math.sqrt(expected));
      }
    }
  });

  it('change half of their bits with one bit of the text', () => {
    const text = 'The quick brown fox jumps over the lazy dog';
    let flipped = 0;
    let trials = 0;
    const [high, low] = keyOf(text, 'raw');
    for (let at = 0; at < text.length; at++) {
      for (let bit = 0; bit < 16; bit++) {
        const units = unitsOf(text);
        units[at] ^= 1 << bit;
        const hasher = createPieceHasher('raw');
        // A unit that became a surrogate sends the hasher to the string.
        hasher.hash(String.fromCharCode(...units), units, 0, units.length);
        flipped += ones(high ^ hasher.high) + ones(low ^ hasher.low);
        trials++;
      }
    }
    // 32 ± five standard deviations of the mean of as many binomial draws.
    expect(Math.abs(flipped / trials - 32)).toBeLessThan((5 * 4) / Math.sqrt(trials));
  });

  it('of runs depend on every piece and on their order', () => {
    const high = Uint32Array.of(1, 2, 3, 1, 2, 4);
    const low = Uint32Array.of(9, 8, 7, 9, 8, 7);
    const key = { high: 0, low: 0 };
    const of = (from: number, to: number) => {
      hashRun(high, low, from, to, key);
      return `${key.high} ${key.low}`;
    };
    expect(of(0, 2)).toBe(of(3, 5));
    expect(new Set([of(0, 3), of(3, 6), of(1, 3), of(0, 2), of(2, 4)]).size).toBe(5);
  });
});

function ones(value: number): number {
  let count = 0;
  for (let rest = value >>> 0; rest !== 0; rest >>>= 1) count += rest & 1;
  return count;
}

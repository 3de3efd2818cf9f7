import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../../src/core/native.ts';
import { fallingOrder, rankWords } from '../../../src/quality/fasttext/dictionary.ts';
import { bucketBits, forEachBucket, rankBits, rankOf } from '../../../src/quality/fasttext/ngram-rows.ts';
import { mostEntries, type TrainingTexts } from '../../../src/quality/fasttext/training-texts.ts';
import { TrainingTextsTwin } from '../../../src/quality/fasttext/training-texts-twin.ts';
import { hashBytes } from '../../../src/quality/fasttext/word-hash.ts';
import { ODD_TEXTS, topicTexts } from './topics.ts';

const KINDS: [string, () => TrainingTexts][] = [['twin', () => new TrainingTextsTwin()]];
if (native !== undefined) KINDS.push(['native kernel', () => new native!.FastTextTexts()]);

function typesOf(texts: TrainingTexts) {
  const { types, typeBytes } = texts.size();
  const bytes = new Uint8Array(typeBytes);
  const starts = new Float64Array(types + 1);
  const counts = new Float64Array(types);
  texts.readTypes(bytes, starts, counts);
  const words = Array.from(counts, (_, i) => Buffer.from(bytes.subarray(starts[i], starts[i + 1])).toString());
  return { words, counts: Array.from(counts), bytes, starts };
}

/** A text's words by the rules, from a regular expression. */
function wordsOf(text: string): string[] {
  const words = Buffer.from(text)
    .toString()
    .split(/[\0\t\n\v\f\r ]+/)
    .filter((word) => word !== '');
  const end = words.indexOf('</s>');
  const before = end < 0 ? words : words.slice(0, end);
  return [...before.filter((word) => !word.startsWith('__label__')), '</s>'];
}

const piece = fc.constantFrom(
  'a',
  'b',
  'ab',
  '猫',
  'é',
  '</s>',
  '__label__x',
  '__label',
  ' ',
  '\n',
  '\0',
  '　',
  '\ud83c',
  '\udf72',
);
const anyText = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(''));

describe.each(KINDS)('the texts of a training, in the %s', (_, create) => {
  it('are words in order of first occurrence, with their counts', () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 8 }), (list) => {
        const texts = create();
        for (const text of list) texts.add(text);
        const all = list.flatMap(wordsOf);
        const distinct = [...new Set(all)];
        const { words, counts } = typesOf(texts);
        expect(words).toEqual(distinct);
        expect(counts).toEqual(distinct.map((word) => all.filter((other) => other === word).length));
        const lengths = new Uint32Array(list.length);
        texts.readLengths(lengths);
        expect(Array.from(lengths)).toEqual(list.map((text) => wordsOf(text).length));
        expect(texts.size()).toMatchObject({ texts: list.length, tokens: all.length });
      }),
    );
  });

  it('become units of words and ranks of word n-grams, text by text', () => {
    fc.assert(
      fc.property(
        fc.array(anyText, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 90 }),
        (list, wordNgrams, bucket) => {
          const texts = create();
          for (const text of list) texts.add(text);
          const { words } = typesOf(texts);
          // Every third word is left out.
          const unitOf = Int32Array.from(words, (__, type) => (type % 3 === 2 ? -1 : 100 + type));
          const lengths = new Uint32Array(list.length);
          texts.readLengths(lengths);
          const bits = bucketBits(bucket);
          bits[0] |= 1;
          const entries = new Uint32Array(mostEntries(lengths, wordNgrams));
          const starts = new Float64Array(list.length + 1);
          texts.writeEntries(unitOf, wordNgrams, bucket, bits, 1000, entries, starts);

          // 64-bit arithmetic as in fastText's addWordNgrams, with BigInt.
          const bucketsOf = (text: string): number[] => {
            const hashes = wordsOf(text).map((word) =>
              BigInt(hashBytes(Buffer.from(word), 0, Buffer.byteLength(word))),
            );
            return hashes.flatMap((first, i) => {
              let h = BigInt.asUintN(64, first);
              return hashes.slice(i + 1, i + wordNgrams).map((next) => {
                h = BigInt.asUintN(64, h * 116049371n + next);
                return Number(h % BigInt(bucket));
              });
            });
          };
          const used = [...new Set([0, ...list.flatMap(bucketsOf)])].sort((a, b) => a - b);
          const expected = list.map((text) => [
            ...wordsOf(text)
              .map((word) => unitOf[words.indexOf(word)])
              .filter((unit) => unit >= 0),
            ...bucketsOf(text).map((found) => 1000 + used.indexOf(found)),
          ]);
          const written = list.map((__, i) => Array.from(entries.subarray(starts[i], starts[i + 1])));
          expect(written).toEqual(expected);
          expect(Array.from(bits, (word) => word >>> 0)).toEqual(
            Array.from(bits, (__, i) =>
              used.reduce((sum, found) => sum + (found >>> 5 === i ? 2 ** (found & 31) : 0), 0),
            ),
          );
        },
      ),
    );
  });

  it('grow without forgetting', () => {
    const texts = create();
    const words = Array.from({ length: 20_000 }, (_, i) => `w${i}`);
    for (let i = 0; i < words.length; i += 100) texts.add(words.slice(i, i + 100).join(' '));
    texts.add(words.join('\n'));
    const types = typesOf(texts);
    expect(types.words.filter((word) => word !== '</s>')).toEqual(words);
    expect(types.counts.filter((count) => count !== 2)).toEqual([201]);
  });
});

describe('n-grams with rows', () => {
  it('are numbered in rising order of bucket', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat({ max: 300 }), { minLength: 1 }), (buckets) => {
        const bits = bucketBits(300);
        for (const bucket of buckets) bits[bucket >>> 5] |= 1 << bucket;
        const ranked = rankBits(bits, 'zeros');
        const sorted = [...buckets].sort((a, b) => a - b);
        expect(ranked.count).toBe(buckets.length);
        expect(sorted.map((bucket) => rankOf(ranked, bucket))).toEqual(sorted.map((_, rank) => rank));
        const seen: [number, number][] = [];
        forEachBucket(ranked, (bucket, rank) => seen.push([bucket, rank]));
        expect(seen).toEqual(sorted.map((bucket, rank) => [bucket, rank]));
      }),
    );
  });
});

describe('ranking words', () => {
  it('sorts from the highest count down, equals as they came', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 6_000_000 })), (counts) => {
        const expected = [...counts.keys()].sort((a, b) => counts[b] - counts[a] || a - b);
        expect(Array.from(fallingOrder(Float64Array.from(counts)))).toEqual(expected);
      }),
    );
  });

  it('leaves out words below minCount', () => {
    const types = { count: 4, bytes: Buffer.from('onetwothreefour'), starts: Float64Array.of(0, 3, 6, 11, 15) };
    const { words, wordCounts, wordOf } = rankWords(types, Float64Array.of(2, 1, 7, 2), 2);
    expect(Buffer.from(words.bytes).toString()).toBe('threeonefour');
    expect(words.count).toBe(3);
    expect(Array.from(words.starts)).toEqual([0, 5, 8, 12]);
    expect(Array.from(wordCounts)).toEqual([7, 2, 2]);
    expect(Array.from(wordOf)).toEqual([1, -1, 0, 2]);
  });
});

describe.skipIf(native === undefined)('the native kernels', () => {
  const addon = native!;
  const texts = (): InstanceType<NonNullable<typeof native>['FastTextTexts']> => {
    const made = new addon.FastTextTexts();
    for (const { text } of topicTexts(3, 1)) made.add(text);
    return made;
  };

  it('give the same words as the twins for odd texts', () => {
    const [a, b] = KINDS.map(([, create]) => {
      const made = create();
      for (const text of [...ODD_TEXTS, ...topicTexts(50, 3).map((one) => one.text)]) made.add(text);
      return typesOf(made);
    });
    expect(a).toEqual(b);
  });

  it('refuse arguments that do not fit, and do not crash', () => {
    const made = texts();
    const { types, typeBytes, tokens } = made.size();
    expect(() => made.add(1 as unknown as string)).toThrow(TypeError);
    const [bytes, starts, counts] = [new Uint8Array(typeBytes), new Float64Array(types + 1), new Float64Array(types)];
    expect(() => made.readTypes(bytes.subarray(1), starts, counts)).toThrow(/room for all words/);
    expect(() => made.readTypes(bytes, starts.subarray(1), counts)).toThrow(/room for all words/);
    expect(() => made.readLengths(new Uint32Array(2))).toThrow(/room for all texts/);
    const [unitOf, bits] = [new Int32Array(types), bucketBits(40)];
    const [entries, ends] = [new Uint32Array(3 * tokens), new Float64Array(4)];
    const good = [unitOf, 2, 40, bits, types, entries, ends] as const;
    const write = (place: number, value: unknown): void => {
      const args: unknown[] = [...good];
      args[place] = value;
      (made.writeEntries as (...all: unknown[]) => void)(...args);
    };
    write(0, unitOf);
    expect(() => write(0, unitOf.subarray(1))).toThrow(/unitOf/);
    expect(() => write(0, Array.from(unitOf))).toThrow(TypeError);
    expect(() => write(1, 0)).toThrow(TypeError);
    expect(() => write(2, 0)).toThrow(/no bucket/);
    expect(() => write(2, 100)).toThrow(/not a bit for each bucket/);
    expect(() => write(5, entries.subarray(0, tokens))).toThrow(/room for all entries/);
    expect(() => write(6, ends.subarray(1))).toThrow(/room for all entries/);
    expect(() => write(5, new Uint32Array(new SharedArrayBuffer(12 * tokens)))).toThrow(/of this thread/);
  });
});

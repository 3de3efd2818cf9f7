/** The native kernels of n-gram models beside their twins, and what they say of wrong arguments. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { native } from '../../src/core/native.ts';
import { createRandom } from '../../src/core/random.ts';
import { countNgramsTwin, type NgramLevel } from '../../src/quality/ngram-lm/counts.ts';
import { encodeTwin } from '../../src/quality/ngram-lm/encode.ts';
import { interpolateTwin, linkContextsTwin, sumContextsTwin } from '../../src/quality/ngram-lm/kneser-ney.ts';
import { quantizeLog10 } from '../../src/quality/ngram-lm/log10.ts';
import { scoreSentencesTwin } from '../../src/quality/ngram-lm/score.ts';
import { createTables, insertTwin, type NgramTables } from '../../src/quality/ngram-lm/tables.ts';
import { Vocabulary } from '../../src/quality/ngram-lm/vocabulary.ts';

/** All bytes of arrays, for comparisons that take no time. */
function bytesOf(...arrays: (ArrayBufferView | undefined)[]): string {
  return arrays
    .map((array) => (array ? Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64') : ''))
    .join();
}
const bytesOfLevels = (levels: NgramLevel[] | undefined): string[] | undefined =>
  levels?.map(({ words, counts, firstChild }) => bytesOf(words, counts, firstChild));

const uint32 = (...numbers: number[]): Uint32Array => Uint32Array.from(numbers);
const shared = new Uint32Array(new SharedArrayBuffer(64));

/** Random sentences of `words` words, rare ones rarely, with `padding` entries in front. */
function randomIds(seed: number, sentences: number, words: number, padding: number): Uint32Array {
  const random = createRandom(seed);
  const ids: number[] = new Array<number>(padding).fill(0);
  for (let s = 0; s < sentences; s++) {
    ids.push(1);
    const length = random.below(12);
    for (let i = 0; i < length; i++) ids.push(3 + Math.floor((words - 3) * random.float() ** 3));
    ids.push(2);
  }
  return Uint32Array.from(ids);
}

describe.skipIf(native === undefined)('native kernels of n-gram models', () => {
  const { ngramLm } = native!;

  describe('give what their twins give', () => {
    it('encode, of any bytes, with little room and with much', () => {
      const vocabulary = new Vocabulary();
      for (const word of ['a', 'b', 'ab', '的', '<s>x']) vocabulary.add(Buffer.from(word), 0, Buffer.byteLength(word));
      const { slots, starts, bytes: wordBytes, size } = vocabulary;
      const piece = fc.constantFrom(
        'a',
        'b',
        'ab',
        ' ',
        '\n',
        '的',
        '<s>',
        '</s>',
        '<unk>',
        '<UNK>',
        '<s>x',
        '\t',
        '\0',
        '\r',
        'zz',
      );
      fc.assert(
        fc.property(
          fc.array(piece, { maxLength: 30 }),
          fc.nat(1),
          fc.nat(1),
          fc.nat(40),
          (pieces, open, keep, room) => {
            const bytes = Buffer.from(pieces.join(''));
            const results = [ngramLm.encode, encodeTwin].map((encode) => {
              const ids = new Uint32Array(room);
              const state = new Uint32Array(3);
              const halt = encode(
                bytes,
                bytes.length,
                slots,
                starts,
                wordBytes,
                size,
                open as 0 | 1,
                keep as 0 | 1,
                ids,
                state,
              );
              return { halt, ids, state };
            });
            expect(results[0]).toEqual(results[1]);
          },
        ),
      );
    });

    it.each([1, 2, 3, 4, 5, 6])('count, order %i', (order) => {
      for (const [sentences, words] of [
        [0, 3],
        [1, 5],
        [300, 20],
        [5000, 3000],
      ]) {
        const ids = randomIds(sentences, sentences, words, order - 1);
        expect(bytesOfLevels(ngramLm.count(ids, ids.length, words, order, 1e9))).toEqual(
          bytesOfLevels(countNgramsTwin(ids, ids.length, words, order, 1e9)),
        );
      }
    });

    it('count, of more places than are sorted at once, and within its limit', () => {
      const ids = randomIds(7, 60_000, 50, 2);
      const counted = countNgramsTwin(ids, ids.length, 50, 3, 1e9)!;
      expect(bytesOfLevels(ngramLm.count(ids, ids.length, 50, 3, 1e9))).toEqual(bytesOfLevels(counted));
      const total = counted.reduce((sum, { words }) => sum + words.length, 0);
      for (const count of [ngramLm.count, countNgramsTwin]) {
        expect(count(ids, ids.length, 50, 3, total)).toBeDefined();
        expect(count(ids, ids.length, 50, 3, total - 1)).toBeUndefined();
      }
    });

    it('linkContexts, sumContexts and interpolate, to the last bit', () => {
      const levels: NgramLevel[] = countNgramsTwin(
        randomIds(3, 3000, 400, 2),
        randomIds(3, 3000, 400, 2).length,
        400,
        3,
        1e9,
      )!;
      const [unigrams, bigrams, trigrams] = levels;
      const contexts = [ngramLm.linkContexts, linkContextsTwin].map((link) => {
        const result = new Uint32Array(trigrams.words.length);
        link(unigrams.firstChild, bigrams.words, bigrams.words, bigrams.firstChild, trigrams.words, result);
        return result;
      });
      expect(bytesOf(contexts[0])).toBe(bytesOf(contexts[1]));
      const discounts = Float64Array.of(0.7, 1.1, 1.4);
      for (const kept of [undefined, Uint8Array.from(trigrams.counts, (count) => (count > 1 ? 1 : 0))]) {
        const shorter = Float64Array.from(bigrams.counts, (count) => 1 / (count + 0.1));
        const results = [
          { sum: ngramLm.sumContexts, interpolate: ngramLm.interpolate },
          { sum: sumContextsTwin, interpolate: interpolateTwin },
        ].map(({ sum, interpolate }) => {
          const sums = new Float64Array(2 * bigrams.words.length);
          sum(trigrams.counts, contexts[0], kept, discounts, sums);
          const probabilities = new Float64Array(trigrams.words.length);
          interpolate(bigrams.firstChild, shorter, trigrams.counts, contexts[0], discounts, sums, probabilities);
          return bytesOf(sums, probabilities);
        });
        expect(results[0]).toEqual(results[1]);
      }
    });

    it('quantize, which is log10 to seven decimals', () => {
      const random = createRandom(1);
      const values = Float64Array.from({ length: 20_000 }, () => random.float() * 10 ** -random.below(30) + 1e-40);
      const units = new Int32Array(values.length);
      ngramLm.quantize(values, units);
      for (const [i, value] of values.entries()) {
        if (units[i] !== quantizeLog10(value)) throw new Error(`${value}: ${units[i]}, ${quantizeLog10(value)}`);
        if (Math.abs(units[i] / 1e7 - Math.log10(value)) > 5.001e-8) throw new Error(`${value}: ${units[i]}`);
      }
    });

    it('insert and score', () => {
      const order = 4;
      const ids = randomIds(11, 400, 60, 0);
      const random = createRandom(5);
      const fill = (insert: typeof insertTwin, isComplete: boolean): NgramTables => {
        const tables = createTables([60, 400, 400, 400], 60, 1);
        for (let i = 0; i < tables.unigrams.length; i++) tables.unigrams[i] = -((i * 37) % 64) / 16;
        for (let k = 2; k <= order; k++) {
          const seen = new Set<string>();
          const grams: number[] = [];
          for (let i = k; i < ids.length && seen.size < 400; i++) {
            const gram = ids.subarray(i - k, i);
            if (seen.has(gram.join(' ')) || gram.subarray(1).includes(1) || (!isComplete && k === 2 && i % 3 === 0))
              continue;
            seen.add(gram.join(' '));
            grams.push(...gram);
          }
          const values = Float32Array.from({ length: 2 * seen.size }, (_, i) => -((i * 29 + k) % 128) / 32);
          const closed = Uint8Array.of(tables.isClosed ? 1 : 0);
          const suffixes = k === 2 ? new Uint32Array(0) : tables.tables[k - 3];
          const width = k === order ? 2 : 3;
          const all = Uint32Array.from(grams);
          expect(insert(tables.tables[k - 2], width, suffixes, 1, k, all, values, seen.size, closed)).toBe(seen.size);
          // The same once more is refused.
          expect(insert(tables.tables[k - 2], width, suffixes, 1, k, all, values, seen.size, closed)).toBe(0);
          tables.isClosed = closed[0] === 1;
        }
        return tables;
      };
      for (const isComplete of [true, false]) {
        const tables = fill(ngramLm.insert, isComplete);
        expect(fill(insertTwin, isComplete)).toEqual(tables);
        expect(tables.isClosed).toBe(false);
        const text = Uint32Array.from(ids, (id) => (random.below(9) === 0 && id > 2 ? 0 : id));
        for (const isClosed of [true, false]) {
          const [scores, expected] = [new Float64Array(1200), new Float64Array(1200)];
          const { seed, unigrams, tables: arrays } = tables;
          expect(ngramLm.score(order, seed, isClosed ? 1 : 0, unigrams, arrays, text, text.length, scores)).toBe(400);
          scoreSentencesTwin({ ...tables, isClosed }, text, text.length, expected);
          expect(scores).toEqual(expected);
        }
      }
    });
  });

  describe('survive what no caller should do', () => {
    it('score: tables of garbage, words that no table has, sentences without a beginning', () => {
      const random = createRandom(2);
      const garbage = Uint32Array.from({ length: 300 }, () => 1 + random.below(0xfffffffe));
      const ids = Uint32Array.from({ length: 500 }, () => (random.below(4) === 0 ? random.below(3) : random.uint32()));
      const scores = new Float64Array(9);
      const unigrams = new Float32Array(20);
      expect(ngramLm.score(3, 1, 0, unigrams, [garbage, garbage], ids, 500, scores)).toBe(3);
      expect(ngramLm.score(1, 1, 1, unigrams, [], ids, 500, scores)).toBe(3);
    });

    it('encode: a vocabulary of garbage', () => {
      const random = createRandom(4);
      const numbers = (length: number): Uint32Array => Uint32Array.from({ length }, () => random.below(40));
      const ids = new Uint32Array(1000);
      const text = Buffer.from('a bc def '.repeat(50));
      for (let i = 0; i < 50; i++) {
        const state = new Uint32Array(3);
        ngramLm.encode(text, text.length, numbers(16), numbers(30), new Uint8Array(20), 29, 0, 0, ids, state);
        expect(state[0]).toBe(text.length);
      }
    });

    it('insert: a full table', () => {
      const table = uint32(7, 0, 8, 0);
      const call = () =>
        ngramLm.insert(table, 2, uint32(), 1, 2, uint32(3, 4), new Float32Array(2), 1, new Uint8Array(1));
      expect(call()).toBe(0);
    });
  });

  const f64 = (length: number): Float64Array => new Float64Array(length);
  const both = new ArrayBuffer(64);
  const wrong: readonly [string, keyof typeof ngramLm, readonly unknown[]][] = [
    ['no arguments', 'encode', []],
    [
      'a length past the bytes',
      'encode',
      [Buffer.alloc(3), 4, uint32(0), uint32(0), Buffer.alloc(0), 0, 1, 0, uint32(), uint32(0, 0, 0)],
    ],
    [
      'slots that are no power of two',
      'encode',
      [Buffer.alloc(3), 3, uint32(0, 0, 0), uint32(0), Buffer.alloc(0), 0, 1, 0, uint32(), uint32(0, 0, 0)],
    ],
    [
      'more words than have ends',
      'encode',
      [Buffer.alloc(3), 3, uint32(0), uint32(0), Buffer.alloc(0), 1, 1, 0, uint32(), uint32(0, 0, 0)],
    ],
    [
      'a state past the numbers',
      'encode',
      [Buffer.alloc(3), 3, uint32(0), uint32(0), Buffer.alloc(0), 0, 1, 0, uint32(0), uint32(0, 2, 0)],
    ],
    [
      'numbers in shared memory',
      'encode',
      [Buffer.alloc(3), 3, uint32(0), uint32(0), Buffer.alloc(0), 0, 1, 0, shared, uint32(0, 0, 0)],
    ],
    ['no arguments', 'count', []],
    ['order 0', 'count', [uint32(1, 2), 2, 3, 0, 10]],
    ['order 7', 'count', [uint32(1, 2), 2, 3, 7, 10]],
    ['no room for padding', 'count', [uint32(), 0, 3, 3, 10]],
    ['a limit that is no number', 'count', [uint32(1, 2), 2, 3, 1, Number.NaN]],
    ['ids in shared memory', 'count', [shared, 2, 3, 1, 10]],
    ['no arguments', 'linkContexts', []],
    [
      'children that do not ascend',
      'linkContexts',
      [uint32(0, 2, 1), uint32(0), uint32(3), uint32(0, 1), uint32(3), uint32(0)],
    ],
    [
      'a context beyond its level',
      'linkContexts',
      [uint32(0, 1), uint32(1), uint32(3), uint32(0, 1), uint32(3), uint32(0)],
    ],
    [
      'levels that do not fit',
      'linkContexts',
      [uint32(0, 1), uint32(0), uint32(3), uint32(0, 1, 1), uint32(3), uint32(0)],
    ],
    [
      'a result that is too short',
      'linkContexts',
      [uint32(0, 1), uint32(0), uint32(3), uint32(0, 1), uint32(3), uint32()],
    ],
    [
      'a result over its input',
      'linkContexts',
      [
        uint32(0, 1),
        uint32(0),
        uint32(3),
        new Uint32Array(both, 0, 2).fill(1, 1),
        uint32(3),
        new Uint32Array(both, 4, 1),
      ],
    ],
    ['no arguments', 'sumContexts', []],
    ['a context beyond the sums', 'sumContexts', [uint32(1), uint32(1), undefined, f64(3), f64(2)]],
    ['too few discounts', 'sumContexts', [uint32(1), uint32(0), undefined, f64(2), f64(2)]],
    ['too few flags', 'sumContexts', [uint32(1), uint32(0), new Uint8Array(0), f64(3), f64(2)]],
    [
      'sums over contexts',
      'sumContexts',
      [uint32(1), new Uint32Array(both, 0, 1), undefined, f64(3), new Float64Array(both, 0, 2)],
    ],
    ['no arguments', 'interpolate', []],
    ['a context beyond the sums', 'interpolate', [uint32(0, 1), f64(1), uint32(1), uint32(1), f64(3), f64(2), f64(1)]],
    ['too few shorter ones', 'interpolate', [uint32(0, 1), f64(0), uint32(1), uint32(0), f64(3), f64(2), f64(1)]],
    ['too few probabilities', 'interpolate', [uint32(0, 1), f64(1), uint32(1), uint32(0), f64(3), f64(2), f64(0)]],
    ['too few units', 'quantize', [f64(2), new Int32Array(1)]],
    ['an array of numbers', 'quantize', [[1], new Int32Array(1)]],
    [
      'a width of 1',
      'insert',
      [uint32(0, 0), 1, uint32(), 1, 2, uint32(1, 2), new Float32Array(2), 1, new Uint8Array(1)],
    ],
    [
      'a table that is no multiple',
      'insert',
      [uint32(0, 0), 3, uint32(), 1, 2, uint32(1, 2), new Float32Array(2), 1, new Uint8Array(1)],
    ],
    [
      'more n-grams than words',
      'insert',
      [uint32(0, 0), 2, uint32(), 1, 2, uint32(1, 2), new Float32Array(2), 2, new Uint8Array(1)],
    ],
    ['order 0', 'insert', [uint32(0, 0), 2, uint32(), 1, 0, uint32(1, 2), new Float32Array(2), 1, new Uint8Array(1)]],
    ['no tables', 'score', [2, 1, 1, new Float32Array(6), undefined, uint32(1, 2), 2, f64(3)]],
    ['too few tables', 'score', [3, 1, 1, new Float32Array(6), [uint32(0, 0)], uint32(1, 2), 2, f64(3)]],
    ['an empty table', 'score', [2, 1, 1, new Float32Array(6), [uint32()], uint32(1, 2), 2, f64(3)]],
    ['too few unigrams', 'score', [2, 1, 1, new Float32Array(4), [uint32(0, 0)], uint32(1, 2), 2, f64(3)]],
    ['a length past the ids', 'score', [2, 1, 1, new Float32Array(6), [uint32(0, 0)], uint32(1, 2), 3, f64(3)]],
  ];
  it.each(wrong)('throw for %s: %s', (_, name, args) => {
    const call = ngramLm[name] as (...args: readonly unknown[]) => unknown;
    expect(() => call(...args)).toThrow(TypeError);
  });

  it('throw for a word beyond the vocabulary', () => {
    expect(() => ngramLm.count(uint32(1, 9, 2), 3, 9, 1, 100)).toThrow('a word is not below wordCount');
  });
});

describe('a model trained without native code', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
  });

  it('has the same bytes and gives the same scores', async () => {
    const random = createRandom(9);
    const words = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? `w${i}` : String.fromCodePoint(0x4e00 + i)));
    const texts = Array.from({ length: 400 }, () =>
      Array.from({ length: random.below(40) }, () => words[Math.floor(300 * random.float() ** 2)]).join(' '),
    );
    const build = async (): Promise<unknown> => {
      vi.resetModules();
      const { createLanguageModelTrainer } = await import('../../src/quality/ngram-lm/trainer.ts');
      const trainer = createLanguageModelTrainer({ order: 4, prune: [0, 0, 1], minCount: 2 });
      for (const text of texts) trainer.add(text);
      const { model, details } = trainer.finish();
      const { vocabulary, tables } = model.data;
      const { size, starts, bytes, slots } = vocabulary;
      const arrays = bytesOf(starts, bytes, slots, tables.unigrams, ...tables.tables);
      return {
        details,
        sizes: tables.sizes,
        seed: tables.seed,
        size,
        arrays,
        scores: texts.map((text) => model.score(`x ${text}`)),
      };
    };
    const withNative = await build();
    vi.stubEnv('CORPUSMILL_NATIVE', '0');
    expect(await build()).toEqual(withNative);
  });
});

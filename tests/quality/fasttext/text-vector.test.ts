import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../../src/core/native.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { FastTextModel } from '../../../src/quality/fasttext/model.ts';
import { bucketBits, rankBits } from '../../../src/quality/fasttext/ngram-rows.ts';
import { createTextVectorizer } from '../../../src/quality/fasttext/text-vector.ts';
import { TextVectorizerTwin } from '../../../src/quality/fasttext/text-vector-twin.ts';
import { ODD_TEXTS, topicTexts } from './topics.ts';

interface Shape {
  dim: number;
  minn: number;
  maxn: number;
  wordNgrams: number;
  bucket: number;
  ngrams: 'none' | 'every' | 'zeros' | 'nothing';
}

/** A model with random rows for the words of made-up texts. */
function randomModel({ dim, minn, maxn, wordNgrams, bucket, ngrams }: Shape, seed: number): FastTextModel {
  const { float, below } = createRandom(seed);
  const distinct = new Set(['</s>', ...topicTexts(30, seed).flatMap(({ text }) => text.split(/[ \n]/))]);
  const list = [...distinct].filter(() => below(4) > 0).map((word) => Buffer.from(word));
  const starts = Float64Array.from([0, ...list], (_, i) => Buffer.concat(list.slice(0, i)).length);
  const bits = bucketBits(bucket);
  for (let b = 0; b < bucket; b++) if (below(2) === 0) bits[b >>> 5] |= 1 << b;
  const ranked = ngrams === 'zeros' || ngrams === 'nothing' ? rankBits(bits, ngrams) : undefined;
  const rows = list.length + (ranked?.count ?? (ngrams === 'every' ? bucket : 0));
  return {
    ...{ dim, minn, maxn, wordNgrams, bucket, loss: 'softmax', tokens: 0 },
    training: { ws: 5, epoch: 1, minCount: 1, neg: 5, lrUpdateRate: 100, t: 1e-4 },
    words: { count: list.length, bytes: Buffer.concat(list), starts },
    wordCounts: new Float64Array(list.length),
    labels: ['a', 'b'],
    labelCounts: Float64Array.of(1, 1),
    ngrams: ranked ?? (ngrams as 'none' | 'every'),
    input: { rows, dim, values: Float32Array.from({ length: rows * dim }, () => float() * 2 - 1) },
    output: { rows: 2, dim, values: new Float32Array(2 * dim) },
  };
}

const shape = fc.record({
  dim: fc.integer({ min: 1, max: 150 }),
  minn: fc.integer({ min: 0, max: 3 }),
  maxn: fc.integer({ min: 0, max: 5 }),
  wordNgrams: fc.integer({ min: 1, max: 4 }),
  bucket: fc.integer({ min: 1, max: 700 }),
  ngrams: fc.constantFrom('none' as const, 'every' as const, 'zeros' as const, 'nothing' as const),
});

describe.skipIf(native === undefined)('the native vectorizer', () => {
  it('gives the bits of its twin', () => {
    fc.assert(
      fc.property(shape, fc.nat({ max: 50 }), fc.boolean(), (given, seed, endOfText) => {
        const model = randomModel(given, seed);
        const [kernel, twin] = [createTextVectorizer(model), new TextVectorizerTwin(model)];
        for (const text of [...ODD_TEXTS, ...topicTexts(12, seed + 1).map((one) => one.text), 'xyz'.repeat(40)]) {
          expect([text, kernel.read(text, endOfText)]).toEqual([text, twin.read(text, endOfText)]);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('refuses arguments that do not fit, and does not crash', () => {
    const model = randomModel({ dim: 5, minn: 0, maxn: 0, wordNgrams: 2, bucket: 64, ngrams: 'zeros' }, 1);
    const { words } = model;
    const bits = bucketBits(64);
    const settings = [5, 0, 0, 2, 64, 3];
    const make = (place: number, value: unknown) => {
      const args: unknown[] = [words.bytes, words.starts, Int32Array.from(settings), bits];
      args[place] = value;
      return () => new (native!.FastTextVectorizer as unknown as new (...all: unknown[]) => unknown)(...args);
    };
    expect(make(0, words.bytes)).not.toThrow();
    expect(make(0, words.bytes.subarray(1))).toThrow(/wordStarts must run up/);
    for (const starts of [[1, 2], [0, 2, 1], [0, 0.5], [0, Number.NaN], []]) {
      expect(make(1, Float64Array.from(starts))).toThrow(/wordStarts must run up/);
    }
    for (const [place, value] of [
      [0, 0],
      [1, -1],
      [2, 101],
      [3, 101],
      [4, 2 ** 27],
      [5, 4],
    ]) {
      expect(
        make(
          2,
          Int32Array.from(settings, (given, i) => (i === place ? value : given)),
        ),
      ).toThrow(/out of its range/);
    }
    expect(make(2, Int32Array.of(5, 0, 0, 2, 0, 1))).toThrow(/no bucket/);
    expect(make(3, new Int32Array(2))).toThrow(/not a bit/);

    const kernel = make(0, words.bytes)() as { read(...all: unknown[]): number };
    const input = new Float32Array(5 * words.count);
    expect(kernel.read('a', true, input, new Float64Array(5))).toBeTypeOf('number');
    expect(() => kernel.read(1, true, input, new Float64Array(5))).toThrow(TypeError);
    expect(() => kernel.read('a', 1, input, new Float64Array(5))).toThrow(TypeError);
    expect(() => kernel.read('a', true, input.subarray(1), new Float64Array(5))).toThrow(/too few rows/);
    expect(() => kernel.read('a', true, input, new Float64Array(4))).toThrow(/hidden/);
    expect(() => kernel.read()).toThrow(TypeError);
  });
});

describe('a text vector', () => {
  it('is the mean of the rows of its words, zeros counted and what is pruned away not', () => {
    for (const [ngrams, count] of [
      ['zeros', 5],
      ['nothing', 3],
    ] as const) {
      const model = randomModel({ dim: 2, minn: 0, maxn: 0, wordNgrams: 2, bucket: 10, ngrams }, 1);
      const words = { count: 3, bytes: Buffer.from('ab</s>'), starts: Float64Array.of(0, 1, 2, 6) };
      const none = rankBits(bucketBits(10), ngrams);
      const values = Float32Array.of(1, 2, 10, 20, 100, 200);
      const small = { ...model, words, ngrams: none, input: { rows: 3, dim: 2, values } };
      // a, b and the end of the text, and their two pairs.
      expect(Array.from(createTextVectorizer(small).read('a b', true) ?? [])).toEqual([
        111 * (1 / count),
        222 * (1 / count),
      ]);
      expect(createTextVectorizer(small).read('c', false)).toBeUndefined();
    }
  });
});

import { describe, expect, it } from 'vitest';
import type { TrainingData } from '../../../src/quality/fasttext/descent.ts';
import { type FastTextModel, wordBytes } from '../../../src/quality/fasttext/model.ts';
import { bucketBits, forEachBucket, rankBits } from '../../../src/quality/fasttext/ngram-rows.ts';
import { pruneData, pruneModel } from '../../../src/quality/fasttext/prune.ts';

/** Four words and the n-grams of buckets 3, 35 and 64; each row is its length along the first axis. */
const LENGTHS = [1, 0.01, 5, 2, 3, 0.5, 4];
const BUCKETS = [3, 35, 64];

function model(): FastTextModel {
  const words = ['one', '</s>', 'three', 'four'].map((word) => Buffer.from(word));
  const bits = bucketBits(80);
  for (const bucket of BUCKETS) bits[bucket >>> 5] |= 1 << bucket;
  return {
    ...{ dim: 2, minn: 0, maxn: 0, wordNgrams: 2, bucket: 80, loss: 'softmax', tokens: 0 },
    training: { ws: 5, epoch: 1, minCount: 1, neg: 5, lrUpdateRate: 100, t: 1e-4 },
    words: { count: 4, bytes: Buffer.concat(words), starts: Float64Array.of(0, 3, 7, 12, 16) },
    wordCounts: Float64Array.of(9, 8, 7, 6),
    labels: ['a', 'b'],
    labelCounts: Float64Array.of(1, 1),
    ngrams: rankBits(bits, 'zeros'),
    input: { rows: 7, dim: 2, values: Float32Array.from(LENGTHS.flatMap((length) => [-length, 0])) },
    output: { rows: 2, dim: 2, values: new Float32Array(4) },
  };
}

function shown({ words, wordCounts, ngrams, input }: FastTextModel) {
  const buckets: number[] = [];
  if (typeof ngrams === 'object') forEachBucket(ngrams, (bucket) => buckets.push(bucket));
  return {
    words: Array.from(wordCounts, (count, i) => `${Buffer.from(wordBytes(words, i)).toString()} ${count}`),
    buckets,
    lengths: Array.from({ length: input.rows }, (_, row) => -input.values[2 * row]),
    absent: typeof ngrams === 'object' ? ngrams.absent : ngrams,
  };
}

describe('pruning', () => {
  it('keeps the longest rows, in the order they had, and the end of a text', () => {
    expect(shown(pruneModel(model(), 4).model)).toEqual({
      words: ['</s> 8', 'three 7'],
      buckets: [3, 64],
      lengths: [Math.fround(0.01), 5, 3, 4],
      absent: 'nothing',
    });
  });

  it('keeps all without a cut-off, and where it is beyond the rows', () => {
    for (const cutoff of [0, 7, 100]) {
      expect(shown(pruneModel(model(), cutoff).model)).toMatchObject({
        words: ['one 9', '</s> 8', 'three 7', 'four 6'],
        buckets: BUCKETS,
        absent: 'nothing',
      });
    }
  });

  it('leaves a model of words alone without n-grams', () => {
    const whole = model();
    const wordsOnly = { ...whole, ngrams: 'none' as const, input: { ...whole.input, rows: 4 } };
    expect(shown(pruneModel(wordsOnly, 2).model)).toMatchObject({ words: ['</s> 8', 'three 7'], absent: 'none' });
  });
});

describe('training data of a pruned model', () => {
  const data: TrainingData = {
    entries: Uint32Array.of(0, 1, 2, 4, 5, 3, 1, 5, 6, 1),
    starts: Float64Array.of(0, 5, 9, 10),
    targets: Int32Array.of(0, 1, 0),
    sizes: Uint32Array.of(6, 5, 2),
    units: undefined,
    words: 4,
    labelCounts: Float64Array.of(2, 1),
  };
  const pruned = pruneModel(model(), 4);
  const listed = ({ entries, starts }: TrainingData) =>
    [0, 1, 2].map((i) => Array.from(entries.subarray(starts[i], starts[i + 1])));

  it('asks for the rows that are left, by their new numbers', () => {
    // Rows 1, 2, 4 and 6 are left, as 0 to 3.
    expect(listed(pruneData(data, pruned))).toEqual([[0, 1, 2], [0, 3], [0]]);
  });

  it('does so through the units of words with character n-grams', () => {
    // Entries 0 and 1 are units, 2 to 7 the rows 4 to 9.
    const units = { starts: Float64Array.of(0, 3, 5), rows: Int32Array.of(0, 1, 4, 5, 6) };
    const entries = Uint32Array.of(0, 1, 2, 3, 4, 1, 3, 4, 0, 0);
    const result = pruneData({ ...data, entries, units }, pruned);
    expect(result.words).toBe(2);
    expect(result.units).toEqual({ starts: Float64Array.of(0, 2, 3), rows: Int32Array.of(0, 2, 3) });
    // Row 4 (entry 2) and row 6 (entry 4) are now rows 2 and 3: entries 2 and 3 behind two units and two words.
    expect(listed(result)).toEqual([[0, 1, 2, 3], [1, 3, 0], [0]]);
  });
});

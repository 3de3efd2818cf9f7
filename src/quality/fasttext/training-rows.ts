/**
 * From texts to what training walks over: the rows of the input matrix that each text asks for. Rows are the words', then
 * those of hashed n-grams that occur, in rising order of bucket.
 *
 * A word's character n-grams are hashed once; a text then names the word and not its n-grams.
 */

import type { TrainingData } from './descent.ts';
import type { RankedWords } from './dictionary.ts';
import { END_OF_TEXT, type NgramRows, type WordTable, wordBytes } from './model.ts';
import { bucketBits, rankBits, rankOf } from './ngram-rows.ts';
import type { FastTextOptions } from './options.ts';
import { Subwords } from './subwords.ts';
import { mostEntries, type TrainingTexts } from './training-texts.ts';

export interface Layout {
  data: Omit<TrainingData, 'targets' | 'labelCounts'>;
  ngrams: NgramRows | 'none';
  /** Buckets of the model: 0 where it has no n-grams, as fastText writes it. */
  bucket: number;
}

/** Lays the texts out; `types` are their different words. */
export function layOut(texts: TrainingTexts, types: WordTable, ranked: RankedWords, options: FastTextOptions): Layout {
  const { wordNgrams, minn, maxn } = options;
  const hasNgrams = wordNgrams > 1 || maxn > 0;
  const bucket = hasNgrams ? options.bucket : 0;
  const bits = bucketBits(bucket);
  const subwords = maxn > 0 ? hashSubwords(types, ranked.wordOf, new Subwords(minn, maxn, bucket), bits) : undefined;

  const lengths = new Uint32Array(texts.size().texts);
  texts.readLengths(lengths);
  const entries = new Uint32Array(mostEntries(lengths, wordNgrams));
  const starts = new Float64Array(lengths.length + 1);
  const unitOf = subwords === undefined ? ranked.wordOf : Int32Array.from({ length: types.count }, (_, type) => type);
  const firstNgram = subwords === undefined ? ranked.words.count : types.count;
  texts.writeEntries(unitOf, wordNgrams, bucket, bits, firstNgram, entries, starts);

  const ngrams = hasNgrams ? rankBits(bits, 'zeros') : 'none';
  const data = {
    entries: entries.subarray(0, starts[lengths.length]),
    starts,
    sizes: lengths.map((length) => length + 1),
    units: subwords && ngrams !== 'none' ? rowsOfUnits(subwords, ranked.words.count, ngrams) : undefined,
    words: ranked.words.count,
  };
  return { data, ngrams, bucket };
}

/** For each type the word (as -1 - its number) if it is one, then the buckets of its character n-grams. */
interface Hashed {
  starts: Float64Array;
  found: Int32Array;
}

function hashSubwords(types: WordTable, wordOf: Int32Array, subwords: Subwords, bits: Int32Array): Hashed {
  const starts = new Float64Array(types.count + 1);
  let found = new Int32Array(1 << 16);
  let written = 0;
  for (let type = 0; type < types.count; type++) {
    const word = wordBytes(types, type);
    // The end of a text has no character n-grams.
    if (Buffer.from(END_OF_TEXT).equals(word)) subwords.count = 0;
    else subwords.read(word, 0, word.length);
    if (written + subwords.count + 1 > found.length) {
      const more = new Int32Array(2 * (written + subwords.count + 1));
      more.set(found);
      found = more;
    }
    if (wordOf[type] >= 0) found[written++] = -1 - wordOf[type];
    for (let i = 0; i < subwords.count; i++) {
      const bucket = subwords.buckets[i];
      bits[bucket >>> 5] |= 1 << bucket;
      found[written++] = bucket;
    }
    starts[type + 1] = written;
  }
  return { starts, found: found.subarray(0, written) };
}

function rowsOfUnits({ starts, found }: Hashed, words: number, ngrams: NgramRows): TrainingData['units'] {
  return { starts, rows: found.map((value) => (value < 0 ? -1 - value : words + rankOf(ngrams, value))) };
}

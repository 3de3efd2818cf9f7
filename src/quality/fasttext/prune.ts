/**
 * Keeps the words and n-grams of a model whose vectors are longest, as `fasttext quantize -cutoff` does; `</s>` always stays.
 * An n-gram without a row then counts for nothing, where in a whole model it counts as zeros.
 *
 * Source: Joulin et al. 2016, FastText.zip (arXiv:1612.03651), section 3.2; fastText, fasttext.cc (`selectEmbeddings`),
 * dictionary.cc (`prune`).
 */

import type { TrainingData } from './descent.ts';
import { fallingOrder } from './dictionary.ts';
import { END_OF_TEXT, type FastTextModel, type NgramRows, selectWords, wordBytes } from './model.ts';
import { bucketBits, forEachBucket, rankBits } from './ngram-rows.ts';
import { rowLengths } from './product-quantizer.ts';

export interface Pruned {
  model: FastTextModel;
  /** New row of each old one, -1 for those that are gone. */
  rowOf: Int32Array;
}

/** `model` with `cutoff` rows of its input matrix, or with all when `cutoff` is 0. */
export function pruneModel(model: FastTextModel, cutoff: number): Pruned {
  const { words, wordCounts, ngrams, input } = model;
  const isKept = keptRows(model, cutoff === 0 ? input.rows : cutoff);
  const rowOf = new Int32Array(input.rows).fill(-1);
  const keptWords: number[] = [];
  for (let word = 0; word < words.count; word++) {
    if (isKept[word] === 0) continue;
    rowOf[word] = keptWords.length;
    keptWords.push(word);
  }
  let kept = keptWords.length;
  let keptNgrams: NgramRows | 'none' = 'none';
  if (typeof ngrams === 'object') {
    const bits = bucketBits(model.bucket);
    forEachBucket(ngrams, (bucket, rank) => {
      if (isKept[words.count + rank] === 0) return;
      bits[bucket >>> 5] |= 1 << bucket;
      rowOf[words.count + rank] = kept++;
    });
    keptNgrams = rankBits(bits, 'nothing');
  }
  const values = new Float32Array(kept * input.dim);
  for (let row = 0; row < input.rows; row++) {
    if (rowOf[row] < 0) continue;
    values.set(input.values.subarray(row * input.dim, (row + 1) * input.dim), rowOf[row] * input.dim);
  }
  const pruned: FastTextModel = {
    ...model,
    words: selectWords(words, keptWords),
    wordCounts: Float64Array.from(keptWords, (word) => wordCounts[word]),
    ngrams: keptNgrams,
    input: { rows: kept, dim: input.dim, values },
  };
  return { model: pruned, rowOf };
}

/** Training data for a pruned model: what asked for a row that is gone asks for nothing. */
export function pruneData(data: TrainingData, { model, rowOf }: Pruned): TrainingData {
  const { entries, starts, units, words } = data;
  const unitCount = units === undefined ? 0 : units.starts.length - 1;
  const keptEntries = new Uint32Array(entries.length);
  const keptStarts = new Float64Array(starts.length);
  let written = 0;
  for (let text = 0; text + 1 < starts.length; text++) {
    for (let at = starts[text]; at < starts[text + 1]; at++) {
      const entry = entries[at];
      if (units === undefined) {
        if (rowOf[entry] >= 0) keptEntries[written++] = rowOf[entry];
      } else if (entry < unitCount) {
        keptEntries[written++] = entry;
      } else {
        const row = rowOf[words + entry - unitCount];
        if (row >= 0) keptEntries[written++] = row - model.words.count + unitCount;
      }
    }
    keptStarts[text + 1] = written;
  }
  return {
    ...data,
    entries: keptEntries.subarray(0, written),
    starts: keptStarts,
    units: units && pruneUnits(units, rowOf),
    words: model.words.count,
  };
}

function pruneUnits(units: NonNullable<TrainingData['units']>, rowOf: Int32Array): TrainingData['units'] {
  const rows = new Int32Array(units.rows.length);
  const starts = new Float64Array(units.starts.length);
  let written = 0;
  for (let unit = 0; unit + 1 < starts.length; unit++) {
    for (let at = units.starts[unit]; at < units.starts[unit + 1]; at++) {
      if (rowOf[units.rows[at]] >= 0) rows[written++] = rowOf[units.rows[at]];
    }
    starts[unit + 1] = written;
  }
  return { starts, rows: rows.subarray(0, written) };
}

/** 1 for the `cutoff` rows that stay. */
function keptRows({ words, input }: FastTextModel, cutoff: number): Uint8Array {
  const lengths = rowLengths(input);
  const endOfText = Buffer.from(END_OF_TEXT);
  for (let word = 0; word < words.count; word++) {
    if (endOfText.equals(wordBytes(words, word))) lengths[word] = Infinity;
  }
  // The bits of floats from 0 up are in the order of the floats.
  const order = fallingOrder(Float64Array.from(new Uint32Array(lengths.buffer)));
  const isKept = new Uint8Array(input.rows);
  for (const row of order.subarray(0, cutoff)) isKept[row] = 1;
  return isKept;
}

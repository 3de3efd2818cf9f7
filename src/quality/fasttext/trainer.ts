/**
 * Trains a fastText classifier of our own: texts in, a model that fastText's own program reads out. The texts are read once
 * (training-texts.ts), then walked over as numbers (gradient-descent.ts). Only n-grams that occur have a row while training:
 * of two million buckets some hundred thousand, so that the matrix fits a processor's cache.
 *
 * Words start with noise, n-grams at zero (fastText: noise in as many tenths of the matrix as it has threads). Same texts in
 * the same order, options and seed: the same bytes, native or not.
 *
 * Source: Joulin et al. 2016 (arXiv:1607.01759). Accuracy and speed beside fastText: bench/fasttext.ts.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { mix32 } from '../../core/random.ts';
import type { ClassifierTrainer, TrainedClassifier } from '../classifier.ts';
import { FastTextClassifier } from './classifier.ts';
import { compress } from './compress.ts';
import { fallingOrder, rankWords } from './dictionary.ts';
import { descend, roomForRows } from './gradient-descent.ts';
import { type FastTextModel, LABEL_PREFIX } from './model.ts';
import { writeFastTextModel } from './model-writer.ts';
import { type FastTextOptions, type FastTextOptionsInput, fastTextOptions } from './options.ts';
import { layOut } from './training-rows.ts';
import { createTrainingTexts, type TrainingTexts } from './training-texts.ts';

/** What fastText writes for options that training a classifier does not use. */
const UNUSED = { ws: 5, t: 1e-4 };

/**
 * A trainer for texts of these labels. Throws CONFIG_INVALID for options out of their range, and for labels that are empty, hold
 * white space, begin with `__label__` or stand twice.
 */
export function createFastTextTrainer(labels: readonly string[], given: FastTextOptionsInput = {}): ClassifierTrainer {
  const options = checkedOptions(given);
  checkLabels(labels);
  const texts = createTrainingTexts();
  const targets: number[] = [];
  return {
    add(text, label) {
      if (!Number.isInteger(label) || label < 0 || label >= labels.length) {
        throw new RangeError(`label ${label} of ${labels.length}`);
      }
      texts.add(text);
      targets.push(label);
    },
    finish: () => finish(texts, targets, labels, options),
  };
}

function finish(
  texts: TrainingTexts,
  targets: readonly number[],
  labels: readonly string[],
  options: FastTextOptions,
): TrainedClassifier {
  const kept = keptLabels(targets, labels, options.minCountLabel);
  const types = readTypes(texts);
  const ranked = rankWords(types.table, types.counts, options.minCount);
  if (ranked.words.count === 0) {
    throw new CorpusmillError('CONFIG_INVALID', `fastText training: no word occurs ${options.minCount} times`, {
      hint: 'lower minCount',
    });
  }
  const { data, ngrams, bucket } = layOut(texts, types.table, ranked, options);
  const { dim } = options;
  const rows = ranked.words.count + (ngrams === 'none' ? 0 : ngrams.count);
  const values = roomForRows(rows, dim);
  fillWithNoise(values, ranked.words.count, dim, options.seed);
  const output = { rows: kept.length, dim, values: new Float32Array(kept.length * dim) };
  const placeOf = new Int32Array(labels.length).fill(-1);
  for (const [place, { label }] of kept.entries()) placeOf[label] = place;
  const labelCounts = Float64Array.from(kept, ({ count }) => count);
  const training = { ...data, targets: Int32Array.from(targets, (label) => placeOf[label]), labelCounts };

  const losses = descend(training, options, dim, values, rows, ranked.words.count, output.values);
  const input = { rows, dim, values: values.subarray(0, rows * dim) };
  checkFinite([input.values, output.values], options);
  const { wordNgrams, loss, minn, maxn, epoch, minCount, neg, lrUpdateRate } = options;
  const model: FastTextModel = {
    ...{ dim, wordNgrams, loss, bucket, minn, maxn, labelCounts, ngrams, input, output },
    training: { ...UNUSED, epoch, minCount, neg, lrUpdateRate },
    tokens: training.sizes.reduce((sum, size) => sum + size, 0),
    words: ranked.words,
    wordCounts: ranked.wordCounts,
    labels: kept.map(({ label }) => labels[label]),
  };
  const compressed = options.quantize === null ? undefined : compress(model, training, options, options.quantize);
  const final = compressed?.model ?? model;
  return {
    classifier: new FastTextClassifier(final),
    save: (path) => writeFastTextModel(path, final, compressed?.quantized),
    details: {
      texts: targets.length,
      tokens: model.tokens,
      words: final.words.count,
      ngrams: typeof final.ngrams === 'string' ? 0 : final.ngrams.count,
      labels: Object.fromEntries(kept.map(({ label, count }) => [labels[label], count])),
      losses: Array.from(losses, (value) => Number(value.toFixed(6))),
    },
  };
}

function readTypes(texts: TrainingTexts) {
  const size = texts.size();
  const bytes = new Uint8Array(size.typeBytes);
  const starts = new Float64Array(size.types + 1);
  const counts = new Float64Array(size.types);
  texts.readTypes(bytes, starts, counts);
  return { table: { count: size.types, bytes, starts }, counts };
}

/** Labels that have texts enough, from the most frequent down. */
function keptLabels(targets: readonly number[], labels: readonly string[], minCount: number) {
  const counts = new Float64Array(labels.length);
  for (const label of targets) counts[label]++;
  const kept = Array.from(fallingOrder(counts), (label) => ({ label, count: counts[label] })).filter(
    ({ count }) => count > 0 && count >= minCount,
  );
  if (kept.length >= 2) return kept;
  const found = targets.length === 0 ? 'there is no text' : `all ${targets.length} texts have one label`;
  const tooFew = kept.length < counts.filter((count) => count > 0).length;
  throw new CorpusmillError(
    'CONFIG_INVALID',
    `fastText training: ${tooFew ? `fewer than two labels have ${minCount} texts` : found}; there is nothing to tell apart`,
    { hint: tooFew ? 'lower minCountLabel, or give more texts' : 'give texts of two labels or more' },
  );
}

/** Spreads the first `words` rows evenly over ±1/dim, each value a hash of its place. */
function fillWithNoise(values: Float32Array, words: number, dim: number, seed: number): void {
  const base = mix32(seed ^ 0x9e3779b9);
  for (let i = 0; i < words * dim; i++) values[i] = (mix32(base + i) / 2 ** 31 - 1) / dim;
}

function checkFinite(weights: readonly Float32Array[], { lr }: FastTextOptions): void {
  // 0 for numbers, NaN for infinities and NaN.
  let sum = 0;
  for (const values of weights) for (let i = 0; i < values.length; i++) sum += values[i] * 0;
  if (sum === 0) return;
  throw new CorpusmillError('CONFIG_INVALID', `fastText training: the weights grew beyond all numbers at lr ${lr}`, {
    hint: 'lower lr',
  });
}

function checkedOptions(given: FastTextOptionsInput): FastTextOptions {
  const parsed = fastTextOptions.safeParse(given);
  if (parsed.success) return parsed.data;
  const [{ path, message }] = parsed.error.issues;
  const place = path.length === 0 ? '' : `${path.join('.')}: `;
  throw new CorpusmillError('CONFIG_INVALID', `fastText training: ${place}${message}`);
}

function checkLabels(labels: readonly string[]): void {
  const refuse = (label: string, what: string, hint: string): never => {
    throw new CorpusmillError('CONFIG_INVALID', `fastText training: label ${JSON.stringify(label)} ${what}`, { hint });
  };
  for (const [i, label] of labels.entries()) {
    if (label === '' || /[\s\0]/.test(label)) {
      refuse(
        label,
        'is not one word',
        'a fastText label is a word without white space: write "not-spam" for "not spam"',
      );
    }
    if (label.startsWith(LABEL_PREFIX))
      refuse(label, `begins with ${LABEL_PREFIX}`, 'leave the prefix to the model file');
    if (labels.indexOf(label) < i) refuse(label, 'stands twice', 'name every label once');
  }
}

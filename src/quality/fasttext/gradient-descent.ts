/**
 * fastText's training: for one text after another, the mean of its rows, the scores of labels, the error's gradient, and a step
 * against it in the output matrix and in each of the text's rows; the learning rate falls in a line to 0.
 *
 * Unlike fastText's threads, which write over each other's work, the result depends on nothing but the input: all is done in
 * 32 bits in an order that is written down, products are added in blocks of 16 columns, and what is not a sum or a product
 * (exponential, logistic function, logarithm) is computed or looked up by the same arithmetic in the native kernel
 * (native/fasttext_descent.cc) and its twin (gradient-descent-twin.ts).
 *
 * One thread does it, at 15 to 50 million words a second. Two that share the columns of the matrix and meet at every text keep
 * the arithmetic as it is, and were slower: .21 s in place of .07 on headlines, .60 of .32 on Chinese comments, .54 of .25 on
 * mails (two idle cores), since both write to the lines of memory that the other reads.
 *
 * Source: Joulin et al. 2016 (arXiv:1607.01759); fastText, model.cc (`update`), loss.cc (`forward`), fasttext.cc
 * (`trainThread`). Differences: the order of the texts is drawn anew for every epoch, unless it is to stay as given; and the
 * scores of a text's labels are all taken before any of them changes the matrix, which shows only where negative sampling
 * draws a label twice. Figures: bench/fasttext.ts.
 */
import { withLargePages } from '../../core/large-pages.ts';
import { native } from '../../core/native.ts';
import { type DescentOptions, prepareDescent, type TrainingData } from './descent.ts';
import { descendTwin } from './gradient-descent-twin.ts';

/** Columns that are added together. */
const BLOCK = 16;

/**
 * Memory for a matrix [rows, dim] that is to be trained, zeros: the kernel moves its rows apart, to where processors read them
 * best, and together again.
 */
export function roomForRows(rows: number, dim: number): Float32Array {
  return withLargePages(new Float32Array(rows * Math.ceil(dim / BLOCK) * BLOCK + BLOCK));
}

/**
 * Trains the matrices where they are and returns the mean loss of each epoch. `input` is from `roomForRows`, its first
 * `filledRows` rows given and the others zeros; its first rows · dim values are the result. `output` is [labels, dim].
 */
export function descend(
  data: TrainingData,
  options: DescentOptions,
  dim: number,
  input: Float32Array,
  rows: number,
  filledRows: number,
  output: Float32Array,
): Float64Array {
  const descent = prepareDescent(data, options, dim);
  const losses = new Float64Array(options.epoch);
  if (native === undefined) {
    descendTwin(descent, input, output, losses);
  } else {
    const { entries, starts, targets, sizes, units, words, paths, thresholds, sigmoid, logarithm } = descent;
    const { loss, lr, epoch, lrUpdateRate, neg, seed, shuffle } = options;
    native.fastTextDescend(
      entries,
      starts,
      targets,
      sizes,
      units?.starts ?? new Float64Array(1),
      units?.rows ?? new Int32Array(0),
      words,
      dim,
      LOSS_NUMBER[loss],
      lr,
      epoch,
      lrUpdateRate,
      neg,
      seed,
      shuffle,
      paths.starts,
      paths.nodes,
      paths.fromRight,
      thresholds,
      sigmoid,
      logarithm,
      input,
      rows,
      filledRows,
      output,
      losses,
    );
  }
  return losses;
}

/** As model files number them. */
const LOSS_NUMBER = { hs: 1, ns: 2, softmax: 3, ova: 4 } as const;

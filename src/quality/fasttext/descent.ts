/**
 * What a training by gradient descent works with: the texts as rows of the input matrix, its options, and the tables that its
 * losses need. All arithmetic that could differ between machines or languages is done here, once, and looked up later.
 */
import { exponential } from './exponential.ts';
import { type LabelPaths, labelPaths } from './label-tree.ts';
import { SIGMOID_LIMIT, SIGMOID_STEPS } from './losses.ts';
import type { Loss } from './model.ts';

/** What is trained on. */
export interface TrainingData {
  /** Text i asks for entries[starts[i]] to entries[starts[i + 1]]. */
  entries: Uint32Array;
  starts: Float64Array;
  /** The label of each text, -1 for none: the text then only counts for the learning rate. */
  targets: Int32Array;
  /** Tokens of each text, its label among them: the learning rate falls by them. */
  sizes: Uint32Array;
  /**
   * Where words have character n-grams: entry e below `units` stands for the rows rows[starts[e]] to rows[starts[e + 1]], others
   * for row words + e - units. Undefined: an entry is a row.
   */
  units: { starts: Float64Array; rows: Int32Array } | undefined;
  words: number;
  labelCounts: Float64Array;
}

export interface DescentOptions {
  loss: Loss;
  lr: number;
  epoch: number;
  lrUpdateRate: number;
  neg: number;
  seed: number;
  /** Draws the order of the texts anew for every epoch. */
  shuffle: boolean;
}

/** `data` and `options` with the tables that a loss needs. */
export interface Descent extends TrainingData {
  options: DescentOptions;
  dim: number;
  /** Hierarchical softmax: each label's way to the root. Empty for the others. */
  paths: LabelPaths;
  /** Negative sampling: the label drawn is the first whose threshold is above a 32-bit number. Empty for the others. */
  thresholds: Float64Array;
  /** The logistic function at 512 steps over [-8, 8], and the logarithm at 512 steps over [0, 1]. */
  sigmoid: Float32Array;
  logarithm: Float64Array;
}

const LOG_STEPS = 512;

/** Adds what the loss needs. */
export function prepareDescent(data: TrainingData, options: DescentOptions, dim: number): Descent {
  const { labelCounts } = data;
  const isTree = options.loss === 'hs';
  const noPaths = { starts: new Float64Array(1), nodes: new Int32Array(0), fromRight: new Uint8Array(0) };
  return {
    ...data,
    options,
    dim,
    paths: isTree ? labelPaths(labelCounts) : noPaths,
    thresholds: options.loss === 'ns' ? drawingThresholds(labelCounts) : new Float64Array(0),
    sigmoid: Float32Array.from({ length: SIGMOID_STEPS + 1 }, (_, i) => {
      const x = (i * 2 * SIGMOID_LIMIT) / SIGMOID_STEPS - SIGMOID_LIMIT;
      const e = exponential(-Math.abs(x));
      return x < 0 ? e / (1 + e) : 1 / (1 + e);
    }),
    logarithm: Float64Array.from({ length: LOG_STEPS + 1 }, (_, i) => Math.log((i + 1e-5) / LOG_STEPS)),
  };
}

/** Labels are drawn in proportion to the square root of their counts. */
function drawingThresholds(counts: Float64Array): Float64Array {
  const roots = counts.map(Math.sqrt);
  const total = roots.reduce((sum, root) => sum + root, 0);
  let below = 0;
  return roots.map((root, label) => {
    below += root;
    return label === roots.length - 1 ? 2 ** 32 : Math.floor((below / total) * 2 ** 32);
  });
}

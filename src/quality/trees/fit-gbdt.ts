/**
 * Gradient boosting for classification (Friedman 2001, with the second-order steps of Chen & Guestrin 2016): each round grows
 * a tree on the gradient of the log loss at the scores so far, one tree for two labels, one a label for more (softmax). By
 * default with the settings of scikit-learn's HistGradientBoostingClassifier, and an AUC within 0.01 of its:
 * bench/quality-features.ts.
 */
import { CorpusmillError } from '../../core/errors.ts';
import type { LabelledMatrix } from '../features/labelled-matrix.ts';
import { softmax } from '../softmax.ts';
import { binColumns } from './binning.ts';
import { type BoostedTreeSettings, createBoostedTreeGrower } from './boosted-tree.ts';
import { createTreeBuilder, type DecisionTrees } from './decision-trees.ts';

export interface GbdtSettings extends BoostedTreeSettings {
  rounds: number;
  maxBins: number;
  /** Rounds without a lower hold-out loss after which boosting ends. */
  patience: number;
}

export interface GbdtFit {
  trees: DecisionTrees;
  /** Trees of a round: 1 for two labels. */
  outputs: number;
  /** Value of each leaf. */
  values: Float64Array;
  /** Score of each output before any tree. [outputs] */
  baseline: Float64Array;
  /** Sum of the gains of each column's splits. [columns] */
  gains: Float64Array;
  rounds: number;
  splits: number;
  /** Mean log loss of the rows trained on, and of those held out where there are any, after the rounds kept. */
  loss: number;
  holdoutLoss: number | undefined;
}

/**
 * Fits to a matrix in which NaN stands for a missing value. `isHeldOut` marks rows (1) that only judge when to stop: the
 * round that did best on them is the last one kept. Throws CONFIG_INVALID for infinite numbers, and where rows are too few
 * for any split.
 */
export function fitGbdt(data: LabelledMatrix, settings: GbdtSettings, isHeldOut?: Uint8Array): GbdtFit {
  const { rows, columns, labels, labelCount } = data;
  const all = Uint32Array.from({ length: rows }, (_, row) => row);
  const train = all.filter((row) => isHeldOut?.[row] !== 1);
  const holdout = all.filter((row) => isHeldOut?.[row] === 1);
  checkRows(train.length, isHeldOut && holdout.length, settings.minSamplesLeaf);
  const binned = binColumns(data, train, settings.maxBins);
  const outputs = labelCount === 2 ? 1 : labelCount;
  const baseline = baselineOf(labels, train, labelCount);
  const perOutput = (): Float64Array[] => Array.from({ length: outputs }, () => new Float64Array(rows));
  const scores = perOutput();
  scores.forEach((of, k) => of.fill(baseline[k]));
  const gradients = perOutput();
  const hessians = perOutput();
  const grower = createBoostedTreeGrower(binned, train, holdout, settings);
  const builder = createTreeBuilder();
  const values: number[] = [];
  const gains = new Float64Array(columns);
  let splits = 0;
  const state = (rounds: number) => ({
    ...{ rounds, splits, gains: gains.slice(), loss: meanLoss(scores, labels, train) },
    holdoutLoss: isHeldOut && meanLoss(scores, labels, holdout),
  });
  let kept = state(0);
  for (let round = 1; round <= settings.rounds; round++) {
    lossGradients(scores, labels, train, gradients, hessians);
    for (let k = 0; k < outputs; k++) {
      splits += grower.grow(gradients[k], hessians[k], scores[k], builder, values, gains);
    }
    if (isHeldOut === undefined) {
      if (round === settings.rounds) kept = state(round);
      continue;
    }
    const now = state(round);
    if ((now.holdoutLoss as number) < (kept.holdoutLoss as number)) kept = now;
    else if (round - kept.rounds >= settings.patience) break;
  }
  const trees = builder.finish(kept.rounds * outputs);
  return { trees, outputs, values: Float64Array.from(values.slice(0, trees.leaves)), baseline, ...kept };
}

function checkRows(train: number, holdout: number | undefined, minSamplesLeaf: number): void {
  if (holdout === 0) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `cannot stop boosting early: none of ${train} texts is in the hold-out`,
      {
        hint: 'give more texts, a larger share for the hold-out, or no early stopping',
      },
    );
  }
  if (train >= 2 * minSamplesLeaf) return;
  throw new CorpusmillError(
    'CONFIG_INVALID',
    `cannot train boosted trees: ${train} texts cannot be split into leaves of ${minSamplesLeaf} (minSamplesLeaf)`,
    { hint: 'give more texts, lower minSamplesLeaf, or train a logistic regression, which needs fewer' },
  );
}

/** The scores that give every row the labels' shares of the rows trained on. */
function baselineOf(labels: Uint32Array, train: Uint32Array, labelCount: number): Float64Array {
  const counts = new Float64Array(labelCount);
  for (const row of train) counts[labels[row]]++;
  // A label without rows has half of one: a score of −∞ would be NaN in the file.
  const logs = counts.map((count) => Math.log(Math.max(count, 0.5) / train.length));
  return labelCount === 2 ? Float64Array.of(logs[1] - logs[0]) : logs;
}

/** First and second derivative of each row's log loss by its scores. */
function lossGradients(
  scores: readonly Float64Array[],
  labels: Uint32Array,
  train: Uint32Array,
  gradients: readonly Float64Array[],
  hessians: readonly Float64Array[],
): void {
  const outputs = scores.length;
  if (outputs === 1) {
    for (const row of train) {
      const p = 1 / (1 + Math.exp(-scores[0][row]));
      gradients[0][row] = p - labels[row];
      hessians[0][row] = p * (1 - p);
    }
    return;
  }
  const p = new Float64Array(outputs);
  for (const row of train) {
    for (let k = 0; k < outputs; k++) p[k] = scores[k][row];
    softmax(p);
    for (let k = 0; k < outputs; k++) {
      gradients[k][row] = p[k] - (labels[row] === k ? 1 : 0);
      hessians[k][row] = p[k] * (1 - p[k]);
    }
  }
}

function meanLoss(scores: readonly Float64Array[], labels: Uint32Array, of: Uint32Array): number {
  const outputs = scores.length;
  const own = new Float64Array(Math.max(2, outputs));
  let sum = 0;
  for (const row of of) {
    // Two labels: the first one's score is 0.
    own[0] = 0;
    for (let k = 0; k < outputs; k++) own[outputs === 1 ? 1 : k] = scores[k][row];
    const score = own[labels[row]];
    sum += softmax(own) - score;
  }
  return sum / of.length;
}

/**
 * The output layer of each loss: softmax, one-vs-all and negative sampling here, hierarchical softmax in label-tree.ts.
 *
 * Source: fastText, loss.cc (`SoftmaxLoss`, `BinaryLogisticLoss`).
 */
import { createLabelTree } from './label-tree.ts';
import type { FastTextModel } from './model.ts';
import { dotRow, type Label, type OutputLayer, STD_LOG_OFFSET } from './output-layer.ts';

/** The output layer of the model's loss. */
export function createOutputLayer(model: FastTextModel): OutputLayer {
  if (model.loss === 'hs') return createLabelTree(model);
  const { dim } = model;
  const weights = model.output.values;
  const normalize = model.loss === 'softmax' ? softmax : sigmoids;
  const scores = new Float64Array(model.labels.length);
  function logits(hidden: Float64Array, out: Float64Array): void {
    for (let label = 0; label < out.length; label++) out[label] = dotRow(weights, label * dim, hidden);
  }
  function probabilities(hidden: Float64Array, out: Float64Array): void {
    logits(hidden, out);
    normalize(out);
    for (let label = 0; label < out.length; label++) out[label] += STD_LOG_OFFSET;
  }
  return {
    logits,
    probabilities,
    best(hidden) {
      probabilities(hidden, scores);
      return highest(scores);
    },
  };
}

/** The first of the highest values. */
export function highest(values: Float64Array): Label {
  let label = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[label]) label = i;
  return { label, probability: values[label] };
}

function softmax(scores: Float64Array): void {
  let max = scores[0];
  for (let i = 1; i < scores.length; i++) if (scores[i] > max) max = scores[i];
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    scores[i] = Math.exp(scores[i] - max);
    sum += scores[i];
  }
  for (let i = 0; i < scores.length; i++) scores[i] /= sum;
}

/** One-vs-all and negative sampling: fastText reads the logistic function from a table of 512 steps over [-8, 8]. */
export const SIGMOID_STEPS = 512;
export const SIGMOID_LIMIT = 8;
const sigmoidTable = Float64Array.from(
  { length: SIGMOID_STEPS + 1 },
  (_, i) => 1 / (1 + Math.exp(SIGMOID_LIMIT - (i * 2 * SIGMOID_LIMIT) / SIGMOID_STEPS)),
);

function sigmoids(scores: Float64Array): void {
  for (let i = 0; i < scores.length; i++) {
    const x = scores[i];
    if (x < -SIGMOID_LIMIT) scores[i] = 0;
    else if (x > SIGMOID_LIMIT) scores[i] = 1;
    else scores[i] = sigmoidTable[Math.floor(((x + SIGMOID_LIMIT) * SIGMOID_STEPS) / SIGMOID_LIMIT / 2)];
  }
}

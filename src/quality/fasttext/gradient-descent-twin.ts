/** The TypeScript twin of native/fasttext_descent.cc: see gradient-descent.ts. */
import { mix32 } from '../../core/random.ts';
import type { Descent } from './descent.ts';
import { exponential } from './exponential.ts';
import { SIGMOID_LIMIT, SIGMOID_STEPS } from './losses.ts';

const BLOCK = 16;
const { fround } = Math;

/** Trains the matrices where they are and writes the mean loss of each epoch. */
export function descendTwin(descent: Descent, input: Float32Array, output: Float32Array, losses: Float64Array): void {
  const { entries, starts, targets, sizes, options, dim, logarithm } = descent;
  const { epoch: epochs, lr, lrUpdateRate } = options;
  const texts = targets.length;
  const total = epochs * sizes.reduce((sum, size) => sum + size, 0);
  const terms = new Terms(descent);
  const hidden = new Float32Array(dim);
  const gradient = new Float32Array(dim);
  let scores = new Float64Array(16);
  const order = Uint32Array.from(targets, (_, text) => text);
  let seen = 0;
  let unreported = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    if (options.shuffle) shuffleTexts(order, mix32(options.seed + Math.imul(epoch, 0x9e3779b9)));
    let lossSum = 0;
    let trained = 0;
    for (let place = 0; place < texts; place++) {
      const text = order[place];
      const rate = lr * (1 - seen / total);
      unreported += sizes[text];
      if (unreported > lrUpdateRate) {
        seen += unreported;
        unreported = 0;
      }
      const rows = rowsOf(descent, entries.subarray(starts[text], starts[text + 1]));
      if (targets[text] < 0 || rows.length === 0) continue;

      hidden.fill(0);
      for (const row of rows) for (let k = 0; k < dim; k++) hidden[k] += input[row * dim + k];
      const share = fround(1 / rows.length);
      for (let k = 0; k < dim; k++) hidden[k] *= share;

      terms.select(targets[text], epoch * texts + place);
      if (scores.length < terms.count) scores = new Float64Array(terms.count * 2);
      for (let i = 0; i < terms.count; i++) scores[i] = dot(output, terms.rows[i] * dim, hidden);
      probabilities(descent, scores, terms.count);

      gradient.fill(0);
      for (let i = 0; i < terms.count; i++) {
        const truth = terms.truths[i];
        const step = fround(rate * (truth - scores[i]));
        for (let k = 0, at = terms.rows[i] * dim; k < dim; k++, at++) {
          gradient[k] += fround(step * output[at]);
          output[at] += fround(step * hidden[k]);
        }
        if (options.loss !== 'softmax' || truth === 1) {
          lossSum -= logarithm[logStep(truth === 1 ? scores[i] : 1 - scores[i], logarithm.length - 1)];
        }
      }
      for (let k = 0; k < dim; k++) gradient[k] *= share;
      for (const row of rows) for (let k = 0; k < dim; k++) input[row * dim + k] += gradient[k];
      trained++;
    }
    losses[epoch] = trained === 0 ? 0 : lossSum / trained;
  }
}

/** The order of the texts in an epoch: Fisher and Yates's shuffle of the one before. */
function shuffleTexts(order: Uint32Array, base: number): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = mix32(base + i) % (i + 1);
    const held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
}

/** The rows of a text's entries, repeated ones as often as they occur. */
function rowsOf({ units, words }: Descent, entries: Uint32Array): ArrayLike<number> & Iterable<number> {
  if (units === undefined) return entries;
  const unitCount = units.starts.length - 1;
  const rows: number[] = [];
  for (const entry of entries) {
    if (entry >= unitCount) rows.push(words + entry - unitCount);
    else for (let i = units.starts[entry]; i < units.starts[entry + 1]; i++) rows.push(units.rows[i]);
  }
  return rows;
}

/** The rows of the output matrix that a text's step is about, and 1 for those that should score high. */
class Terms {
  rows: Int32Array;
  truths: Uint8Array;
  count: number;
  readonly #descent: Descent;

  constructor(descent: Descent) {
    this.#descent = descent;
    const { loss, neg } = descent.options;
    const labels = descent.labelCounts.length;
    this.count = loss === 'ns' ? 1 + neg : labels;
    this.rows = Int32Array.from({ length: this.count }, (_, i) => i);
    this.truths = new Uint8Array(this.count);
  }

  /** For a text of label `target`; `place` is its place among the texts of all epochs. */
  select(target: number, place: number): void {
    const { options, paths } = this.#descent;
    if (options.loss === 'hs') {
      const from = paths.starts[target];
      this.count = paths.starts[target + 1] - from;
      this.rows.set(paths.nodes.subarray(from, from + this.count));
      this.truths.set(paths.fromRight.subarray(from, from + this.count));
    } else if (options.loss === 'ns') {
      this.rows[0] = target;
      this.truths[0] = 1;
      // A draw is a hash of the seed, the place and its own number, so that it depends on nothing before it.
      const base = mix32((mix32((mix32(options.seed) ^ place) >>> 0) ^ Math.floor(place / 2 ** 32)) >>> 0);
      for (let i = 1, draw = 0; i < this.count; draw++) {
        const label = this.#labelAt(mix32((base + Math.imul(draw, 0x9e3779b9)) >>> 0));
        if (label !== target) this.rows[i++] = label;
      }
    } else {
      this.truths.fill(0);
      this.truths[target] = 1;
    }
  }

  #labelAt(number: number): number {
    const { thresholds } = this.#descent;
    let low = 0;
    let high = thresholds.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (thresholds[middle] > number) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

const products = new Float32Array(BLOCK);

/** A row of weights times the mean: blocks of 16 products, each added up as a tree, one after the other. */
function dot(weights: Float32Array, at: number, hidden: Float32Array): number {
  let sum = 0;
  for (let from = 0; from < hidden.length; from += BLOCK) {
    products.fill(0);
    const to = Math.min(hidden.length, from + BLOCK);
    for (let k = from; k < to; k++) products[k - from] = weights[at + k] * hidden[k];
    for (let half = BLOCK / 2; half >= 1; half /= 2) for (let i = 0; i < half; i++) products[i] += products[i + half];
    sum = fround(sum + products[0]);
  }
  return sum;
}

/** From scores to probabilities, in place. */
function probabilities({ options, sigmoid }: Descent, scores: Float64Array, count: number): void {
  if (options.loss !== 'softmax') {
    for (let i = 0; i < count; i++) scores[i] = logistic(sigmoid, scores[i]);
    return;
  }
  let highest = scores[0];
  for (let i = 1; i < count; i++) if (scores[i] > highest) highest = scores[i];
  let sum = 0;
  for (let i = 0; i < count; i++) {
    scores[i] = exponential(scores[i] - highest);
    sum += scores[i];
  }
  for (let i = 0; i < count; i++) scores[i] /= sum;
}

/** The logistic function of a score, from its table; of a score that is no number 0. */
function logistic(table: Float32Array, score: number): number {
  if (!(score >= -SIGMOID_LIMIT)) return 0;
  if (score > SIGMOID_LIMIT) return 1;
  return table[Math.floor((fround(score + SIGMOID_LIMIT) * SIGMOID_STEPS) / SIGMOID_LIMIT / 2)];
}

/** Where the logarithm of a probability stands in its table. */
function logStep(probability: number, steps: number): number {
  return probability > 0 ? Math.min(steps, Math.floor(probability * steps)) : 0;
}

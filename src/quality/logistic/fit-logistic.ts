/**
 * Logistic regression with an L2 penalty: minimises ½‖w‖² + C · Σ weight · −ln p(label), the intercepts free of penalty, which
 * is scikit-learn's objective; two labels have one vector of weights (the second label's), more have one each (softmax).
 * Source: Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, section 4.4.
 *
 * Statistics of a text are strongly correlated, which plain L-BFGS pays with hundreds of iterations. Here its guess of the
 * curvature is the Hessian over some thousand rows, made anew every few iterations (Byrd et al. 2011, subsampled Hessians):
 * with few rows that is Newton's method, and 10 to 20 iterations reach a gradient of 10⁻⁸. Cost: 2 · rows · columns ·
 * vectors multiplications an iteration; up to `CURVATURE_ROWS` · (columns · vectors)² / 2 a guess.
 */
import type { LabelledMatrix } from '../features/labelled-matrix.ts';
import { softmax } from '../softmax.ts';
import { factorize, solve } from './cholesky.ts';
import { type Minimum, minimize } from './lbfgs.ts';

export interface LogisticSettings {
  /** Weight of the data against the penalty: larger fits more closely. */
  C: number;
  /** Weight of each label's rows, [labels]. */
  labelWeights: Float64Array;
  /** Largest entry of the gradient of the mean loss at which fitting ends. */
  tolerance: number;
  maxIterations: number;
}

export interface LogisticFit {
  /** [vectors, columns]; one vector where there are two labels. */
  weights: Float64Array;
  /** [vectors] */
  intercepts: Float64Array;
  iterations: number;
  converged: boolean;
  gradient: number;
  /** Mean loss of the rows under their weights, without the penalty. */
  loss: number;
}

/** Of L-BFGS, before its guess of the curvature is made anew. */
const ITERATIONS_A_GUESS = 10;
const CURVATURE_ROWS = 8192;
/** Columns and intercepts of all vectors together: the guess of the curvature is a matrix of their square. */
export const MAX_UNKNOWNS = 2048;

/** Fits to columns as they are given: standardise them first, or the penalty weighs them by their units. */
export function fitLogistic(data: LabelledMatrix, settings: LogisticSettings): LogisticFit {
  const { matrix, rows, columns, labels, labelCount } = data;
  const { C, labelWeights, tolerance, maxIterations } = settings;
  const vectors = labelCount === 2 ? 1 : labelCount;
  let totalWeight = 0;
  for (let row = 0; row < rows; row++) totalWeight += labelWeights[labels[row]];
  const penalty = 1 / (C * totalWeight);
  const width = columns + 1;
  const scores = new Float64Array(vectors);
  // Weights and, last, the intercept of each vector.
  const objective = (x: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    let loss = 0;
    for (let row = 0; row < rows; row++) {
      const at = row * columns;
      for (let v = 0; v < vectors; v++) {
        scores[v] = x[v * width + columns] + dot(x, v * width, matrix, at, columns);
      }
      const label = labels[row];
      const weight = labelWeights[label] / totalWeight;
      loss += weight * lossOf(scores, label);
      for (let v = 0; v < vectors; v++) {
        const base = v * width;
        const error = weight * scores[v];
        addScaled(gradient, base, matrix, error, columns, at);
        gradient[base + columns] += error;
      }
    }
    for (let v = 0; v < vectors; v++) {
      const base = v * width;
      for (let c = base; c < base + columns; c++) {
        loss += 0.5 * penalty * x[c] * x[c];
        gradient[c] += penalty * x[c];
      }
    }
    return loss;
  };
  const x = new Float64Array(vectors * width);
  let iterations = 0;
  let found: Minimum;
  do {
    const factor = curvatureAt(x, data, labelWeights, penalty);
    const most = Math.min(ITERATIONS_A_GUESS, maxIterations - iterations);
    found = minimize(objective, x, (vector) => solve(factor, vector), tolerance, most);
    iterations += found.iterations;
  } while (!found.converged && found.iterations > 0 && iterations < maxIterations);
  const weights = new Float64Array(vectors * columns);
  const intercepts = new Float64Array(vectors);
  let squares = 0;
  for (let v = 0; v < vectors; v++) {
    weights.set(x.subarray(v * width, v * width + columns), v * columns);
    intercepts[v] = x[v * width + columns];
  }
  for (const weight of weights) squares += weight * weight;
  // Softmax does not see a number added to all scores: the intercepts get the mean 0.
  const mean = intercepts.reduce((sum, intercept) => sum + intercept, 0) / vectors;
  if (vectors > 1) for (let v = 0; v < vectors; v++) intercepts[v] -= mean;
  const { converged, gradient, value } = found;
  return { weights, intercepts, iterations, converged, gradient, loss: value - 0.5 * penalty * squares };
}

/**
 * The Cholesky factor of the Hessian at `x` over evenly spaced rows: for vectors v and w the block of the mean of weight ·
 * p_v · (1[v = w] − p_w) · row · rowᵀ, and the penalty. [unknowns, unknowns]
 */
function curvatureAt(
  x: Float64Array,
  { matrix, rows, columns, labels, labelCount }: LabelledMatrix,
  labelWeights: Float64Array,
  penalty: number,
): Float64Array {
  const size = x.length;
  const width = columns + 1;
  const vectors = size / width;
  const hessian = new Float64Array(size * size);
  const p = new Float64Array(labelCount);
  const own = p.subarray(labelCount - vectors);
  const values = new Float64Array(width).fill(1);
  const step = Math.ceil(rows / CURVATURE_ROWS);
  let total = 0;
  for (let row = 0; row < rows; row += step) {
    const weight = labelWeights[labels[row]];
    total += weight;
    values.set(matrix.subarray(row * columns, (row + 1) * columns));
    // Two labels: the first one's score is 0.
    p[0] = 0;
    for (let v = 0; v < vectors; v++) own[v] = dot(x, v * width, values, 0, width);
    softmax(p);
    for (let v = 0; v < vectors; v++) {
      for (let w = 0; w <= v; w++) {
        const factor = weight * own[v] * ((v === w ? 1 : 0) - own[w]);
        for (let i = 0; i < width; i++) {
          // The lower half is all that the factorization reads.
          addScaled(hessian, (v * width + i) * size + w * width, values, factor * values[i], v === w ? i + 1 : width);
        }
      }
    }
  }
  for (let i = 0; i < hessian.length; i++) hessian[i] /= total;
  // Intercepts have no penalty; a little of it here keeps the matrix definite where softmax leaves their sum open.
  for (let i = 0; i < size; i++) hessian[i * size + i] += i % width < columns ? penalty : penalty * 1e-3;
  factorize(hessian, size);
  return hessian;
}

/** −ln p(label) of the scores, which become the probabilities less 1 at the label: the loss's gradient by the scores. */
function lossOf(scores: Float64Array, label: number): number {
  if (scores.length === 1) {
    const score = scores[0];
    // e^-|score| never overflows.
    const small = Math.exp(-Math.abs(score));
    const probability = score >= 0 ? 1 / (1 + small) : small / (1 + small);
    scores[0] = probability - label;
    return Math.log1p(small) + (score >= 0 ? (1 - label) * score : -label * score);
  }
  const own = scores[label];
  const total = softmax(scores);
  scores[label] -= 1;
  return total - own;
}

/** Σ a[aAt + i] · b[bAt + i] over `length` entries. Four sums at once: one would wait for each addition. */
function dot(a: Float64Array, aAt: number, b: Float64Array, bAt: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += a[aAt + i] * b[bAt + i];
    s1 += a[aAt + i + 1] * b[bAt + i + 1];
    s2 += a[aAt + i + 2] * b[bAt + i + 2];
    s3 += a[aAt + i + 3] * b[bAt + i + 3];
  }
  for (; i < length; i++) s0 += a[aAt + i] * b[bAt + i];
  return s0 + s1 + (s2 + s3);
}

/** Adds `by` times `length` entries of `what`, from `at` on, to `to` from `toAt` on. */
function addScaled(to: Float64Array, toAt: number, what: Float64Array, by: number, length: number, at = 0): void {
  for (let i = 0; i < length; i++) to[toAt + i] += by * what[at + i];
}

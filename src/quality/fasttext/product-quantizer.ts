/**
 * Product quantization: rows cut into sub-vectors of `partDim` values, each replaced by the nearest of 256 centroids that
 * k-means finds for its place. A byte for `partDim` values; with norms a byte more a row.
 *
 * k-means as fastText's: 25 rounds from 256 points drawn by the seed, over at most 65,536 points. Where a cluster loses all
 * its points the largest is split (fastText draws which). The search for the nearest centroid is nearly all of the time: 16 at
 * once in the native kernel (native/fasttext_centroids.cc), whose twin is below.
 *
 * Source: Jégou et al. 2011 (product quantization); Joulin et al. 2016, FastText.zip (arXiv:1612.03651); fastText,
 * productquantizer.cc, quantmatrix.cc.
 */
import { native } from '../../core/native.ts';
import { mix32, shuffle } from '../../core/random.ts';
import type { Matrix } from './model.ts';
import { CENTROIDS, type ProductQuantizer, type QuantizedMatrix } from './quantized-matrix.ts';

const ROUNDS = 25;
const MOST_POINTS = 256 * CENTROIDS;
/** What the halves of a split cluster are moved apart by. */
const APART = 1e-7;

/** Quantizes a matrix of 256 rows or more; `qnorm` quantizes the rows' lengths apart. The same seed gives the same. */
export function quantizeMatrix(matrix: Matrix, dsub: number, qnorm: boolean, seed: number): QuantizedMatrix {
  const { rows, dim } = matrix;
  const lengths = qnorm ? rowLengths(matrix) : undefined;
  const values = lengths === undefined ? matrix.values : directions(matrix, lengths);
  const quantized = quantize({ rows, dim, values }, dsub, seed);
  if (lengths === undefined) return { rows, ...quantized, norms: undefined };
  return { rows, ...quantized, norms: quantize({ rows, dim: 1, values: lengths }, 1, seed) };
}

/** The Euclidean length of each row. */
export function rowLengths({ rows, dim, values }: Matrix): Float32Array {
  const lengths = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let k = row * dim; k < (row + 1) * dim; k++) sum += values[k] * values[k];
    lengths[row] = Math.sqrt(sum);
  }
  return lengths;
}

function directions({ rows, dim, values }: Matrix, lengths: Float32Array): Float32Array {
  const unit = new Float32Array(rows * dim);
  for (let row = 0; row < rows; row++) {
    const length = lengths[row] === 0 ? 1 : lengths[row];
    for (let k = row * dim; k < (row + 1) * dim; k++) unit[k] = values[k] / length;
  }
  return unit;
}

function quantize({ rows, dim, values }: Matrix, dsub: number, seed: number) {
  const partDim = Math.min(dsub, dim);
  const parts = Math.ceil(dim / partDim);
  const lastPartDim = dim - (parts - 1) * partDim;
  const centroids = new Float32Array(dim * CENTROIDS);
  const codes = new Uint8Array(rows * parts);
  const partCodes = new Uint8Array(rows);
  const drawn = Uint32Array.from({ length: rows }, (_, row) => row);
  for (let part = 0; part < parts; part++) {
    const width = part === parts - 1 ? lastPartDim : partDim;
    const points = new Float32Array(rows * width);
    for (let row = 0; row < rows; row++) {
      for (let k = 0; k < width; k++) points[row * width + k] = values[row * dim + part * partDim + k];
    }
    shuffle(drawn, mix32(seed ^ mix32(part + 1)));
    const chosen = drawn.subarray(0, Math.min(rows, MOST_POINTS));
    const sample = new Float32Array(chosen.length * width);
    chosen.forEach((row, i) => sample.set(points.subarray(row * width, (row + 1) * width), i * width));
    const found = clusterCentroids(sample, width);
    centroids.set(found, part * CENTROIDS * partDim);
    nearestCentroids(points, width, found, partCodes);
    for (let row = 0; row < rows; row++) codes[row * parts + part] = partCodes[row];
  }
  return { quantizer: { dim, parts, partDim, lastPartDim, centroids } satisfies ProductQuantizer, codes };
}

/** 256 centroids [256, width] of points [n, width] in random order. */
function clusterCentroids(points: Float32Array, width: number): Float32Array {
  const count = points.length / width;
  const centroids = points.slice(0, CENTROIDS * width);
  const codes = new Uint8Array(count);
  const sums = new Float64Array(CENTROIDS * width);
  const sizes = new Int32Array(CENTROIDS);
  for (let round = 0; round < ROUNDS; round++) {
    nearestCentroids(points, width, centroids, codes);
    sums.fill(0);
    sizes.fill(0);
    for (let i = 0; i < count; i++) {
      sizes[codes[i]]++;
      for (let k = 0; k < width; k++) sums[codes[i] * width + k] += points[i * width + k];
    }
    for (let c = 0; c < CENTROIDS; c++) {
      if (sizes[c] > 0) for (let k = 0; k < width; k++) centroids[c * width + k] = sums[c * width + k] / sizes[c];
    }
    splitForEmpty(centroids, width, sizes);
  }
  return centroids;
}

/** Gives each empty cluster half of the largest one. */
function splitForEmpty(centroids: Float32Array, width: number, sizes: Int32Array): void {
  for (let empty = 0; empty < CENTROIDS; empty++) {
    if (sizes[empty] > 0) continue;
    let largest = 0;
    for (let c = 1; c < CENTROIDS; c++) if (sizes[c] > sizes[largest]) largest = c;
    for (let k = 0; k < width; k++) {
      const value = centroids[largest * width + k];
      const apart = k % 2 === 0 ? -APART : APART;
      centroids[empty * width + k] = value + apart;
      centroids[largest * width + k] = value - apart;
    }
    sizes[empty] = sizes[largest] >> 1;
    sizes[largest] -= sizes[empty];
  }
}

function nearestCentroids(points: Float32Array, width: number, centroids: Float32Array, codes: Uint8Array): void {
  if (native === undefined) nearestCentroidsTwin(points, width, centroids, codes);
  else native.fastTextNearest(points, width, centroids, codes);
}

/** The number of the nearest of 256 centroids to each point, the first of equals; distances in 32 bits. */
export function nearestCentroidsTwin(
  points: Float32Array,
  width: number,
  centroids: Float32Array,
  codes: Uint8Array,
): void {
  const { fround } = Math;
  for (let i = 0; i < points.length / width; i++) {
    let nearest = Infinity;
    codes[i] = 0;
    for (let c = 0; c < CENTROIDS; c++) {
      let distance = 0;
      for (let k = 0; k < width; k++) {
        const apart = fround(points[i * width + k] - centroids[c * width + k]);
        distance = fround(distance + fround(apart * apart));
      }
      if (distance < nearest) {
        nearest = distance;
        codes[i] = c;
      }
    }
  }
}

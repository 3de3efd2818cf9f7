/**
 * Product-quantized matrices (`.ftz`): each row is cut into sub-vectors, each of which is the number of one of 256
 * centroids; where `qnorm` is set the row's length is quantized apart. Expanded while loading: a row is then read
 * without an indirection, at four bytes a value (lid.176.ftz: 0.9 MB in the file, 3.2 MB in memory).
 *
 * Source: Joulin et al. 2016, FastText.zip (arXiv:1612.03651); layout as in fastText's quantmatrix.cc, productquantizer.cc.
 */
import { type BinaryReader, LARGEST_WEIGHT } from './binary-reader.ts';
import type { Matrix } from './model.ts';

export const CENTROIDS = 256;
/** Sub-vectors have 2 values by default. Longer ones than this would let a small file ask for any amount of memory. */
const LONGEST_PART = 256;

export interface ProductQuantizer {
  dim: number;
  /** Sub-vectors a row. */
  parts: number;
  /** Values in each sub-vector but the last. */
  partDim: number;
  lastPartDim: number;
  /** [parts, 256, partDim], the last part with its own width. */
  centroids: Float32Array;
}

export interface QuantizedMatrix {
  rows: number;
  quantizer: ProductQuantizer;
  /** [rows, parts] */
  codes: Uint8Array;
  /** Quantized lengths of the rows, which then are of length 1 themselves. */
  norms: { quantizer: ProductQuantizer; codes: Uint8Array } | undefined;
}

/** Reads a quantized matrix. Throws INPUT_CORRUPT for sizes that do not fit each other. */
export function readQuantizedMatrix(reader: BinaryReader): QuantizedMatrix {
  const hasNorms = reader.uint8() !== 0;
  const rows = reader.int64();
  const dim = reader.int64();
  const codes = reader.uint8s(reader.int32());
  const quantizer = readQuantizer(reader);
  if (rows < 0 || quantizer.dim !== dim || codes.length !== rows * quantizer.parts) {
    throw reader.corrupt(`${codes.length} codes for ${rows} rows of ${dim} values in ${quantizer.parts} parts`);
  }
  if (!hasNorms) return { rows, quantizer, codes, norms: undefined };
  const norms = { codes: reader.uint8s(rows), quantizer: readQuantizer(reader) };
  if (norms.quantizer.dim !== 1) throw reader.corrupt(`lengths of ${norms.quantizer.dim} values`);
  const largest = largestOf(norms.quantizer.centroids) * largestOf(quantizer.centroids);
  if (largest > LARGEST_WEIGHT) throw reader.corrupt(`weights of up to ${largest.toPrecision(2)}`);
  return { rows, quantizer, codes, norms };
}

/** The rows' values: row i is row `order[i]` of the quantized matrix, or row i. */
export function expand({ rows, quantizer, codes, norms }: QuantizedMatrix, order?: Int32Array): Matrix {
  const { dim, parts, partDim, lastPartDim, centroids } = quantizer;
  const values = new Float32Array(rows * dim);
  for (let row = 0; row < rows; row++) {
    const source = order === undefined ? row : order[row];
    const norm = norms === undefined ? 1 : norms.quantizer.centroids[norms.codes[source]];
    for (let part = 0; part < parts; part++) {
      const width = part === parts - 1 ? lastPartDim : partDim;
      const from = part * CENTROIDS * partDim + codes[source * parts + part] * width;
      const to = row * dim + part * partDim;
      for (let k = 0; k < width; k++) values[to + k] = norm * centroids[from + k];
    }
  }
  return { rows, dim, values };
}

function largestOf(values: Float32Array): number {
  return values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

function readQuantizer(reader: BinaryReader): ProductQuantizer {
  const dim = reader.int32();
  const parts = reader.int32();
  const partDim = reader.int32();
  const lastPartDim = reader.int32();
  const fits = parts >= 1 && partDim >= 1 && lastPartDim >= 1 && (parts - 1) * partDim + lastPartDim === dim;
  if (!fits || lastPartDim > partDim || partDim > LONGEST_PART) {
    throw reader.corrupt(`a quantizer of ${parts} parts of ${partDim} (the last ${lastPartDim}) for ${dim} values`);
  }
  return { dim, parts, partDim, lastPartDim, centroids: reader.float32s(dim * CENTROIDS) };
}

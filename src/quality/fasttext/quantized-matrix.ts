/**
 * Product-quantized matrices (`.ftz`): each row is cut into sub-vectors, each of which is the number of one of 256
 * centroids; where `qnorm` is set the row's length is quantized apart. Expanded while loading: a row is then read
 * without an indirection, at four bytes a value (lid.176.ftz: 0.9 MB in the file, 3.2 MB in memory).
 *
 * Source: Joulin et al. 2016, FastText.zip (arXiv:1612.03651); layout as in fastText's quantmatrix.cc, productquantizer.cc.
 */
import type { BinaryReader } from './binary-reader.ts';

const CENTROIDS = 256;

interface ProductQuantizer {
  dim: number;
  /** Sub-vectors a row. */
  parts: number;
  /** Values in each sub-vector but the last. */
  partDim: number;
  lastPartDim: number;
  /** [parts, 256, partDim], the last part with its own width. */
  centroids: Float32Array;
}

export interface Matrix {
  rows: number;
  dim: number;
  /** [rows, dim] */
  values: Float32Array;
}

/** Reads a quantized matrix and expands it. Throws INPUT_CORRUPT for sizes that do not fit each other. */
export function readQuantizedMatrix(reader: BinaryReader): Matrix {
  const hasNorms = reader.uint8() !== 0;
  const rows = reader.int64();
  const dim = reader.int64();
  const codes = reader.uint8s(reader.int32());
  const quantizer = readQuantizer(reader);
  const { parts, partDim } = quantizer;
  if (quantizer.dim !== dim || codes.length !== rows * parts) {
    throw reader.corrupt(`${codes.length} codes for ${rows} rows of ${dim} values in ${parts} parts`);
  }
  const normCodes = hasNorms ? reader.uint8s(rows) : undefined;
  const norms = hasNorms ? readQuantizer(reader).centroids : undefined;

  const values = new Float32Array(rows * dim);
  for (let row = 0; row < rows; row++) {
    const norm = norms === undefined || normCodes === undefined ? 1 : norms[normCodes[row]];
    for (let part = 0; part < parts; part++) {
      const width = part === parts - 1 ? quantizer.lastPartDim : partDim;
      const from = part * CENTROIDS * partDim + codes[row * parts + part] * width;
      const to = row * dim + part * partDim;
      for (let k = 0; k < width; k++) values[to + k] = norm * quantizer.centroids[from + k];
    }
  }
  return { rows, dim, values };
}

/** Reads a matrix of plain floats. */
export function readDenseMatrix(reader: BinaryReader): Matrix {
  const rows = reader.int64();
  const dim = reader.int64();
  return { rows, dim, values: reader.float32s(rows * dim) };
}

function readQuantizer(reader: BinaryReader): ProductQuantizer {
  const dim = reader.int32();
  const parts = reader.int32();
  const partDim = reader.int32();
  const lastPartDim = reader.int32();
  if (parts < 1 || (parts - 1) * partDim + lastPartDim !== dim) {
    throw reader.corrupt(`a quantizer of ${parts} parts of ${partDim} (the last ${lastPartDim}) for ${dim} values`);
  }
  return { dim, parts, partDim, lastPartDim, centroids: reader.float32s(dim * CENTROIDS) };
}

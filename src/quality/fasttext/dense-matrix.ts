/**
 * Matrices of plain floats (`.bin`). Most rows of hashed n-grams are zeros: a bucket that no n-gram of the training data fell
 * into is never touched (fastText fills some of them with noise, depending on its threads). Those are not kept, so that a
 * model of two million buckets takes tens of megabytes in place of hundreds, in every worker.
 */
import type { BinaryReader } from './binary-reader.ts';
import type { Matrix, NgramRows } from './model.ts';
import { bucketBits, rankBits } from './ngram-rows.ts';

const CHUNK_FLOATS = 1 << 20;

/** Reads a matrix with all its rows. Throws INPUT_CORRUPT. */
export function readDenseMatrix(reader: BinaryReader): Matrix {
  const { rows, dim } = readShape(reader);
  return { rows, dim, values: reader.float32s(rows * dim) };
}

/**
 * Reads `words` rows, then those of `bucket` n-grams without the rows of zeros; what follows is passed over. `bucket` is 0
 * when the model needs none. Throws INPUT_CORRUPT.
 */
export function readInputMatrix(
  reader: BinaryReader,
  words: number,
  bucket: number,
): { input: Matrix; ngrams: NgramRows | 'every' | 'none' } {
  const { rows, dim } = readShape(reader);
  if (rows < words) throw reader.corrupt(`a matrix of ${rows} rows for ${words} words`);
  if (dim < 1 || rows * dim * 4 > reader.left) throw reader.corrupt(`a matrix of ${rows} × ${dim}`);
  // Without n-grams in use the rows for them may be absent.
  const buckets = rows >= words + bucket ? bucket : 0;
  // Memory that is never written takes no room: the system gives pages when they are touched.
  const values = new Float32Array((words + buckets) * dim);
  reader.readFloat32s(values.subarray(0, words * dim));
  const bits = bucketBits(buckets);
  const chunk = new Float32Array(Math.max(1, Math.floor(CHUNK_FLOATS / dim)) * dim);
  let kept = words;
  for (let first = words; first < rows; ) {
    const part = chunk.subarray(0, Math.min(chunk.length, (rows - first) * dim));
    reader.readFloat32s(part);
    const count = part.length / dim;
    for (let row = 0; row < count; ) {
      const start = row;
      for (; row < count && first + row < words + buckets && !isZero(part, row * dim, dim); row++) {
        const bucketHere = first + row - words;
        bits[bucketHere >>> 5] |= 1 << bucketHere;
      }
      values.set(part.subarray(start * dim, row * dim), kept * dim);
      kept += row - start;
      row++;
    }
    first += count;
  }
  const isEvery = kept === words + buckets;
  const input = { rows: kept, dim, values: values.subarray(0, kept * dim) };
  return { input, ngrams: buckets === 0 ? 'none' : isEvery ? 'every' : rankBits(bits, 'zeros') };
}

function isZero(values: Float32Array, at: number, count: number): boolean {
  for (let i = at; i < at + count; i++) if (values[i] !== 0) return false;
  return true;
}

function readShape(reader: BinaryReader): { rows: number; dim: number } {
  const rows = reader.int64();
  const dim = reader.int64();
  if (rows < 0 || dim < 0) throw reader.corrupt(`a matrix of ${rows} × ${dim}`);
  return { rows, dim };
}

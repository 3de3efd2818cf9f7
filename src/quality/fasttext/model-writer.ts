/**
 * Writes a fastText model file of version 12, `.bin` or `.ftz`, that fastText 0.9 reads: model-file.ts is the other direction.
 * A `.bin` has a row for every bucket, so that two million buckets take 400 MB at 50 dimensions, mostly zeros.
 *
 * Format: fastText 0.9, args.cc, dictionary.cc, densematrix.cc and quantmatrix.cc (`save`).
 */
import { type BinaryWriter, writeBinaryFile } from './binary-writer.ts';
import { type FastTextModel, LABEL_PREFIX, LOSSES, type Matrix, wordBytes } from './model.ts';
import { LABEL, MAGIC, NEWEST_VERSION, SUPERVISED, WORD } from './model-file.ts';
import { forEachBucket } from './ngram-rows.ts';
import type { ProductQuantizer, QuantizedMatrix } from './quantized-matrix.ts';

/** The compressed matrices of a `.ftz`. */
export interface QuantizedModel {
  input: QuantizedMatrix;
  /** Undefined: the model's own, in full. */
  output: QuantizedMatrix | undefined;
}

/** Writes `model` to `path` (atomically), compressed where `quantized` is given. Throws OUTPUT_FAILED. */
export function writeFastTextModel(path: string, model: FastTextModel, quantized?: QuantizedModel): void {
  writeBinaryFile(path, (writer) => {
    writeHeader(writer, model);
    writeDictionary(writer, model);
    if (quantized === undefined) {
      writer.uint8(0);
      writeInputMatrix(writer, model);
    } else {
      writer.uint8(1);
      writeQuantizedMatrix(writer, quantized.input);
    }
    writer.uint8(quantized?.output === undefined ? 0 : 1);
    if (quantized?.output === undefined) writeDenseMatrix(writer, model.output);
    else writeQuantizedMatrix(writer, quantized.output);
  });
}

function writeHeader(writer: BinaryWriter, model: FastTextModel): void {
  const { ws, epoch, minCount, neg, lrUpdateRate, t } = model.training;
  const loss = Number(Object.entries(LOSSES).find(([, name]) => name === model.loss)?.[0]);
  const { dim, wordNgrams, bucket, minn, maxn } = model;
  const numbers = [MAGIC, NEWEST_VERSION, dim, ws, epoch, minCount, neg, wordNgrams, loss, SUPERVISED, bucket, minn];
  for (const number of [...numbers, maxn, lrUpdateRate]) writer.int32(number);
  writer.float64(t);
}

function writeDictionary(writer: BinaryWriter, model: FastTextModel): void {
  const { words, wordCounts, labels, labelCounts, ngrams } = model;
  writer.int32(words.count + labels.length);
  writer.int32(words.count);
  writer.int32(labels.length);
  writer.int64(model.tokens);
  const isPruned = typeof ngrams === 'object' && ngrams.absent === 'nothing';
  writer.int64(isPruned ? ngrams.count : -1);
  const entry = (bytes: Uint8Array, count: number, type: number): void => {
    writer.bytes(bytes);
    writer.uint8(0);
    writer.int64(count);
    writer.uint8(type);
  };
  for (let i = 0; i < words.count; i++) entry(wordBytes(words, i), wordCounts[i], WORD);
  for (const [i, label] of labels.entries()) entry(Buffer.from(LABEL_PREFIX + label), labelCounts[i], LABEL);
  if (!isPruned) return;
  forEachBucket(ngrams, (bucket, rank) => {
    writer.int32(bucket);
    writer.int32(rank);
  });
}

/** The matrix with the rows of zeros that memory does without. */
function writeInputMatrix(writer: BinaryWriter, model: FastTextModel): void {
  const { input, ngrams, words, bucket } = model;
  if (typeof ngrams === 'string') {
    writeDenseMatrix(writer, input);
    return;
  }
  const { dim, values } = input;
  writer.int64(words.count + bucket);
  writer.int64(dim);
  writer.float32s(values.subarray(0, words.count * dim));
  let next = 0;
  forEachBucket(ngrams, (at, rank) => {
    writer.zeros((at - next) * dim * 4);
    const row = words.count + rank;
    writer.float32s(values.subarray(row * dim, (row + 1) * dim));
    next = at + 1;
  });
  writer.zeros((bucket - next) * dim * 4);
}

function writeDenseMatrix(writer: BinaryWriter, { rows, dim, values }: Matrix): void {
  writer.int64(rows);
  writer.int64(dim);
  writer.float32s(values.subarray(0, rows * dim));
}

function writeQuantizedMatrix(writer: BinaryWriter, { rows, quantizer, codes, norms }: QuantizedMatrix): void {
  writer.uint8(norms === undefined ? 0 : 1);
  writer.int64(rows);
  writer.int64(quantizer.dim);
  writer.int32(codes.length);
  writer.bytes(codes);
  writeQuantizer(writer, quantizer);
  if (norms === undefined) return;
  writer.bytes(norms.codes);
  writeQuantizer(writer, norms.quantizer);
}

function writeQuantizer(writer: BinaryWriter, quantizer: ProductQuantizer): void {
  const { dim, parts, partDim, lastPartDim, centroids } = quantizer;
  for (const number of [dim, parts, partDim, lastPartDim]) writer.int32(number);
  writer.float32s(centroids);
}

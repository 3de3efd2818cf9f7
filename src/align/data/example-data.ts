/**
 * Examples as training data: packed into rows by best fit decreasing, longest first (src/shards/packing.ts), which leaves a few
 * per mille of padding, or one a row. Documents of a row do not see each other and positions restart, so an example's loss is
 * the same whatever lies beside it. What goes into a row is decided once; every epoch has another order of rows.
 *
 * The cursor is the number of rows given so far, with a fingerprint of examples and seed.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { xxh64Hex } from '../../core/hash.ts';
import { keyedPermutation, mix32 } from '../../core/random.ts';
import { packDocuments } from '../../shards/packing.ts';
import type { BufferData } from '../../tensor/backend.ts';
import { nextTokenBatch, packedInputs } from '../../training/data/next-token.ts';
import type { MicroBatch, TrainingData } from '../../training/data/training-data.ts';
import type { Examples } from './examples.ts';

export interface ExampleDataOptions {
  /** Rows of a micro-batch. */
  readonly rows: number;
  /** Tokens of a row; no example is longer. */
  readonly time: number;
  readonly packing: 'best-fit' | 'none';
  readonly order: 'shuffled' | 'sequential';
  readonly seed: number;
  readonly epochs: number;
  /** Stop after so many micro-batches. */
  readonly limit?: number | undefined;
  /** For errors. */
  readonly name: string;
  /** Id in places without a token: never one that ends a turn. */
  readonly padId: number;
}

export interface ExampleData extends TrainingData {
  /** Micro-batches of an epoch. */
  readonly batchesPerEpoch: number;
  /** Places without a token, in percent. */
  readonly paddingPercent: number;
}

/** Packs the examples. Pure: equal arguments give equal batches. */
export function exampleData(
  examples: Pick<Examples, 'ids' | 'labels' | 'lengths'>,
  options: ExampleDataOptions,
): ExampleData {
  const { rows, time, seed, epochs, limit = Number.POSITIVE_INFINITY, padId } = options;
  const table = packRows(examples.lengths, time, options.packing);
  const { ids, labels } = examples;
  const perEpoch = table.length;
  const bytes = new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
  const key = mix32(seed) ^ time ^ (options.packing === 'none' ? 1 : 0) ^ (options.order === 'sequential' ? 2 : 0);
  const fingerprint = xxh64Hex(bytes, BigInt(key >>> 0));

  const orders = new Map<number, (position: number) => number>();
  const rowAt = (n: number): readonly Piece[] => {
    const epoch = Math.floor(n / perEpoch);
    if (options.order === 'sequential') return table[n % perEpoch];
    let order = orders.get(epoch);
    if (order === undefined) {
      orders.clear();
      order = keyedPermutation(perEpoch, mix32(mix32(seed) + epoch));
      orders.set(epoch, order);
    }
    return table[order(n % perEpoch)];
  };

  /** A last micro-batch has rows of padding alone, so that all have one shape. */
  function batchOf(pieces: readonly (readonly Piece[])[], cursor: string): MicroBatch {
    const batchIds = new Int32Array(rows * time).fill(padId);
    const batchLabels = new Int32Array(rows * time).fill(-100);
    const seqLengths: number[][] = [];
    const validTokens: number[] = [];
    for (let row = 0; row < rows; row++) {
      const lengths: number[] = [];
      let at = row * time;
      for (const { start, length } of pieces[row] ?? []) {
        batchIds.set(ids.subarray(start, start + length), at);
        batchLabels.set(labels.subarray(start, start + length), at);
        lengths.push(length);
        at += length;
      }
      const valid = at - row * time;
      if (valid < time) lengths.push(time - valid);
      seqLengths.push(lengths);
      validTokens.push(valid);
    }
    const inputs = packedInputs({ rows, time, ids: batchIds, labels: batchLabels, seqLengths, validTokens });
    return nextTokenBatch(inputs, cursor, true);
  }

  return {
    kind: 'other',
    tokens: ids.length,
    batchesPerEpoch: Math.ceil(perEpoch / rows),
    paddingPercent: 100 * (1 - ids.length / (perEpoch * time)),
    async *batches(cursor) {
      let row = cursor === undefined ? 0 : rowOf(cursor, fingerprint, options.name);
      const end = Math.floor(perEpoch * epochs);
      for (let count = 0; count < limit && row < end; count++) {
        const pieces: (readonly Piece[])[] = [];
        while (pieces.length < rows && row < end) pieces.push(rowAt(row++));
        yield batchOf(pieces, `1:${fingerprint}:${row}`);
      }
    },
    async close() {},
  };
}

/** An example's tokens. */
interface Piece {
  readonly start: number;
  readonly length: number;
}

function packRows(lengths: Uint32Array, time: number, packing: 'best-fit' | 'none'): Piece[][] {
  const starts = new Uint32Array(lengths.length);
  for (let i = 1; i < lengths.length; i++) starts[i] = starts[i - 1] + lengths[i - 1];
  if (packing === 'none') return Array.from(lengths, (length, i) => [{ start: starts[i], length }]);
  const packed = packDocuments(lengths, { contextLength: time, packing: 'best-fit' });
  const rows: Piece[][] = Array.from({ length: packed.rows }, () => []);
  for (let piece = 0; piece < packed.document.length; piece++) {
    const start = starts[packed.document[piece]] + packed.start[piece];
    rows[packed.row[piece]].push({ start, length: packed.length[piece] });
  }
  return rows;
}

/** The number in a cursor of this data. Throws USAGE for another one. */
export function rowOf(cursor: string, fingerprint: string, name: string): number {
  const match = /^1:([0-9a-f]{16}):(\d+)$/.exec(cursor);
  if (match?.[1] === fingerprint) return Number(match[2]);
  throw new CorpusmillError(
    'USAGE',
    match === null
      ? `resuming on ${name}: ${JSON.stringify(cursor)} is no cursor`
      : `resuming on ${name}: the cursor belongs to other data, another template or another seed`,
    { hint: 'Resume with the data and the seed that the checkpoint was made with, or begin anew: --fresh.' },
  );
}

/**
 * The same data with the scale of NEFTune's noise at each place: alpha / √T, T the tokens of the place's document (0 in
 * padding). The objective divides by the square root of the hidden size.
 */
export function withNoise<D extends Pick<TrainingData, 'batches'>>(data: D, alpha: number): D {
  return {
    ...data,
    async *batches(cursor?: string) {
      for await (const batch of data.batches(cursor)) {
        yield {
          ...batch,
          inputs: (stepWeight: number): Readonly<Record<string, BufferData>> => {
            const inputs = batch.inputs(stepWeight);
            return {
              ...inputs,
              noiseScale: noiseScale(inputs['positions'] as Int32Array, inputs['labels'] as Int32Array, alpha),
            };
          },
        };
      }
    },
  };
}

/** A document runs from a position 0 to the next; one without a label is padding. */
function noiseScale(positions: Int32Array, labels: Int32Array, alpha: number): Float32Array {
  const scale = new Float32Array(positions.length);
  let start = 0;
  for (let i = 1; i <= positions.length; i++) {
    if (i < positions.length && positions[i] !== 0) continue;
    const trained = labels.subarray(start, i).some((label) => label >= 0);
    if (trained) scale.fill(alpha / Math.sqrt(i - start), start, i);
    start = i;
  }
  return scale;
}

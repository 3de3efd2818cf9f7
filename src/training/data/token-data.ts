/**
 * One long array of tokens as training data, for experiments: nanoGPT's .bin, a .npy, or a text file's ids in memory.
 *
 *   random       each row begins at a place drawn for it; as nanoGPT does. What the n-th row is depends on seed and n alone.
 *   sequential   rows one after another, once (for evaluation) or `epochs` times
 *
 * The cursor is the number of rows given so far, with a fingerprint of what they are cut from.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { xxh64Hex } from '../../core/hash.ts';
import { createRandom, mix32 } from '../../core/random.ts';
import { nextTokenBatch, stretchInputs } from './next-token.ts';
import type { TrainingData } from './training-data.ts';

export type TokenIds = Uint16Array | Uint32Array | Int32Array;

export interface TokenDataOptions {
  /** Rows of a micro-batch. */
  readonly rows: number;
  /** Tokens of a row. */
  readonly time: number;
  readonly order: 'random' | 'sequential';
  readonly seed: number;
  /** Of `sequential`; default 1. */
  readonly epochs?: number;
  /** Stop after so many micro-batches. */
  readonly limit?: number;
  readonly kind?: 'text' | 'tokens';
  /** For errors: what the ids come from. */
  readonly name: string;
}

/** Throws CONFIG_INVALID where there are fewer tokens than a row needs. */
export function tokenData(ids: TokenIds, options: TokenDataOptions): TrainingData {
  const { rows, time, order, seed, epochs = 1, limit = Number.POSITIVE_INFINITY, kind = 'tokens', name } = options;
  const needed = order === 'random' ? time + 1 : 2;
  if (ids.length < needed) {
    throw new CorpusmillError('CONFIG_INVALID', `${name} has ${ids.length} tokens, rows of ${time} need ${needed}`, {
      hint: 'Give more text, a larger share of it, or a smaller batch.sequenceLength.',
    });
  }
  const bytes = new Uint8Array(ids.buffer, ids.byteOffset, ids.byteLength);
  const fingerprint = xxh64Hex(bytes, BigInt(mix32(seed) ^ (order === 'random' ? 1 : 0)));
  /** Rows of an epoch. The last one may be shorter; a last token alone predicts nothing. */
  const perEpoch = Math.ceil((ids.length - 1) / time);
  const rowAt = (n: number): TokenIds => {
    const start =
      order === 'random' ? createRandom(mix32(mix32(seed) + n)).below(ids.length - time) : (n % perEpoch) * time;
    return ids.subarray(start, start + time + 1);
  };
  return {
    kind,
    tokens: ids.length,
    async *batches(cursor) {
      let row = cursor === undefined ? 0 : rowOf(cursor, fingerprint, name);
      const end = order === 'random' ? Number.POSITIVE_INFINITY : Math.floor(perEpoch * epochs);
      for (let count = 0; count < limit && row < end; count++) {
        const stretches: TokenIds[] = [];
        while (stretches.length < rows && row < end) stretches.push(rowAt(row++));
        yield nextTokenBatch(stretchInputs(rows, time, stretches), `1:${fingerprint}:${row}`, false);
      }
    },
    async close() {},
  };
}

function rowOf(cursor: string, fingerprint: string, name: string): number {
  const match = /^1:([0-9a-f]{16}):(\d+)$/.exec(cursor);
  if (match?.[1] === fingerprint) return Number(match[2]);
  throw new CorpusmillError(
    'USAGE',
    match === null
      ? `resuming on ${name}: ${JSON.stringify(cursor)} is no cursor`
      : `resuming on ${name}: the cursor belongs to other tokens or another seed`,
    { hint: 'Resume with the data and the seed that the checkpoint was made with, or begin anew.' },
  );
}

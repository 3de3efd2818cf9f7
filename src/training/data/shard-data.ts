/** Packed shards as training data: the loader's rows, order, mixtures and cursor (src/shards/loader.ts). */
import { CorpusmillError } from '../../core/errors.ts';
import { type MixtureSource, type ShardLoaderOptions, shardLoader } from '../../shards/loader.ts';
import { nextTokenBatch, packedInputs } from './next-token.ts';
import type { TrainingData } from './training-data.ts';

export interface ShardDataOptions
  extends Pick<ShardLoaderOptions, 'seed' | 'epochs' | 'order' | 'weightBy' | 'whenExhausted'> {
  /** Rows of a micro-batch. */
  readonly rows: number;
  /** Stop after so many micro-batches, for a quick evaluation. */
  readonly limit?: number;
}

/**
 * Rows of one or several shard sets, which `close` closes. A last micro-batch that is not full is filled up with rows that are
 * not trained, so that every one has the same shape.
 */
export function shardData(sources: readonly MixtureSource[], options: ShardDataOptions): TrainingData {
  const { rows, limit = Number.POSITIVE_INFINITY, ...order } = options;
  const total = sources.reduce((sum, { shards }) => sum + shards.manifest.tokens, 0);
  return {
    kind: 'shards',
    tokens: total,
    async *batches(cursor) {
      const given = { ...order, batchSize: rows, tail: 'pad' as const, ...(cursor !== undefined && { cursor }) };
      let count = 0;
      for await (const batch of shardLoader(sources, given)) {
        if (count++ >= limit) return;
        const { contextLength: time, inputIds: ids, seqLengths, validTokens, labels } = batch;
        const packed = packedInputs({
          rows,
          time,
          ids,
          seqLengths,
          validTokens,
          ...(labels !== undefined && { labels }),
        });
        yield nextTokenBatch(packed, batch.cursor, true);
      }
    },
    async close() {
      for (const { shards } of sources) await shards.close();
    },
  };
}

/** The row length of the shards; throws CONFIG_INVALID where another one is asked for. */
export function rowLengthOf(sources: readonly MixtureSource[], asked: number | undefined): number {
  const { contextLength } = sources[0].shards.manifest;
  if (asked === undefined || asked === contextLength) return contextLength;
  throw new CorpusmillError(
    'CONFIG_INVALID',
    `batch.sequenceLength is ${asked}, but the rows of ${sources[0].shards.dir} have ${contextLength} tokens`,
    { hint: 'Leave sequenceLength out, or pack the documents anew with another contextLength.' },
  );
}

/**
 * What `dedup.minhash` keeps of a document: 8 bytes for each band, 12 more, and 8 where the rule for what is kept needs a
 * rank. Columns, one row per document: two words of key for each band, the number of shingles (0: no keys), the length in
 * UTF-16 units, the number of tokens, the rank.
 */
import type { Observer } from '../../core/stage.ts';
import { createColumnWriter } from '../columns.ts';
import { type Keep, rankOf, rankWords, writeRank } from '../keep.ts';
import { type BandShape, bandKeys } from '../lsh.ts';
import { createPermutations, minhashSignature } from '../minhash-kernel.ts';
import { createShingler } from '../shingles.ts';
import type { ResolvedMinhash } from './options.ts';

export interface MinhashColumns {
  shingles: number;
  length: number;
  tokens: number;
  /** First of two; absent from blobs whose rule for what is kept needs none. */
  rank: number;
}

/** Where the columns behind the band keys lie. */
export function minhashColumns({ bands }: BandShape): MinhashColumns {
  return { shingles: 2 * bands, length: 2 * bands + 1, tokens: 2 * bands + 2, rank: 2 * bands + 3 };
}

/** Leaves the columns that the head of this file describes. */
export function createMinhashObserver({ shape, shingleTokens, seed }: ResolvedMinhash, keep: Keep): Observer {
  const shingler = createShingler(shingleTokens);
  const { multipliers, increments } = createPermutations(shape.bands * shape.rows, seed);
  const signature = new Uint32Array(shape.bands * shape.rows);
  const columns = minhashColumns(shape);
  const row = new Uint32Array(columns.rank + rankWords(keep));
  const rank = rankOf(keep);
  const writer = createColumnWriter(row.length);
  return {
    observe(document) {
      const { text } = document;
      const count = shingler.shingle(text);
      minhashSignature(shingler.hashes, count, multipliers, increments, signature);
      bandKeys(signature, shape, row);
      row[columns.shingles] = count;
      row[columns.length] = text.length;
      row[columns.tokens] = shingler.tokens;
      if (rank !== undefined) writeRank(row, columns.rank, rank(document));
      writer.push(row);
    },
    finish: writer.finish,
  };
}

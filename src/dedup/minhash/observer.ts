/**
 * What `dedup.minhash` keeps of a document: 8 bytes for each band, 12 more, and 8 where the rule for what is kept needs a
 * rank. Columns, one row per document: two words of key for each band, the number of shingles (0: no keys), the length in
 * UTF-16 units, the number of tokens, the rank, the source where that is a field of meta, and the whole signature where
 * the root of datatrove's union-find is kept, which depends on it.
 */

import { createColumnWriter } from '../../core/columns.ts';
import { createSourceColumn } from '../../core/sources.ts';
import type { Observer } from '../../core/stage.ts';
import { textOf, textUnits } from '../../core/stored-text.ts';
import { rowsLeft, type TextRows } from '../../core/utf8-column.ts';
import { rankOf, rankWords, writeRank } from '../keep.ts';
import { writeRowLengths } from '../lengths.ts';
import { type BandShape, bandKeys } from '../lsh.ts';
import type { ResolvedMinhash } from './options.ts';
import { createDatatroveSigner, createFoldedSigner, createRowSigner, type RowSigner } from './signers.ts';

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

/** The first column of the whole signature, where it is there. */
export function signatureColumn({ shape, keep }: ResolvedMinhash, sourceField: string | undefined): number {
  return minhashColumns(shape).rank + rankWords(keep) + createSourceColumn(sourceField).words;
}

/** Leaves the columns that the head of this file describes. */
export function createMinhashObserver(
  resolved: ResolvedMinhash,
  { sourceField }: { sourceField?: string | undefined },
): Observer {
  const { shape, shingleTokens, datatroveHash, seed, keep, isRootKept } = resolved;
  const signer =
    datatroveHash === undefined
      ? createFoldedSigner(shape, shingleTokens, seed)
      : createDatatroveSigner(shape, shingleTokens, datatroveHash, seed);
  const { signature } = signer;
  const keyShape = { bands: shape.bands, rows: signer.wordsPerBand };
  const columns = minhashColumns(shape);
  const source = createSourceColumn(sourceField);
  const sourceAt = columns.rank + rankWords(keep);
  const signatureAt = signatureColumn(resolved, sourceField);
  const row = new Uint32Array(signatureAt + (isRootKept ? signature.length : 0));
  const rank = rankOf(keep);
  const writer = createColumnWriter(row.length);
  const isOfText = datatroveHash === undefined && rank === undefined && source.words === 0 && !isRootKept;
  const rowSigner = isOfText ? createRowSigner(shape, shingleTokens, seed) : undefined;
  return {
    ...(rowSigner && { observeTexts: (rows: TextRows) => observeTexts(rowSigner, rows) }),
    observe(document) {
      const text = textOf(document);
      row[columns.shingles] = signer.sign(text);
      bandKeys(signature, keyShape, row);
      row[columns.length] = textUnits(text);
      row[columns.tokens] = signer.tokens;
      if (isRootKept) row.set(signature, signatureAt);
      if (rank !== undefined) writeRank(row, columns.rank, rank(document));
      source.write(row, sourceAt, document);
      writer.push(row);
    },
    finish: () => writer.finish(source.trailer()),
  };

  function observeTexts(rowSigner: RowSigner, rows: TextRows): void {
    const block = writer.block(rows.to - rows.from, rowsLeft(rows));
    rowSigner.sign(rows, block);
    writeRowLengths(rows, block, columns);
  }
}

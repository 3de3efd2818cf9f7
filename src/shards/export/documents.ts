/**
 * The documents of a shard set, put together again from the rows they were packed into: in the order in which they begin
 * in the rows, each whole, padding left out. Formats that know no rows are written from it.
 *
 * Rows are read a record batch at a time. A cut document is completed where it begins, by reads of the rows that have its
 * other pieces, so memory is a record batch, the longest document, a shard's table of pieces, and the index of cut-documents.ts.
 */
import { join } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import type { PieceColumns } from '../piece-records.ts';
import { readPieces } from '../pieces-table.ts';
import { type TokenArray, tokenArray } from '../shard-rows.ts';
import type { ShardSet } from '../shard-set.ts';
import { type CutDocuments, indexCutDocuments, type PiecePlace } from './cut-documents.ts';

/** What becomes of documents that lie in several pieces: `join`ed again, or each piece a document of its own. */
export type CutPolicy = 'join' | 'apart';

/** Some documents end to end. The arrays are used again for the next group. */
export interface DocumentGroup {
  tokens: TokenArray;
  /** Tokens of each document. */
  lengths: number[];
  /** Id and source of each document; '' where the set has no table of pieces. */
  ids: string[];
  sources: string[];
  /** Rows of the set that are done. */
  rows: number;
}

/** A group is handed over when it has so many tokens. */
const GROUP_TOKENS = 1 << 20;

/**
 * The documents of a set in groups. Throws CorpusmillError: USAGE when documents were cut and there is no table of pieces
 * to join them by, INPUT_CORRUPT when rows and tables disagree.
 */
export async function* documentGroups(set: ShardSet, cut: CutPolicy): AsyncGenerator<DocumentGroup, void, void> {
  const { manifest } = set;
  const hasTables = manifest.shards.every(({ pieces }) => pieces !== null);
  const isCut = cut === 'join' && manifest.cut.documents > 0;
  if (isCut && !hasTables) {
    throw new CorpusmillError(
      'USAGE',
      `exporting shards: ${manifest.cut.documents} documents of ${set.dir} lie in several pieces, and there are no tables that say in which order`,
      { hint: 'Run the shards stage with `provenance: true`, or export with --cut apart: each piece as a document.' },
    );
  }
  const cuts = isCut ? await indexCutDocuments(tablesOf(set)) : undefined;
  const group = createGroup(set);
  for (let shard = 0; shard < manifest.shards.length; shard++) {
    const table = hasTables ? await tableOf(set, shard) : undefined;
    yield* shardDocuments(set, shard, table, cuts, group);
  }
  cuts?.checkAllTaken();
}

async function* shardDocuments(
  set: ShardSet,
  shard: number,
  table: PieceColumns | undefined,
  cuts: CutDocuments | undefined,
  group: ReturnType<typeof createGroup>,
): AsyncGenerator<DocumentGroup, void, void> {
  const { contextLength, dtype } = set.manifest;
  const file = await set.file(shard);
  let piece = 0;
  for (let batch = 0; batch < file.batches; batch++) {
    const { firstRow, rows, seqOffsets, seqLengths, padding } = await file.readPieces(batch);
    const tokens = tokenArray(dtype, rows * contextLength);
    await file.readTokens(firstRow, rows, tokens, 0);
    for (let r = 0; r < rows; r++) {
      const row = set.firstRow(shard) + firstRow + r;
      const pieces = seqOffsets[r + 1] - seqOffsets[r] - (padding[r] > 0 ? 1 : 0);
      let at = r * contextLength;
      for (let i = 0; i < pieces; i++, piece++) {
        const length = seqLengths[seqOffsets[r] + i];
        const own = tokens.subarray(at, at + length);
        at += length;
        if (table === undefined) {
          group.add(own, '', '');
          continue;
        }
        if (table.row[piece] !== row || table.tokens[piece] !== length) throw disagree(set, shard, row);
        if (cuts !== undefined && table.start[piece] > 0) continue;
        const [id, source] = [table.documentId[piece], table.source[piece]];
        group.add(own, id, source);
        for (const place of cuts?.rest(source, id, length) ?? []) group.extend(await readPiece(set, place));
      }
      if (group.isFull()) yield group.take(row + 1);
    }
  }
  if (!group.isEmpty()) yield group.take(set.firstRow(shard) + file.rows);
}

async function readPiece(set: ShardSet, { row, at, tokens }: PiecePlace): Promise<TokenArray> {
  const shard = set.shardOf(row);
  const file = await set.file(shard);
  const whole = tokenArray(set.manifest.dtype, set.manifest.contextLength);
  await file.readTokens(row - set.firstRow(shard), 1, whole, 0);
  return whole.subarray(at, at + tokens);
}

function tableOf(set: ShardSet, shard: number): Promise<PieceColumns> {
  return readPieces(join(set.dir, set.manifest.shards[shard].pieces?.file ?? ''));
}

async function* tablesOf(set: ShardSet): AsyncGenerator<PieceColumns, void, void> {
  for (let shard = 0; shard < set.manifest.shards.length; shard++) yield await tableOf(set, shard);
}

function createGroup({ manifest }: ShardSet) {
  let tokens = tokenArray(manifest.dtype, GROUP_TOKENS + manifest.contextLength);
  let filled = 0;
  let lengths: number[] = [];
  let ids: string[] = [];
  let sources: string[] = [];
  const append = (more: TokenArray): void => {
    if (filled + more.length > tokens.length) {
      const larger = tokenArray(manifest.dtype, 2 * (filled + more.length));
      larger.set(tokens.subarray(0, filled));
      tokens = larger;
    }
    tokens.set(more, filled);
    filled += more.length;
  };
  return {
    /** Begins a document. */
    add(more: TokenArray, id: string, source: string): void {
      append(more);
      lengths.push(more.length);
      ids.push(id);
      sources.push(source);
    },
    /** Goes on with it. */
    extend(more: TokenArray): void {
      append(more);
      lengths[lengths.length - 1] += more.length;
    },
    isFull: () => filled >= GROUP_TOKENS,
    isEmpty: () => lengths.length === 0,
    take(rows: number): DocumentGroup {
      const group = { tokens: tokens.subarray(0, filled), lengths, ids, sources, rows };
      filled = 0;
      lengths = [];
      ids = [];
      sources = [];
      return group;
    },
  };
}

function disagree(set: ShardSet, shard: number, row: number): CorpusmillError {
  const { file, pieces } = set.manifest.shards[shard];
  return new CorpusmillError('INPUT_CORRUPT', `exporting shards: ${file} and ${pieces?.file} disagree on row ${row}`, {
    hint: 'Compare the shards with their manifest (`corpusmill shards verify`), or make them again.',
  });
}

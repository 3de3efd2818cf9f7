/** Rows of a shard turned back into text, piece by piece, with the tokenizer that lies beside the shards. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { readManifest, type ShardManifest } from './manifest.ts';
import type { PieceColumns } from './piece-records.ts';
import { openShardFile, type ShardFile } from './shard-file.ts';
import { type TokenArray, tokenArray } from './shard-rows.ts';

/** A piece of a document within a row. */
export interface ShownPiece {
  /** Document and its source; undefined where no table of pieces lies beside the shard. */
  documentId: string | undefined;
  source: string | undefined;
  /** First token of the piece within the row, and within the document where that is known. */
  start: number;
  documentStart: number | undefined;
  length: number;
  tokens: TokenArray;
  /** Without special tokens; undefined where no tokenizer lies beside the shard. */
  text: string | undefined;
  /** The labels; undefined where the shard has none. */
  labels: Int32Array | undefined;
  /** Whether the document ends here; undefined where that cannot be told (no eos token, or no manifest). */
  ended: boolean | undefined;
}

export interface ShownRow {
  /** Name of the shard's file, and the row within it. */
  file: string;
  row: number;
  pieces: ShownPiece[];
  /** Places at the row's end that hold no token of a document. */
  padding: number;
}

export interface ShownRows {
  contextLength: number;
  dtype: string;
  /** Rows in all: of the file, or of the folder's shards. */
  totalRows: number;
  manifest: ShardManifest | undefined;
  rows: ShownRow[];
}

/**
 * Rows [offset, offset + limit) of a shard file, or of the shards of a folder (or its manifest) one after another.
 * Throws CorpusmillError when the path is neither.
 */
export async function readShardRows(
  path: string,
  { limit = 5, offset = 0 }: { limit?: number; offset?: number } = {},
): Promise<ShownRows> {
  const single = path.endsWith('.arrow');
  const folder = single ? await readManifest(dirname(path)).catch(() => undefined) : await readManifest(path);
  const paths = single ? [path] : (folder?.manifest.shards ?? []).map(({ file }) => join(folder?.dir ?? '', file));
  const tokenizer = folder === undefined ? undefined : await tokenizerBeside(folder.dir, folder.manifest);
  const shown: ShownRows = {
    contextLength: folder?.manifest.contextLength ?? 0,
    dtype: folder?.manifest.dtype ?? '',
    totalRows: 0,
    manifest: folder?.manifest,
    rows: [],
  };
  for (const [i, file] of paths.entries()) {
    const known = single ? undefined : folder?.manifest.shards[i].rows;
    const first = shown.totalRows;
    const wanted = shown.rows.length < limit && (known === undefined || first + known > offset);
    if (!wanted && known !== undefined) {
      shown.totalRows += known;
      continue;
    }
    const shard = await openShardFile(file);
    try {
      shown.totalRows += shard.rows;
      shown.contextLength = shard.contextLength;
      shown.dtype = shard.type;
      for (let row = Math.max(0, offset - first); row < shard.rows && shown.rows.length < limit; row++) {
        shown.rows.push(await showRow(shard, row, tokenizer, folder));
      }
    } finally {
      await shard.close();
    }
  }
  return shown;
}

async function showRow(
  shard: ShardFile,
  row: number,
  tokenizer: Tokenizer | undefined,
  folder: { dir: string; manifest: ShardManifest } | undefined,
): Promise<ShownRow> {
  const pieces = await shard.readPieces(shard.batchOf(row));
  const documents = folder && (await documentsOf(shard, row, folder));
  const tokens = tokenArray(shard.type, shard.contextLength);
  await shard.readTokens(row, 1, tokens, 0);
  const labels = shard.hasLabels ? new Int32Array(shard.contextLength) : undefined;
  if (labels) await shard.readLabels(row, 1, labels, 0);
  const eos = folder?.manifest.eos?.id;
  const inBatch = row - pieces.firstRow;
  const padding = pieces.padding[inBatch];
  const count = pieces.seqOffsets[inBatch + 1] - pieces.seqOffsets[inBatch] - (padding > 0 ? 1 : 0);
  const shown: ShownRow = { file: basename(shard.path), row, pieces: [], padding };
  let start = 0;
  for (let i = 0; i < count; i++) {
    const length = pieces.seqLengths[pieces.seqOffsets[inBatch] + i];
    const own = tokens.subarray(start, start + length);
    shown.pieces.push({
      documentId: documents?.documentId[i],
      source: documents?.source[i],
      start,
      documentStart: documents?.start[i],
      length,
      tokens: own,
      labels: labels?.subarray(start, start + length),
      text: tokenizer?.decode(own, { skipSpecial: true }),
      ended: eos === undefined ? undefined : own[length - 1] === eos,
    });
    start += length;
  }
  return shown;
}

/** What the table beside the shard says of a row's pieces. */
async function documentsOf(
  shard: ShardFile,
  row: number,
  { dir, manifest }: { dir: string; manifest: ShardManifest },
): Promise<PieceColumns | undefined> {
  const index = manifest.shards.findIndex(({ file }) => file === basename(shard.path));
  const table = manifest.shards[index]?.pieces;
  if (!table) return undefined;
  const inSet = manifest.shards.slice(0, index).reduce((sum, { rows }) => sum + rows, row);
  const path = join(dir, table.file);
  if (!(await isFile(path))) return undefined;
  // The Parquet library, which few commands need.
  const { readPieces } = await import('./pieces-table.ts');
  return readPieces(path, inSet, inSet + 1);
}

async function tokenizerBeside(dir: string, manifest: ShardManifest): Promise<Tokenizer | undefined> {
  const path = join(dir, manifest.tokenizer.file);
  return (await isFile(path)) ? Tokenizer.fromFile(path) : undefined;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** Rows of a shard turned back into text, piece by piece, with the tokenizer that lies beside the shards. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { readManifest, type ShardManifest } from './manifest.ts';
import { openShardFile, type ShardFile } from './shard-file.ts';
import { type TokenArray, tokenArray } from './shard-rows.ts';

/** A piece of a document within a row. */
export interface ShownPiece {
  documentId: string;
  /** First token of the piece within the row. */
  start: number;
  length: number;
  tokens: TokenArray;
  /** Without special tokens; undefined where no tokenizer lies beside the shard. */
  text: string | undefined;
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
        shown.rows.push(await showRow(shard, row, tokenizer, folder?.manifest.eos?.id));
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
  eos: number | undefined,
): Promise<ShownRow> {
  const batch = shard.batchOf(row);
  const pieces = await shard.readPieces(batch);
  const ids = await shard.readDocumentIds(batch);
  const tokens = tokenArray(shard.type, shard.contextLength);
  await shard.readTokens(row, 1, tokens, 0);
  const inBatch = row - pieces.firstRow;
  const firstPiece = pieces.documentOffsets[inBatch];
  const count = pieces.documentOffsets[inBatch + 1] - firstPiece;
  const shown: ShownRow = { file: basename(shard.path), row, pieces: [], padding: 0 };
  let start = 0;
  for (let i = 0; i < count; i++) {
    const length = pieces.seqLengths[pieces.seqOffsets[inBatch] + i];
    const own = tokens.subarray(start, start + length);
    shown.pieces.push({
      documentId: ids[firstPiece + i],
      start,
      length,
      tokens: own,
      text: tokenizer?.decode(own, { skipSpecial: true }),
      ended: eos === undefined ? undefined : own[length - 1] === eos,
    });
    start += length;
  }
  shown.padding = shard.contextLength - start;
  return shown;
}

async function tokenizerBeside(dir: string, manifest: ShardManifest): Promise<Tokenizer | undefined> {
  const path = join(dir, manifest.tokenizer.file);
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere ? Tokenizer.fromFile(path) : undefined;
}

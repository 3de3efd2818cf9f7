/**
 * The provenance of a shard: a Parquet table beside it with one row per piece, in the order of rows and pieces.
 *
 *   row     int32   row of the shard set (what the loader calls `rows`), ascending
 *   piece   int32   number of the piece within the row
 *   doc_id  string  the document it comes from
 *   source  string  the input that the document came from; '' where its documents name none
 *   start   int32   token of the document at which the piece begins, bos and other added tokens counted
 *   tokens  int32   tokens of the piece
 *
 * Why not in the shard: an id of 40 bytes with its offsets costs as much as 24 tokens of uint16, for short documents
 * more than their tokens; every epoch would read it and no training step uses it. Why Parquet: it is small (web-mix: 23
 * bytes a piece, all columns), DuckDB, polars and pandas find `where row = 17` by the statistics of row groups, and a glob of
 * `*.arrow` still finds token shards alone.
 *
 * Snappy rather than zstd, since the zstd of one Node gives other bytes than the next one's, and checksums should not
 * depend on it. The columns are made by the add-on (piece-columns.ts); the library makes the same without it.
 */
import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import { CorpusmillError } from '../core/errors.ts';
import { native } from '../core/native.ts';
import type { NativeAddon } from '../core/native-addon.ts';
import { sha256Hex } from '../core/sha256.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { BrokenInput } from '../io/broken-input.ts';
import { createStringDecoder, openParquet, readRowRange } from '../io/parquet.ts';
import { addPieceGroup } from './piece-columns.ts';
import type { PieceColumns, PieceRecords } from './piece-records.ts';

const COLUMNS = ['row', 'piece', 'doc_id', 'source', 'start', 'tokens'];

/** Pieces in a row group: what a look-up of one row decodes. */
const GROUP_PIECES = 1 << 16;

/** Of the file in memory, which doubles when it is full. */
const FIRST_BYTES = 1 << 20;

/** `pieces-00002-of-00017.parquet` beside `shard-00002-of-00017.arrow`. */
export function piecesName(shardFile: string): string {
  return shardFile.replace(/^shard-/, 'pieces-').replace(/\.arrow$/, '.parquet');
}

/** Writes a table, whole or not at all. Throws CorpusmillError('OUTPUT_FAILED') when the file cannot be written. */
export async function writePieces(path: string, pieces: PieceRecords): Promise<{ bytes: number; sha256: string }> {
  const bytes = await encodePieces(pieces, native);
  await writeFileAtomic(path, bytes);
  return { bytes: bytes.length, sha256: sha256Hex(bytes) };
}

/** The bytes of a table, the same with the add-on and without. */
export async function encodePieces(pieces: PieceRecords, addon: NativeAddon | undefined): Promise<Uint8Array> {
  const writer = new ByteWriter(FIRST_BYTES);
  const schema = schemaFromColumnData({ columnData: groupOf(pieces, 0, 0) });
  const parquet = new ParquetWriter({ writer, schema, codec: 'SNAPPY', createdBy: 'corpusmill' });
  for (let from = 0; from < pieces.row.length; from += GROUP_PIECES) {
    const to = Math.min(pieces.row.length, from + GROUP_PIECES);
    if (addon !== undefined) addPieceGroup(parquet, addon, pieces, from, to);
    else await parquet.write({ columnData: groupOf(pieces, from, to), rowGroupSize: to - from });
  }
  parquet.finish();
  return writer.getBytes();
}

function groupOf(pieces: PieceRecords, from: number, to: number): Parameters<ParquetWriter['write']>[0]['columnData'] {
  const numbers = (name: string, values: Int32Array) =>
    ({
      name,
      data: values.subarray(from, to),
      type: 'INT32',
      nullable: false,
      encoding: 'DELTA_BINARY_PACKED',
    }) as const;
  const ids: Uint8Array[] = [];
  const sources: string[] = [];
  for (let i = from; i < to; i++) {
    ids.push(pieces.ids.subarray(pieces.idStart[i], pieces.idEnd[i]));
    sources.push(pieces.sources[pieces.source[i]]);
  }
  return [
    numbers('row', pieces.row),
    numbers('piece', pieces.piece),
    // Already UTF-8: the library takes bytes for strings.
    { name: 'doc_id', data: ids, type: 'STRING', nullable: false, encoding: 'PLAIN', statistics: false },
    { name: 'source', data: sources, type: 'STRING', nullable: false },
    numbers('start', pieces.start),
    numbers('tokens', pieces.tokens),
  ];
}

/**
 * The pieces of rows [from, to) of the set, or all of the table. Reads the row groups that hold them. Throws
 * CorpusmillError('INPUT_CORRUPT') when the file is no such table.
 */
export async function readPieces(path: string, from = 0, to = Number.POSITIVE_INFINITY): Promise<PieceColumns> {
  let parquet: Awaited<ReturnType<typeof openParquet>> | undefined;
  try {
    parquet = await openParquet(path);
    const { row_groups: groups, schema } = parquet.metadata;
    const names = schema.slice(1).map(({ name }) => name);
    if (names.join(' ') !== COLUMNS.join(' ')) {
      throw new BrokenInput('other columns', `expected the columns ${COLUMNS.join(', ')}, found ${names.join(', ')}`);
    }
    const decoder = createStringDecoder();
    const found: unknown[][] = [];
    let first = 0;
    for (const group of groups) {
      const count = Number(group.num_rows);
      const range = group.columns[0].meta_data?.statistics;
      const outside = Number(range?.max_value ?? to) < from || Number(range?.min_value ?? from) >= to;
      if (!outside) {
        const rows = await readRowRange(parquet, COLUMNS, first, first + count, decoder.decode);
        for (const row of rows) if ((row[0] as number) >= from && (row[0] as number) < to) found.push(row);
      }
      first += count;
    }
    const numbers = (column: number) => Int32Array.from(found, (row) => row[column] as number);
    const strings = (column: number) => found.map((row) => String(row[column]));
    return {
      row: numbers(0),
      piece: numbers(1),
      documentId: strings(2),
      source: strings(3),
      start: numbers(4),
      tokens: numbers(5),
    };
  } catch (error) {
    throw unreadable(path, (error as Error).message);
  } finally {
    await parquet?.close();
  }
}

function unreadable(path: string, found: string): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `reading the table of pieces ${path}: ${found}`, {
    hint: 'Compare the file with its checksum in manifest.json, and copy or make it again.',
  });
}

/**
 * Columns of the table of pieces, made by the add-on: the bytes that hyparquet-writer would make of them, without an object
 * for any piece. The library frames them: its writer holds the file's head and footer, and these columns are added to it as its
 * own are. Processor time of a million pieces with ids of 40 bytes: 2.5 µs each by the library alone, 1 so, most of it for the
 * column of sources.
 */
import type { ParquetWriter } from 'hyparquet-writer';
import type { NativeAddon } from '../core/native-addon.ts';
import { addRowGroup, PAGE_BYTES, type Page, writePages, writeStrings } from '../io/parquet-columns.ts';
import type { PieceRecords } from './piece-records.ts';

const CODEC = 'SNAPPY';

/** Adds pieces [from, to), at least one, as a row group. The columns are those of `parquet.schema`, in that order. */
export function addPieceGroup(
  parquet: ParquetWriter,
  native: NativeAddon,
  pieces: PieceRecords,
  from: number,
  to: number,
): void {
  const facts = new Float64Array(3);
  const numbers = (name: string, values: Int32Array): Column => {
    const bytes = native.parquetNumbers(values.subarray(from, to), facts);
    const [uncompressed, min_value, max_value] = facts;
    return writePages(parquet, {
      ...{ name, encoding: 'DELTA_BINARY_PACKED', codec: CODEC },
      pages: [{ bytes, uncompressed, values: to - from }],
      statistics: { min_value, max_value, null_count: 0n },
    });
  };
  function* documentIds(): Generator<Page> {
    const { ids, idStart, idEnd } = pieces;
    for (let first = from; first < to; ) {
      const bytes = native.parquetStrings(ids, idStart, idEnd, first, to, PAGE_BYTES, facts);
      const [uncompressed, end] = facts;
      yield { bytes, uncompressed, values: end - first };
      first = end;
    }
  }
  const sources = (): string[] => Array.from(pieces.source.subarray(from, to), (number) => pieces.sources[number]);
  const columns: Record<string, () => Column> = {
    row: () => numbers('row', pieces.row),
    piece: () => numbers('piece', pieces.piece),
    doc_id: () => writePages(parquet, { name: 'doc_id', encoding: 'PLAIN', codec: CODEC, pages: documentIds() }),
    source: () => writeStrings(parquet, 'source', sources(), CODEC),
    start: () => numbers('start', pieces.start),
    tokens: () => numbers('tokens', pieces.tokens),
  };
  addRowGroup(
    parquet,
    to - from,
    parquet.schema.slice(1).map(({ name }) => columns[name]),
  );
}

type Column = ReturnType<typeof writePages>;

/**
 * Writes one shard: an Arrow IPC stream of rows of fixed context length.
 *
 *   input_ids    fixed_size_list<uint16 | uint32>[contextLength]   the row's pieces end to end, then padding
 *   seq_lengths  list<int32>    tokens of each piece; a row's padding, where it has any, is its last entry, so that the
 *                               entries always add up to contextLength: positions, cumulative lengths and the document
 *                               mask follow for every place of the row (TRL's padding-free collator fails otherwise)
 *   padding      int32          places at the row's end that hold no token of a document
 *   labels       fixed_size_list<int32>[contextLength]   only of conversations: the token, or -100 where no loss is taken
 *
 * Which document a piece comes from is in the table beside the shard (pieces-table.ts).
 *
 * Why the stream form: HF `Dataset.from_file` opens only that. Why fixed_size_list: pyarrow 25, HF datasets 5.0 (map,
 * shuffle, save_to_disk, Parquet and back), polars 1.44 and DuckDB 1.5 all take it, nullable or not; it has no offsets,
 * so a row's tokens lie at body + row · rowBytes and the loader reads them with one positioned read.
 *
 * Cost: batches are views of the caller's columns (no copy); the rest is the disk and SHA-256 (1.7 GB/s).
 */
import { createHash } from 'node:crypto';
import {
  type Data,
  Field,
  FixedSizeList,
  Int32,
  List,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  Uint16,
  Uint32,
} from 'apache-arrow';
import { openAtomic } from '../io/atomic.ts';
import { type ShardRows, type TokenArray, type TokenType, tokenBytes } from './shard-rows.ts';

export interface WrittenShard {
  rows: number;
  bytes: number;
  sha256: string;
}

/** A batch holds up to this many rows, and up to this many bytes of tokens where rows are long. */
const BATCH_ROWS = 1024;
const BATCH_BYTES = 16 * 1024 * 1024;

/** Rows per record batch; every batch but the last has exactly that many. */
export function rowsPerBatch(contextLength: number, type: TokenType): number {
  return Math.max(1, Math.min(BATCH_ROWS, Math.floor(BATCH_BYTES / (contextLength * tokenBytes(type)))));
}

/**
 * Writes `rows` to `path`, whole or not at all. `metadata` goes into the Arrow schema, so that a shard that has lost
 * its manifest still says what it is. Throws CorpusmillError('OUTPUT_FAILED') when the file cannot be written.
 */
export async function writeShard(
  path: string,
  rows: ShardRows,
  metadata: Record<string, string>,
): Promise<WrittenShard> {
  const type: TokenType = rows.inputIds instanceof Uint16Array ? 'uint16' : 'uint32';
  const schema = shardSchema(type, rows, metadata);
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  const step = rowsPerBatch(rows.contextLength, type);
  for (let row = 0; row < rows.rows; row += step) {
    writer.write(batchOf(schema, rows, row, Math.min(rows.rows, row + step)));
  }
  writer.close();

  const hash = createHash('sha256');
  let bytes = 0;
  const file = await openAtomic(path);
  try {
    for await (const chunk of writer) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      await file.write(chunk);
    }
    await file.commit();
  } catch (error) {
    await file.abort();
    throw error;
  }
  return { rows: rows.rows, bytes, sha256: hash.digest('hex') };
}

function shardSchema(type: TokenType, rows: ShardRows, metadata: Record<string, string>): Schema {
  const perToken = (item: Uint16 | Uint32 | Int32) =>
    new FixedSizeList(rows.contextLength, new Field('item', item, false));
  const fields: Field[] = [
    new Field('input_ids', perToken(type === 'uint16' ? new Uint16() : new Uint32()), false),
    new Field('seq_lengths', new List(new Field('item', new Int32(), false)), false),
    new Field('padding', new Int32(), false),
  ];
  if (rows.labels !== undefined) fields.push(new Field('labels', perToken(new Int32()), false));
  return new Schema(fields, new Map(Object.entries(metadata)));
}

/** Rows [from, to) as a record batch of views. */
function batchOf(schema: Schema, rows: ShardRows, from: number, to: number): RecordBatch {
  const length = to - from;
  const [inputIds, seqLengths] = schema.fields;
  const perToken = (field: Field, values: TokenArray | Int32Array): Data => {
    const data = values.subarray(from * rows.contextLength, to * rows.contextLength) as Int32Array;
    const type = field.type as FixedSizeList<Int32>;
    const child = makeData({ type: type.valueType, length: data.length, nullCount: 0, data });
    return makeData({ type, length, nullCount: 0, child });
  };
  const children: Data[] = [
    perToken(inputIds, rows.inputIds),
    // The writer shifts these offsets to the batch's own and takes the matching stretch of the whole child column.
    makeData({
      type: seqLengths.type as List<Int32>,
      length,
      nullCount: 0,
      valueOffsets: rows.seqOffsets.subarray(from, to + 1),
      child: makeData({ type: new Int32(), length: rows.seqLengths.length, nullCount: 0, data: rows.seqLengths }),
    }),
    makeData({ type: new Int32(), length, nullCount: 0, data: rows.padding.subarray(from, to) }),
  ];
  if (rows.labels !== undefined) children.push(perToken(schema.fields[3], rows.labels));
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }));
}

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
 * Cost: memory is two batches, one read and hashed while the other is written; SHA-256 takes .6 s a GB.
 */
import { createHash } from 'node:crypto';
import { type Data, Field, FixedSizeList, Int32, List, makeData, Schema, Uint16, Uint32 } from 'apache-arrow';
import { arrowStreamWriter } from '../io/arrow-file-writer.ts';
import { type AtomicFile, openAtomic } from '../io/atomic.ts';
import { type RowTokens, type Shard, type TokenArray, type TokenType, tokenBytes } from './shard-rows.ts';

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
 * Writes `shard` to `path`, whole or not at all. `metadata` goes into the Arrow schema, so that a shard that has lost
 * its manifest still says what it is. Throws CorpusmillError('OUTPUT_FAILED') when the file cannot be written.
 */
export async function writeShard(path: string, shard: Shard, metadata: Record<string, string>): Promise<WrittenShard> {
  const schema = shardSchema(shard, metadata);
  const stream = arrowStreamWriter(schema);
  const step = rowsPerBatch(shard.contextLength, shard.type);
  const hash = createHash('sha256');
  const file = await openAtomic(path, { cached: false });
  let underWay = Promise.resolve();
  /** Writes pieces while the caller goes on, one call after another; the first failure is the next call's. */
  const write = async (pieces: readonly Uint8Array[]): Promise<void> => {
    const few = [...inFewPieces(pieces)];
    for (const piece of few) hash.update(piece);
    await underWay;
    underWay = writeAll(file, few);
    // It is heard of at the next call.
    underWay.catch(() => {});
  };
  try {
    for (let row = 0; row < shard.rows; row += step) {
      const end = Math.min(shard.rows, row + step);
      const tokens = await shard.readRows(row, end);
      await write(stream.batch(batchOf(schema, shard, tokens, row, end), end - row));
    }
    await write(stream.finish());
    await underWay;
    const { bytes } = file;
    await file.commit();
    return { rows: shard.rows, bytes, sha256: hash.digest('hex') };
  } catch (error) {
    await underWay.catch(() => {});
    await file.abort();
    throw error;
  }
}

async function writeAll(file: AtomicFile, pieces: readonly Uint8Array[]): Promise<void> {
  for (const piece of pieces) await file.write(piece);
}

/** Pieces up to this size are copied together, larger ones cost more to copy than to write by themselves. */
const SMALL_PIECE = 1 << 16;

/** The same bytes: a batch comes in some twenty pieces, most of them a few bytes. */
function* inFewPieces(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = [];
  for (const piece of pieces) {
    if (piece.length <= SMALL_PIECE) {
      small.push(piece);
      continue;
    }
    if (small.length > 0) yield Buffer.concat(small);
    small = [];
    yield piece;
  }
  if (small.length > 0) yield Buffer.concat(small);
}

function shardSchema({ type, contextLength, hasLabels }: Shard, metadata: Record<string, string>): Schema {
  const perToken = (item: Uint16 | Uint32 | Int32) => new FixedSizeList(contextLength, new Field('item', item, false));
  const fields: Field[] = [
    new Field('input_ids', perToken(type === 'uint16' ? new Uint16() : new Uint32()), false),
    new Field('seq_lengths', new List(new Field('item', new Int32(), false)), false),
    new Field('padding', new Int32(), false),
  ];
  if (hasLabels) fields.push(new Field('labels', perToken(new Int32()), false));
  return new Schema(fields, new Map(Object.entries(metadata)));
}

/** The columns of rows [from, to), as views. */
function batchOf(schema: Schema, shard: Shard, { inputIds, labels }: RowTokens, from: number, to: number): Data[] {
  const length = to - from;
  const [idsField, seqLengths, , labelsField] = schema.fields;
  const perToken = (field: Field, data: TokenArray | Int32Array): Data => {
    const type = field.type as FixedSizeList<Int32>;
    const values = { type: type.valueType, length: data.length, nullCount: 0, data: data as Int32Array };
    return makeData({ type, length, nullCount: 0, child: makeData(values) });
  };
  const children: Data[] = [
    perToken(idsField, inputIds),
    // The writer shifts these offsets to the batch's own and takes the matching stretch of the whole child column.
    makeData({
      type: seqLengths.type as List<Int32>,
      length,
      nullCount: 0,
      valueOffsets: shard.seqOffsets.subarray(from, to + 1),
      child: makeData({ type: new Int32(), length: shard.seqLengths.length, nullCount: 0, data: shard.seqLengths }),
    }),
    makeData({ type: new Int32(), length, nullCount: 0, data: shard.padding.subarray(from, to) }),
  ];
  if (labels !== undefined) children.push(perToken(labelsField, labels));
  return children;
}

/**
 * Adding up the piece counts of the parts of a corpus, in bounded memory and exactly.
 *
 * Serialized counts are cut into partitions by a hash of the piece, so a partition of all parts holds every occurrence of
 * its pieces. Groups of partitions are read and added one after another, each partition on one of several threads.
 *
 * The rule of the bound: of all pieces, only those stay that occur more than c times, c being the smallest count for which
 * at most `maxPieces` do. A piece whose count is known to be c or less can go as soon as that many others are known, so
 * memory holds `maxPieces` and a quarter more, and the parts' order does not matter.
 */
import { CorpusmillError } from '../core/errors.ts';
import {
  addPartitions,
  createPieceCounts,
  DIRECTORY_BYTES,
  gatherPieces,
  MAGIC,
  PARTITIONS,
  type PieceColumns,
  type PieceCounts,
  readPieces,
} from './piece-counts.ts';

/** Serialized counts, read by ranges of bytes. */
export interface CountBlob {
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface SumOptions {
  maxPieces: number;
  threads: number;
  /** Called after each group with the part that is done, in [0, 1]. */
  onProgress?: (fraction: number) => void;
  signal?: AbortSignal;
}

/** The pieces that stayed, and what went under the bound. */
export interface SummedCounts {
  pieces: PieceColumns;
  dropped: { pieces: number; occurrences: number; upToCount: number };
}

/** Bytes of partitions that are read and added at a time. */
const GROUP_BYTES = 64 << 20;
/** Pieces are dropped when there are this many times too many, so that it is done rarely. */
const SLACK = 1.25;

/** Throws INPUT_CORRUPT for what `serialize` did not write, and INPUT_UNREADABLE when distinct pieces pass 4 GiB. */
export async function sumPieceCounts(blobs: readonly CountBlob[], options: SumOptions): Promise<SummedCounts> {
  const { maxPieces, threads, onProgress, signal } = options;
  const ends = await Promise.all(blobs.map(readDirectory));
  const tables = Array.from({ length: Math.max(1, threads) }, createPieceCounts);
  const dropped = { pieces: 0, occurrences: 0, upToCount: 0 };
  for (let first = 0; first < PARTITIONS; ) {
    signal?.throwIfAborted();
    let next = first + 1;
    while (next < PARTITIONS && bytesOf(ends, first, next + 1) <= GROUP_BYTES) next++;
    const partitions: Uint8Array[][] = tables.map(() => []);
    for (const [i, blob] of blobs.entries()) {
      const from = ends[i][first];
      const bytes = await blob.read(from, ends[i][next] - from);
      if (bytes.length !== ends[i][next] - from) throw corrupt('they end before their last partition');
      for (let partition = first; partition < next; partition++) {
        partitions[partition % tables.length].push(
          bytes.subarray(ends[i][partition] - from, ends[i][partition + 1] - from),
        );
      }
    }
    if (!addPartitions(tables, partitions)) throw corrupt('a piece passes the end of its partition');
    first = next;
    const most = first === PARTITIONS ? maxPieces : maxPieces * SLACK;
    if (sizeOf(tables) > most) dropRarest(tables, maxPieces, dropped);
    onProgress?.(first / PARTITIONS);
  }
  return { pieces: pieceColumns(tables), dropped };
}

/** The pieces of tables in memory, summed under the same rule; the tables are empty afterwards. */
export function sumTables(tables: readonly PieceCounts[], maxPieces: number): SummedCounts {
  gatherPieces(tables);
  const dropped = { pieces: 0, occurrences: 0, upToCount: 0 };
  if (sizeOf(tables) > maxPieces) dropRarest(tables, maxPieces, dropped);
  return { pieces: pieceColumns(tables), dropped };
}

/** The pieces of tables as columns; the tables are empty afterwards, and their memory free. */
export function pieceColumns(tables: readonly PieceCounts[]): PieceColumns {
  const bytes = tables.reduce((sum, table) => sum + table.pieceBytes, 0);
  if (bytes > 0xffffffff) {
    throw new CorpusmillError('INPUT_UNREADABLE', 'counting pieces for a tokenizer: distinct pieces pass 4 GiB', {
      hint: 'Lower maxPieces, or train on a sample of the corpus.',
    });
  }
  const size = sizeOf(tables);
  const columns: PieceColumns = {
    size,
    arena: new Uint8Array(bytes),
    starts: new Uint32Array(size + 1),
    counts: new Float64Array(size),
  };
  readPieces(tables, columns);
  for (const table of tables) table.drop(Number.MAX_SAFE_INTEGER);
  return columns;
}

/** Offset of each partition and of the end. */
async function readDirectory(blob: CountBlob): Promise<Float64Array> {
  const bytes = await blob.read(0, DIRECTORY_BYTES);
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) throw corrupt('they do not begin with CMPC2');
  if (bytes.length < DIRECTORY_BYTES) throw corrupt('they end in their directory');
  const directory = new DataView(bytes.buffer, bytes.byteOffset + MAGIC.length);
  const ends = new Float64Array(PARTITIONS + 1).fill(DIRECTORY_BYTES);
  for (let i = 0; i < PARTITIONS; i++) ends[i + 1] = ends[i] + directory.getUint32(4 * i, true);
  return ends;
}

function corrupt(what: string): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `reading piece counts: ${what}`, {
    hint: 'Delete the run directory and run again.',
  });
}

function bytesOf(ends: readonly Float64Array[], first: number, next: number): number {
  return ends.reduce((sum, end) => sum + end[next] - end[first], 0);
}

function sizeOf(tables: readonly PieceCounts[]): number {
  return tables.reduce((sum, table) => sum + table.size, 0);
}

function dropRarest(tables: readonly PieceCounts[], maxPieces: number, dropped: SummedCounts['dropped']): void {
  const counts = new Float64Array(sizeOf(tables));
  let filled = 0;
  for (const table of tables) {
    counts.set(table.allCounts(), filled);
    filled += table.size;
  }
  counts.sort();
  const upToCount = counts[counts.length - maxPieces - 1];
  for (const count of counts) {
    if (count > upToCount) break;
    dropped.pieces++;
    dropped.occurrences += count;
  }
  dropped.upToCount = upToCount;
  for (const table of tables) table.drop(upToCount);
}

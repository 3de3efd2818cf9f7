/**
 * Rows of open shards read into one batch. The tokens of all rows are one call (read-ranges.ts), consecutive rows one
 * read; the arrays of a batch are views of the memory that was read into, nothing is copied.
 *
 * Where the pieces of a row begin and end lies in other columns. They are some 20 bytes a row: of sets for which that is
 * at most 64 MiB (3 million rows) they are read a record batch at a time and held; of larger ones they are read row by
 * row, so that memory stays flat, at three reads more per row.
 */
import { CorpusmillError } from '../../core/errors.ts';
import type { ShardManifest } from '../manifest.ts';
import type { BatchPlace, RowPieces, ShardFile } from '../shard-file.ts';
import { NO_LABEL, type TokenArray, tokenBytes } from '../shard-rows.ts';
import type { ShardSet } from '../shard-set.ts';
import { addRange, noRanges, type Ranges, readRanges } from './read-ranges.ts';

/** A row to read. */
export interface RowPlace {
  set: ShardSet;
  row: number;
}

export interface RowData {
  /** [rows · contextLength] */
  inputIds: TokenArray;
  /** Per row: tokens of each piece, then of the padding where there is any. */
  seqLengths: Int32Array[];
  /** [rows]: tokens of documents in each. */
  validTokens: Int32Array;
  /** [rows · contextLength], of sets of conversations: the token, or −100 where no loss is taken; not shifted. */
  labels?: Int32Array;
}

type RowForm = Pick<ShardManifest, 'contextLength' | 'dtype' | 'pad' | 'columns'>;

/** Reads rows of sets of one form into a batch of `room` rows: those behind the last are padding. */
export type RowReader = (rows: readonly RowPlace[], room: number) => Promise<RowData>;

/** Consecutive rows of one record batch. */
interface Run {
  file: ShardFile;
  batch: number;
  place: Readonly<BatchPlace>;
  /** First row within the record batch, and rows. */
  from: number;
  rows: number;
  /** First row within what is read. */
  at: number;
}

const MOST_HELD_BYTES = 2 ** 26;

/**
 * A reader of rows. It throws CorpusmillError as `readRanges` does, and INPUT_CORRUPT naming shard and row where lengths
 * do not add up.
 */
export function createRowReader(sets: readonly ShardSet[], form: RowForm, mostHeldBytes = MOST_HELD_BYTES): RowReader {
  let bytes = 0;
  for (const { rows, manifest } of sets) bytes += 12 * rows + 4 * (rows + manifest.documents);
  const lengthsOf = bytes <= mostHeldBytes ? heldLengths() : readLengths;
  const { contextLength, dtype, pad } = form;
  const rowBytes = contextLength * tokenBytes(dtype);
  const labelBytes = hasLabels(form) ? 4 * contextLength : 0;
  return async (rows, room) => {
    const runs = await runsOf(rows);
    const ranges = noRanges();
    const labelsAt = Math.ceil((room * rowBytes) / 4) * 4;
    for (const { file, place, from, rows: count, at } of runs) {
      addRange(ranges, file, place.tokens + from * rowBytes, count * rowBytes, at * rowBytes);
      if (labelBytes === 0) continue;
      addRange(ranges, file, place.labels + from * labelBytes, count * labelBytes, labelsAt + at * labelBytes);
    }
    const [block, lengths] = await Promise.all([
      readRanges(ranges, labelsAt + room * labelBytes),
      lengthsOf(runs, rows.length, contextLength),
    ]);
    const places = room * contextLength;
    const inputIds = dtype === 'uint16' ? new Uint16Array(block, 0, places) : new Uint32Array(block, 0, places);
    inputIds.fill(pad.id, rows.length * contextLength);
    const validTokens = new Int32Array(room);
    for (const run of runs) {
      for (let r = 0; r < run.rows; r++) {
        const own = lengths.seqLengths[run.at + r];
        let sum = 0;
        for (let i = 0; i < own.length; i++) sum += own[i];
        const padding = lengths.padding[run.at + r];
        if (sum !== contextLength) throw corrupt(run, r, `lengths that add up to ${sum} instead of ${contextLength}`);
        if (padding < 0 || padding > contextLength) throw corrupt(run, r, `${padding} places of padding`);
        validTokens[run.at + r] = contextLength - padding;
      }
    }
    while (lengths.seqLengths.length < room) lengths.seqLengths.push(Int32Array.of(contextLength));
    const data: RowData = { inputIds, seqLengths: lengths.seqLengths, validTokens };
    if (labelBytes > 0) {
      data.labels = new Int32Array(block, labelsAt, places);
      data.labels.fill(NO_LABEL, rows.length * contextLength);
    }
    return data;
  };
}

/** Whether the rows of a set have a column of labels. */
export function hasLabels({ columns }: Pick<ShardManifest, 'columns'>): boolean {
  return columns['labels'] !== undefined;
}

async function runsOf(rows: readonly RowPlace[]): Promise<Run[]> {
  const runs: Run[] = [];
  for (let i = 0; i < rows.length; ) {
    const { set, row } = rows[i];
    const shard = set.shardOf(row);
    const file = await set.file(shard);
    const inShard = row - set.firstRow(shard);
    const batch = file.batchOf(inShard);
    const place = file.place(batch);
    const from = inShard - place.firstRow;
    let count = 1;
    const follows = (next: RowPlace | undefined) => next?.set === set && next.row === row + count;
    while (from + count < place.rows && follows(rows[i + count])) count++;
    runs.push({ file, batch, place, from, rows: count, at: i });
    i += count;
  }
  return runs;
}

interface RowLengths {
  /** Of each row. */
  seqLengths: Int32Array[];
  padding: number[];
}

/** Lengths of whole record batches, read once and held. */
function heldLengths(): (runs: readonly Run[], rows: number, contextLength: number) => Promise<RowLengths> {
  const held = new Map<ShardFile, (Promise<RowPieces> | undefined)[]>();
  const piecesOf = (file: ShardFile, batch: number): Promise<RowPieces> => {
    let batches = held.get(file);
    if (batches === undefined) {
      batches = [];
      held.set(file, batches);
    }
    batches[batch] ??= file.readPieces(batch);
    return batches[batch];
  };
  return async (runs, rows) => {
    const seqLengths: Int32Array[] = new Array(rows);
    const padding: number[] = new Array(rows);
    for (const { file, batch, from, rows: count, at } of runs) {
      const pieces = await piecesOf(file, batch);
      for (let r = 0; r < count; r++) {
        seqLengths[at + r] = pieces.seqLengths.subarray(pieces.seqOffsets[from + r], pieces.seqOffsets[from + r + 1]);
        padding[at + r] = pieces.padding[from + r];
      }
    }
    return { seqLengths, padding };
  };
}

/** Lengths of these rows alone: offsets first, then what they point to. */
async function readLengths(runs: readonly Run[], rows: number, contextLength: number): Promise<RowLengths> {
  // A run of n rows has n + 1 offsets, and behind those of all runs its n numbers of padding.
  const count = rows + runs.length;
  const offsetRanges = noRanges();
  let at = 0;
  for (const { file, place, from, rows: inRun } of runs) {
    addRange(offsetRanges, file, place.seqOffsets + 4 * from, 4 * (inRun + 1), 4 * at);
    at += inRun + 1;
  }
  at = 0;
  for (const { file, place, from, rows: inRun } of runs) {
    addRange(offsetRanges, file, place.padding + 4 * from, 4 * inRun, 4 * (count + at));
    at += inRun;
  }
  const offsets = await readInts(offsetRanges, count + rows);

  const lengthRanges = noRanges();
  let entries = 0;
  at = 0;
  for (const run of runs) {
    for (let r = 0; r < run.rows; r++) {
      const own = offsets[at + r + 1] - offsets[at + r];
      if (offsets[at + r] < 0 || own < 1 || own > contextLength + 1) throw corrupt(run, r, `${own} lengths`);
    }
    const inRun = offsets[at + run.rows] - offsets[at];
    addRange(lengthRanges, run.file, run.place.seqLengths + 4 * offsets[at], 4 * inRun, 4 * entries);
    entries += inRun;
    at += run.rows + 1;
  }
  const lengths = await readInts(lengthRanges, entries);

  const seqLengths: Int32Array[] = [];
  const padding = [...offsets.subarray(count)];
  let entry = 0;
  at = 0;
  for (const run of runs) {
    for (let r = 0; r < run.rows; r++, at++) {
      const own = lengths.subarray(entry, entry + offsets[at + 1] - offsets[at]);
      entry += own.length;
      seqLengths.push(own);
    }
    at++;
  }
  return { seqLengths, padding };
}

async function readInts(ranges: Ranges, count: number): Promise<Int32Array> {
  return new Int32Array(await readRanges(ranges, 4 * count));
}

function corrupt({ file, place, from }: Run, row: number, found: string): CorpusmillError {
  const inShard = place.firstRow + from + row;
  return new CorpusmillError('INPUT_CORRUPT', `reading ${file.path}: row ${inShard} has ${found}`, {
    hint: 'Compare the file with its checksum in manifest.json, and copy or make it again.',
  });
}

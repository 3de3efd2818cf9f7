/**
 * A pass's task where no stage asks for documents: without map stages, and with observers that look at texts alone. The chunk
 * is read into columns, the observers go through them block by block, and they are written as they lie; what is left is the
 * same, byte for byte, as when documents pass one by one (pass-task.ts).
 */
import { native } from '../core/native.ts';
import type { Observer } from '../core/stage.ts';
import { addSize, sizeHistogram } from '../core/stats.ts';
import type { TextRows, Utf8Column } from '../core/utf8-column.ts';
import { createDocumentEncoder } from '../io/document-batch.ts';
import type { BadRecord, Chunk } from '../io/input.ts';
import { parseChunkColumns } from '../io/parse.ts';
import type { PartStatistics } from './part-statistics.ts';
import type { PassTask } from './pass-spec.ts';
import { writePart } from './write-part.ts';

/** A block's texts and all that observers make of them stay in the processor's cache. */
const BLOCK_BYTES = 256 * 1024;
const BLOCK_ROWS = 1024;

/** An observer that takes texts in blocks. */
export type ColumnObserver = Observer & Required<Pick<Observer, 'observeTexts'>>;

/** Whether all observers take texts in blocks. */
export function canObserveColumns(observers: readonly Observer[]): observers is readonly ColumnObserver[] {
  return observers.every(canObserveTexts);
}

/** Whether it takes texts in blocks. */
export function canObserveTexts(observer: Observer): observer is ColumnObserver {
  return native !== undefined && observer.observeTexts !== undefined;
}

/** Rows [from, to). */
interface RowRange {
  from: number;
  to: number;
}

/** Shows the observers rows of a part, all of them if not told which, block by block. */
export function observeColumn(
  texts: Utf8Column,
  observers: readonly ColumnObserver[],
  ranges: Iterable<RowRange> = [{ from: 0, to: texts.offsets.length - 1 }],
): void {
  for (const range of ranges) {
    for (const block of blocksOf(texts, range)) {
      for (const observer of observers) observer.observeTexts(block);
    }
  }
}

/** The rows that are alive, in ranges that are as long as they can be. */
export function* aliveRanges(alive: Uint8Array): Generator<RowRange> {
  for (let from = alive.indexOf(1); from >= 0; ) {
    const end = alive.indexOf(0, from);
    const to = end < 0 ? alive.length : end;
    yield { from, to };
    from = alive.indexOf(1, to);
  }
}

/** Runs a task without map stages over a chunk of input. */
export async function passColumns(
  { spec, part }: PassTask,
  chunk: Chunk,
  observers: readonly ColumnObserver[],
): Promise<PartStatistics> {
  const started = performance.now();
  const encoder = createDocumentEncoder();
  const bad: BadRecord[] = [];
  const counters = await parseChunkColumns(chunk, spec.inputs, encoder, (record) => bad.push(record));
  const texts = encoder.texts.column();
  const { rows } = encoder.texts;
  observeColumn(texts, observers);
  const input = spec.inputs.findLastIndex(({ name }) => name === spec.inputs[chunk.input].name);
  const rowInfo = new Uint32Array(2 * rows);
  const lengths = sizeHistogram();
  for (let row = 0; row < rows; row++) {
    const bytes = texts.offsets[row + 1] - texts.offsets[row];
    addSize(lengths, bytes);
    rowInfo[2 * row] = bytes;
    rowInfo[2 * row + 1] = input;
  }
  const volume = { documents: rows, bytes: lengths.sum };
  const parsing = performance.now() - started;

  const encoding = performance.now();
  return writePart(spec, part, {
    documents: encoder.finish(),
    rowInfo,
    dropped: [],
    observers,
    statistics: () => ({
      rows,
      read: volume,
      kept: { ...volume },
      stages: [],
      lengths,
      sources: rows === 0 ? {} : { [input]: { ...volume } },
      bad,
      counters,
      milliseconds: [parsing, performance.now() - encoding],
      ...(spec.audit && { audit: { key: spec.audit.key, documents: 0, bytes: 0 } }),
    }),
  });
}

/** Rows one behind the other, a block at a time. */
function* blocksOf({ bytes, offsets }: Utf8Column, { from, to: end }: RowRange): Generator<TextRows> {
  while (from < end) {
    let to = from + 1;
    while (to < end && to - from < BLOCK_ROWS && offsets[to + 1] - offsets[from] <= BLOCK_BYTES) to++;
    yield { bytes, offsets, from, to };
    from = to;
  }
}

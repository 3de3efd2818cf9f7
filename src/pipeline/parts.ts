/**
 * Parts: the numbered files in which documents rest between phases.
 *
 * A pass leaves for part N: `N.arrow` (documents), `N.rows` (uint32 pairs: UTF-8 bytes of text, input index) and
 * `N.json` (statistics; written last, so its presence means that the part is whole). A barrier leaves
 * `decisions/N.bin`: for every row, the ordinal of the document that stands for it (its own when kept), and `edits/N.bin`
 * where it cuts or marks text: (row, start, end) of each span.
 */
import { closeSync, existsSync, fstatSync, openSync, read, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Document } from '../core/document.ts';
import { CorpusmillError, systemCode } from '../core/errors.ts';
import { collectGarbage } from '../core/memory.ts';
import { borrowBytes, returnBytes } from '../core/reused-bytes.ts';
import type { TextEdits } from '../core/stage.ts';
import type { Utf8Column } from '../core/utf8-column.ts';
import type { DocumentStart } from '../io/document-batch.ts';
import { applyEdits } from './edits.ts';

/** A part and the decisions that apply to it; plain data, so that it can be sent to a worker. */
export interface PartRef {
  part: number;
  /** Folder of the pass that wrote it. */
  dir: string;
  rows: number;
  firstOrdinal: number;
  /** `decide` folders of the barriers decided since, in order. */
  decisions: string[];
  /** Of those the ones that cut or mark text. */
  edits: EditsRef[];
}

/** Where a barrier's spans lie, and what is done with them. */
export interface EditsRef {
  dir: string;
  /** The barrier's instance name: where marks go in `meta`. */
  name: string;
  action: TextEdits['action'];
}

export function partName(part: number): string {
  return String(part).padStart(5, '0');
}

export function partFile(dir: string, part: number, kind: 'arrow' | 'rows' | 'json'): string {
  return join(dir, 'parts', `${partName(part)}.${kind}`);
}

/** Dropped documents of a part, until they are merged: JSON lines, absent where there are none. */
export function partDroppedFile(dir: string, part: number): string {
  return join(dir, 'dropped', `${partName(part)}.jsonl`);
}

export function featureFile(barrierDir: string, part: number): string {
  return join(barrierDir, 'features', `${partName(part)}.bin`);
}

export function decisionFile(decideDir: string, part: number): string {
  return join(decideDir, 'decisions', `${partName(part)}.bin`);
}

/** Spans of a part's documents that a barrier cut or marked; absent where there are none. */
export function editsFile(decideDir: string, part: number): string {
  return join(decideDir, 'edits', `${partName(part)}.bin`);
}

export function partRefs(dir: string, rows: readonly number[], decisions: string[], edits: EditsRef[] = []): PartRef[] {
  let firstOrdinal = 0;
  return rows.map((count, part) => {
    const ref = { part, dir, rows: count, firstOrdinal, decisions, edits };
    firstOrdinal += count;
    return ref;
  });
}

/** Rows of all parts. */
export function rowsOf(refs: readonly PartRef[]): number {
  return refs.reduce((sum, ref) => sum + ref.rows, 0);
}

/** 1 for every row that all decisions keep; undefined when there is nothing that could drop any. */
export async function readAlive(ref: PartRef): Promise<Uint8Array | undefined> {
  if (ref.decisions.length === 0 || ref.rows === 0) return undefined;
  const alive = new Uint8Array(ref.rows).fill(1);
  for (const dir of ref.decisions) {
    const keptAs = await readWords(decisionFile(dir, ref.part), ref.rows);
    for (let row = 0; row < ref.rows; row++) {
      if (keptAs[row] !== ref.firstOrdinal + row) alive[row] = 0;
    }
  }
  return alive;
}

/** The part's surviving documents, in row order, edited as the barriers decided. */
export async function readPartDocuments(ref: PartRef): Promise<Document[]> {
  if (ref.rows === 0) return [];
  collectGarbage();
  const path = partFile(ref.dir, ref.part, 'arrow');
  const alive = await readAlive(ref);
  const { decodeDocuments } = await documentBatch();
  const documents = await withPartBytes(path, (bytes) => atPath(path, () => decodeDocuments(bytes)));
  if (documents.length !== ref.rows) throw damaged(path, `it holds ${documents.length} documents, not ${ref.rows}`);
  for (const edits of ref.edits) applyEdits(documents, await readSpans(ref, edits), edits);
  return alive === undefined ? documents : documents.filter((_, row) => alive[row] === 1);
}

/** The spans that a barrier left for the part. */
export async function readSpans(ref: PartRef, { dir }: EditsRef): Promise<Uint32Array> {
  const path = editsFile(dir, ref.part);
  return existsSync(path) ? wordsOf(path, await readPartFile(path)) : new Uint32Array(0);
}

/** Row lengths and sources: bytes of row r at [2r], input index at [2r + 1]. */
export async function readPartRows(ref: PartRef): Promise<Uint32Array> {
  return ref.rows === 0 ? new Uint32Array(0) : readWords(partFile(ref.dir, ref.part, 'rows'), 2 * ref.rows);
}

/** Documents by ordinal, in the order asked; each part is read once per run of neighbours. */
export async function readByOrdinal(refs: readonly PartRef[], ordinals: readonly number[]): Promise<Document[]> {
  return readRows(refs, ordinals, (await documentBatch()).readDocumentRows);
}

/** The same with no more of each text than its first `units` UTF-16 units need. */
export async function readStartsByOrdinal(
  refs: readonly PartRef[],
  ordinals: readonly number[],
  units: number,
): Promise<DocumentStart[]> {
  const { readDocumentStarts } = await documentBatch();
  return readRows(refs, ordinals, (bytes, rows) => readDocumentStarts(bytes, rows, units));
}

/** The same for texts alone. */
export async function readTextsByOrdinal(refs: readonly PartRef[], ordinals: readonly number[]): Promise<string[]> {
  return readRows(refs, ordinals, (await documentBatch()).readTextRows);
}

/** The texts of all rows of a part, as they lie in its file; `use` keeps nothing of them. */
export async function withTextsOfPart(
  refs: readonly PartRef[],
  part: number,
  use: (texts: Utf8Column) => void,
): Promise<void> {
  const ref = refs.find((other) => other.part === part);
  if (ref === undefined) throw new RangeError(`there is no part ${part}`);
  const path = partFile(ref.dir, part, 'arrow');
  const { readDocumentColumns } = await documentBatch();
  await withPartBytes(path, (bytes) => {
    const { texts } = atPath(path, () => readDocumentColumns(bytes));
    const rows = texts.offsets.length - 1;
    if (rows !== ref.rows) throw damaged(path, `it holds ${rows} documents, not ${ref.rows}`);
    use(texts);
  });
}

/** Loaded by those that read documents: workers, and not the main thread, which needs the rest of this file. */
function documentBatch() {
  return import('../io/document-batch.ts');
}

async function readRows<T>(
  refs: readonly PartRef[],
  ordinals: readonly number[],
  read: (bytes: Uint8Array, rows: readonly number[]) => T[],
): Promise<T[]> {
  const found: T[] = [];
  let at = 0;
  while (at < ordinals.length) {
    const ref = partOf(refs, ordinals[at]);
    const rows: number[] = [];
    while (at < ordinals.length && ordinals[at] >= ref.firstOrdinal && ordinals[at] < ref.firstOrdinal + ref.rows) {
      rows.push(ordinals[at++] - ref.firstOrdinal);
    }
    if (rows.length === 0) throw new RangeError(`no document has ordinal ${ordinals[at]}`);
    const path = partFile(ref.dir, ref.part, 'arrow');
    const some = await withPartBytes(path, (bytes) => atPath(path, () => read(bytes, rows)));
    for (const each of some) found.push(each);
  }
  return found;
}

function partOf(refs: readonly PartRef[], ordinal: number): PartRef {
  let low = 0;
  let high = refs.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (refs[middle].firstOrdinal <= ordinal) low = middle;
    else high = middle - 1;
  }
  // Empty parts share their first ordinal with the next part; the search lands on the last of them, the full one.
  return refs[low];
}

/** The uint32 of a file that must hold `count` of them: a short one would drop documents in silence. */
async function readWords(path: string, count: number): Promise<Uint32Array> {
  const bytes = await readPartFile(path);
  if (bytes.byteLength !== 4 * count) throw damaged(path, `it has ${bytes.byteLength} bytes, not ${4 * count}`);
  return wordsOf(path, bytes);
}

function wordsOf(path: string, bytes: Buffer<ArrayBuffer>): Uint32Array {
  if (bytes.byteLength % 4 !== 0) throw damaged(path, `its ${bytes.byteLength} bytes are no whole number of words`);
  if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/**
 * Reads a file that an earlier phase left in the run directory. Throws INPUT_CORRUPT when it is gone. This thread reads,
 * here as in `readPartRange`: decisions read one file or stretch after the other, thousands of them, and wait for each;
 * through Node's pool of threads a stretch of 340 KB cost .6 ms of processor time, so .06.
 */
export async function readPartFile(path: string): Promise<Buffer<ArrayBuffer>> {
  await nextTurn();
  try {
    return readFileSync(path);
  } catch (error) {
    throw orGone(path, error);
  }
}

/**
 * Reads a file of documents into memory that is used again; `use` keeps nothing of it. The reading alone is left to Node's pool of
 * threads, so that another task of this thread can go on while the disk is at work.
 */
export async function withPartBytes<R>(path: string, use: (bytes: Uint8Array) => R | Promise<R>): Promise<Awaited<R>> {
  const file = openPart(path);
  try {
    const { size } = fstatSync(file);
    const buffer = borrowBytes(size);
    try {
      const bytes = buffer.subarray(0, size);
      for (let at = 0; at < size; ) {
        const { bytesRead } = await readLater(file, bytes, at, size - at, at);
        if (bytesRead === 0) throw endsEarly(path, size);
        at += bytesRead;
      }
      return await use(bytes);
    } finally {
      returnBytes(buffer);
    }
  } finally {
    closeSync(file);
  }
}

const readLater = promisify(read);

/** The features that a barrier's observer left for a part, or a stretch of them, which `into` has the bytes for. */
export function readFeatures(
  barrierDir: string,
  part: number,
  range?: { offset: number; length: number },
  into?: Uint8Array,
): Promise<Uint8Array> {
  const path = featureFile(barrierDir, part);
  if (range === undefined) return readPartFile(path);
  return readPartRange(path, range.offset, into ?? new Uint8Array(range.length));
}

async function readPartRange(path: string, offset: number, bytes: Uint8Array): Promise<Uint8Array> {
  await nextTurn();
  const file = openPart(path);
  try {
    for (let at = 0; at < bytes.length; ) {
      const bytesRead = readSync(file, bytes, at, bytes.length - at, offset + at);
      if (bytesRead === 0) throw endsEarly(path, offset + bytes.length);
      at += bytesRead;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

function openPart(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw orGone(path, error);
  }
}

function orGone(path: string, error: unknown): unknown {
  return systemCode(error) === 'ENOENT' ? damaged(path, 'it is gone') : error;
}

function endsEarly(path: string, byte: number): CorpusmillError {
  return damaged(path, `it ends before byte ${byte}`);
}

/** What is corrupt for `read` is so in the file at `path`. */
export function atPath<R>(path: string, read: () => R): R {
  try {
    return read();
  } catch (error) {
    throw error instanceof CorpusmillError ? damaged(path, error.message) : error;
  }
}

/** The error that a file of an earlier phase is not as that left it. */
export function damaged(path: string, what: string): CorpusmillError {
  const [, phase, folder] = /[/\\]phases[/\\]([^/\\]+)[/\\]([^/\\]+)/.exec(path) ?? [];
  // Features are made by the pass before the barrier, which makes those that it does not find.
  const remedy = folder === 'features' ? `remove the folder ${dirname(dirname(path))}` : `give \`--from ${phase}\``;
  return new CorpusmillError('INPUT_CORRUPT', `${path} is not as an earlier phase left it: ${what}`, {
    hint: phase === undefined ? 'run again from the start' : `${remedy} to make it again`,
  });
}

/**
 * Parts: the numbered files in which documents rest between phases.
 *
 * A pass leaves for part N: `N.arrow` (documents), `N.rows` (uint32 pairs: UTF-8 bytes of text, input index) and
 * `N.json` (statistics; written last, so its presence means that the part is whole). A barrier leaves
 * `decisions/N.bin`: for every row, the ordinal of the document that stands for it (its own when kept).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Document } from '../core/document.ts';
import { decodeDocuments, readDocumentRows } from '../io/document-batch.ts';

/** A part and the decisions that apply to it; plain data, so that it can be sent to a worker. */
export interface PartRef {
  part: number;
  /** Folder of the pass that wrote it. */
  dir: string;
  rows: number;
  firstOrdinal: number;
  /** `decide` folders of the barriers decided since, in order. */
  decisions: string[];
}

export function partName(part: number): string {
  return String(part).padStart(5, '0');
}

export function partFile(dir: string, part: number, kind: 'arrow' | 'rows' | 'json'): string {
  return join(dir, 'parts', `${partName(part)}.${kind}`);
}

export function featureFile(barrierDir: string, part: number): string {
  return join(barrierDir, 'features', `${partName(part)}.bin`);
}

export function decisionFile(decideDir: string, part: number): string {
  return join(decideDir, 'decisions', `${partName(part)}.bin`);
}

export function partRefs(dir: string, rows: readonly number[], decisions: string[]): PartRef[] {
  let firstOrdinal = 0;
  return rows.map((count, part) => {
    const ref = { part, dir, rows: count, firstOrdinal, decisions };
    firstOrdinal += count;
    return ref;
  });
}

/** 1 for every row that all decisions keep; undefined when there is nothing that could drop any. */
export async function readAlive(ref: PartRef): Promise<Uint8Array | undefined> {
  if (ref.decisions.length === 0 || ref.rows === 0) return undefined;
  const alive = new Uint8Array(ref.rows).fill(1);
  for (const dir of ref.decisions) {
    const keptAs = toUint32(await readFile(decisionFile(dir, ref.part)));
    for (let row = 0; row < ref.rows; row++) {
      if (keptAs[row] !== ref.firstOrdinal + row) alive[row] = 0;
    }
  }
  return alive;
}

/** The part's surviving documents, in row order. */
export async function readPartDocuments(ref: PartRef): Promise<Document[]> {
  if (ref.rows === 0) return [];
  const [bytes, alive] = await Promise.all([readFile(partFile(ref.dir, ref.part, 'arrow')), readAlive(ref)]);
  const documents = decodeDocuments(bytes);
  return alive === undefined ? documents : documents.filter((_, row) => alive[row] === 1);
}

/** Row lengths and sources: bytes of row r at [2r], input index at [2r + 1]. */
export async function readPartRows(ref: PartRef): Promise<Uint32Array> {
  return ref.rows === 0 ? new Uint32Array(0) : toUint32(await readFile(partFile(ref.dir, ref.part, 'rows')));
}

/** Documents by ordinal, in the order asked; each part is read once per run of neighbours. */
export async function readByOrdinal(refs: readonly PartRef[], ordinals: readonly number[]): Promise<Document[]> {
  const found: Document[] = [];
  let at = 0;
  while (at < ordinals.length) {
    const ref = partOf(refs, ordinals[at]);
    const rows: number[] = [];
    while (at < ordinals.length && ordinals[at] >= ref.firstOrdinal && ordinals[at] < ref.firstOrdinal + ref.rows) {
      rows.push(ordinals[at++] - ref.firstOrdinal);
    }
    if (rows.length === 0) throw new RangeError(`no document has ordinal ${ordinals[at]}`);
    found.push(...readDocumentRows(await readFile(partFile(ref.dir, ref.part, 'arrow')), rows));
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

function toUint32(bytes: Buffer): Uint32Array {
  if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return new Uint32Array(copy);
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { stringsOf } from '../../src/core/utf8-column.ts';
import { encodeDocuments } from '../../src/io/document-batch.ts';
import {
  decisionFile,
  partFile,
  partRefs,
  readAlive,
  readByOrdinal,
  readPartDocuments,
  withTextsOfPart,
} from '../../src/pipeline/parts.ts';

let dir: string;
const put = (path: string, bytes: Uint8Array): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
};
const putDecision = (decide: string, part: number, keptAs: number[]): void =>
  put(decisionFile(decide, part), Buffer.from(new Uint32Array(keptAs).buffer));
const ids = (documents: Document[]): string[] => documents.map((document) => document.id);

// Three parts of 3, 0 and 2 documents; ordinals 0-2 and 3-4.
const rows = [3, 0, 2];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'corpusmill-parts-'));
  let ordinal = 0;
  rows.forEach((count, part) => {
    if (count === 0) return;
    const documents = Array.from({ length: count }, () => ({ id: `d${ordinal++}`, text: 'x', meta: { source: 's' } }));
    put(partFile(dir, part, 'arrow'), encodeDocuments(documents));
  });
  putDecision(join(dir, 'first'), 0, [0, 0, 2]);
  putDecision(join(dir, 'first'), 2, [3, 4]);
  putDecision(join(dir, 'second'), 0, [0, 1, 2]);
  putDecision(join(dir, 'second'), 2, [2, 4]);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('parts', () => {
  it('numbers documents over parts, empty ones included', () => {
    expect(partRefs(dir, rows, []).map((ref) => ref.firstOrdinal)).toEqual([0, 3, 3]);
  });

  it('reads all documents of a part without decisions', async () => {
    const refs = partRefs(dir, rows, []);
    expect(await readAlive(refs[0])).toBeUndefined();
    expect(ids(await readPartDocuments(refs[0]))).toEqual(['d0', 'd1', 'd2']);
    expect(await readPartDocuments(refs[1])).toEqual([]);
  });

  it('reads past every decision in force', async () => {
    const refs = partRefs(dir, rows, [join(dir, 'first'), join(dir, 'second')]);
    expect(ids(await readPartDocuments(refs[0]))).toEqual(['d0', 'd2']);
    expect(ids(await readPartDocuments(refs[2]))).toEqual(['d4']);
  });

  it('finds documents by ordinal across parts, in the order asked', async () => {
    const refs = partRefs(dir, rows, []);
    expect(ids(await readByOrdinal(refs, [1, 2, 3, 4]))).toEqual(['d1', 'd2', 'd3', 'd4']);
    expect(ids(await readByOrdinal(refs, [4, 0, 3]))).toEqual(['d4', 'd0', 'd3']);
    await expect(readByOrdinal(refs, [5])).rejects.toThrow(RangeError);
  });

  it('gives the texts of all rows of a part, whatever was decided of them', async () => {
    const refs = partRefs(dir, rows, [join(dir, 'first')]);
    const found: string[][] = [];
    await withTextsOfPart(refs, 0, (texts) => found.push(stringsOf(texts)));
    await withTextsOfPart(refs, 2, (texts) => found.push(stringsOf(texts)));
    expect(found).toEqual([
      ['x', 'x', 'x'],
      ['x', 'x'],
    ]);
    await expect(withTextsOfPart(refs, 3, () => {})).rejects.toThrow(RangeError);
    const wrong = partRefs(dir, [2], []);
    await expect(withTextsOfPart(wrong, 0, () => {})).rejects.toMatchObject({ code: 'INPUT_CORRUPT' });
  });

  it('refuses a decision file that was cut short: it would drop documents in silence', async () => {
    putDecision(join(dir, 'short'), 0, [0, 1]);
    const [ref] = partRefs(dir, rows, [join(dir, 'short')]);
    await expect(readPartDocuments(ref)).rejects.toMatchObject({ code: 'INPUT_CORRUPT' });
  });

  it('names a file that is gone, and the phase to run again', async () => {
    const phase = join(dir, 'phases', '01-pass');
    const [ref] = partRefs(phase, [3], []);
    await expect(readPartDocuments(ref)).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: `${partFile(phase, 0, 'arrow')} is not as an earlier phase left it: it is gone`,
      hint: 'give `--from 01-pass` to make it again',
    });
  });
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { createRandom } from '../../src/core/random.ts';
import type { PieceColumns } from '../../src/shards/piece-records.ts';
import { encodePieces, piecesName, readPieces, writePieces } from '../../src/shards/pieces-table.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { asRecords } from './context.ts';

/** Two pieces a row, from row 1,000 on. */
function knownPieces(rows: number): PieceColumns {
  const each = <T>(of: (row: number, piece: number) => T) =>
    Array.from({ length: 2 * rows }, (_, i) => of(1000 + (i >> 1), i & 1));
  return {
    row: Int32Array.from(each((row) => row)),
    piece: Int32Array.from(each((_, piece) => piece)),
    documentId: each((row, piece) => `\ufeff文 ${row}/${piece}`),
    source: each((row) => (row % 3 === 0 ? 'web' : '')),
    start: Int32Array.from(each((row, piece) => row * piece)),
    tokens: Int32Array.from(each((row, piece) => 1 + ((row + piece) % 7))),
  };
}

describe('the table of pieces', () => {
  it('is a Parquet file that hyparquet opens', async () => {
    const path = join(temporaryFolder(), piecesName('shard-00003-of-00017.arrow'));
    expect(path.endsWith('pieces-00003-of-00017.parquet')).toBe(true);
    await writePieces(path, asRecords(knownPieces(3)));
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path) });
    expect(rows).toHaveLength(6);
    // hyparquet drops a leading U+FEFF.
    expect(rows[3]).toEqual({ row: 1001, piece: 1, doc_id: '文 1001/1', source: '', start: 1001, tokens: 2 });
  });

  it('gives the pieces of some rows, or all of them', async () => {
    const path = join(temporaryFolder(), 'pieces.parquet');
    const pieces = knownPieces(40_000);
    await writePieces(path, asRecords(pieces));
    expect(await readPieces(path)).toEqual(pieces);
    // 32,768 rows are a row group: the range spans two.
    const some = await readPieces(path, 33_767, 33_770);
    expect([...some.row]).toEqual([33_767, 33_767, 33_768, 33_768, 33_769, 33_769]);
    expect(some.documentId[3]).toBe('\ufeff文 33768/1');
    expect((await readPieces(path, 41_000, 50_000)).row).toHaveLength(0);
  });

  it('may have no rows', async () => {
    const path = join(temporaryFolder(), 'pieces.parquet');
    await writePieces(path, asRecords(knownPieces(0)));
    expect((await readPieces(path)).documentId).toEqual([]);
  });

  it('is refused when it is something else', async () => {
    const path = join(temporaryFolder(), 'pieces.parquet');
    await writeFile(path, 'no Parquet');
    await expect(readPieces(path)).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: expect.stringContaining('does not begin with PAR1'),
    });
  });
});

/** Pieces of which nothing repeats, or all does, or as chance has it: numbers of every width, ids short, long and empty. */
function chancePieces(seed: number, count: number, kind: 'same' | 'any' | 'words'): PieceColumns {
  const random = createRandom(seed);
  const number = () => (kind === 'same' ? 7 : random.uint32() >> random.below(32));
  const numbers = () => Int32Array.from({ length: count }, number);
  const words = ['wiki', 'web', '/en/', '/zh/', '語料', '-', '0', '42'];
  const id = () => {
    if (kind === 'same') return 'web/one';
    if (kind === 'words') return Array.from({ length: random.below(9) }, () => words[random.below(8)]).join('');
    const length = random.below(100) === 0 ? random.below(70_000) : random.below(30);
    return Array.from({ length }, () => String.fromCharCode(32 + random.below(95))).join('');
  };
  return {
    row: numbers(),
    piece: numbers(),
    documentId: Array.from({ length: count }, id),
    source: Array.from({ length: count }, () => (kind === 'same' ? 'web' : words[random.below(8)])),
    start: numbers(),
    tokens: numbers(),
  };
}

describe.skipIf(native === undefined)('the add-on', () => {
  it.each([
    ['nothing', asRecords(knownPieces(0))],
    ['one piece', asRecords(chancePieces(1, 1, 'any'))],
    ['two pieces', asRecords(chancePieces(2, 2, 'words'))],
    ['two row groups', asRecords(knownPieces(40_000))],
    ['the same over and over', asRecords(chancePieces(3, 5_000, 'same'))],
    ['ids of words, in several pages', asRecords(chancePieces(4, 60_000, 'words'))],
    ['ids of any length', asRecords(chancePieces(5, 3_000, 'any'))],
    ...Array.from({ length: 40 }, (_, i) => {
      return [
        `${i} pieces by chance`,
        asRecords(chancePieces(100 + i, i * i + 1, i % 2 === 0 ? 'any' : 'words')),
      ] as const;
    }),
  ] as const)('makes the bytes of hyparquet-writer: %s', async (_, pieces) => {
    const [ours, library] = [await encodePieces(pieces, native), await encodePieces(pieces, undefined)];
    expect(Buffer.compare(ours, library)).toBe(0);
  });

  it('refuses strings that do not lie within the bytes, and pages that are none', () => {
    const page = (start: number, end: number, last = 1) =>
      native!.parquetStrings(
        new Uint8Array(10),
        Float64Array.of(start),
        Float64Array.of(end),
        0,
        last,
        100,
        new Float64Array(2),
      );
    expect(() => page(0, 11)).toThrow(/does not lie within the bytes/);
    expect(() => page(-1, 3)).toThrow(/does not lie within the bytes/);
    expect(() => page(4, 3)).toThrow(/does not lie within the bytes/);
    expect(() => page(Number.NaN, 3)).toThrow(/does not lie within the bytes/);
    expect(() => page(0, 3, 2)).toThrow(/integer/);
    expect(() => native!.parquetNumbers(new Int32Array(), new Float64Array(3))).toThrow(/too short/);
    expect(() => native!.parquetNumbers(new Int32Array(2), new Float64Array(2))).toThrow(/too short/);
  });
});

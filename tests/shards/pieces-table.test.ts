import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { type PieceColumns, piecesName, readPieces, writePieces } from '../../src/shards/pieces-table.ts';
import { asRecords, scratch } from './context.ts';

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
    const path = join(await scratch(), piecesName('shard-00003-of-00017.arrow'));
    expect(path.endsWith('pieces-00003-of-00017.parquet')).toBe(true);
    await writePieces(path, asRecords(knownPieces(3)));
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path) });
    expect(rows).toHaveLength(6);
    // hyparquet drops a leading U+FEFF.
    expect(rows[3]).toEqual({ row: 1001, piece: 1, doc_id: '文 1001/1', source: '', start: 1001, tokens: 2 });
  });

  it('gives the pieces of some rows, or all of them', async () => {
    const path = join(await scratch(), 'pieces.parquet');
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
    const path = join(await scratch(), 'pieces.parquet');
    await writePieces(path, asRecords(knownPieces(0)));
    expect((await readPieces(path)).documentId).toEqual([]);
  });

  it('is refused when it is something else', async () => {
    const path = join(await scratch(), 'pieces.parquet');
    await writeFile(path, 'no Parquet');
    await expect(readPieces(path)).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: expect.stringContaining('does not begin with PAR1'),
    });
  });
});

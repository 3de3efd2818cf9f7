import { describe, expect, it } from 'vitest';
import { indexCutDocuments } from '../../../src/shards/export/cut-documents.ts';
import type { PieceColumns } from '../../../src/shards/piece-records.ts';

type Piece = [row: number, piece: number, id: string, start: number, tokens: number, source?: string];

function table(pieces: readonly Piece[]): PieceColumns {
  return {
    row: Int32Array.from(pieces, ([row]) => row),
    piece: Int32Array.from(pieces, ([, piece]) => piece),
    documentId: pieces.map(([, , id]) => id),
    source: pieces.map((piece) => piece[5] ?? ''),
    start: Int32Array.from(pieces, ([, , , start]) => start),
    tokens: Int32Array.from(pieces, ([, , , , tokens]) => tokens),
  };
}

async function index(...tables: Piece[][]) {
  return indexCutDocuments(
    (async function* () {
      for (const pieces of tables) yield table(pieces);
    })(),
  );
}

describe('indexCutDocuments', () => {
  it('finds the later pieces of a document in their order, in whichever rows and shards', async () => {
    const cuts = await index(
      [
        [0, 0, 'long', 20, 5],
        [0, 1, 'short', 0, 5],
        [1, 0, 'long', 0, 10],
      ],
      [
        [2, 0, 'other', 0, 3],
        [2, 1, 'long', 10, 7],
        [3, 0, 'long', 17, 3],
      ],
    );
    expect(cuts.rest('', 'short', 5)).toEqual([]);
    expect(cuts.rest('', 'long', 10)).toEqual([
      { row: 2, at: 3, tokens: 7 },
      { row: 3, at: 0, tokens: 3 },
      { row: 0, at: 0, tokens: 5 },
    ]);
    expect(() => cuts.checkAllTaken()).not.toThrow();
  });

  it('tells documents with one id in two sources apart', async () => {
    const cuts = await index([
      [0, 0, 'a', 0, 4, 'web'],
      [0, 1, 'a', 4, 2, 'books'],
      [1, 0, 'a', 0, 4, 'books'],
    ]);
    expect(cuts.rest('web', 'a', 4)).toEqual([]);
    expect(cuts.rest('books', 'a', 4)).toEqual([{ row: 0, at: 4, tokens: 2 }]);
  });

  it('says when two cut documents cannot be told apart', async () => {
    const cuts = await index([
      [0, 0, 'a', 0, 4],
      [1, 0, 'a', 0, 4],
      [2, 0, 'a', 4, 1],
      [3, 0, 'a', 4, 1],
    ]);
    expect(() => cuts.rest('', 'a', 4)).toThrow(/the document "a" should go on at token 5, its next piece begins at 4/);
  });

  it('says when a piece is missing, or its beginning', async () => {
    const gap = await index([
      [0, 0, 'a', 0, 4],
      [1, 0, 'a', 8, 4],
    ]);
    expect(() => gap.rest('', 'a', 4)).toThrow(/should go on at token 4, its next piece begins at 8/);
    const headless = await index([[1, 0, 'b', 8, 4]]);
    expect(() => headless.checkAllTaken()).toThrow(/1 cut documents have no first piece/);
  });
});

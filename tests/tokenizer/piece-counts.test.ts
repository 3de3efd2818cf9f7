import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPieceCounter, MAX_PIECE_BYTES } from '../../src/tokenizer/count-pieces.ts';
import { createPieceCounts, type PieceCounts, serializePieceCounts } from '../../src/tokenizer/piece-counts.ts';
import { createSegmenter } from '../../src/tokenizer/segmenter.ts';

const utf8 = new TextEncoder();

function add(table: PieceCounts, pieces: readonly string[], times = 1): PieceCounts {
  for (const piece of pieces) {
    const bytes = utf8.encode(piece);
    table.add(bytes, 0, bytes.length, times);
  }
  return table;
}

function asObject({ size, arena, starts, counts }: PieceCounts): Record<string, number> {
  return Object.fromEntries(
    Array.from({ length: size }, (_, i) => [
      Buffer.from(arena.subarray(starts[i], starts[i + 1])).toString(),
      counts[i],
    ]),
  );
}

const pieces = fc.array(fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' }).map((text) => `_${text}`));

describe('piece counts', () => {
  it('count as a Map does', () => {
    fc.assert(
      fc.property(pieces, (list) => {
        const expected: Record<string, number> = {};
        for (const piece of list) expected[piece] = (expected[piece] ?? 0) + 1;
        expect(asObject(add(createPieceCounts(), list))).toEqual(expected);
      }),
    );
  });

  it('count a hundred thousand distinct pieces through every growth of the table', () => {
    const many = Array.from({ length: 100_000 }, (_, i) => `piece ${i}`);
    const table = add(add(createPieceCounts(), many), many.slice(0, 500), 2);
    expect(table.size).toBe(100_000);
    expect(asObject(table)).toMatchObject({ 'piece 0': 3, 'piece 499': 3, 'piece 500': 1, 'piece 99999': 1 });
  });

  it('merge to the same counts in any order', () => {
    fc.assert(
      fc.property(pieces, pieces, (one, two) => {
        const a = serializePieceCounts(add(createPieceCounts(), one));
        const b = serializePieceCounts(add(createPieceCounts(), two));
        const ab = createPieceCounts();
        ab.addSerialized(a);
        ab.addSerialized(b);
        const ba = createPieceCounts();
        ba.addSerialized(b);
        ba.addSerialized(a);
        expect(asObject(ab)).toEqual(asObject(ba));
        expect(asObject(ab)).toEqual(asObject(add(createPieceCounts(), [...one, ...two])));
      }),
    );
  });

  it('serialise counts past 2^32', () => {
    const table = createPieceCounts();
    table.addSerialized(serializePieceCounts(add(createPieceCounts(), ['x'], 2 ** 45 + 1)));
    expect(asObject(table)).toEqual({ x: 2 ** 45 + 1 });
  });

  it.each([
    ['another file', Uint8Array.of(1, 2, 3, 4, 5, 0), /do not begin with CMPC1/],
    ['a cut file', serializePieceCounts(add(createPieceCounts(), ['abcdef'])).slice(0, -2), /passes the end/],
    ['a longer file', Uint8Array.of(0x43, 0x4d, 0x50, 0x43, 0x31, 0, 9), /bytes follow the last piece/],
  ])('refuse %s', (_, blob, message) => {
    expect(() => createPieceCounts().addSerialized(blob)).toThrow(message);
  });

  it('prune whole counts at a time, rarest first, and say what went', () => {
    const table = add(createPieceCounts(), ['a', 'b', 'c', 'd']);
    add(add(table, ['b', 'c', 'd']), ['d']); // a 1, b 2, c 2, d 3
    expect(table.prune(4)).toEqual({ pieces: 0, occurrences: 0, upToCount: 0 });
    // Two may stay; b and c share a count and only one of them would fit, so both go.
    expect(table.prune(2)).toEqual({ pieces: 3, occurrences: 5, upToCount: 2 });
    expect(asObject(table)).toEqual({ d: 3 });
    expect(asObject(add(table, ['a', 'd']))).toEqual({ a: 1, d: 4 });
  });
});

describe('a piece counter', () => {
  it('cuts very long pieces at character borders and counts the cuts', () => {
    const counter = createPieceCounter(createSegmenter('qwen2', 'nfc'));
    const text = '日'.repeat(MAX_PIECE_BYTES); // three bytes each
    counter.count(text);
    const lengths = Object.entries(asObject(counter.counts)).map(([piece, count]) => [Buffer.byteLength(piece), count]);
    expect(lengths.reduce((sum, [bytes, count]) => sum + bytes * count, 0)).toBe(text.length * 3);
    for (const [bytes] of lengths) {
      expect(bytes).toBeLessThanOrEqual(MAX_PIECE_BYTES);
      expect(bytes % 3).toBe(0);
    }
    expect(counter.cutPieces).toBe(1);
  });
});

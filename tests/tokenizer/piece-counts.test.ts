import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnOf } from '../../src/core/utf8-column.ts';
import { createPieceCounter } from '../../src/tokenizer/count-pieces.ts';
import { nativeBpe } from '../../src/tokenizer/native-bpe.ts';
import {
  createPieceCounts,
  createTwinPieceCounts,
  gatherPieces,
  MAX_PIECE_BYTES,
  type PieceColumns,
  type PieceCounts,
} from '../../src/tokenizer/piece-counts.ts';
import { PATTERNS } from '../../src/tokenizer/pre-tokenizer.ts';
import { type CountBlob, pieceColumns, sumPieceCounts, sumTables } from '../../src/tokenizer/sum-piece-counts.ts';

const utf8 = new TextEncoder();

function add(table: PieceCounts, pieces: readonly string[], times = 1): PieceCounts {
  for (const piece of pieces) {
    const bytes = utf8.encode(piece);
    table.count(bytes, 0, Uint32Array.of(bytes.length), 1, times);
  }
  return table;
}

function asObject({ size, arena, starts, counts }: PieceColumns): Record<string, number> {
  return Object.fromEntries(
    Array.from({ length: size }, (_, i) => [
      Buffer.from(arena.subarray(starts[i], starts[i + 1])).toString(),
      counts[i],
    ]),
  );
}

const blobOf = (bytes: Uint8Array): CountBlob => ({
  read: async (offset, length) => bytes.subarray(offset, offset + length),
});

async function sum(tables: readonly PieceCounts[], maxPieces = 1e6, threads = 2) {
  const { pieces, dropped } = await sumPieceCounts(
    tables.map((table) => blobOf(table.serialize())),
    { maxPieces, threads },
  );
  return { pieces: asObject(pieces), dropped };
}

const pieces = fc.array(fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).map((text) => `_${text}`));

describe.each([
  ['native', createPieceCounts],
  ['TypeScript', createTwinPieceCounts],
])('piece counts (%s)', (_, create) => {
  it('count as a Map does', () => {
    fc.assert(
      fc.property(pieces, (list) => {
        const expected: Record<string, number> = {};
        for (const piece of list) expected[piece] = (expected[piece] ?? 0) + 1;
        expect(asObject(pieceColumns([add(create(), list)]))).toEqual(expected);
      }),
    );
  });

  it('count a hundred thousand distinct pieces through every growth of the table', () => {
    const many = Array.from({ length: 100_000 }, (_unused, i) => `piece ${i}`);
    const table = add(add(create(), many), many.slice(0, 500), 2);
    expect(table.size).toBe(100_000);
    expect(table.pieceBytes).toBe(many.join('').length);
    expect(asObject(pieceColumns([table]))).toMatchObject({ 'piece 0': 3, 'piece 499': 3, 'piece 500': 1 });
    expect([table.size, table.pieceBytes]).toEqual([0, 0]); // given away
  });

  it('are the same when the tables of several threads are put together', () => {
    fc.assert(
      fc.property(fc.array(pieces, { minLength: 1, maxLength: 4 }), (lists) => {
        const tables = lists.map((list) => add(create(), list));
        const { pieces: summed, dropped } = sumTables(tables, 1e6);
        expect(asObject(summed)).toEqual(asObject(pieceColumns([add(create(), lists.flat())])));
        expect(dropped.pieces).toBe(0);
        expect(tables.map(({ size, pieceBytes }) => [size, pieceBytes])).toEqual(lists.map(() => [0, 0]));
      }),
    );
  });

  it('are in one table alone when those are put together, also where a piece is counted anew', () => {
    const named = (from: number, to: number): string[] =>
      Array.from({ length: to - from }, (_unused, i) => `piece ${from + i}`);
    const tables = [add(create(), named(0, 50_000)), add(create(), named(25_000, 80_000), 3)];
    gatherPieces(tables);
    expect(tables[0].size + tables[1].size).toBe(80_000);
    expect(tables[0].pieceBytes + tables[1].pieceBytes).toBe(named(0, 80_000).join('').length);
    expect(tables.flatMap((table) => [...table.allCounts()]).sort((a, b) => a - b)).toEqual([
      ...new Array(25_000).fill(1),
      ...new Array(30_000).fill(3),
      ...new Array(25_000).fill(4),
    ]);
    const [first] = tables;
    // Some of these it has given away.
    add(first, named(0, 80_000));
    expect([first.size, first.pieceBytes]).toEqual([80_000, named(0, 80_000).join('').length]);
    first.drop(1);
    expect(Math.min(...first.allCounts())).toBe(2);
  });

  it('sum to the same counts in any order, for any number of threads', async () => {
    await fc.assert(
      fc.asyncProperty(pieces, pieces, async (one, two) => {
        const both = asObject(pieceColumns([add(create(), [...one, ...two])]));
        const tables = [add(create(), one), add(create(), two)];
        expect((await sum(tables, 1e6, 1)).pieces).toEqual(both);
        expect((await sum(tables.reverse(), 1e6, 3)).pieces).toEqual(both);
      }),
      { numRuns: 30 },
    );
  });

  it('keep counts past 2^32', async () => {
    expect((await sum([add(create(), ['x'], 2 ** 45 + 1)])).pieces).toEqual({ x: 2 ** 45 + 1 });
  });

  it('drop whole counts at a time, rarest first, so that at most maxPieces stay', async () => {
    const table = add(create(), ['a', 'b', 'c', 'd']);
    add(add(table, ['b', 'c', 'd']), ['d']); // a 1, b 2, c 2, d 3
    expect(await sum([table], 4)).toEqual({
      pieces: { a: 1, b: 2, c: 2, d: 3 },
      dropped: { pieces: 0, occurrences: 0, upToCount: 0 },
    });
    // Two may stay; b and c share a count and only one of them would fit, so both go.
    expect(await sum([table], 2)).toEqual({
      pieces: { d: 3 },
      dropped: { pieces: 3, occurrences: 5, upToCount: 2 },
    });
  });

  it('drop by the sums of all parts, not by what one part holds', async () => {
    const parts = ['a', 'b', 'c'].map((own) => add(create(), ['everywhere', own, own]));
    const { pieces: kept } = await sum(parts, 1);
    expect(kept).toEqual({ everywhere: 3 });
  });

  it.each([
    ['another file', () => Uint8Array.of(1, 2, 3, 4, 5, 0), /do not begin with CMPC2/],
    ['a cut file', () => add(create(), ['abcdef']).serialize().slice(0, -2), /end before their last partition/],
    [
      'a length that passes the end',
      () => {
        const blob = add(create(), ['abcdef']).serialize();
        blob[blob.length - 7] = 9; // the length before the six letters
        return blob;
      },
      /a piece passes the end/,
    ],
  ])('refuse %s', async (_case, make, message) => {
    await expect(sumPieceCounts([blobOf(make())], { maxPieces: 9, threads: 1 })).rejects.toThrow(message);
  });
});

it('both kinds of table write pieces into the same partitions', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, async (list) => {
      const ours = add(createPieceCounts(), list).serialize();
      const twins = add(createTwinPieceCounts(), list).serialize();
      expect(ours).toEqual(twins);
    }),
  );
});

describe('a piece counter', () => {
  /** What a regular expression cuts and a Map counts. */
  function byRegex(text: string, pattern: keyof typeof PATTERNS): Record<string, number> {
    const counter = createPieceCounter(`(?:${PATTERNS[pattern]})`, 'nfc'); // no scanner has this text
    counter.count(text);
    return asObject(pieceColumns([counter.counts]));
  }
  const scripts = fc.string({
    unit: fc.constantFrom(...'aZ é\u0301e 1\n\r日本が\u3099か各한\u1112\u1161글й\u0306Ω\u212bﬀ😀'),
    maxLength: 40,
  });

  it.each(['qwen2', 'gpt2', 'cl100k', 'o200k'] as const)(
    'counts what the pattern %s cuts of the text in NFC',
    (pattern) => {
      fc.assert(
        fc.property(scripts, (text) => {
          const counter = createPieceCounter(pattern, 'nfc');
          counter.count(text);
          expect(asObject(pieceColumns([counter.counts]))).toEqual(byRegex(text, pattern));
        }),
      );
    },
  );

  it.runIf(nativeBpe !== undefined).each(['nfc', 'none'] as const)(
    'counts in rows of a column what it counts in texts (%s)',
    (normalization) => {
      fc.assert(
        fc.property(fc.array(scripts, { maxLength: 9 }), fc.nat(9), (texts, start) => {
          const byText = createPieceCounter('qwen2', normalization);
          const byRow = createPieceCounter('qwen2', normalization);
          const from = Math.min(start, texts.length);
          for (const text of texts.slice(from)) byText.count(text);
          byRow.countRows!({ ...columnOf(texts), from, to: texts.length });
          expect(asObject(pieceColumns([byRow.counts]))).toEqual(asObject(pieceColumns([byText.counts])));
        }),
      );
    },
  );

  it('cuts very long pieces at character borders and counts the cuts', () => {
    const counter = createPieceCounter('qwen2', 'nfc');
    const text = '日'.repeat(MAX_PIECE_BYTES); // three bytes each
    counter.count(text);
    const columns = asObject(pieceColumns([counter.counts]));
    const lengths = Object.entries(columns).map(([piece, count]) => [Buffer.byteLength(piece), count]);
    expect(lengths.reduce((total, [bytes, count]) => total + bytes * count, 0)).toBe(text.length * 3);
    for (const [bytes] of lengths) {
      expect(bytes).toBeLessThanOrEqual(MAX_PIECE_BYTES);
      expect(bytes % 3).toBe(0);
    }
    expect(counter.cutPieces).toBe(1);
  });
});

describe.runIf(nativeBpe !== undefined)('native rows', () => {
  it('are refused where arguments do not fit', async () => {
    const table = new nativeBpe!.PieceTable();
    const { bytes, offsets } = columnOf(['ab', 'cd']);
    const count = (to: number, ends: Int32Array, left: Uint32Array) =>
      table.countRows(0, bytes, ends, 0, to, MAX_PIECE_BYTES, 0, left);
    expect(() => count(3, offsets, new Uint32Array(3))).toThrow(/countRows/);
    expect(() => count(2, Int32Array.of(0, 2, 9), new Uint32Array(2))).toThrow(/not in order/);
    expect(() => count(2, offsets, new Uint32Array(1))).toThrow(/countRows/);
    expect(() => table.countBatch(0, bytes, offsets, 0, 2, MAX_PIECE_BYTES, 0, new Uint32Array(1))).toThrow(
      /countBatch/,
    );
    expect(table.size()).toBe(0);
    const batch = table.countBatch(0, bytes, offsets, 1, 2, MAX_PIECE_BYTES, 0, new Uint32Array(1));
    expect(() => count(2, offsets, new Uint32Array(2))).toThrow(/is counting/);
    expect(await batch).toEqual([0, 0, 1]);
  });
});

describe.runIf(nativeBpe !== undefined)('the quick check for NFC', () => {
  it('passes no character that normalization changes, alone or behind another', () => {
    const table = new nativeBpe!.PieceTable();
    let passed = 0;
    for (let codePoint = 0; codePoint < 0x110000; codePoint++) {
      if (codePoint >= 0xd800 && codePoint < 0xe000) continue;
      const character = String.fromCodePoint(codePoint);
      const bytes = utf8.encode(character);
      if (table.countText(0, bytes, bytes.length, MAX_PIECE_BYTES, 0) < 0) continue;
      passed++;
      for (const before of ['', 'a', 'か', '가']) {
        if ((before + character).normalize('NFC') !== before + character) {
          throw new Error(`U+${codePoint.toString(16)} behind "${before}"`);
        }
      }
    }
    expect(passed).toBeGreaterThan(30_000);
  });
});

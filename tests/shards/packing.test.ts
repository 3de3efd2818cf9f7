import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  equalBorders,
  PACKINGS,
  type PackedPieces,
  packDocuments,
  paddingPercent,
  partOf,
  sumReports,
  windowsFor,
} from '../../src/shards/packing.ts';

const lengthsOf = (...lengths: number[]) => Uint32Array.from(lengths);

/** Numbers of each row's pieces. */
function piecesOf(packed: PackedPieces): number[][] {
  const rows = Array.from({ length: packed.rows }, (): number[] => []);
  packed.row.forEach((row, piece) => {
    rows[row].push(piece);
  });
  return rows;
}

/** Rows as lists of "document[start, end)". */
function rowsOf(packed: PackedPieces): string[][] {
  return piecesOf(packed).map((pieces) =>
    pieces.map((i) => `${packed.document[i]}[${packed.start[i]},${packed.start[i] + packed.length[i]})`),
  );
}

/** Best-fit-decreasing as the textbook says it: try every open row. */
function slowBestFit(lengths: number[], contextLength: number): number[] {
  const pieces = lengths.flatMap((n) => [
    ...Array<number>(Math.floor(n / contextLength)).fill(contextLength),
    ...(n % contextLength > 0 ? [n % contextLength] : []),
  ]);
  const rooms: number[] = [];
  for (const size of pieces.sort((a, b) => b - a)) {
    let best = -1;
    rooms.forEach((room, i) => {
      if (room >= size && (best < 0 || room < rooms[best])) best = i;
    });
    if (best < 0) rooms.push(contextLength - size);
    else rooms[best] -= size;
  }
  return rooms.sort((a, b) => a - b);
}

const corpus = fc.record({
  lengths: fc.array(fc.oneof(fc.nat(40), fc.nat(400)), { maxLength: 60 }),
  contextLength: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(31, 32, 33, 1023, 1024, 1025, 40_000)),
});

describe.each(PACKINGS)('packDocuments, %s', (packing) => {
  it('places every token of every document exactly once, in rows that are not over-full', () => {
    fc.assert(
      fc.property(corpus, ({ lengths, contextLength }) => {
        const packed = packDocuments(Uint32Array.from(lengths), { contextLength, packing });
        const covered = lengths.map((n) => new Uint8Array(n));
        for (const pieces of piecesOf(packed)) {
          let used = 0;
          for (const i of pieces) {
            expect(packed.at[i]).toBe(used);
            used += packed.length[i];
            expect(packed.length[i]).toBeGreaterThan(0);
            for (let t = 0; t < packed.length[i]; t++) covered[packed.document[i]][packed.start[i] + t]++;
          }
          expect(used).toBeGreaterThan(0);
          expect(used).toBeLessThanOrEqual(contextLength);
        }
        for (const document of covered) expect(document.every((times) => times === 1)).toBe(true);
        const tokens = lengths.reduce((sum, n) => sum + n, 0);
        expect(packed.report).toMatchObject({
          documents: lengths.length,
          documentsEmpty: lengths.filter((n) => n === 0).length,
          tokens,
          rows: packed.rows,
          paddingTokens: packed.rows * contextLength - tokens,
        });
      }),
    );
  });

  it('counts the documents it cut, and the ones it need not have cut', () => {
    fc.assert(
      fc.property(corpus, ({ lengths, contextLength }) => {
        const packed = packDocuments(Uint32Array.from(lengths), { contextLength, packing });
        const pieces = new Map<number, number>();
        for (const d of packed.document) pieces.set(d, (pieces.get(d) ?? 0) + 1);
        const cut = [...pieces].filter(([, count]) => count > 1).map(([d]) => lengths[d]);
        expect(packed.report.documentsCut).toBe(cut.length);
        expect(packed.report.documentsCutAvoidably).toBe(cut.filter((n) => n <= contextLength).length);
        if (packing !== 'concatenate') expect(packed.report.documentsCutAvoidably).toBe(0);
      }),
    );
  });

  it('gives pieces in the order of documents and of their tokens', () => {
    fc.assert(
      fc.property(corpus, ({ lengths, contextLength }) => {
        const { document, start } = packDocuments(Uint32Array.from(lengths), { contextLength, packing });
        for (let i = 1; i < document.length; i++) {
          const follows = document[i] > document[i - 1] || (document[i] === document[i - 1] && start[i] > start[i - 1]);
          expect(follows).toBe(true);
        }
      }),
    );
  });

  it('packs no documents into no rows', () => {
    expect(packDocuments(lengthsOf(), { contextLength: 8, packing }).rows).toBe(0);
    expect(packDocuments(lengthsOf(0, 0), { contextLength: 8, packing }).rows).toBe(0);
  });
});

describe('best-fit', () => {
  it('fills rows as the quadratic textbook algorithm does', () => {
    fc.assert(
      fc.property(corpus, ({ lengths, contextLength }) => {
        const packed = packDocuments(Uint32Array.from(lengths), {
          contextLength,
          packing: 'best-fit',
        });
        const rooms = piecesOf(packed).map((pieces) =>
          pieces.reduce((room, i) => room - packed.length[i], contextLength),
        );
        expect(rooms.sort((a, b) => a - b)).toEqual(slowBestFit(lengths, contextLength));
      }),
    );
  });

  it('takes the row with the least room that still holds the piece', () => {
    // 7 and 6 open two rows; 3 fits only beside 7 exactly, 4 beside 6 exactly.
    const packed = packDocuments(lengthsOf(6, 3, 7, 4), {
      contextLength: 10,
      packing: 'best-fit',
    });
    expect(rowsOf(packed)).toEqual([
      ['1[0,3)', '2[0,7)'],
      ['0[0,6)', '3[0,4)'],
    ]);
  });

  it('splits only documents longer than a row, into row-length pieces and a rest', () => {
    const packed = packDocuments(lengthsOf(25), { contextLength: 10, packing: 'best-fit' });
    expect(rowsOf(packed)).toEqual([['0[0,10)'], ['0[10,20)'], ['0[20,25)']]);
    expect(packed.report).toMatchObject({ documentsCut: 1, documentsCutAvoidably: 0 });
  });

  it('pads at most .02 % at 2,048 over 200,000 web-like lengths, where next-fit pads over 5 %', () => {
    // Log-normal lengths: median 640 tokens, like Qwen tokens of web pages.
    const { lengths } = webLikeLengths(200_000);
    const padding = (packing: 'best-fit' | 'greedy') =>
      paddingPercent(packDocuments(lengths, { contextLength: 2048, packing }).report);
    expect(padding('best-fit')).toBeLessThanOrEqual(0.02);
    expect(padding('greedy')).toBeGreaterThan(5);
  });
});

describe('concatenate', () => {
  it('cuts wherever the row ends', () => {
    const packed = packDocuments(lengthsOf(6, 7, 3), {
      contextLength: 8,
      packing: 'concatenate',
    });
    expect(rowsOf(packed)).toEqual([
      ['0[0,6)', '1[0,2)'],
      ['1[2,7)', '2[0,3)'],
    ]);
    expect(packed.report).toMatchObject({ documentsCut: 1, documentsCutAvoidably: 1, paddingTokens: 0 });
  });
});

describe('greedy', () => {
  it('keeps document order and closes a row that the next piece does not fit', () => {
    const packed = packDocuments(lengthsOf(4, 5, 3, 12), {
      contextLength: 10,
      packing: 'greedy',
    });
    expect(rowsOf(packed)).toEqual([['0[0,4)', '1[0,5)'], ['2[0,3)'], ['3[0,10)'], ['3[10,12)']]);
  });
});

describe('windows', () => {
  it('are equal in size and hold at least the minimum, or everything', () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.integer({ min: 1, max: 3_000 }), (documents, minimum) => {
        const windows = windowsFor(documents, minimum);
        const borders = equalBorders(documents, windows);
        const sizes = borders.slice(1).map((end, w) => end - borders[w]);
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(documents);
        if (documents >= minimum) expect(Math.min(...sizes)).toBeGreaterThanOrEqual(minimum);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        for (const place of [0, documents - 1, ...borders.slice(0, -1), ...borders.slice(1).map((end) => end - 1)]) {
          if (place < 0 || place >= documents) continue;
          const window = partOf(borders, place);
          expect(borders[window] <= place && place < borders[window + 1]).toBe(true);
        }
      }),
    );
  });

  it('add up to the report of the whole', () => {
    const { lengths } = webLikeLengths(5_000);
    const pack = (part: Uint32Array) => packDocuments(part, { contextLength: 512, packing: 'best-fit' }).report;
    const halves = sumReports([pack(lengths.subarray(0, 2_500)), pack(lengths.subarray(2_500))]);
    const whole = pack(lengths);
    expect(halves.tokens).toBe(whole.tokens);
    expect(halves.documentsCut).toBe(whole.documentsCut);
    expect(halves.rows * 512).toBe(halves.tokens + halves.paddingTokens);
  });
});

/** A fixed linear congruential generator and Box–Muller, so the lengths do not depend on the code under test. */
function webLikeLengths(documents: number): { lengths: Uint32Array } {
  let state = 12345n;
  const uniform = () => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return (Number(state >> 11n) + 1) / (2 ** 53 + 1);
  };
  const lengths = Uint32Array.from({ length: documents }, () =>
    Math.max(
      1,
      Math.round(Math.exp(6.46 + 1.2 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()))),
    ),
  );
  return { lengths };
}

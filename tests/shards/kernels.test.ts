/** The add-on's loops beside those in TypeScript, which the tests of packing and shuffling judge. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { keyedPermutation } from '../../src/core/random.ts';
import { DEALT_WORDS, type Dealt, dealDocuments } from '../../src/shards/kernels/deal-documents.ts';
import { type EvenParts, evenPartsWords } from '../../src/shards/kernels/even-parts.ts';
import { groupPieces, PACKED_WORDS } from '../../src/shards/kernels/group-pieces.ts';
import { placePieces, ROUTED, routePieces } from '../../src/shards/kernels/route-pieces.ts';
import { rowColumns } from '../../src/shards/kernels/row-columns.ts';
import { sortRecords } from '../../src/shards/kernels/sort-records.ts';
import { packDocuments } from '../../src/shards/packing.ts';

const NO_PLACE = 'a number among the arguments has no place';
const seed = fc.option(fc.nat(0xffffffff), { nil: undefined });

/** Calls with the add-on and without it, each with arguments of its own, and expects the same. */
function expectSame<R>(call: (addon: typeof native) => R): R {
  const [ours, twins] = [call(native), call(undefined)];
  expect(ours).toEqual(twins);
  return ours;
}

describe.skipIf(native === undefined)('the loops of the shards sink in the add-on', () => {
  it('deal documents as those in TypeScript do', () => {
    const document = fc.record({ length: fc.nat(5000), source: fc.nat(2), side: fc.nat(2) });
    fc.assert(
      fc.property(
        fc.array(document, { maxLength: 60 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        seed,
        (documents, isSplit, windows, key) => {
          const held = isSplit ? documents.filter(({ side }) => side === 1).length : 0;
          const sets: EvenParts[] = [
            { first: 0, parts: windows, items: documents.length - held + 3, seed: key },
            { first: windows, parts: 2, items: held + 1, seed: key },
          ];
          expectSame((addon) => {
            const dealt: Dealt = {
              window: new Uint32Array(documents.length),
              records: new Uint32Array(DEALT_WORDS * documents.length),
              counts: new Uint32Array(windows + 2),
              next: Float64Array.of(2, 0),
              dealt: 0,
              documents: 0,
            };
            const half = documents.length >> 1;
            const tallies = [documents.slice(0, half), documents.slice(half)].map((some) => {
              const part = {
                lengths: Uint32Array.from(some, ({ length }) => length),
                sources: Uint32Array.from(some, ({ source }) => source),
                sourceCount: 3,
                sides: isSplit ? Uint8Array.from(some, ({ side }) => side) : undefined,
              };
              return dealDocuments(dealt, sets, part, addon);
            });
            return { dealt, tallies };
          });
        },
      ),
    );
  });

  it('permute numbers up to 2^52 alike', () => {
    fc.assert(
      fc.property(
        fc.maxSafeInteger(),
        fc.nat(0xffffffff),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (size, key, where) => {
          const items = (Math.abs(size) % 2 ** 52) + 1;
          const number = Math.min(items - 1, Math.floor(where * items));
          const dealt = { window: new Uint32Array(1), records: new Uint32Array(3), counts: new Uint32Array(1024) };
          const sets = evenPartsWords({ first: 0, parts: 1024, items, seed: key });
          const one = Uint32Array.of(1);
          native?.dealDocuments(
            ...([one, Uint32Array.of(0), 1, undefined, sets, Float64Array.of(number)] as const),
            ...([dealt.window, dealt.records, dealt.counts, 0, 0, new Float64Array(2)] as const),
          );
          const place = keyedPermutation(items, key)(number);
          const border = (part: number) => Math.floor((items * part) / 1024);
          expect(place).toBeGreaterThanOrEqual(border(dealt.window[0]));
          expect(dealt.records[0]).toBe((place - border(dealt.window[0])) % 2 ** 32);
        },
      ),
    );
  });

  it('sort records by bucket, within one as they come', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(4), { maxLength: 50 }), fc.integer({ min: 1, max: 5 }), (buckets, width) => {
        const records = Uint32Array.from({ length: buckets.length * width }, (_, i) => i);
        const counts = [0, 1, 2, 3, 4].map((bucket) => buckets.filter((other) => other === bucket).length);
        const starts = counts.map((_, bucket) => counts.slice(0, bucket).reduce((sum, count) => sum + count, 0));
        const sorted = expectSame((addon) =>
          sortRecords(Uint32Array.from(buckets), records, width, Float64Array.from(starts), addon),
        );
        const expected = buckets.map((bucket, i) => ({ bucket, i })).sort((a, b) => a.bucket - b.bucket || a.i - b.i);
        expect([...sorted]).toEqual(expected.flatMap(({ i }) => [...records.subarray(i * width, (i + 1) * width)]));
      }),
    );
  });

  it('group, place, route and lay out pieces as those in TypeScript do', () => {
    const lengths = fc.array(fc.nat(150), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(
        lengths,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        seed,
        (all, groups, shards, key) => {
          const contextLength = 64;
          const packed = packDocuments(Uint32Array.from(all), { packing: 'best-fit', contextLength });
          fc.pre(packed.rows > 0);
          // Places in an order of their own; the last group has what is left.
          const places = Uint32Array.from(all, (_, d) => (d * 7919 + 3) % all.length);
          const isBijection = new Set(places).size === all.length;
          const placeOf = isBijection ? places : Uint32Array.from(all, (_, d) => all.length - 1 - d);
          const groupEnd = Uint32Array.from({ length: groups }, (_, g) => Math.floor((all.length * (g + 1)) / groups));
          const documentOf = Uint32Array.from(all, (_, d) => {
            const group = groupEnd.findIndex((end) => d < end);
            return d - (group === 0 ? 0 : groupEnd[group - 1]);
          });
          const window = { placeOf, documentOf, groupEnd, documents: all.length, places: all.length };
          const { counts, words } = expectSame((addon) => groupPieces(window, packed, addon));
          const rows: EvenParts = { first: 0, parts: shards, items: packed.rows, seed: key };
          const documents = groupEnd[0];
          const share = words.subarray(0, PACKED_WORDS * counts[0]);
          const first = new Uint32Array(documents + 1);
          for (let i = 0; i < share.length; i += PACKED_WORDS) first[share[i] + 1]++;
          for (let d = 0; d < documents; d++) first[d + 1] += first[d];
          const placed = expectSame((addon) => {
            const pieces = { words: new Uint32Array(share.length), shard: new Uint32Array(counts[0]) };
            placePieces(share, first.slice(), rows, 0, pieces, addon);
            return pieces;
          });
          const group = {
            part: Uint32Array.from({ length: documents }, (_, d) => d % 3),
            tokenAt: Uint32Array.from({ length: documents }, (_, d) => d * 1000),
            source: Uint32Array.from({ length: documents }, (_, d) => d % 2),
            idEnds: Float64Array.from({ length: documents + 1 }, (_, d) => 3 * d),
            ids: Uint8Array.from({ length: 3 * documents }, (_, i) => i),
          };
          const inShard = Array.from({ length: shards }, (_, s) => placed.shard.filter((shard) => shard === s).length);
          const starts = inShard.map((_, s) => inShard.slice(0, s).reduce((sum, count) => sum + count, 0));
          const routed = expectSame((addon) => routePieces(placed, group, Float64Array.from(starts), addon));
          for (const [s, start] of starts.entries()) {
            const pieces = routed.words.subarray(ROUTED.words * start, ROUTED.words * (start + inShard[s]));
            const border = (shard: number) => Math.floor((packed.rows * shard) / shards);
            const settings = { rows: border(s + 1) - border(s), firstRow: border(s), contextLength };
            const columns = expectSame((addon) => rowColumns(pieces, settings, addon));
            for (let row = 0; row < settings.rows; row++) {
              const lengths = columns.seqLengths.subarray(columns.seqOffsets[row], columns.seqOffsets[row + 1]);
              expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(contextLength);
            }
          }
        },
      ),
    );
  });

  it('refuse numbers that have no place, as a damaged file may have', () => {
    const one = Uint32Array.of(1);
    const none = new Uint32Array(1);
    const rows = evenPartsWords({ first: 0, parts: 1, items: 4, seed: 7 });
    expect(() => native?.sortRecords(Uint32Array.of(5), one, 1, new Float64Array(5), none)).toThrow(NO_PLACE);
    expect(() => native?.sortRecords(none, one, 1, Float64Array.of(1), none)).toThrow(NO_PLACE);
    expect(() => native?.sortRecords(none, one, 1, Float64Array.of(Number.NaN), none)).toThrow(NO_PLACE);
    expect(() => native?.sortRecords(none, one, 2, Float64Array.of(0), none)).toThrow(
      'argument 3 leaves too few records',
    );
    const packed = Uint32Array.of(0, 0, 1, 4, 0);
    expect(() => native?.placePieces(packed, none, rows, 0, new Uint32Array(5), none)).toThrow(NO_PLACE);
    expect(() => native?.placePieces(packed, new Uint32Array(0), rows, 0, new Uint32Array(5), none)).toThrow(NO_PLACE);
    expect(() => native?.placePieces(packed, none, Float64Array.of(0, 1, 0.5, 0, 0), 0, packed, none)).toThrow(
      NO_PLACE,
    );
    expect(() => native?.joinIds(one, Float64Array.of(0, 1), new Uint8Array(1), new Uint8Array(1))).toThrow(NO_PLACE);
    expect(() => native?.joinIds(none, Float64Array.of(0, 2), new Uint8Array(1), new Uint8Array(4))).toThrow(NO_PLACE);
    expect(() => native?.joinIds(none, Float64Array.of(0, 2), new Uint8Array(2), new Uint8Array(1))).toThrow(NO_PLACE);
    const word = new Uint32Array(ROUTED.words);
    const settings = { rows: 1, firstRow: 0, contextLength: 4 };
    word[ROUTED.row] = 1;
    expect(() => rowColumns(word, settings, native)).toThrow(NO_PLACE);
    expect(() => rowColumns(word, settings, undefined)).toThrow('a piece lies in row 1 of 1');
    word[ROUTED.row] = 0;
    word[ROUTED.length] = 5;
    expect(() => rowColumns(word, settings, native)).toThrow(NO_PLACE);
    expect(() => rowColumns(word, settings, undefined)).toThrow('row 0 has 5 tokens');
  });
});

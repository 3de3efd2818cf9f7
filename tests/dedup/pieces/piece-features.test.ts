import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPieceObserver, utf8Bytes } from '../../../src/dedup/pieces/observer.ts';
import { pieceOptions } from '../../../src/dedup/pieces/options.ts';
import {
  createPieceFeatureWriter,
  createPlaceReader,
  HEADER_BYTES,
  type Place,
  pieceRanges,
  readPieceHeader,
  wordsOf,
} from '../../../src/dedup/pieces/piece-features.ts';

const cut = (blob: Uint8Array, { offset, length }: { offset: number; length: number }) =>
  blob.subarray(offset, offset + length);

describe('features of pieces', () => {
  const size = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 ** 29 }));
  const row = fc.record({
    totals: fc.record({ length: size, pieces: size, words: size }),
    places: fc.array(
      fc.record({
        gap: size,
        length: size,
        lead: size,
        tail: size,
        extra: size,
        words: size,
        flags: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      }),
      { maxLength: 5 },
    ),
  });

  it('come back as they were written', () => {
    fc.assert(
      fc.property(fc.array(row, { maxLength: 6 }), (rows) => {
        const writer = createPieceFeatureWriter();
        const written = rows.map(({ totals, places }) => {
          writer.row(totals, places.length);
          let end = 0;
          return places.map(({ gap, length, lead, tail, extra, words, flags }, i) => {
            const place: Place = {
              start: end + gap,
              end: end + gap + length,
              lead,
              tail,
              bytes: length + extra,
              words,
              hasKey: flags[0],
              startsLine: flags[1],
              endsLine: flags[2],
            };
            writer.place(place);
            if (place.hasKey) writer.key(0xffffffff - i, length);
            end = place.end;
            return place;
          });
        });
        const blob = writer.finish();
        const header = readPieceHeader(cut(blob, { offset: 0, length: HEADER_BYTES }));
        const ranges = pieceRanges(header);
        expect(header.rows).toBe(rows.length);
        expect(ranges.places.offset + ranges.places.length).toBe(blob.length);
        expect([...wordsOf(cut(blob, ranges.rowKeys))]).toEqual(
          written.map((places) => places.filter(({ hasKey }) => hasKey).length),
        );
        const keys = [...wordsOf(cut(blob, ranges.keyWords))];
        const all = written.flatMap((places) =>
          places.flatMap((place, i) => (place.hasKey ? [[0xffffffff - i, place.end - place.start]] : [])),
        );
        expect(keys).toEqual([...all.map(([high]) => high), ...all.map(([, low]) => low)]);
        const reader = createPlaceReader(cut(blob, ranges.places));
        for (const [i, places] of written.entries()) {
          expect(reader.nextRow()).toBe(places.length);
          expect(reader.totals).toEqual(rows[i].totals);
          for (const place of places) {
            reader.nextPlace();
            expect(reader.place).toEqual(place);
          }
        }
      }),
    );
  });

  it('refuses a blob of another kind', () => {
    expect(() => readPieceHeader(new Uint8Array(HEADER_BYTES))).toThrow('no blob of piece features');
    expect(() => readPieceHeader(new Uint8Array(3))).toThrow('no blob of piece features');
  });

  it('take about 15 bytes for each line that is looked at', () => {
    const observer = createPieceObserver('line', pieceOptions('line').parse({}));
    const lines = Array.from({ length: 1000 }, (_, i) => `This is a line of some length, number ${i}`);
    for (let i = 0; i < 1000; i += 20) observer.observe({ id: '', text: lines.slice(i, i + 20).join('\n'), meta: {} });
    expect(observer.finish().length / 1000).toBeLessThan(16);
  });
});

describe('UTF-8 length', () => {
  it('is that of the encoded text, lone surrogates as U+FFFD', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a', 'é', '中', '😀', '\ud800', '\udc00', '\u07ff', '\u0800'), { maxLength: 9 }),
        (parts) => {
          const text = parts.join('');
          const units = Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
          expect(utf8Bytes(units, 0, units.length)).toBe(Buffer.byteLength(text));
        },
      ),
    );
  });
});

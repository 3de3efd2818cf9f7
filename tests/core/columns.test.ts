import { describe, expect, it } from 'vitest';
import {
  columnRange,
  createColumnWriter,
  cutRange,
  HEADER_BYTES,
  readColumns,
  readHeader,
  readTrailer,
  splitColumns,
  wordsOf,
} from '../../src/core/columns.ts';

describe('feature columns', () => {
  it('come back as they were pushed, also beyond the first allocation and from an odd offset', () => {
    const writer = createColumnWriter(3);
    for (let row = 0; row < 1000; row++) writer.push(Uint32Array.of(row, row * 2, 0xffffffff - row));
    const columns = readColumns(Buffer.concat([Buffer.alloc(1), writer.finish()]).subarray(1));
    expect(columns.map((column) => column.length)).toEqual([1000, 1000, 1000]);
    expect(columns.map((column) => column[999])).toEqual([999, 1998, 0xffffffff - 999]);
  });

  it('of an empty part are empty', () => {
    expect(readColumns(createColumnWriter(2).finish()).map((column) => column.length)).toEqual([0, 0]);
  });

  it('that were cut short, or are something else, are refused', () => {
    const writer = createColumnWriter(2);
    writer.push(Uint32Array.of(1, 2));
    const blob = writer.finish();
    expect(() => readColumns(blob.subarray(0, HEADER_BYTES + 4))).toThrow('1 rows of 2 columns');
    expect(() => readColumns(new Uint8Array(40))).toThrow('no blob of feature columns');
    expect(() => readHeader(blob.subarray(0, 8))).toThrow('no blob of feature columns');
  });

  it('next to each other are one stretch of the blob', () => {
    const writer = createColumnWriter(5);
    for (let row = 0; row < 7; row++) writer.push(Uint32Array.from({ length: 5 }, (_, column) => 100 * column + row));
    const blob = writer.finish({ any: 'trailer' });
    const bytes = cutRange(blob, columnRange(7, 2, 2));
    expect(splitColumns(wordsOf(bytes), 7, 2).map((column) => [...column])).toEqual([
      [200, 201, 202, 203, 204, 205, 206],
      [300, 301, 302, 303, 304, 305, 306],
    ]);
  });

  it('carry a trailer: bytes as they are, anything else as JSON, none by default', () => {
    const written = (trailer?: unknown): Uint8Array => {
      const writer = createColumnWriter(2);
      writer.push(Uint32Array.of(7, 8));
      const blob = writer.finish(trailer);
      expect(readColumns(blob).map((column) => [...column])).toEqual([[7], [8]]);
      return readTrailer(blob);
    };
    expect([...written(Uint8Array.of(1, 2, 3))]).toEqual([1, 2, 3]);
    expect(JSON.parse(new TextDecoder().decode(written({ sources: ['新闻', 'b'] })))).toEqual({
      sources: ['新闻', 'b'],
    });
    expect(written().length).toBe(0);
  });
});

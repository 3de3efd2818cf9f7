import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../../src/core/native.ts';
import {
  addRange,
  noRanges,
  readRanges,
  readRangesInto,
  readRangesIntoTwin,
  readRangesTwin,
} from '../../../src/shards/loader/read-ranges.ts';
import { temporaryFolder } from '../../temporary-folder.ts';

let path: string;
let file: FileHandle;
const content = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7919) >> 3);

beforeAll(async () => {
  path = join(temporaryFolder(), 'bytes');
  await writeFile(path, content);
  file = await open(path, 'r');
});
afterAll(() => file.close());

const place = () => ({ fd: file.fd, path });

describe('readRanges', () => {
  it('puts every range where it is wanted', async () => {
    const ranges = noRanges();
    addRange(ranges, place(), 9_000, 100, 50);
    addRange(ranges, place(), 0, 50, 0);
    addRange(ranges, place(), 5_000, 3, 150);
    const read = new Uint8Array(await readRanges(ranges, 153));
    expect([...read]).toEqual([
      ...content.subarray(0, 50),
      ...content.subarray(9_000, 9_100),
      ...content.subarray(5_000, 5_003),
    ]);
  });

  it('makes one read of neighbours', () => {
    const ranges = noRanges();
    addRange(ranges, place(), 10, 5, 0);
    addRange(ranges, place(), 15, 5, 5);
    addRange(ranges, place(), 21, 5, 10);
    addRange(ranges, place(), 26, 5, 20);
    expect(ranges.numbers.filter((_, i) => i % 4 === 2)).toEqual([10, 5, 5]);
  });

  it('says which file ends where', async () => {
    const ranges = noRanges();
    addRange(ranges, place(), 0, 10, 0);
    addRange(ranges, place(), 9_990, 30, 10);
    await expect(readRanges(ranges, 40)).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: `reading ${path}: 30 bytes expected at offset 9990, the file ends after 10 of them`,
    });
  });

  it('says when the system refuses', async () => {
    const ranges = noRanges();
    addRange(ranges, { fd: 9_999, path }, 0, 10, 0);
    await expect(readRanges(ranges, 10)).rejects.toMatchObject({
      code: 'INPUT_UNREADABLE',
      message: expect.stringContaining(path),
    });
  });
});

describe('readRangesInto', () => {
  it('leaves what no range covers', () => {
    const into = new Uint8Array(12).fill(255);
    readRangesInto(Float64Array.of(file.fd, 9_000, 3, 8, file.fd, 5, 4, 1), into, () => path);
    expect([...into]).toEqual([255, ...content.subarray(5, 9), 255, 255, 255, ...content.subarray(9_000, 9_003), 255]);
  });

  it('says which file ends where, and when the system refuses', () => {
    const read = (fd: number) => readRangesInto(Float64Array.of(fd, 9_990, 30, 0), new Uint8Array(30), () => path);
    expect(() => read(file.fd)).toThrow(
      `reading ${path}: 30 bytes expected at offset 9990, the file ends after 10 of them`,
    );
    expect(() => read(9_999)).toThrow(`reading ${path}: the system refused 30 bytes at offset 9990`);
  });
});

describe.skipIf(native?.readRanges === undefined)('the add-on', () => {
  const kernel = (ranges: Float64Array, bytes: number) => native!.readRanges!(ranges, bytes);

  it.each([
    ['nothing', []],
    [
      'ranges in any order',
      [
        [7, 13, 40],
        [9_000, 1_000, 1_000],
        [0, 40, 0],
      ],
    ],
    [
      'a range that ends behind the file',
      [
        [0, 40, 0],
        [9_999, 2, 40],
      ],
    ],
  ])('reads %s as its twin does', async (_, list) => {
    const ranges = Float64Array.from(list.flatMap(([position, bytes, at]) => [file.fd, position, bytes, at]));
    expect(await kernel(ranges, 3_000)).toEqual(await readRangesTwin(ranges, 3_000));
    const [ours, twins] = [new Uint8Array(3_000), new Uint8Array(3_000)];
    expect(native!.readRangesInto!(ranges, ours)).toEqual(readRangesIntoTwin(ranges, twins));
    expect(ours).toEqual(twins);
  });

  it('refuses what would reach out of its memory', () => {
    expect(() => kernel(Float64Array.of(file.fd, 0, 10, 1), 10)).toThrow(/less than the ranges need/);
    expect(() => kernel(Float64Array.of(file.fd, 0, -1, 0), 10)).toThrow(/out of bounds/);
    expect(() => kernel(Float64Array.of(file.fd, 0.5, 1, 0), 10)).toThrow(/out of bounds/);
    expect(() => kernel(Float64Array.of(file.fd, 0, 1), 10)).toThrow(/four numbers a range/);
    expect(() => kernel(Float64Array.of(file.fd, 0, 1, 0), Number.NaN)).toThrow(/integer/);
    expect(() => native!.readRangesInto!(Float64Array.of(file.fd, 0, 10, 1), new Uint8Array(10))).toThrow(
      /less than the ranges need/,
    );
    expect(() => kernel(new Uint8Array(8) as unknown as Float64Array, 10)).toThrow(TypeError);
  });
});

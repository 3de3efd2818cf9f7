import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketStarts, readBucket, writeBuckets } from '../../src/shards/bucket-file.ts';
import { temporaryFolder } from '../temporary-folder.ts';

describe('bucket files', () => {
  it('give each bucket its own records and bytes', async () => {
    const dir = temporaryFolder();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ records: fc.array(fc.nat(), { maxLength: 5 }), bytes: fc.uint8Array({ maxLength: 9 }) }), {
          minLength: 1,
          maxLength: 6,
        }),
        async (buckets) => {
          const path = join(dir, `${run++}.bin`);
          const { ends } = bucketStarts(Uint32Array.from(buckets, ({ records }) => records.length));
          const words = Uint32Array.from(buckets.flatMap(({ records }) => records.flatMap((value) => [value, ~value])));
          const { ends: byteEnds } = bucketStarts(Uint32Array.from(buckets, ({ bytes }) => bytes.length));
          const bytes = Buffer.concat(buckets.map((bucket) => bucket.bytes));
          await writeBuckets(path, { width: 2, ends, words }, [
            { ends: byteEnds, bytes },
            { ends: byteEnds, bytes: bytes.map((byte) => 255 - byte) },
          ]);
          for (const [b, { records, bytes }] of buckets.entries()) {
            const found = readBucket(path, b);
            expect([...found.words]).toEqual([...Uint32Array.from(records.flatMap((value) => [value, ~value]))]);
            expect([...found.bytes[0]]).toEqual([...bytes]);
            expect([...found.bytes[1]]).toEqual([...bytes].map((byte) => 255 - byte));
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('are refused when they were cut short or are something else', async () => {
    const path = join(temporaryFolder(), 'a.bin');
    await writeBuckets(path, { width: 1, ends: Float64Array.of(2, 3), words: Uint32Array.of(7, 8, 9) });
    await writeFile(path, (await readFile(path)).subarray(0, -1));
    expect([...readBucket(path, 0).words]).toEqual([7, 8]);
    expect(() => readBucket(path, 1)).toThrow(expect.objectContaining({ code: 'INPUT_CORRUPT' }));
    expect(() => readBucket(path, 2)).toThrow(/none of version 1 with a bucket 2/);
    await writeFile(path, Buffer.alloc(64));
    expect(() => readBucket(path, 0)).toThrow(expect.objectContaining({ code: 'INPUT_CORRUPT' }));
  });
});

import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorpusmillError } from '../../../src/core/errors.ts';
import { BLOCK_BYTES, openBlockReader, openBlockWriter } from '../../../src/dedup/index/block-file.ts';
import { temporaryFolder } from '../../temporary-folder.ts';

const content = Uint8Array.from({ length: 5 * BLOCK_BYTES + 777 }, (_, i) => (i * 31 + (i >>> 8)) & 0xff);
const damaged = (what: string): CorpusmillError => new CorpusmillError('INPUT_CORRUPT', what);

async function written(pieces: readonly Uint8Array[]) {
  const path = join(temporaryFolder(), 'file.bin');
  const writer = await openBlockWriter(path);
  for (const piece of pieces) await writer.write(piece);
  return { path, ...(await writer.close()), damaged };
}

describe('a file with checksums of its blocks', () => {
  it('gives any stretch back as it was written, in whatever pieces that was', async () => {
    const facts = await written([
      content.subarray(0, 10),
      content.subarray(10, 3 * BLOCK_BYTES),
      content.subarray(3 * BLOCK_BYTES),
    ]);
    expect(facts.bytes).toBe(content.length);
    const reader = await openBlockReader(facts.path, facts);
    const place = fc.nat({ max: content.length });
    await fc.assert(
      fc.asyncProperty(place, place, async (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        expect(Buffer.compare(await reader.read(from, to - from), content.subarray(from, to))).toBe(0);
      }),
      { numRuns: 50 },
    );
    const ranges = [
      { offset: 5, length: 0 },
      { offset: 5, length: 20 },
      { offset: 25, length: BLOCK_BYTES },
      { offset: 5 * BLOCK_BYTES, length: 777 },
    ];
    const found = await reader.readAll(ranges);
    found.forEach((bytes, i) => {
      const { offset, length } = ranges[i];
      expect(Buffer.compare(bytes, content.subarray(offset, offset + length))).toBe(0);
    });
  });

  it('refuses a stretch of which one byte has changed, and gives the others', async () => {
    const facts = await written([content]);
    const bytes = readFileSync(facts.path);
    bytes[2 * BLOCK_BYTES + 5] ^= 1;
    writeFileSync(facts.path, bytes);
    const reader = await openBlockReader(facts.path, facts);
    await expect(reader.read(2 * BLOCK_BYTES + 100, 1)).rejects.toThrow('bytes 32768–49151 of');
    expect(Buffer.compare(await reader.read(0, BLOCK_BYTES), content.subarray(0, BLOCK_BYTES))).toBe(0);
    await expect(reader.read(content.length - 1, 2)).rejects.toThrow('ends before byte');
  });

  it('refuses a file that is cut short, or gone', async () => {
    const facts = await written([content]);
    truncateSync(facts.path, 100);
    await expect(openBlockReader(facts.path, facts)).rejects.toThrow('has 100 bytes, and not 82697');
    await expect(openBlockReader(`${facts.path}.gone`, facts)).rejects.toThrow('cannot be read (ENOENT)');
  });
});

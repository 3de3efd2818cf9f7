import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { decompress as fzstdDecompress } from 'fzstd';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { compress, decompress, detectCompression, openByteSource } from '../../src/io/codecs.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { tool } from './fixture.ts';

/** Text that compresses about as prose does. */
function prose(bytes: number): Buffer {
  const random = createRandom(bytes);
  const words = Array.from({ length: 2000 }, () =>
    random
      .uint32()
      .toString(36)
      .slice(0, 3 + random.below(6)),
  );
  const parts: string[] = [];
  for (let length = 0; length < bytes; ) {
    const word = `${words[random.below(words.length)]} `;
    parts.push(word);
    length += word.length;
  }
  return Buffer.from(parts.join('').slice(0, bytes));
}

async function readAll(path: string, ratio = 1000): Promise<{ bytes: Buffer; reason: string | undefined }> {
  const source = await openByteSource(path, ratio);
  const parts: Buffer[] = [];
  const into = new Uint8Array(new SharedArrayBuffer(100_000));
  let reason: string | undefined;
  try {
    for (;;) {
      const read = await source.read(into);
      if (read === 0) break;
      parts.push(Buffer.from(into.subarray(0, read)));
    }
  } catch (error) {
    reason = (error as { reason?: string }).reason ?? String(error);
  }
  await source.close();
  return { bytes: Buffer.concat(parts), reason };
}

describe('compress', () => {
  it('makes members and frames that independent decoders read', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
        expect(Buffer.from(gunzipSync(await compress(bytes, 'gzip', 6)))).toEqual(Buffer.from(bytes));
        expect(Buffer.from(fzstdDecompress(await compress(bytes, 'zstd', 3)))).toEqual(Buffer.from(bytes));
      }),
      { numRuns: 50 },
    );
  });

  it('writes no time into gzip headers, so equal input gives equal bytes', async () => {
    const member = await compress(prose(1000), 'gzip');
    expect([...member.subarray(4, 8)]).toEqual([0, 0, 0, 0]);
  });

  it('gives what the zstd and gzip programs read, also concatenated', async () => {
    const [a, b] = [prose(300_000), prose(200_000)];
    for (const [kind, program] of [
      ['zstd', 'zstd'],
      ['gzip', 'gzip'],
    ] as const) {
      const both = Buffer.concat([await compress(a, kind), await compress(b, kind)]);
      const read = tool(program, ['-dc'], both);
      if (read !== undefined) expect(read.equals(Buffer.concat([a, b]))).toBe(true);
    }
  });
});

describe('decompress', () => {
  it('reads concatenated members and frames to the end', async () => {
    const [a, b, c] = [prose(300_000), prose(1), prose(140_000)];
    for (const kind of ['gzip', 'zstd'] as const) {
      const joined = Buffer.concat([await compress(a, kind), await compress(b, kind), await compress(c, kind)]);
      expect(Buffer.from(await decompress(joined)).equals(Buffer.concat([a, b, c])), kind).toBe(true);
    }
  });

  it('stops a bomb with EXPANSION_LIMIT', async () => {
    const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024));
    await expect(decompress(bomb, 100)).rejects.toMatchObject({ code: 'EXPANSION_LIMIT' });
  });

  it('says INPUT_CORRUPT for a broken member', async () => {
    const member = await compress(prose(5000), 'gzip');
    await expect(decompress(member.subarray(0, 1000))).rejects.toMatchObject({ code: 'INPUT_CORRUPT' });
  });
});

describe('detectCompression', () => {
  it.each([
    ['gzip', [0x1f, 0x8b, 8, 0]],
    ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
    ['zstd', [0x5a, 0x2a, 0x4d, 0x18]],
    ['none', [0x7b, 0x22, 0x61, 0x22]],
    ['none', []],
  ])('says %s for %j', (kind, head) => {
    expect(detectCompression(Uint8Array.from(head))).toBe(kind);
  });
});

describe('openByteSource', () => {
  it.each([1, 512, 200_000])('reads a gzip file that is padded with %i zero bytes, as gzip does', async (zeros) => {
    const content = prose(300_000);
    const path = join(temporaryFolder(), 'padded.gz');
    writeFileSync(path, Buffer.concat([gzipSync(content), Buffer.alloc(zeros)]));
    expect(await readAll(path)).toEqual({ bytes: content, reason: undefined });
  });

  it('says so when other data follows the zero bytes, after all that came before', async () => {
    const content = prose(300_000);
    const path = join(temporaryFolder(), 'odd.gz');
    writeFileSync(path, Buffer.concat([gzipSync(content), Buffer.alloc(70_000), Buffer.from('more')]));
    expect(await readAll(path)).toEqual({ bytes: content, reason: 'corrupt gzip' });
  });

  it('keeps what one zstd stream handed out while others make the decoder’s memory grow', async () => {
    const content = prose(3_000_000);
    const path = join(temporaryFolder(), 'a.zst');
    writeFileSync(path, await compress(content, 'zstd'));
    const sources = [];
    const into = new Uint8Array(1000);
    // Each stream has handed out the start of a block when the next one asks for its window.
    for (let i = 0; i < 40; i++) {
      const source = await openByteSource(path, 1000);
      await source.read(into);
      sources.push(source);
    }
    for (const source of sources) {
      await source.read(into);
      expect(Buffer.from(into).equals(content.subarray(1000, 2000))).toBe(true);
      await source.close();
    }
  });

  it('reads plain, gzip and zstd files to the same bytes', async () => {
    const folder = temporaryFolder();
    const text = prose(3_000_000);
    for (const kind of ['none', 'gzip', 'zstd'] as const) {
      const path = join(folder, kind);
      writeFileSync(path, await compress(text, kind));
      const { bytes, reason } = await readAll(path);
      expect(bytes.equals(text), kind).toBe(true);
      expect(reason).toBeUndefined();
    }
  });

  it('reads what the zstd program writes: levels, long windows, checksums, many frames, skippable frames', async () => {
    const folder = temporaryFolder();
    const text = prose(700_000);
    const path = join(folder, 'a.zst');
    for (const options of [['-1'], ['-19'], ['--long=27', '-3'], ['--no-check', '-5']]) {
      const frame = tool('zstd', [...options, '-c'], text);
      if (frame === undefined) return;
      const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
      writeFileSync(path, Buffer.concat([frame, skippable, frame]));
      const { bytes, reason } = await readAll(path);
      expect(reason).toBeUndefined();
      expect(bytes.equals(Buffer.concat([text, text])), options.join(' ')).toBe(true);
    }
  });

  it.each(['gzip', 'zstd'] as const)('delivers all of a truncated %s file up to the break', async (kind) => {
    const text = prose(3_000_000);
    const whole = await compress(text, kind);
    const path = join(temporaryFolder(), 'cut');
    for (const part of [0.3, 0.7, 0.999]) {
      const cut = whole.subarray(0, Math.floor(whole.length * part));
      writeFileSync(path, cut);
      const { bytes, reason } = await readAll(path);
      expect(reason).toBe(`truncated ${kind}`);
      expect(text.subarray(0, bytes.length).equals(bytes)).toBe(true);
      // zstd delivers whole blocks of 128 KiB; gzip all that its bytes say.
      expect(bytes.length).toBeGreaterThan(text.length * part * 0.9 - 140_000);
    }
  });

  it('delivers a whole member that garbage follows, then says corrupt gzip', async () => {
    const text = prose(100_000);
    const path = join(temporaryFolder(), 'garbage.gz');
    writeFileSync(path, Buffer.concat([await compress(text, 'gzip'), Buffer.from('garbage')]));
    const { bytes, reason } = await readAll(path);
    expect(reason).toBe('corrupt gzip');
    expect(bytes.equals(text)).toBe(true);
  });

  it('delivers the blocks before corrupt zstd data', async () => {
    const text = prose(3_000_000);
    const frame = Buffer.from(await compress(text, 'zstd'));
    const path = join(temporaryFolder(), 'corrupt.zst');
    writeFileSync(path, Buffer.concat([frame.subarray(0, frame.length >> 1), Buffer.alloc(200_000, 0xff)]));
    const { bytes, reason } = await readAll(path);
    expect(reason).toBe('corrupt zstd');
    expect(bytes.length).toBeGreaterThan(1_000_000);
    expect(text.subarray(0, bytes.length).equals(bytes)).toBe(true);
  });

  it.each(['gzip', 'zstd'] as const)('stops a %s bomb at the limit, holding little of it', async (kind) => {
    const path = join(temporaryFolder(), 'bomb');
    const piece = await compress(Buffer.alloc(32 * 1024 * 1024), kind);
    writeFileSync(path, Buffer.concat(Array.from({ length: 16 }, () => piece)));
    const source = await openByteSource(path, 1);
    const into = new Uint8Array(1 << 20);
    let total = 0;
    const reading = (async () => {
      for (;;) {
        const read = await source.read(into);
        if (read === 0) return;
        total += read;
      }
    })();
    await expect(reading).rejects.toMatchObject({ reason: 'expansion limit' });
    await source.close();
    expect(total).toBeLessThanOrEqual(64 * 1024 * 1024);
  });

  it('says what an unsupported compression is', async () => {
    const path = join(temporaryFolder(), 'a.bz2');
    writeFileSync(path, Buffer.from('BZh91AY&SY'));
    await expect(openByteSource(path, 10)).rejects.toMatchObject({
      reason: 'unsupported compression',
      message: /bzip2/,
    });
  });
});

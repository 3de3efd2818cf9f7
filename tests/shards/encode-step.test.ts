import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { encodeDocuments } from '../../src/shards/encode-step.ts';
import { openEncodedPart, writeEncodedPart } from '../../src/shards/encoded-part.ts';
import { forgetScratch, isKept, keepScratch, ScratchFile } from '../../src/shards/scratch-file.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { BOS, EOS, writeByteTokenizer } from './context.ts';

const byteTokenizer = async () => Tokenizer.fromFile(await writeByteTokenizer(temporaryFolder()));
const documentsOf = (...texts: string[]) => texts.map((text, i) => ({ id: `id ${i} 文`, text, meta: {} }));
const eos = { token: '<|endoftext|>', id: EOS };
const bos = { token: '<|bos|>', id: BOS };

describe('encodeDocuments', () => {
  it('puts bos before and eos after every document, also an empty one', async () => {
    const encoded = encodeDocuments(documentsOf('ab', '', 'c'), {
      tokenizer: await byteTokenizer(),
      type: 'uint16',
      bos,
      eos,
    });
    expect(Array.from(encoded.tokens)).toEqual([BOS, 97, 98, EOS, BOS, EOS, BOS, 99, EOS]);
    expect(Array.from(encoded.lengths)).toEqual([4, 2, 3]);
  });

  it('finds room for texts with several tokens per character', async () => {
    const tokenizer = await byteTokenizer();
    const texts = ['x'.repeat(65_000), '語'.repeat(120_000), 'end'];
    const encoded = encodeDocuments(documentsOf(...texts), { tokenizer, type: 'uint16', bos: null, eos });
    expect(Array.from(encoded.lengths)).toEqual([65_001, 360_001, 4]);
    const expected = Buffer.concat(texts.map((text) => Buffer.from(`${text}\0`)));
    const found = Buffer.from(encoded.tokens.map((id) => (id === EOS ? 0 : id)));
    expect(found.equals(expected)).toBe(true);
  });
});

describe('the encoded part file', () => {
  const places = ['on disk', ...(native?.readRangesInto === undefined ? [] : ['in memory'])] as const;
  const types = ['uint16', 'uint32'] as const;
  it.each(types.flatMap((type) => places.map((place) => [type, place] as const)))(
    'keeps lengths, ids and tokens, %s, %s',
    async (type, place) => {
      const folder = temporaryFolder();
      const path = join(folder, 'part.bin');
      const kept = place === 'in memory';
      const encoded = encodeDocuments(documentsOf('one', '', '三'), {
        tokenizer: await byteTokenizer(),
        type,
        bos: null,
        eos,
      });
      const facts = {
        sources: ['web', 'books', 'web'],
        splitKeys: Float64Array.of(0.25, 0.5, 0.75),
        trained: Uint8Array.of(1, 0, 1, 0, 1, 0, 1, 0, 1),
      };
      const most = kept ? 10_000 : 0;
      expect(await writeEncodedPart(path, encoded, facts, most)).toEqual({ documents: 3, tokens: 9, kept });
      expect(existsSync(path)).toBe(!kept);
      expect(isKept(path)).toBe(kept);
      const part = openEncodedPart(path);
      expect(part).toMatchObject({ documents: 3, tokens: 9, bytesPerToken: type === 'uint16' ? 2 : 4 });
      expect(Array.from(part.lengths())).toEqual([4, 1, 4]);
      const { ends, bytes } = part.ids();
      expect(Array.from(ends)).toEqual([8, 16, 24]);
      expect(Buffer.from(bytes).toString()).toBe('id 0 文id 1 文id 2 文');
      expect(part.sources()).toEqual({ numbers: Uint32Array.of(0, 1, 0), names: ['web', 'books'] });
      expect(part.splitKeys()).toEqual(facts.splitKeys);
      const trained = Buffer.alloc(9);
      part.read(part.trainedAt, trained);
      expect([...trained]).toEqual([...facts.trained]);
      expect(() => part.read(part.trainedAt, new Uint8Array(10))).toThrow(
        `reading ${path}: 10 bytes expected at offset ${part.trainedAt}, the file ends after 9 of them`,
      );
      part.close();
      forgetScratch(folder);
      expect(isKept(path)).toBe(false);
    },
  );

  it.skipIf(native?.readRangesInto === undefined)(
    'is kept in memory while there is room, and gone with its folder alone',
    async () => {
      const [folder, other] = [temporaryFolder(), temporaryFolder()];
      const bytes = (size: number) => [new Uint8Array(size).fill(size), Uint8Array.of(7)];
      const paths = ['a', 'b', 'c'].map((name) => join(folder, name));
      expect(keepScratch(paths[0], bytes(60), 200)).toBe(true);
      expect(keepScratch(join(other, 'a'), bytes(60), 200)).toBe(true);
      expect(keepScratch(paths[1], bytes(78), 200)).toBe(false);
      expect(keepScratch(paths[1], bytes(77), 200)).toBe(true);
      expect(keepScratch(paths[2], bytes(0), 200)).toBe(false);
      // In the place of another: the room of that is free.
      expect(keepScratch(paths[0], bytes(59), 300)).toBe(true);
      const read = (path: string) => {
        const file = new ScratchFile(path, 'reading');
        return [file.size, ...file.read(file.size - 2, new Uint8Array(2))];
      };
      expect(read(paths[0])).toEqual([60, 59, 7]);
      expect(read(paths[1])).toEqual([78, 77, 7]);
      forgetScratch(folder);
      expect(paths.some(isKept)).toBe(false);
      expect(read(join(other, 'a'))).toEqual([61, 60, 7]);
      forgetScratch(other);
      expect(() => read(paths[0])).toThrow('cannot be read (ENOENT)');
      expect(() => native?.forgetFiles('')).toThrow('argument 1 is no name');
      expect(() => native?.keepFile('a', [{} as Uint8Array], 9)).toThrow('argument 2');
    },
  );

  it('names a file that is missing', async () => {
    const path = join(temporaryFolder(), 'none.bin');
    const expected = { code: 'INPUT_NOT_FOUND', message: `reading encoded tokens: ${path} cannot be read (ENOENT)` };
    expect(() => openEncodedPart(path)).toThrow(expect.objectContaining(expected));
  });
});

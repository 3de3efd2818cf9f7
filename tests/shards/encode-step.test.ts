import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeDocuments } from '../../src/shards/encode-step.ts';
import { openEncodedPart, writeEncodedPart } from '../../src/shards/encoded-part.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { BOS, EOS, scratch, writeByteTokenizer } from './context.ts';

const byteTokenizer = async () => Tokenizer.fromFile(await writeByteTokenizer(await scratch()));
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
  it.each(['uint16', 'uint32'] as const)('keeps lengths, ids and tokens, %s', async (type) => {
    const path = join(await scratch(), 'part.bin');
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
    expect(await writeEncodedPart(path, encoded, facts)).toEqual({ documents: 3, tokens: 9 });
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
    part.close();
  });

  it('names a file that is missing', async () => {
    const path = join(await scratch(), 'none.bin');
    const expected = { code: 'INPUT_NOT_FOUND', message: `reading encoded tokens: ${path} cannot be read (ENOENT)` };
    expect(() => openEncodedPart(path)).toThrow(expect.objectContaining(expected));
  });
});

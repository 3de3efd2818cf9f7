import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';
import { bytesToAlphabet } from '../../src/tokenizer/byte-alphabet.ts';
import { readBase } from '../../src/tokenizer/extend-bpe.ts';
import { writeTiktoken } from '../../src/tokenizer/formats/tiktoken.ts';
import { type BpeTables, writeHfTokenizer } from '../../src/tokenizer/hf-json.ts';
import { PATTERNS } from '../../src/tokenizer/pre-tokenizer.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { trainBpe } from '../../src/tokenizer/train-texts.ts';

const ENGLISH = ['the whale and the other whale', 'the old harbor, the old whales'];
const CHINESE = ['白鲸是一部小说', '小说里的白鲸很大', '白鲸在海里', '的的的'];

const base = await trainBpe(ENGLISH, { vocabSize: 270, minFrequency: 1 });
const extended = await trainBpe([...CHINESE, ...ENGLISH], {
  vocabSize: 285,
  specialTokens: ['<|endoftext|>', '<|im_end|>'],
  minFrequency: 1,
  extend: base.tables,
});

/** Tokens by definition: of the pairs in a piece that the tables join, the first in the list, until none is left. */
function encodeByRank(text: string, { tokens, lefts, rights, products }: BpeTables): number[] {
  const ranks = new Map(Array.from(lefts, (left, rank) => [`${left} ${rights[rank]}`, rank]));
  const byteId = (byte: number): number => tokens.findIndex((token) => token?.length === 1 && token[0] === byte);
  return [...text.matchAll(new RegExp(PATTERNS.gpt2, 'gu'))].flatMap(([piece]) => {
    const ids = Array.from(new TextEncoder().encode(piece), byteId);
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      let at = -1;
      for (let i = 0; i + 1 < ids.length; i++) {
        const rank = ranks.get(`${ids[i]} ${ids[i + 1]}`) ?? Number.POSITIVE_INFINITY;
        if (rank < best) [best, at] = [rank, i];
      }
      if (at < 0) return ids;
      ids.splice(at, 2, products[best]);
    }
  });
}

describe('a vocabulary that was extended', () => {
  it('keeps every id of the base, its special tokens included, and puts new ones behind', () => {
    const { tables } = extended;
    expect(base.tables.vocabSize).toBe(270);
    expect(tables.tokens.slice(0, 270)).toEqual(base.tables.tokens);
    expect(Array.from(tables.lefts.subarray(0, base.merges))).toEqual(Array.from(base.tables.lefts));
    expect(tables.vocabSize).toBe(285);
    expect(extended.merges).toBe(14); // 285 - 270 - 1 new special token
    expect(tables.added).toEqual([
      { id: 269, content: '<|endoftext|>', special: true },
      { id: 284, content: '<|im_end|>', special: true },
    ]);
    expect(Array.from(tables.products.subarray(base.merges))).toEqual(Array.from({ length: 14 }, (_, i) => 270 + i));
  });

  it('learns what is frequent in the new texts and not yet a token', () => {
    const words = extended.tables.tokens.slice(270, 284).map((token) => new TextDecoder().decode(token));
    expect(words).toContain('白鲸');
    expect(words.filter((word) => word.includes('whale'))).toEqual([]);
  });

  it('gives the same ids here, in @huggingface/tokenizers, and by the definition', () => {
    const json = writeHfTokenizer(extended.tables);
    const own = Tokenizer.fromJson(json);
    const peer = new HuggingFaceTokenizer(json, {});
    const parts = fc.constantFrom(...CHINESE, ...ENGLISH, 'wha', 'le', ' 鲸', '的', 'zé', '\n');
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 5 }), (list) => {
        const text = list.join('');
        const ids = Array.from(own.encode(text));
        expect(ids).toEqual(Array.from(peer.encode(text).ids));
        expect(own.decode(ids)).toBe(text.normalize('NFC'));
      }),
    );
  });

  it('trains on the tokens that the base gives: as many as the result gives, and counts that say so', async () => {
    const texts = ['ab abc abcd', 'abab abcabc', 'bcd bcd bcd'];
    const first = await trainBpe(texts, { vocabSize: 258, specialTokens: [], pattern: 'gpt2', normalization: 'none' });
    const second = await trainBpe(texts, { vocabSize: 262, specialTokens: [], extend: first.tables, minFrequency: 1 });
    const total = texts.reduce((sum, text) => sum + encodeByRank(text, second.tables).length, 0);
    expect(second.trainedTokens).toBe(total);
    // From nothing the same merges are found: the base holds a prefix of them.
    const whole = await trainBpe(texts, { vocabSize: 262, specialTokens: [], pattern: 'gpt2', normalization: 'none' });
    expect(second.tables.tokens).toEqual(whole.tables.tokens);
  });

  it('takes a piece that is a token as that token where the base does (Llama 3)', async () => {
    const tables = { ...base.tables, ignoreMerges: true };
    const trained = await trainBpe(['whale whale'], { vocabSize: 272, specialTokens: [], extend: tables });
    expect(trained.tables.ignoreMerges).toBe(true);
    expect(trained.trainedTokens).toBe(
      Tokenizer.fromJson(writeHfTokenizer(trained.tables)).encode('whale whale').length,
    );
  });

  it('reads its base from tokenizer.json and from .tiktoken', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'corpusmill-extend-'));
    try {
      const json = join(folder, 'tokenizer.json');
      await writeFile(json, JSON.stringify(writeHfTokenizer(base.tables)));
      expect(readBase(json, 'gpt2', 'none')).toEqual(base.tables);
      const ranks = join(folder, 'base.tiktoken');
      await writeFile(ranks, writeTiktoken(base.tables));
      const read = readBase(ranks, 'qwen2', 'nfc');
      expect(read.tokens.map((token) => bytesToAlphabet(token!))).toEqual(
        base.tables.tokens.slice(0, 269).map((token) => bytesToAlphabet(token!)),
      );
      expect([read.added, read.pattern]).toEqual([[], PATTERNS.qwen2]);
      expect(read.lefts).toEqual(base.tables.lefts);
      expect(() => readBase(join(folder, 'none.json'), 'qwen2', 'nfc')).toThrow(/there is no such file/);
      await writeFile(json, '{');
      expect(() => readBase(json, 'qwen2', 'nfc')).toThrow(/tokenizer\.json/);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("reads its base from a folder, through gzip and from GPT-2's two files, whose pattern stays; not from SentencePiece", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'corpusmill-extend-'));
    try {
      await writeFile(join(folder, 'tokenizer.json'), gzipSync(JSON.stringify(writeHfTokenizer(base.tables))));
      expect(readBase(folder, 'qwen2', 'none')).toEqual(base.tables);
      const pair = join(folder, 'pair');
      await mkdir(pair);
      await writeFile(join(pair, 'vocab.json'), JSON.stringify({ a: 0, b: 1, ab: 2, '<|endoftext|>': 3 }));
      await writeFile(join(pair, 'merges.txt'), '#version: 0.2\na b\n');
      const read = readBase(pair, 'qwen2', 'nfc');
      expect([read.vocabSize, read.pattern, read.normalization]).toEqual([4, PATTERNS.gpt2, 'none']);
      expect(read.added).toEqual([{ id: 3, content: '<|endoftext|>', special: true }]);
      const model = join(packageRoot(), 'tests', 'tokenizer', 'formats', 'fixtures', 'bpe.model');
      expect(() => readBase(model, 'qwen2', 'nfc')).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('refuses a base without all bytes, and a size below it', async () => {
    const tokens = [...base.tables.tokens];
    tokens[66] = undefined; // "c"
    await expect(trainBpe(['cc'], { vocabSize: 300, extend: { ...base.tables, tokens } })).rejects.toThrow(/0x63/);
    await expect(trainBpe([], { vocabSize: 260, extend: base.tables })).rejects.toThrow(
      /no room for the 270 tokens it extends/,
    );
  });
});

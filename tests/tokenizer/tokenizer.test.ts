import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPieceCounter } from '../../src/tokenizer/count-pieces.ts';
import { writeTiktoken } from '../../src/tokenizer/formats/tiktoken.ts';
import { writeHfTokenizer } from '../../src/tokenizer/hf-json.ts';
import { pieceColumns } from '../../src/tokenizer/sum-piece-counts.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { type TrainOptions, trainOnCounts } from '../../src/tokenizer/train-bpe.ts';
import { describeWithShared, shared } from '../shared.ts';
import { mergeByDefinition } from './merge-by-definition.ts';

const gunzipText = (path: string): string => gunzipSync(readFileSync(shared(path))).toString();
const rows = <T>(text: string): T[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);

describeWithShared('the released Qwen2.5 tokenizer', () => {
  const json = JSON.parse(gunzipText('data/qwen-tokenizer/tokenizer.json.gz')) as object;
  const qwen = Tokenizer.fromJson(json);

  it('gives the ids of llama.cpp and HF on 43 hard texts', () => {
    const vectors = rows<{ text: string; ids_hf_js: number[] }>(
      readFileSync(shared('data/qwen-tokenizer/vectors-llamacpp-qwen2.jsonl'), 'utf8'),
    );
    expect(vectors).toHaveLength(43);
    for (const { text, ids_hf_js } of vectors) expect(Array.from(qwen.encode(text)), text).toEqual(ids_hf_js);
  });

  it('gives the reference ids of 372 web documents and decodes them back', () => {
    const vectors = rows<{ id: string; text: string; ids: number[] }>(
      gunzipText('data/qwen-tokenizer/vectors-webmix.jsonl.gz'),
    );
    expect(vectors).toHaveLength(372);
    for (const { id, text, ids } of vectors) {
      expect(Array.from(qwen.encode(text)), id).toEqual(ids);
      expect(qwen.decode(ids), id).toBe(text.normalize('NFC'));
    }
  });

  it('has the published sizes and special ids', () => {
    expect(qwen.vocabSize).toBe(151_665);
    expect(qwen.specialId('<|endoftext|>')).toBe(151_643);
    expect(qwen.specialId('<|im_end|>')).toBe(151_645);
    expect(qwen.specialId('<|no_such_token|>')).toBeUndefined();
    expect(qwen.toJson()).toBe(json);
  });

  it('takes special tokens in a text as text, and leaves them out of decoding on request', () => {
    const ids = Array.from(qwen.encode('<|im_end|>'));
    expect(ids).not.toContain(151_645);
    expect(qwen.decode(ids)).toBe('<|im_end|>');
    expect(qwen.decode([9707, 151_645])).toBe('Hello<|im_end|>');
    expect(qwen.decode([9707, 151_645], { skipSpecial: true })).toBe('Hello');
  });

  it('gives long pieces the ids of their definition: 2^k letters a are 8-letter tokens', () => {
    const perMillion = qwen.encode('a'.repeat(1_000_000));
    expect(perMillion).toHaveLength(125_000);
    expect(new Set(perMillion)).toEqual(new Set(qwen.encode('aaaaaaaa')));
  });

  it('survives being written: the same ids from its own tables as JSON', () => {
    const words = (json as { model: { vocab: object; merges: unknown[] } }).model;
    expect(words.merges).toHaveLength(151_387);
    const pairs = { ...json, model: { ...words, merges: words.merges.map((merge) => String(merge).split(' ')) } };
    const text = 'Merges as pairs (newer files) 或作字符串。';
    expect(Tokenizer.fromJson(pairs).encode(text)).toEqual(qwen.encode(text));
  });
});

/** Trained here on a few languages, so that the tests below need no file. */
const SAMPLE = [
  'The quick brown fox jumps over the lazy dog. The dog sleeps; the fox runs through the thick forest.',
  "It's the thing that they've been thinking of: 1234 theses, 99 thoughts & then some.\n\n\tthen the end.",
  '敏捷的棕色狐狸跳过了懒狗。狐狸跑过森林，狗在睡觉。狐狸和狗是朋友，狐狸的森林很大。',
  'Быстрая лиса прыгает через ленивую собаку. Собака спит, лиса бежит.',
  'für das Übermaß; déjà vu, naïve café — «où»? ½ ² Ⅷ 👩‍👩‍👧 aaaa aaaaaaaa aaaaaaaaaaaaaaaa',
];
const OPTIONS: TrainOptions = {
  vocabSize: 500,
  pattern: 'qwen2',
  normalization: 'nfc',
  specialTokens: ['<|endoftext|>', '<|im_start|>', '<|im_end|>'],
  minFrequency: 2,
  tie: 'hf',
};

function train(options: Partial<TrainOptions> = {}) {
  const all = { ...OPTIONS, ...options };
  const counter = createPieceCounter(all.pattern, all.normalization);
  for (const text of SAMPLE) counter.count(text);
  return trainOnCounts(pieceColumns([counter.counts]), all).tables;
}

const anyText = fc
  .array(fc.oneof(fc.constantFrom(...SAMPLE, '\ufeff', '\u0085', '\u200d', "'s"), fc.string({ unit: 'binary' })))
  .map((parts) => parts.join('').toWellFormed().normalize('NFC'));

describe('a tokenizer trained here', () => {
  const json = writeHfTokenizer(train());
  const tokenizer = Tokenizer.fromJson(json);

  it('decodes what it encodes, for any well-formed NFC text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
      }),
    );
  });

  it('gives the ids of @huggingface/tokenizers', () => {
    const peer = new HuggingFaceTokenizer(json, {});
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = peer.encode(text, { add_special_tokens: false }).ids;
        expect(Array.from(tokenizer.encode(text))).toEqual(Array.from(ids));
      }),
    );
  });

  it('holds all 256 bytes, so that no text is lost', () => {
    const bytes = Array.from({ length: 256 }, (_, id) => Buffer.from(tokenizer.tokenBytes(id)).toString('hex'));
    expect(new Set(bytes).size).toBe(256);
    for (const char of ['\u0000', '\u0085', '\ufeff', '\u200d', '\u{10ffff}', '\u007f']) {
      expect(tokenizer.decode(tokenizer.encode(`a${char}b`))).toBe(`a${char}b`);
    }
  });

  it('gives the same ids whether a piece is short, long or cached', () => {
    const short = tokenizer.encode('the'.repeat(20));
    expect(tokenizer.encode('the'.repeat(20))).toEqual(short);
    // 3,000 letters go through the queues; the ids of a word repeated without a border, by the recounting definition.
    const text = 'thefoxaaaa'.repeat(300);
    expect(Array.from(tokenizer.encode(text))).toEqual(mergeByDefinition(text, json));
  });

  it('merges long pieces as the definition does', () => {
    const letters = fc.stringMatching(/^[aethnofrx狐狗]{150,400}$/);
    fc.assert(
      fc.property(letters, (text) => {
        expect(Array.from(tokenizer.encode(text))).toEqual(mergeByDefinition(text, json));
      }),
      { numRuns: 60 },
    );
  });

  it('appends with encodeInto and says so when the ids do not fit', () => {
    const ids = tokenizer.encode(SAMPLE[0]);
    const out = new Uint32Array(ids.length + 5).fill(7);
    expect(tokenizer.encodeInto(SAMPLE[0], out, 2)).toBe(ids.length + 2);
    expect(out.subarray(2, ids.length + 2)).toEqual(ids);
    expect(Array.from(out.subarray(0, 2))).toEqual([7, 7]);
    expect(() => tokenizer.encodeInto(SAMPLE[0], out, 6)).toThrow(RangeError);
    expect(tokenizer.encode(SAMPLE[0])).toEqual(ids);
    expect(tokenizer.encodeInto('', out, 3)).toBe(3);
  });

  it('normalizes to NFC where the file says so', () => {
    expect(tokenizer.encode('cafe\u0301')).toEqual(tokenizer.encode('café'));
    const raw = Tokenizer.fromJson(writeHfTokenizer(train({ normalization: 'none' })));
    expect(raw.decode(raw.encode('cafe\u0301'))).toBe('cafe\u0301');
  });

  it('turns lone surrogates and cut UTF-8 into U+FFFD', () => {
    expect(tokenizer.decode(tokenizer.encode('a\ud800b'))).toBe('a\ufffdb');
    const ids = tokenizer.encode('\u{20000}');
    expect(tokenizer.decode(ids.subarray(0, 1))).toBe('\ufffd');
  });

  it('refuses to decode an id without a token', () => {
    expect(() => tokenizer.decode([0, 500])).toThrow(/no token 500 at position 1/);
  });

  it('keeps tokens that are names of JavaScript object members', () => {
    const counter = createPieceCounter('[^]+', 'none');
    for (const text of ['__proto__', '__proto__', 'constructor', 'constructor']) counter.count(text);
    const tables = trainOnCounts(pieceColumns([counter.counts]), { ...OPTIONS, pattern: '[^]+' }).tables;
    const written = Tokenizer.fromJson(JSON.parse(JSON.stringify(writeHfTokenizer(tables))));
    for (const word of ['__proto__', 'constructor']) expect(written.encode(word)).toHaveLength(1);
  });

  it('numbers ranks and ids alike, as .tiktoken needs', () => {
    const lines = writeTiktoken(train()).trimEnd().split('\n');
    expect(lines[0]).toBe('IQ== 0'); // "!"
    expect(lines).toHaveLength(tokenizer.vocabSize - 3);
    lines.forEach((line, rank) => {
      const [token, id] = line.split(' ');
      expect(Number(id)).toBe(rank);
      expect(Buffer.from(token, 'base64').equals(Buffer.from(tokenizer.tokenBytes(rank)))).toBe(true);
    });
  });
});

describe('characters as starting symbols', () => {
  /** Few characters, so that merges of half characters across borders are as frequent as whole ones. */
  const torn = fc
    .array(fc.constantFrom('é', 'è', 'ж', 'д', '日', '旦', '曰', '語', '！', '𠀀', 'a', ' '), {
      minLength: 1,
      maxLength: 40,
    })
    .map((chars) => chars.join(''));

  it('never change the result, also where merges tear characters apart', () => {
    fc.assert(
      fc.property(
        fc.array(torn, { minLength: 1, maxLength: 6 }),
        torn,
        fc.integer({ min: 257, max: 400 }),
        (texts, text, vocabSize) => {
          const counter = createPieceCounter('[^]+', 'none');
          for (const sample of texts) counter.count(sample);
          const options: TrainOptions = { ...OPTIONS, vocabSize, pattern: '[^]+', specialTokens: [], minFrequency: 1 };
          const json = writeHfTokenizer(trainOnCounts(pieceColumns([counter.counts]), options).tables);
          expect(Array.from(Tokenizer.fromJson(json).encode(text))).toEqual(mergeByDefinition(text, json));
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('files', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'corpusmill-tokenizer-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('says which file is missing or is no tokenizer', async () => {
    await expect(Tokenizer.fromFile(join(folder, 'none.json'))).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' });
    const path = join(folder, 'broken.json');
    await writeFile(path, '{"model":');
    await expect(Tokenizer.fromFile(path)).rejects.toMatchObject({ code: 'INPUT_CORRUPT' });
  });

  const good = writeHfTokenizer(train()) as Record<string, unknown>;
  const model = good['model'] as Record<string, unknown>;
  it.each([
    ['another model', { ...good, model: { type: 'Unigram', vocab: [] } }, /model type is "Unigram", expected "BPE"/],
    ['dropout', { ...good, model: { ...model, dropout: 0.1 } }, /model.dropout is 0.1/],
    ['another normalizer', { ...good, normalizer: { type: 'Lowercase' } }, /the normalizer "Lowercase"/],
    ['no ByteLevel', { ...good, pre_tokenizer: { type: 'Whitespace' } }, /the pre-tokenizer "Whitespace"/],
    ['a merge without its token', { ...good, model: { ...model, merges: ['! zzz'] } }, /merge 0 needs the token "zzz"/],
    ['a word outside the alphabet', { ...good, model: { ...model, vocab: { 日: 0 } } }, /"日" has characters outside/],
    ['no object', 'tokenizer', /it is not a JSON object/],
  ])('refuses %s, which would change ids', (_, json, message) => {
    expect(() => Tokenizer.fromJson(json)).toThrow(message);
  });
});

import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Utf8Column } from '../../src/core/utf8-column.ts';
import { createPieceCounter } from '../../src/tokenizer/count-pieces.ts';
import { createIdWriter } from '../../src/tokenizer/create-id-writer.ts';
import { type BpeTables, readHfTokenizer, writeHfTokenizer } from '../../src/tokenizer/hf-json.ts';
import type { IdWriter } from '../../src/tokenizer/id-writer.ts';
import { TwinIdWriter } from '../../src/tokenizer/id-writer-twin.ts';
import { nativeBpe } from '../../src/tokenizer/native-bpe.ts';
import { PATTERNS } from '../../src/tokenizer/pre-tokenizer.ts';
import { pieceColumns } from '../../src/tokenizer/sum-piece-counts.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { type TrainOptions, trainOnCounts } from '../../src/tokenizer/train-bpe.ts';
import { mergeByDefinition } from './merge-by-definition.ts';

const SAMPLE = [
  'The quick brown fox jumps over the lazy dog. The dog sleeps; the fox runs through the thick forest.',
  "It's the thing that they've been thinking of: 1234 theses, 99 thoughts & then some.\n\n\tthen the end.",
  '敏捷的棕色狐狸跳过了懒狗。狐狸跑过森林，狗在睡觉。狐狸和狗是朋友，狐狸的森林很大。',
  'Быстрая лиса прыгает через ленивую собаку. Собака спит, лиса бежит.',
  'für das Übermaß; déjà vu, naïve café — «où»? ½ ² Ⅷ 👩‍👩‍👧 aaaa aaaaaaaa aaaaaaaaaaaaaaaa',
];
const SPECIALS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];

function train(options: Partial<TrainOptions> = {}): BpeTables {
  const all: TrainOptions = {
    vocabSize: 600,
    pattern: 'qwen2',
    normalization: 'nfc',
    specialTokens: SPECIALS,
    minFrequency: 2,
    tie: 'hf',
    ...options,
  };
  const counter = createPieceCounter(all.pattern, all.normalization);
  for (const text of SAMPLE) counter.count(text);
  return trainOnCounts(pieceColumns([counter.counts]), all).tables;
}

const anyText = fc
  .array(
    fc.oneof(
      fc.constantFrom(...SAMPLE, '\ufeff', '\u0085', '\u200d', "'s", 'cafe\u0301', '각', '\ud800', '的'.repeat(90)),
      fc.stringMatching(/^[aethn狐狸狗é 👩]{0,80}$/u),
      fc.string({ unit: 'binary' }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

const idsOf = (writer: IdWriter, text: string): number[] => {
  writer.appendText(text);
  const ids = new Uint32Array(writer.size());
  writer.take(ids, 0);
  return Array.from(ids);
};

describe.runIf(nativeBpe !== undefined)('the native encoder', () => {
  it.each(['qwen2', 'cl100k', 'gpt2', 'o200k'])('gives the ids of its twin for any text, pattern %s', (pattern) => {
    for (const normalization of ['nfc', 'none'] as const) {
      const tables = train({ pattern, normalization });
      const native = createIdWriter(tables);
      expect(native).not.toBeInstanceOf(TwinIdWriter);
      const twin = new TwinIdWriter(tables);
      fc.assert(
        fc.property(anyText, (text) => {
          expect(idsOf(native, text)).toEqual(idsOf(twin, text));
        }),
      );
    }
  });

  it('gives the ids of its twin where pieces that are tokens are taken whole (Llama 3)', () => {
    const tables = train();
    // A token that merges never make: whole pieces get it, parts of pieces do not.
    const unreachable = [...tables.tokens, ...['狐狸狗', '狗狗', 'zzz'].map((word) => new TextEncoder().encode(word))];
    const llama: BpeTables = { ...tables, tokens: unreachable, vocabSize: unreachable.length, ignoreMerges: true };
    const native = createIdWriter(llama);
    const twin = new TwinIdWriter(llama);
    const id = tables.vocabSize;
    expect(idsOf(native, '狐狸狗。狗狗 zzz')).toEqual(idsOf(twin, '狐狸狗。狗狗 zzz'));
    expect(idsOf(native, '狐狸狗')).toEqual([id]);
    expect(idsOf(native, '狐狸狗森林的狐狸狗')).not.toContain(id);
    fc.assert(
      fc.property(fc.stringMatching(/^[狐狸狗森林的。z ]{0,30}$/), (text) => {
        expect(idsOf(native, text)).toEqual(idsOf(twin, text));
      }),
    );
  });

  it('merges by rank also where the list is not in the order of training', () => {
    const json = writeHfTokenizer(train({ specialTokens: [], normalization: 'none' })) as {
      model: { merges: string[] };
    };
    const letters = fc.stringMatching(/^[aethnofrx]{1,300}$/);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(json.model.merges, { minLength: json.model.merges.length }),
        letters,
        (merges, text) => {
          const shuffled = { ...json, model: { ...json.model, merges } };
          expect(Array.from(Tokenizer.fromJson(shuffled).encode(text))).toEqual(mergeByDefinition(text, shuffled));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('is as exact on long pieces without a border as on short ones', () => {
    const tables = train();
    const native = createIdWriter(tables);
    const twin = new TwinIdWriter(tables);
    for (const text of ['a'.repeat(100_001), '狐狸的森林'.repeat(20_000), 'thefox'.repeat(20_000), '-'.repeat(5000)]) {
      expect(idsOf(native, text).join() === idsOf(twin, text).join()).toBe(true);
    }
  });

  it('refuses arguments that would make it read where there is nothing', () => {
    const { lefts, rights, products } = train();
    const Encoder = nativeBpe!.BpeEncoder;
    const make = (starts: Uint32Array, bytes: Uint8Array, tokens = lefts) =>
      new Encoder(tokens, rights, products, bytes, starts, new Int32Array(256).fill(-1), undefined, 0);
    expect(() => make(Uint32Array.of(0, 9), new Uint8Array(3))).toThrow(/does not cut the bytes/);
    expect(() => make(Uint32Array.of(0, 2, 1), new Uint8Array(3))).toThrow(/does not cut the bytes/);
    expect(() => make(Uint32Array.of(0, 1), new Uint8Array(3))).toThrow(/an id that is no token's/);
    expect(() => make(new Uint32Array(700), new Uint8Array(0), new Int32Array(9999))).toThrow(/is too short/);
  });
});

describe('encodeBatch', () => {
  const tokenizer = Tokenizer.fromJson(writeHfTokenizer(train()));
  const columnOf = (texts: readonly string[]): Utf8Column => {
    const parts = texts.map((text) => Buffer.from(text));
    const offsets = new Int32Array(texts.length + 1);
    parts.forEach((part, i) => {
      offsets[i + 1] = offsets[i] + part.length;
    });
    return { bytes: Buffer.concat(parts), offsets };
  };

  it('gives each text the ids of encode, from strings and from a column', () => {
    fc.assert(
      fc.property(fc.array(anyText, { maxLength: 6 }), (texts) => {
        const expected = texts.map((text) => Array.from(tokenizer.encode(text)));
        for (const batch of [tokenizer.encodeBatch(texts), tokenizer.encodeBatch(columnOf(texts))]) {
          const { ids, offsets } = batch;
          expect(texts.map((_, i) => Array.from(ids.subarray(offsets[i], offsets[i + 1])))).toEqual(expected);
          expect(offsets[texts.length]).toBe(ids.length);
        }
      }),
    );
  });

  it('puts ids around every text, also an empty one, and is narrow where the vocabulary allows', () => {
    const texts = ['the', '', 'cafe\u0301'];
    const options = { before: 7, after: 9, narrow: true };
    const expected = texts.flatMap((text) => [7, ...tokenizer.encode(text), 9]);
    for (const input of [texts, columnOf(texts)]) {
      const { ids } = tokenizer.encodeBatch(input, options);
      expect(ids).toBeInstanceOf(Uint16Array);
      expect(Array.from(ids)).toEqual(expected);
    }
    expect(tokenizer.encodeBatch([]).offsets).toEqual(Uint32Array.of(0));
  });

  it.each([
    ['a cut character', [0x61, 0xe7, 0x8b], 1],
    ['a surrogate', [0xed, 0xa0, 0x80], 0],
    ['an overlong form', [0x61, 0x62, 0xc0, 0x80], 2],
    ['a byte beyond Unicode', [0xf4, 0x90, 0x80, 0x80], 0],
    ['a stray byte behind text', [0xef, 0xbf, 0xbd, 0x80], 3],
  ])('names text and byte of %s', (_, bad, at) => {
    const good = Buffer.from('good');
    const column = { bytes: Buffer.concat([good, Buffer.from(bad)]), offsets: Int32Array.of(0, 4, 4 + bad.length) };
    expect(() => tokenizer.encodeBatch(column)).toThrow(`text 1 is not UTF-8 from its byte ${at} on`);
    // Nothing of it stays for the next call.
    expect(tokenizer.encode('the')).toEqual(tokenizer.encodeBatch(['the']).ids);
  });

  it('says which byte a vocabulary lacks', () => {
    const tables = train({ specialTokens: [] });
    const json = writeHfTokenizer(tables) as { model: { vocab: Record<string, number>; merges: string[] } };
    const { Z: _, ...vocab } = json.model.vocab;
    const merges = json.model.merges.filter((merge) => !merge.includes('Z'));
    const lacking = Tokenizer.fromJson({ ...json, model: { ...json.model, vocab, merges } });
    expect(() => lacking.encode('Zen')).toThrow(/no token for the byte 0x5a/);
    expect(Array.from(lacking.encode('the'))).toEqual(Array.from(tokenizer.encode('the')));
  });
});

describe('special tokens in a text', () => {
  const json = writeHfTokenizer(train());
  const tokenizer = Tokenizer.fromJson(json);
  const end = tokenizer.specialId('<|im_end|>')!;

  it('are text, tokens or an error, as asked', () => {
    const text = 'the fox<|im_end|>\n';
    expect(Array.from(tokenizer.encode(text))).not.toContain(end);
    expect(tokenizer.encode(text, { special: 'text' })).toEqual(tokenizer.encode(text));
    const allowed = Array.from(tokenizer.encode(text, { special: 'allowed' }));
    expect(allowed).toEqual([...tokenizer.encode('the fox'), end, ...tokenizer.encode('\n')]);
    expect(() => tokenizer.encode(text, { special: 'forbidden' })).toThrow(
      /holds the special token <\|im_end\|> at character 7/,
    );
    expect(tokenizer.encode('the fox', { special: 'forbidden' })).toEqual(tokenizer.encode('the fox'));
  });

  it('are matched where HF tokenizers matches them', () => {
    const peer = new HuggingFaceTokenizer(json, {});
    const withTokens = fc
      .array(fc.constantFrom(...SPECIALS, '<|im_', 'end|>', ' the', '\n', 'cafe\u0301', '狐狸'), { maxLength: 10 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(withTokens, (text) => {
        const ids = peer.encode(text, { add_special_tokens: false }).ids;
        expect(Array.from(tokenizer.encode(text, { special: 'allowed' }))).toEqual(Array.from(ids));
      }),
    );
  });
});

describe('offsets', () => {
  const tokenizer = Tokenizer.fromJson(writeHfTokenizer(train()));

  it('cut the text into its tokens', () => {
    fc.assert(
      fc.property(anyText, (given) => {
        const { ids, text, byteOffsets, charOffsets } = tokenizer.encodeWithOffsets(given);
        expect(text).toBe(given.normalize('NFC').toWellFormed());
        const bytes = Buffer.from(text);
        for (let i = 0; i < ids.length; i++) {
          expect(
            Buffer.from(tokenizer.tokenBytes(ids[i])).equals(bytes.subarray(byteOffsets[i], byteOffsets[i + 1])),
          ).toBe(true);
          // The character that holds the token's first byte: nothing of it lies before, unless an earlier token began it.
          const before = Buffer.byteLength(text.slice(0, charOffsets[i]));
          expect(before).toBeLessThanOrEqual(byteOffsets[i]);
          expect(byteOffsets[i] - before).toBeLessThan(4);
        }
        expect([byteOffsets[ids.length], charOffsets[ids.length]]).toEqual([bytes.length, text.length]);
      }),
    );
  });

  it('count special tokens by their own characters, and UTF-16 units', () => {
    const { ids, charOffsets, byteOffsets } = tokenizer.encodeWithOffsets('𠀀<|im_end|>!', { special: 'allowed' });
    const at = ids.indexOf(tokenizer.specialId('<|im_end|>')!);
    expect([charOffsets[at], charOffsets[at + 1], charOffsets[at + 2]]).toEqual([2, 12, 13]);
    expect([byteOffsets[at], byteOffsets[at + 1]]).toEqual([4, 14]);
    // The bytes of one character in several tokens: all begin where it begins.
    expect(Array.from(charOffsets.subarray(0, at))).toEqual(new Array(at).fill(0));
  });
});

describe('the stream decoder', () => {
  const tokenizer = Tokenizer.fromJson(writeHfTokenizer(train()));

  it('gives whole characters, and in all the text that decode gives', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = tokenizer.encode(text);
        const decoder = tokenizer.decoder();
        const parts = Array.from(ids, (id) => decoder.push(id));
        for (const part of parts) expect(part.isWellFormed()).toBe(true);
        expect(parts.join('') + decoder.end()).toBe(tokenizer.decode(ids));
      }),
    );
  });

  it('holds the bytes of a character back until it is whole', () => {
    const ids = tokenizer.encode('\u{20000}');
    expect(ids.length).toBeGreaterThan(1);
    const decoder = tokenizer.decoder({ skipSpecial: true });
    expect(decoder.push(ids.subarray(0, ids.length - 1))).toBe('');
    expect(decoder.push(tokenizer.specialId('<|im_end|>')!)).toBe('');
    expect(decoder.push(ids[ids.length - 1])).toBe('\u{20000}');
    decoder.push(ids[0]);
    expect(decoder.end()).toBe('\ufffd');
    expect(decoder.push(tokenizer.encode('the'))).toBe('the');
    expect(() => decoder.push(99_999)).toThrow(/no token 99999/);
  });
});

describe('reading of HF JSON for the encoder', () => {
  it('keeps the published patterns on the native path', () => {
    const tables = readHfTokenizer(writeHfTokenizer(train({ pattern: 'o200k' })), 'here');
    expect(tables.pattern).toBe(PATTERNS.o200k);
    expect(createIdWriter(tables) instanceof TwinIdWriter).toBe(nativeBpe === undefined);
  });
});

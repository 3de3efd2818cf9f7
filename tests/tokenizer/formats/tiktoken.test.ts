import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { Tiktoken } from 'tiktoken';
import { describe, expect, it } from 'vitest';
import { readTiktoken, writeTiktoken } from '../../../src/tokenizer/formats/tiktoken.ts';
import { type BpeTables, readHfTokenizer, writeHfTokenizer } from '../../../src/tokenizer/hf-json.ts';
import { Tokenizer } from '../../../src/tokenizer/tokenizer.ts';
import { describeWithShared, shared } from '../../shared.ts';

interface Published {
  pat_str: string;
  special_tokens: Record<string, number>;
  bpe_ranks: string;
}

/** An encoding as the npm package tiktoken carries it. */
function published(name: string): Published {
  return createRequire(import.meta.url)(`tiktoken/encoders/${name}.json`) as Published;
}

/** Its ranks as a .tiktoken file: the package has lines of `! first-rank token token …`. */
function rankFile({ bpe_ranks: lines }: Published): string {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      const [, first, ...tokens] = line.split(' ');
      return tokens.map((token, i) => `${token} ${Number(first) + i}\n`);
    })
    .join('');
}

const tokenizerOf = (tables: BpeTables): Tokenizer => Tokenizer.fromJson(writeHfTokenizer(tables));

const TEXTS = [
  "It's the HTTPServer's 12345 threads — they'LL run.\r\n\n  \tEnd…",
  '敏捷的棕色狐狸跳过了懒狗，花了3.14秒。',
  'Быстрая лиса; für das Übermaß, naïve café «où»? ½ ² Ⅷ 👩‍👩‍👧 \ufeff\u0085',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  '<|endoftext|> is text',
];

describe('published ranks', () => {
  // SHA-256 of the file as openai/tiktoken's openai_public.py has it.
  it.each([
    ['cl100k_base', '223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7'],
    ['o200k_base', '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d'],
  ])('%s: the ids of tiktoken, and the file itself when written', (name, sha256) => {
    const encoding = published(name);
    const file = rankFile(encoding);
    expect(createHash('sha256').update(file).digest('hex')).toBe(sha256);
    const tables = readTiktoken(file, name, { encoding: name });
    expect(Object.fromEntries(tables.added.map(({ content, id }) => [content, id]))).toEqual(encoding.special_tokens);
    const tokenizer = tokenizerOf(tables);
    const peer = new Tiktoken(encoding.bpe_ranks, encoding.special_tokens, encoding.pat_str);
    for (const text of TEXTS) {
      expect(Array.from(tokenizer.encode(text)), text).toEqual(Array.from(peer.encode_ordinary(text)));
    }
    peer.free();
    expect(writeTiktoken(tables)).toBe(file);
  });
});

describe('ranks of any kind', () => {
  /** Bytes a, b and c with ids 0 to 2, then words of them in any order: most could come of no training. */
  const words = fc.uniqueArray(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 2, maxLength: 5 }), {
    minLength: 1,
    maxLength: 14,
  });
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'a', 'b', ' '), maxLength: 24 });

  it('give the ids of tiktoken, whether or not merges lead to every word', () => {
    fc.assert(
      fc.property(words, fc.array(text, { minLength: 1, maxLength: 8 }), (made, texts) => {
        const tokens = ['a', 'b', 'c', ' ', ...made].map((word) => Buffer.from(word).toString('base64'));
        const file = tokens.map((token, rank) => `${token} ${rank}\n`).join('');
        const peer = new Tiktoken(`! 0 ${tokens.join(' ')}`, {}, ' |[^ ]+');
        const tokenizer = tokenizerOf(readTiktoken(file, 'made', { pattern: ' |[^ ]+' }));
        for (const one of texts) {
          expect(Array.from(tokenizer.encode(one)), one).toEqual(Array.from(peer.encode_ordinary(one)));
        }
        peer.free();
      }),
      { numRuns: 300 },
    );
  });

  it('of a word that its bytes do not lead to: only a piece that equals it becomes it', () => {
    // a, b, c and abc: nothing joins two letters.
    const tables = readTiktoken('YQ== 0\nYg== 1\nYw== 2\nIA== 3\nYWJj 4\n', 'made', { pattern: ' |[^ ]+' });
    expect(tables.ignoreMerges).toBe(true);
    expect(Array.from(tokenizerOf(tables).encode('abc abca'))).toEqual([4, 3, 0, 1, 2, 0]);
  });
});

describe('what a rank file leaves open', () => {
  const bytes = 'YQ== 0\nYg== 1\nYWI= 2\n';

  it('comes from options: pattern, special tokens by number or in a row', () => {
    const inRow = readTiktoken(bytes, 'x', { pattern: 'gpt2', specialTokens: ['<a>', '<b>'] });
    expect(inRow.added.map(({ content, id }) => [content, id])).toEqual([
      ['<a>', 3],
      ['<b>', 4],
    ]);
    const numbered = readTiktoken(bytes, 'x', { pattern: 'gpt2', specialTokens: { '<z>': 9 } });
    expect(numbered.vocabSize).toBe(10);
    expect(Array.from(numbered.lefts)).toEqual([0]);
    expect(Array.from(numbered.products)).toEqual([2]);
  });

  it.each([
    ['no pattern', bytes, {}, /does not say by which pattern/],
    ['an unknown encoding', bytes, { encoding: 'o300k' }, /there is no encoding 'o300k'/],
    [
      'a special token on a rank',
      bytes,
      { pattern: 'gpt2', specialTokens: { '<a>': 2 } },
      /has the id 2, which is a rank/,
    ],
    ['another encoding', bytes, { encoding: 'cl100k_base' }, undefined],
    ['a bad line', 'YQ== 0\nnot base64!\n', { pattern: 'gpt2' }, /line 2: found "not base64!"/],
    ['a rank twice', 'YQ== 0\nYg== 0\n', { pattern: 'gpt2' }, /line 2: a second token of rank 0/],
    ['a token twice', 'YQ== 0\nYQ== 1\n', { pattern: 'gpt2' }, /line 2: the token YQ== a second time/],
    ['a rank beyond reason', 'YQ== 999999999\n', { pattern: 'gpt2' }, /lies far beyond the 2 lines/],
    ['nothing', '\n', { pattern: 'gpt2' }, /there is no token in it/],
  ])('%s', (_, text, options, message) => {
    if (message === undefined) expect(readTiktoken(text, 'x', options).vocabSize).toBe(100_277);
    else expect(() => readTiktoken(text, 'x', options)).toThrow(message);
  });
});

describe('writing ranks', () => {
  const utf8 = new TextEncoder();
  const tables = (
    words: string[],
    merges: [number, number, number][],
    changes: Partial<BpeTables> = {},
  ): BpeTables => ({
    vocabSize: words.length,
    tokens: words.map((word) => utf8.encode(word)),
    lefts: Int32Array.from(merges, ([left]) => left),
    rights: Int32Array.from(merges, ([, right]) => right),
    products: Int32Array.from(merges, ([, , product]) => product),
    added: [],
    normalization: 'none',
    pattern: 'gpt2',
    ignoreMerges: false,
    ...changes,
  });

  it('leaves added tokens out', () => {
    const added = [{ id: 2, content: '<a>', special: true }];
    expect(writeTiktoken(tables(['a', 'b', '<a>', 'ab'], [[0, 1, 3]], { added }))).toBe('YQ== 0\nYg== 1\nYWI= 3\n');
  });

  it.each([
    [
      'merges that are not in the order of ids',
      tables(
        ['a', 'b', 'ab', 'ba'],
        [
          [1, 0, 3],
          [0, 1, 2],
        ],
      ),
      /merge 1 makes the token 2 \("ab"\), merge 0 one of a higher id/,
    ],
    [
      'a token that no merge makes',
      tables(['a', 'b', 'ab'], []),
      /tiktoken would make the token 2 \("ab"\) of "a" and "b"/,
    ],
    ['a token out of reach', tables(['a', 'b', 'aba'], []), /no merges lead to the token 2 \("aba"\)/],
    [
      'a merge that ranks would not choose',
      tables(
        ['a', 'b', 'ab', 'ba', 'aba'],
        [
          [0, 1, 2],
          [1, 0, 3],
          [0, 3, 4],
        ],
      ),
      /would make the token 4 \("aba"\) of "ab" and "a"/,
    ],
  ])('refuses %s', (_, refused, message) => {
    expect(() => writeTiktoken(refused)).toThrow(message);
  });
});

describeWithShared("Qwen2.5's vocabulary as ranks", () => {
  it('is exact, and read back by the name qwen gives the reference ids', () => {
    const json: unknown = JSON.parse(
      gunzipSync(readFileSync(shared('data/qwen-tokenizer/tokenizer.json.gz'))).toString(),
    );
    const file = writeTiktoken(readHfTokenizer(json, 'qwen'));
    const back = tokenizerOf(readTiktoken(file, 'qwen.tiktoken', { encoding: 'qwen' }));
    expect(back.specialId('<|im_end|>')).toBe(151_645);
    const vectors = readFileSync(shared('data/qwen-tokenizer/vectors-llamacpp-qwen2.jsonl'), 'utf8').trim().split('\n');
    for (const line of vectors) {
      const { text, ids_hf_js: ids } = JSON.parse(line) as { text: string; ids_hf_js: number[] };
      expect(Array.from(back.encode(text)), text).toEqual(ids);
    }
  });
});

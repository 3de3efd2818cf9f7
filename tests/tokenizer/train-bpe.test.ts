import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesToAlphabet } from '../../src/tokenizer/byte-alphabet.ts';
import { createPieceCounter } from '../../src/tokenizer/count-pieces.ts';
import { createPieceCounts, type PieceColumns } from '../../src/tokenizer/piece-counts.ts';
import { pieceColumns } from '../../src/tokenizer/sum-piece-counts.ts';
import { type TrainedBpe, type TrainOptions, trainOnCounts } from '../../src/tokenizer/train-bpe.ts';
import { trainBpe } from '../../src/tokenizer/train-texts.ts';
import { describeWithShared, shared } from '../shared.ts';

const OPTIONS: TrainOptions = {
  vocabSize: 1000,
  pattern: 'gpt2',
  normalization: 'none',
  specialTokens: [],
  minFrequency: 1,
  tie: 'hf',
};

/** Merges as the two words joined, the form of merges.txt. */
function mergeWords({ tables }: TrainedBpe): string[] {
  const word = (id: number): string => bytesToAlphabet(tables.tokens[id]!);
  return Array.from(tables.lefts, (left, rank) => `${word(left)} ${word(tables.rights[rank])}`);
}

function countsOf(words: Record<string, number>): PieceColumns {
  const counts = createPieceCounts();
  for (const [word, count] of Object.entries(words)) {
    const bytes = new TextEncoder().encode(word);
    counts.count(bytes, 0, Uint32Array.of(bytes.length), 1, count);
  }
  return pieceColumns([counts]);
}

/**
 * BPE by its definition: recount every pair after every merge (as minbpe does). The most frequent pair, then the
 * smaller ids; ids in the order of GPT-2's alphabet, then of merges; occurrences are replaced from left to right.
 */
function naiveMerges(words: Record<string, number>, most: number, minFrequency: number): string[] {
  const alphabetOrder = (word: string): number => word.codePointAt(0)!;
  const ids = new Map<string, number>();
  for (let byte = 0; byte < 256; byte++) ids.set(bytesToAlphabet(Uint8Array.of(byte)), 0);
  [...ids.keys()].sort((a, b) => alphabetOrder(a) - alphabetOrder(b)).forEach((word, id) => void ids.set(word, id));
  let corpus = Object.entries(words).map(([word, count]) => ({
    symbols: [...bytesToAlphabet(new TextEncoder().encode(word))],
    count,
  }));
  const merges: string[] = [];
  while (merges.length < most) {
    const pairs = new Map<string, number>();
    for (const { symbols, count } of corpus) {
      for (let i = 0; i + 1 < symbols.length; i++) {
        const pair = `${symbols[i]} ${symbols[i + 1]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + count);
      }
    }
    const rank = (pair: string): [number, number] => pair.split(' ').map((word) => ids.get(word)!) as [number, number];
    const best = [...pairs].sort(([a, m], [b, n]) => n - m || rank(a)[0] - rank(b)[0] || rank(a)[1] - rank(b)[1])[0];
    if (best === undefined || best[1] < minFrequency) break;
    const [left, right] = best[0].split(' ');
    merges.push(best[0]);
    if (!ids.has(left + right)) ids.set(left + right, ids.size);
    corpus = corpus.map(({ symbols, count }) => {
      const joined: string[] = [];
      for (let i = 0; i < symbols.length; i++) {
        if (symbols[i] === left && symbols[i + 1] === right) {
          joined.push(left + right);
          i++;
        } else joined.push(symbols[i]);
      }
      return { symbols: joined, count };
    });
  }
  return merges;
}

describeWithShared('the published BPE reference (corpus.en, GPT-2 pattern, ties by greater bytes)', () => {
  const counter = createPieceCounter('gpt2', 'none');
  counter.count(readFileSync(shared('data/bpe-reference/corpus.en'), 'utf8'));
  const trained = trainOnCounts(pieceColumns([counter.counts]), {
    ...OPTIONS,
    vocabSize: 500,
    specialTokens: ['<|endoftext|>'],
    tie: 'bytes',
  });

  it('has the same 243 merges in the same order', () => {
    const reference = readFileSync(shared('data/bpe-reference/train-bpe-reference-merges.txt'), 'utf8');
    expect(mergeWords(trained)).toEqual(reference.trimEnd().split('\n'));
  });

  it('has the same vocabulary (the reference numbers its special token first, corpusmill last)', () => {
    const reference = JSON.parse(
      readFileSync(shared('data/bpe-reference/train-bpe-reference-vocab.json'), 'utf8'),
    ) as Record<string, number>;
    const { '<|endoftext|>': special, ...words } = reference;
    expect(special).toBe(0);
    expect(trained.tables.vocabSize).toBe(500);
    for (const [word, id] of Object.entries(words)) expect(bytesToAlphabet(trained.tables.tokens[id - 1]!)).toBe(word);
    expect(trained.tables.added).toEqual([{ id: 499, content: '<|endoftext|>', special: true }]);
  });
});

describe('HF tokenizers 0.23.2', () => {
  /*
   * Python, `pattern` being PATTERNS.qwen2 and `texts` those below:
   *   tokenizer = Tokenizer(models.BPE()); tokenizer.normalizer = normalizers.NFC()
   *   tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
   *       pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
   *   tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=300, min_frequency=2, show_progress=False,
   *       special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
   *   json.loads(tokenizer.to_str())["model"]["merges"]
   */
  const texts = [
    'the whale, the whales and the other whale',
    'wwwwwww wwwww aaaa aaaaaaaa',
    '  ----    ------        ----------',
    '白鲸是一部小说。小说里的白鲸很大，白鲸在海里。',
    'cafe\u0301 caf\u00e9 cafes',
  ];
  const merges =
    '- -,a a,w w,Ġ Ġ,-- --,h e,t he,aa aa,a f,a l,c af,h al,w hal,² ¸,½ é,ç Ļ,Ġ ----,Ġ whal,ww ww,½é ²¸,çĻ ½é²¸,Ġwhal e,' +
    '¯ ´,° ı,Ã ©,ã Ģ,å °ı,è ¯´,é ĩ,Ġ the,Ġ aaaa,Ġ caf,ĠĠ Ġ,çĻ½é²¸ å,ãĢ Ĥ,å°ı è¯´,éĩ Į';

  it('finds the same merges, and ends where it does', async () => {
    const trained = await trainBpe(texts, { vocabSize: 300 });
    expect(mergeWords(trained)).toEqual(merges.split(','));
    expect(trained).toMatchObject({ texts: 5, cutPieces: 0, dropped: { pieces: 0 } });
  });
});

describe('trainOnCounts', () => {
  it('gives the merges of the recounting definition on random words of few letters', () => {
    const word = fc.stringMatching(/^[ab ]{1,12}$/);
    fc.assert(
      fc.property(fc.dictionary(word, fc.integer({ min: 1, max: 9 }), { maxKeys: 12 }), fc.nat(3), (words, rarest) => {
        const trained = trainOnCounts(countsOf(words), { ...OPTIONS, minFrequency: rarest });
        expect(mergeWords(trained)).toEqual(naiveMerges(words, 744, Math.max(1, rarest)));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps counts right in runs of one symbol, where occurrences overlap', () => {
    const words = { aaaa: 3, aaaaa: 2, aaaaaaa: 1, baaa: 4, aab: 1, 日日日日: 2 };
    expect(mergeWords(trainOnCounts(countsOf(words), OPTIONS))).toEqual(naiveMerges(words, 744, 1));
  });

  it('does not depend on the order in which pieces were counted', () => {
    const words = { the: 5, thee: 5, other: 5, hen: 5, ' the': 5, a: 9 };
    const reversed = Object.fromEntries(Object.entries(words).reverse());
    expect(mergeWords(trainOnCounts(countsOf(words), OPTIONS))).toEqual(
      mergeWords(trainOnCounts(countsOf(reversed), OPTIONS)),
    );
  });

  it('holds every smaller vocabulary as a prefix', () => {
    const words = { banana: 7, bandana: 3, ananas: 2 };
    const large = mergeWords(trainOnCounts(countsOf(words), { ...OPTIONS, vocabSize: 262 }));
    const small = mergeWords(trainOnCounts(countsOf(words), { ...OPTIONS, vocabSize: 259 }));
    expect(small).toHaveLength(3);
    expect(large.slice(0, 3)).toEqual(small);
  });

  it('stops early when no pair is frequent enough, with the special tokens right behind the merges', () => {
    const trained = trainOnCounts(countsOf({ ab: 5, cd: 1 }), { ...OPTIONS, minFrequency: 2, specialTokens: ['<s>'] });
    expect(mergeWords(trained)).toEqual(['a b']);
    expect(trained.tables.vocabSize).toBe(258);
    expect(trained.tables.added[0].id).toBe(257);
  });

  it('counts past 2^31 without overflow', () => {
    const trained = trainOnCounts(countsOf({ ab: 3e9, cd: 5e9, abcd: 2e9 }), OPTIONS);
    expect(Array.from(trained.pairCounts)).toEqual([7e9, 5e9, 2e9]);
    expect(mergeWords(trained)[0]).toBe('c d');
  });

  it('says what the pieces measure in tokens', () => {
    const trained = trainOnCounts(countsOf({ abab: 10, x: 4 }), { ...OPTIONS, vocabSize: 257 });
    expect([trained.trainedBytes, trained.trainedTokens]).toEqual([44, 24]);
  });

  it('refuses a vocabulary with no room for the bytes', () => {
    expect(() => trainOnCounts(countsOf({}), { ...OPTIONS, vocabSize: 256, specialTokens: ['<s>'] })).toThrow(
      /vocabSize 256 has no room for 256 bytes and 1 special tokens/,
    );
  });
});

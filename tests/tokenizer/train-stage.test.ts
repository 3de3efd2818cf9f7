import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { native } from '../../src/core/native.ts';
import type { BarrierContext, FeaturePart, Observer } from '../../src/core/stage.ts';
import { columnOf } from '../../src/core/utf8-column.ts';
import { MAX_PIECE_BYTES } from '../../src/tokenizer/piece-counts.ts';
import { PATTERNS } from '../../src/tokenizer/pre-tokenizer.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { type TokenizerDetails, tokenizerTrain } from '../../src/tokenizer/train-stage.ts';

type Options = Partial<z.input<typeof tokenizerTrain.options>>;

const TEXTS = [
  'Of all the things that the whale did, the whale did them thoroughly.',
  'The whale, the whale! 白鲸，白鲸！ Call me Ishmael, said the whale-hunter.',
  '白鲸是一部小说。小说里的白鲸很大，白鲸在海里。',
  "They're whales; they've always been whales, 1851 or 2026.",
];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corpusmill-train-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Shows texts to an observer as the engine does: document by document, or as columns. */
type Show = (observer: Observer, texts: readonly string[]) => void;
const asDocuments: Show = (observer, texts) => {
  texts.forEach((text, row) => void observer.observe({ id: `${row}`, text, meta: { source: 'test' } }));
};
const asColumns: Show = (observer, texts) => observer.observeTexts!({ ...columnOf(texts), from: 0, to: texts.length });

/** Runs the stage as the engine does: an observer per part, then `decide`. */
async function run(parts: string[][], input: Options, signal = new AbortController().signal, show = asDocuments) {
  const options = tokenizerTrain.options.parse(input);
  const stage = { name: 'tokenizer.train', seed: 1, baseDir: folder };
  const featureParts = parts.map((texts, part): FeaturePart => {
    const observer = tokenizerTrain.createObserver(options, stage);
    show(observer, texts);
    const blob = observer.finish();
    return {
      part,
      rows: texts.length,
      firstOrdinal: 0,
      alive: undefined,
      features: async (range) =>
        range === undefined ? blob : blob.subarray(range.offset, range.offset + range.length),
      rowInfo: async () => new Uint32Array(2 * texts.length),
    };
  });
  const outputDir = await mkdtemp(join(folder, 'out-'));
  const fractions: number[] = [];
  const context: BarrierContext = {
    ...stage,
    parts: featureParts,
    rows: parts.flat().length,
    inputs: ['test'],
    outputDir,
    workDir: outputDir,
    memoryBytes: 2 ** 30,
    readDocuments: async () => [],
    readTexts: async () => [],
    withTexts: async () => {},
    progress: (fraction) => void fractions.push(fraction),
    signal,
  };
  const result = await tokenizerTrain.decide(options, context);
  return { result, outputDir, fractions, details: result.details as TokenizerDetails };
}

describe('the stage tokenizer.train', () => {
  it('writes a tokenizer that loads here and in @huggingface/tokenizers with equal ids', async () => {
    const { result, outputDir } = await run([TEXTS], { vocabSize: 330 });
    expect(result.artifacts).toEqual({ tokenizer: 'tokenizer.json' });
    expect((await readdir(outputDir)).sort()).toEqual([
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer.tiktoken',
      'tokenizer_config.json',
    ]);
    const json = async (name: string): Promise<object> =>
      JSON.parse(await readFile(join(outputDir, name), 'utf8')) as object;
    const own = await Tokenizer.fromFile(join(outputDir, 'tokenizer.json'));
    const peer = new HuggingFaceTokenizer(await json('tokenizer.json'), await json('tokenizer_config.json'));
    for (const text of [...TEXTS, 'unseen: ½ 🐳\ufeff\u0085']) {
      expect(Array.from(own.encode(text))).toEqual(Array.from(peer.encode(text).ids));
      expect(own.decode(own.encode(text))).toBe(text);
    }
    expect(own.hash).toBe(result.details?.['hash']);
    expect(Tokenizer.fromJson(own.toJson()).hash).toBe(own.hash);
    expect(await json('tokenizer_config.json')).toMatchObject({
      eos_token: '<|endoftext|>',
      pad_token: '<|endoftext|>',
    });
  });

  it('is the same to the byte however documents are spread over parts', async () => {
    const one = await run([TEXTS], { vocabSize: 330 });
    const four = await run([...TEXTS.map((text) => [text]), []], { vocabSize: 330 });
    for (const name of await readdir(one.outputDir)) {
      expect(await readFile(join(four.outputDir, name), 'utf8')).toBe(
        await readFile(join(one.outputDir, name), 'utf8'),
      );
    }
    expect(four.details).toEqual(one.details);
  });

  it.runIf(native !== undefined)('is the same of columns of texts as of documents', async () => {
    const parts = [[...TEXTS, 'cafe\u0301 ke\u0301 e\u0301', `e\u0301 ${'日'.repeat(MAX_PIECE_BYTES)}`], [], TEXTS];
    for (const normalize of ['nfc', 'none'] as const) {
      const documents = await run(parts, { vocabSize: 330, normalize });
      const columns = await run(parts, { vocabSize: 330, normalize }, undefined, asColumns);
      expect(columns.details).toEqual(documents.details);
      expect(documents.details).toMatchObject({ documents: 10, cutPieces: 1 });
    }
    const observer = tokenizerTrain.createObserver(tokenizerTrain.options.parse({ customPattern: '\\w+' }), {
      name: 'tokenizer.train',
      seed: 1,
      baseDir: folder,
    });
    expect(observer.observeTexts).toBeUndefined();
  });

  it('says so when the corpus holds fewer pairs than were asked for', async () => {
    const { details, fractions } = await run([['aa bb', 'aa']], { vocabSize: 1000, minFrequency: 2 });
    expect(details).toMatchObject({
      requestedVocabSize: 1000,
      vocabSize: 260, // 256 bytes, "aa", three special tokens
      merges: 1,
      ended: 'no pair left that is frequent enough',
      lastMergeCount: 2,
      documents: 2,
      uniquePieces: 2,
      trainedBytes: 7,
      trainedTokens: 5,
      bytesPerToken: 7 / 5,
      specialTokens: { '<|endoftext|>': 257, '<|im_start|>': 258, '<|im_end|>': 259 },
    });
    expect(details.longestTokens[0]).toEqual({ id: 256, bytes: 2, text: 'aa' });
    expect(fractions.every((fraction) => fraction >= 0 && fraction <= 1)).toBe(true);
  });

  it('copes with no documents at all: bytes and special tokens', async () => {
    const { details } = await run([[]], {});
    expect(details).toMatchObject({ vocabSize: 259, merges: 0, bytesPerToken: 0 });
  });

  it('drops the rarest pieces past maxPieces, and reports them', async () => {
    const rare = Array.from({ length: 1500 }, (_, i) => ` w${String.fromCodePoint(0x4e00 + i)}`).join('');
    const { details } = await run([['the the the '], [rare]], { maxPieces: 1000, vocabSize: 300 });
    // "the", " " and 1,500 words that occur once; " the" occurs twice.
    expect(details.pruned).toEqual({ pieces: 1502, occurrences: 1502, upToCount: 1 });
    expect(details.uniquePieces).toBe(1);
  });

  it('takes a regular expression in place of a named pattern', async () => {
    const { details } = await run([['aXbXaXb']], { customPattern: 'X', vocabSize: 300, minFrequency: 1 });
    expect(details).toMatchObject({ pattern: 'X', uniquePieces: 3, merges: 0 });
  });

  it('extends a vocabulary, whose pattern holds in place of the option', async () => {
    const first = await run([TEXTS], { vocabSize: 300, minFrequency: 1, pattern: 'gpt2' });
    const base = join(first.outputDir, 'tokenizer.json');
    const { details, outputDir } = await run([TEXTS], {
      vocabSize: 330,
      minFrequency: 1,
      extend: base,
      specialTokens: ['<|pad|>'],
    });
    expect(details).toMatchObject({
      vocabSize: 330,
      merges: 29,
      pattern: PATTERNS.gpt2,
      specialTokens: { '<|pad|>': 329 },
    });
    const [small, large] = await Promise.all([
      Tokenizer.fromFile(base),
      Tokenizer.fromFile(join(outputDir, 'tokenizer.json')),
    ]);
    expect(large.encode(TEXTS[0]).length).toBeLessThan(small.encode(TEXTS[0]).length);
    const given = tokenizerTrain.options.parse({ extend: 'a.json' });
    expect(tokenizerTrain.optionFiles!(given)).toEqual(['a.json']);
    expect(tokenizerTrain.keyFiles!(given, '/base')).toEqual(['/base/a.json']);
  });

  it('stops when the run is interrupted', async () => {
    await expect(run([TEXTS], {}, AbortSignal.abort())).rejects.toThrow();
  });

  it.each([
    [{ customPattern: 'a++' }, /possessive/],
    [{ specialTokens: ['<s>', '<s>'] }, /special tokens must differ/],
    [{ vocabSize: 100 }, /256/],
  ])('refuses the options %j', (input, message) => {
    expect(() => tokenizerTrain.options.parse(input)).toThrow(message);
  });

  it('refuses a vocabulary without room for the special tokens before it reads a document', () => {
    const options = tokenizerTrain.options.parse({ vocabSize: 258 });
    const context = { name: 't', seed: 1, baseDir: folder };
    expect(() => tokenizerTrain.createObserver(options, context)).toThrow(/no room for 256 bytes and 3 special tokens/);
  });
});

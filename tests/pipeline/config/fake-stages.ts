/** Small stages of every kind for tests of the configuration: they do nothing, but declare options of every shape. */
import { z } from 'zod';
import { CorpusmillError } from '../../../src/core/errors.ts';
import { defineBarrier, defineMap, defineSink, KEEP } from '../../../src/core/stage.ts';
import { registryOf } from '../../../src/pipeline/stage-loaders.ts';

const tidy = defineMap({
  kind: 'map',
  name: 'tidy',
  summary: 'Tidy the text.',
  source: 'this test',
  version: 1,
  options: z.object({
    form: z.enum(['NFC', 'NFKC', 'none']).default('NFC').describe('Unicode normalization form.'),
    trim: z.boolean().default(true).describe('Remove space at both ends.'),
  }),
  create: () => ({ process: () => KEEP }),
});

const words = defineMap({
  kind: 'map',
  name: 'filter.word-count',
  summary: 'Drop documents by their number of words.',
  source: 'Rae et al. 2021, §A1.1',
  version: 1,
  reasons: { 'too-few-words': 'fewer words than minWords' },
  options: z.object({
    minWords: z.int().min(0).default(50).describe('Fewest words (Gopher: 50).'),
    maxWords: z.int().min(1).default(100_000).describe('Most words (Gopher: 100,000).'),
    maxRatio: z.number().min(0).max(1).nullable().default(0.1).describe('Largest ratio of symbols to words.'),
    stopWords: z
      .union([z.enum(['en', 'zh']), z.array(z.string()).min(1)])
      .default('en')
      .describe('Stop words.'),
    limits: z
      .object({ lower: z.number().default(3), upper: z.number().default(10) })
      .prefault({})
      .describe('Mean word length.'),
  }),
  create: () => ({ process: () => KEEP }),
});

const pattern = defineMap({
  kind: 'map',
  name: 'filter.pattern',
  summary: 'Drop documents that match a pattern.',
  source: 'this test',
  version: 1,
  options: z.strictObject({
    exclude: z.array(z.string()).describe('Patterns; a document that matches one is dropped.'),
    flags: z
      .string()
      .regex(/^[ims]*$/, 'flags are any of i, m and s')
      .default('')
      .describe('Flags of the patterns.'),
  }),
  create(options) {
    for (const [index, source] of options.exclude.entries()) {
      try {
        new RegExp(source, 'u');
      } catch (cause) {
        throw new CorpusmillError('CONFIG_INVALID', `exclude.${index}: ${(cause as Error).message}`, {
          hint: 'a regular expression is wanted',
          cause,
        });
      }
    }
    return { process: () => KEEP };
  },
});

const same = defineBarrier({
  kind: 'barrier',
  name: 'dedup.same',
  summary: 'Drop copies.',
  source: 'this test',
  version: 1,
  scope: 'document',
  options: z.object({ seedOffset: z.int().default(0).describe('Added to the seed.') }),
  createObserver: () => ({ observe() {}, finish: () => new Uint8Array(0) }),
  decide: async () => ({}),
});

const train = defineBarrier({
  kind: 'barrier',
  name: 'tokenizer.train',
  summary: 'Train a tokenizer.',
  source: 'this test',
  version: 1,
  scope: 'corpus',
  makes: ['tokenizer'],
  options: z.object({ vocabSize: z.int().min(256).default(8192).describe('Size of the vocabulary.') }),
  createObserver: () => ({ observe() {}, finish: () => new Uint8Array(0) }),
  decide: async () => ({}),
});

const shards = defineSink({
  kind: 'sink',
  name: 'shards',
  summary: 'Write token shards.',
  source: 'this test',
  version: 1,
  needs: [{ role: 'tokenizer' }],
  optionFiles: (options) => [options.tokenizer],
  options: z.object({
    contextLength: z.int().min(8).default(2048).describe('Tokens in a row.'),
    tokenizer: z.string().optional().describe('A tokenizer.json to use in place of a trained one.'),
  }),
  steps: [],
});

export const fakeRegistry = registryOf([tidy, words, pattern, same, train, shards]);

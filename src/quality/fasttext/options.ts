/**
 * Options of a fastText training, under fastText's names (`fasttext supervised`) and with its defaults. Those that only word
 * vectors use (ws, t) are left out; files get fastText's defaults for them.
 */
import { z } from 'zod';
import { LONGEST_NGRAM, MOST_BUCKETS } from './model.ts';

const ngram = (least: number) => z.int().min(least).max(LONGEST_NGRAM);
const flag = (text: string) => z.boolean().default(false).describe(text);

const quantize = z
  .strictObject({
    cutoff: z
      .int()
      .min(0)
      .default(0)
      .describe('Keep so many words and n-grams, those with the longest vectors; 0: all that the texts hold'),
    retrain: flag('Train what the cut-off has left once more, with the same options'),
    qnorm: flag('Quantize the lengths of the vectors apart: a byte more a vector, and more exact'),
    qout: flag("Quantize the labels' vectors too; for 256 labels or more"),
    dsub: z.int().min(1).max(16).default(2).describe('Values to a byte'),
  })
  .describe('Compress the model into fastText’s .ftz form, as `fasttext quantize` does; null: a plain .bin');

export const fastTextOptions = z
  .strictObject({
    dim: z.int().min(1).max(4096).default(100).describe('Length of the vectors'),
    lr: z.number().positive().max(100).default(0.1).describe('Learning rate at the start; it falls to 0 in a line'),
    epoch: z.int().min(1).max(10_000).default(5).describe('Passes over the texts'),
    minCount: z.int().min(1).default(1).describe('Words that occur less often have no vector of their own'),
    minCountLabel: z.int().min(0).default(0).describe('Labels of fewer texts are left out, and their texts'),
    wordNgrams: ngram(1).default(1).describe('Longest word n-gram; 2 adds pairs of neighbours'),
    bucket: z.int().min(0).max(MOST_BUCKETS).default(2_000_000).describe('Hashed n-grams share so many vectors'),
    minn: ngram(0).default(0).describe('Shortest character n-gram'),
    maxn: ngram(0).default(0).describe('Longest character n-gram; 0: none'),
    loss: z
      .enum(['softmax', 'hs', 'ova', 'ns'])
      .default('softmax')
      .describe('softmax; hs: hierarchical softmax; ova: each label against all others; ns: against some others'),
    neg: z.int().min(1).max(1000).default(5).describe('Other labels that loss ns draws for a text'),
    lrUpdateRate: z.int().min(1).default(100).describe('The learning rate changes after so many words'),
    seed: z
      .int()
      .min(0)
      .max(0xffffffff)
      .default(0)
      .describe('Decides the first vectors, the order of texts, all draws'),
    shuffle: z
      .boolean()
      .default(true)
      .describe(
        'Draw the order of the texts anew for every epoch; false: in the order given, as fastText (headlines in lower case sorted by label: accuracy .949 in place of .970)',
      ),
    quantize: quantize.nullable().default(null),
  })
  .superRefine((given, context) => {
    const issue = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (given.maxn > 0 && given.minn > given.maxn) issue(['minn'], `must be at most maxn, which is ${given.maxn}`);
    if (given.bucket === 0 && (given.wordNgrams > 1 || given.maxn > 0)) {
      issue(['bucket'], 'must be 1 or more where there are n-grams (wordNgrams above 1, maxn above 0)');
    }
  });

/** Checked, with defaults. */
export type FastTextOptions = z.output<typeof fastTextOptions>;
/** As a caller gives them. */
export type FastTextOptionsInput = z.input<typeof fastTextOptions>;

/**
 * Naive Bayes on the words of a text: trained in one pass at the speed of counting, hard to overfit, and open about what it has
 * learnt. In the file: `features`, the words and pairs, most frequent first; `counts`, a list for each label of how often
 * each stands in its texts; `labelCounts`, the texts of each label; `temperature` (1: not calibrated). Weights follow from
 * these and the options when the file is read.
 */
import { z } from 'zod';
import { CorpusmillError } from '../../core/errors.ts';
import { createRandom } from '../../core/random.ts';
import { createTokenizer, fits, roomFor, type Tokenizer } from '../../text/folded-tokens.ts';
import type { Classifier, ClassifierTrainer, TellingFeature } from '../classifier.ts';
import {
  type ClassifierFile,
  classifierFileSchema,
  corruptClassifier,
  parseClassifierFile,
  writeClassifierFile,
} from '../classifier-file.ts';
import { softmax } from '../softmax.ts';
import { checkLabelCounts, checkLabels, isBlank } from '../training-texts.ts';
import { CALIBRATION_TEXTS, createLeaveOneOut, fitTemperature } from './calibration.ts';
import { createGramCounter } from './gram-counts.ts';
import { createGramTable, type GramTable } from './gram-table.ts';
import { bayesWeights, logRatio } from './naive-bayes.ts';

export const optionsSchema = z.strictObject({
  variant: z
    .enum(['multinomial', 'complement'])
    .default('multinomial')
    .describe('complement: score by the words of all other labels, for labels of very unequal size'),
  ngrams: z
    .union([z.literal(1), z.literal(2)])
    .default(2)
    .describe('Longest run of words that counts as a feature; in Chinese, of characters'),
  alpha: z
    .number()
    .positive()
    .default(0.3)
    .describe('Count that every word has before any text is seen (1: Laplace; less: Lidstone)'),
  minCount: z.number().int().positive().default(2).describe('Words and pairs met less often are left out'),
  maxFeatures: z
    .number()
    .int()
    .positive()
    .default(200_000)
    .describe('Most words and pairs kept, by how often they occur'),
  lengthNormalization: z
    .enum(['none', 'root', 'mean'])
    .default('root')
    .describe(
      'Divide the score by the root of the number of known words, or by the number: long texts then decide no more surely than short ones',
    ),
  calibrate: z
    .boolean()
    .default(true)
    .describe('Fit a temperature on texts left out, so that probabilities mean what they say'),
});

export type BayesOptions = z.output<typeof optionsSchema>;

const fileSchema = classifierFileSchema.extend({
  kind: z.literal('naive-bayes'),
  options: optionsSchema,
  labelCounts: z.array(z.number().int().nonnegative()),
  temperature: z.number().positive(),
  features: z.array(z.string().min(1)).min(1),
  counts: z.array(z.array(z.number().int().nonnegative())),
});

interface BayesModel {
  features: readonly string[];
  counts: readonly ArrayLike<number>[];
  labelCounts: ArrayLike<number>;
  temperature: number;
}

const LENGTH_EXPONENTS = { none: 0, root: 0.5, mean: 1 } as const;

/** A trainer for texts with these labels. The seed chooses the texts that calibrate. Throws CONFIG_INVALID. */
export function createTrainer(labels: readonly string[], options: BayesOptions, seed: number): ClassifierTrainer {
  checkLabels(labels);
  const counter = createGramCounter(labels.length, options.ngrams);
  const labelCounts = new Uint32Array(labels.length);
  const sample: { text: string; label: number }[] = [];
  const random = createRandom(seed);
  let texts = 0;
  let blank = 0;
  return {
    add(text, label) {
      if (isBlank(text)) {
        blank++;
        return;
      }
      counter.add(text, label);
      labelCounts[label]++;
      // Reservoir sampling: each text so far is in the sample with the same chance.
      const place = texts++ < CALIBRATION_TEXTS ? sample.length : random.below(texts);
      if (place < CALIBRATION_TEXTS) sample[place] = { text, label };
    },
    finish() {
      checkLabelCounts(labels, labelCounts);
      const { names, counts, met, forgotten } = counter.finish(options.minCount, options.maxFeatures);
      if (names.length === 0) {
        throw new CorpusmillError(
          'CONFIG_INVALID',
          `cannot train naive Bayes: no word occurs ${options.minCount} times in ${texts} texts`,
          { hint: 'lower minCount, or give more texts' },
        );
      }
      const model: BayesModel = { features: names, counts, labelCounts, temperature: 1 };
      if (options.calibrate) model.temperature = calibrated(model, options, sample);
      const details = {
        ...{ texts, blankTexts: blank, features: names.length, featuresMet: met, featuresForgotten: forgotten },
        temperature: model.temperature,
      };
      return {
        classifier: createClassifier(labels, model, options),
        save(path) {
          writeClassifierFile(path, 'naive-bayes', {
            ...{ labels, seed, options, details },
            ...{ labelCounts: Array.from(labelCounts), temperature: model.temperature, features: names },
            counts: counts.map((of) => Array.from(of)),
          });
        },
        details,
      };
    },
  };
}

/** A classifier from its file. Throws INPUT_CORRUPT. */
export function readClassifier(file: ClassifierFile): Classifier {
  const { labels, options, ...model } = parseClassifierFile(fileSchema, file);
  const { features, counts, labelCounts } = model;
  if (counts.length !== labels.length || labelCounts.length !== labels.length) {
    const found = `counts of ${counts.length} and labelCounts of ${labelCounts.length}`;
    throw corruptClassifier(file.path, `${found} for ${labels.length} labels`);
  }
  if (labelCounts.every((count) => count === 0)) throw corruptClassifier(file.path, 'labelCounts has no text');
  const odd = counts.findIndex((of) => of.length !== features.length);
  if (odd >= 0) {
    throw corruptClassifier(
      file.path,
      `counts[${odd}] has ${counts[odd].length} entries for ${features.length} features`,
    );
  }
  try {
    return createClassifier(labels, model, options);
  } catch (error) {
    if (error instanceof BadFeature) throw corruptClassifier(file.path, error.message);
    throw error;
  }
}

class BadFeature extends Error {}

function createClassifier(labels: readonly string[], model: BayesModel, options: BayesOptions): Classifier {
  const { variant, alpha } = options;
  const { priors, words } = bayesWeights(model, variant, alpha);
  const read = createReader(model, options);
  const labelCount = labels.length;
  const out = new Float64Array(labelCount);
  return {
    kind: 'naive-bayes',
    labels,
    probabilities(text) {
      const known = read(text);
      if (known.length === 0) return undefined;
      out.fill(0);
      for (let i = 0; i < known.length; i++) {
        const base = known[i] * labelCount;
        for (let label = 0; label < labelCount; label++) out[label] += words[base + label];
      }
      const scale = model.temperature / known.length ** LENGTH_EXPONENTS[options.lengthNormalization];
      for (let label = 0; label < labelCount; label++) out[label] = out[label] * scale + priors[label];
      softmax(out);
      return out;
    },
    telling(label, count) {
      const ratios = logRatio(model, label, alpha);
      const found: TellingFeature[] = [];
      ratios.forEach((weight, i) => {
        if (weight > 0) found.push({ feature: model.features[i], weight });
      });
      return found.sort((a, b) => b.weight - a.weight).slice(0, count);
    },
  };
}

/**
 * A function that gives the numbers of a text's known words and pairs, repeats included, in an array that the next call
 * overwrites. Throws BadFeature for a name that is no word or pair, or stands twice.
 */
function createReader({ features }: BayesModel, { ngrams }: BayesOptions): (text: string) => Uint32Array {
  const tokenizer = createTokenizer();
  const table = gramsOf(features, tokenizer);
  let words = new Uint32Array(1 << 12);
  return (text) => {
    const length = tokenizer.tokenize(text);
    const { tokens } = tokenizer;
    if (!fits(2 * length, words.length)) words = new Uint32Array(roomFor(2 * length));
    let known = 0;
    for (let i = 0; i < length; i++) {
      const word = table.find(tokens[i], 0);
      if (word >= 0) words[known++] = word;
      if (ngrams === 1 || i === 0) continue;
      const pair = table.find(tokens[i - 1], tokens[i]);
      if (pair >= 0) words[known++] = pair;
    }
    return words.subarray(0, known);
  };
}

function gramsOf(features: readonly string[], tokenizer: Tokenizer): GramTable {
  const table = createGramTable(features.length);
  for (const [i, feature] of features.entries()) {
    const length = tokenizer.tokenize(feature);
    if (length !== 1 && length !== 2)
      throw new BadFeature(`features[${i}] ${JSON.stringify(feature)} is no word and no pair`);
    const [first, second] = tokenizer.tokens;
    if (table.add(first, length === 1 ? 0 : second) !== i) {
      throw new BadFeature(`features[${i}] ${JSON.stringify(feature)} stands there twice`);
    }
  }
  return table;
}

/** The temperature that sampled texts want, each scored as if the model had not seen it. */
function calibrated(
  model: BayesModel,
  options: BayesOptions,
  sample: readonly { text: string; label: number }[],
): number {
  const leaveOneOut = createLeaveOneOut(model, options.variant, options.alpha, options.minCount);
  const read = createReader(model, options);
  const exponent = LENGTH_EXPONENTS[options.lengthNormalization];
  const texts = [];
  let lengths = 0;
  for (const { text, label } of sample) {
    const scores = new Float64Array(model.counts.length);
    const priors = new Float64Array(model.counts.length);
    const words = read(text);
    const known = leaveOneOut({ label, words }, scores, priors);
    if (known === 0) continue;
    lengths += known ** exponent;
    for (let i = 0; i < scores.length; i++) scores[i] /= known ** exponent;
    texts.push({ label, scores, priors });
  }
  // No more is believed of the text of mean length than naive Bayes itself claims.
  return texts.length === 0 ? 1 : fitTemperature(texts, lengths / texts.length);
}

/**
 * The stage `quality.score`: asks a quality model about each document and writes its answer into `meta.quality`.
 *
 * A classifier of two labels, or one whose `label` is named, gives that label's probability; one with several labels the likeliest with its
 * probability; one whose labels are grades (0 to 5, as FineWeb-Edu's) the expected grade if asked; a language model the
 * perplexity. A document of which the model knows nothing gets null. Cost: the model's; bench `quality`.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { CorpusmillError } from '../core/errors.ts';
import { defineMap, KEEP, type StageContext } from '../core/stage.ts';
import { firstUnits } from '../text/first-units.ts';
import type { Classifier } from './classifier.ts';
import { loadModel, prepareModel, type QualityModel } from './model.ts';
import { tokenFormSchema } from './ngram-lm/options.ts';
import { POSITIVE } from './training/label-order.ts';
import { MODEL_ROLE } from './training/train-stage.ts';

const options = z
  .strictObject({
    model: z
      .string()
      .min(1)
      .optional()
      .describe(
        'File of the model: what quality.train wrote, fastText’s .bin or .ftz, or a language model as .arpa or .arpa.gz. ' +
          'Default: what the nearest quality.train before this stage makes.',
      ),
    trainedBy: z
      .string()
      .min(1)
      .optional()
      .describe('Name of the quality.train that makes the model, where there are several.'),
    as: z
      .string()
      .regex(/^[\p{L}\p{N}_-]+$/u, 'letters, digits, _ and -')
      .default('score')
      .describe('Name of the answer: meta.quality.<as>.'),
    label: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Label whose probability is written. Default: `positive`, or the likeliest label with its probability.',
      ),
    expected: z
      .boolean()
      .default(false)
      .describe(
        'Write the mean of the labels, which are numbers, by their probabilities (FineWeb-Edu’s grade from 0 to 5).',
      ),
    all: z
      .boolean()
      .default(false)
      .describe('Write an object with the probability of every label (quality.evaluate with more than two).'),
    arpa: tokenFormSchema
      .optional()
      .describe(
        'Of an ARPA file that another program wrote: how texts become its tokens. Files of quality.train say it themselves.',
      ),
    maxChars: z.int().min(100).nullable().default(null).describe('Read so many UTF-16 units of a document; null: all.'),
  })
  .superRefine((given, context) => {
    const complain = (path: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [path], message });
    };
    if (given.model !== undefined && given.trainedBy !== undefined)
      complain('trainedBy', 'model names the file already');
    if (given.all && (given.label !== undefined || given.expected))
      complain('all', 'label and expected ask for one number');
    if (given.label !== undefined && given.expected) complain('expected', 'is about all labels, and label names one');
  });

type ScoreOptions = z.output<typeof options>;

export const qualityScore = defineMap({
  kind: 'map',
  name: 'quality.score',
  summary: 'Ask a quality model about each document: a probability, a label, a grade or a perplexity in meta.quality.',
  source:
    'fastText (arXiv:1607.01759), DCLM (arXiv:2406.11794), FineWeb-Edu (arXiv:2406.17557), CCNet (arXiv:1911.00359)',
  version: 1,
  options,
  needs: [{ role: MODEL_ROLE, by: 'trainedBy' }],
  optionFiles: ({ model }) => [model],
  prepare: (given, context) => prepareModel(modelPath(given, context), given.arpa),
  create(given, context) {
    const ask = createAsker(loadModel(modelPath(given, context)), given, context.name);
    const { as, maxChars } = given;
    return {
      process(document) {
        const { meta, text } = document;
        const known = meta['quality'];
        const quality = typeof known === 'object' && known !== null && !Array.isArray(known) ? known : {};
        meta['quality'] = { ...quality, [as]: ask(maxChars === null ? text : firstUnits(text, maxChars)) };
        return KEEP;
      },
      explain({ text }) {
        const answer = ask(maxChars === null ? text : firstUnits(text, maxChars));
        const value = typeof answer === 'number' ? answer : answer === null ? 'nothing known' : JSON.stringify(answer);
        return [{ rule: `quality.${as}`, value, broken: false }];
      },
    };
  },
});

function modelPath({ model, trainedBy }: ScoreOptions, { name, baseDir, artifact }: StageContext): string {
  const path = model === undefined ? artifact?.(MODEL_ROLE, trainedBy) : resolve(baseDir, model);
  if (path !== undefined) return path;
  throw new CorpusmillError('CONFIG_INVALID', `${name}: model: there is none`, {
    hint: 'name a file, or put quality.train before this stage',
  });
}

/** What is written of a text. */
type Answer = number | { label: string; probability: number } | Record<string, number> | null;

/** Throws CONFIG_INVALID where the options ask for what the model does not have. */
function createAsker(
  model: QualityModel,
  { label, expected, all }: ScoreOptions,
  name: string,
): (text: string) => Answer {
  if (model.kind === 'ngram-lm') {
    if (label !== undefined || expected || all) {
      const option = expected ? 'expected' : all ? 'all' : 'label';
      throw new CorpusmillError(
        'CONFIG_INVALID',
        `${name}: ${option}: the model is a language model, which has no labels`,
      );
    }
    return (text) => model.languageModel.score(text).perplexity ?? null;
  }
  const { classifier } = model;
  const { labels } = classifier;
  if (expected) return createGrader(classifier, name);
  if (all) {
    return (text) => {
      const probabilities = classifier.probabilities(text);
      if (probabilities === undefined) return null;
      return Object.fromEntries(labels.map((name, i) => [name, probabilities[i]]));
    };
  }
  const index = labels.indexOf(label ?? POSITIVE);
  if (index >= 0) return (text) => classifier.probabilities(text)?.[index] ?? null;
  if (label !== undefined) {
    throw new CorpusmillError('CONFIG_INVALID', `${name}: label: the model knows no label "${label}"`, {
      hint: `it knows ${[...labels].sort().join(' ')}`,
    });
  }
  return (text) => {
    const probabilities = classifier.probabilities(text);
    if (probabilities === undefined) return null;
    let best = 0;
    for (let i = 1; i < probabilities.length; i++) if (probabilities[i] > probabilities[best]) best = i;
    return { label: labels[best], probability: probabilities[best] };
  };
}

function createGrader(classifier: Classifier, name: string): (text: string) => Answer {
  const grades = classifier.labels.map(Number);
  const noGrade = classifier.labels.find((one, i) => one.trim() === '' || !Number.isFinite(grades[i]));
  if (noGrade !== undefined) {
    throw new CorpusmillError('CONFIG_INVALID', `${name}: expected: the label "${noGrade}" of the model is no number`);
  }
  return (text) => {
    const probabilities = classifier.probabilities(text);
    if (probabilities === undefined) return null;
    let sum = 0;
    let total = 0;
    for (let i = 0; i < grades.length; i++) {
      sum += probabilities[i] * grades[i];
      total += probabilities[i];
    }
    // fastText's probabilities add up to a little more than 1.
    return sum / total;
  };
}

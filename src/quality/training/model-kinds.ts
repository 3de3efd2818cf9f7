/** How a training of each kind of model begins, and what its options are. */
import type { z } from 'zod';
import type { ClassifierKind, ClassifierTrainer } from '../classifier.ts';
import { fastTextOptions } from '../fasttext/options.ts';
import { createFastTextTrainer } from '../fasttext/trainer.ts';
import { jsonClassifiers } from '../json-classifiers.ts';
import { languageModelSchema } from '../ngram-lm/options.ts';
import type { ModelKind } from './option-names.ts';

/** Options of each kind, under the name of the option that holds them. */
export const kindOptions = {
  fasttext: fastTextOptions.optional().describe('Of `model: fasttext`, under fastText’s names.'),
  naiveBayes: jsonClassifiers['naive-bayes'].optionsSchema.optional().describe('Of `model: naive-bayes`.'),
  logistic: jsonClassifiers.logistic.optionsSchema.optional().describe('Of `model: logistic`.'),
  gbdt: jsonClassifiers.gbdt.optionsSchema.optional().describe('Of `model: gbdt`, gradient-boosted trees.'),
  forest: jsonClassifiers.forest.optionsSchema.optional().describe('Of `model: forest`, a random forest.'),
  ngramLm: languageModelSchema.optional().describe('Of `model: ngram-lm`, an n-gram language model.'),
};

/** What a stage's options have of the kinds. */
export type KindOptions = { [K in keyof typeof kindOptions]?: z.output<(typeof kindOptions)[K]> };

/** A trainer of a kind with its options, or their defaults. */
export function createTrainer(
  kind: ClassifierKind,
  given: KindOptions,
  labels: readonly string[],
  seed: number,
): ClassifierTrainer {
  if (kind === 'fasttext')
    return createFastTextTrainer(labels, { ...given.fasttext, seed: given.fasttext?.seed || seed });
  if (kind === 'naive-bayes') {
    const { createTrainer: create, optionsSchema } = jsonClassifiers[kind];
    return create(labels, given.naiveBayes ?? optionsSchema.parse({}), seed);
  }
  if (kind === 'logistic') {
    const { createTrainer: create, optionsSchema } = jsonClassifiers[kind];
    return create(labels, given.logistic ?? optionsSchema.parse({}), seed);
  }
  if (kind === 'gbdt') {
    const { createTrainer: create, optionsSchema } = jsonClassifiers[kind];
    return create(labels, given.gbdt ?? optionsSchema.parse({}), seed);
  }
  const { createTrainer: create, optionsSchema } = jsonClassifiers[kind];
  return create(labels, given.forest ?? optionsSchema.parse({}), seed);
}

/** Name of the file that a kind's model is saved in. */
export function modelFileName(kind: ModelKind, given: KindOptions): string {
  if (kind === 'fasttext') return given.fasttext?.quantize == null ? 'model.bin' : 'model.ftz';
  return kind === 'ngram-lm' ? 'model.ngrams' : 'model.json';
}

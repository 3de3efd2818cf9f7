/**
 * A random forest on the statistics of a text (src/quality/features): little to set, hard to overfit, sound where labelled texts
 * count in hundreds. In the file: the trees (decision-trees.ts), `counts`, the training texts of each label in each leaf, leaf
 * after leaf, and `gains`, the impurity that each statistic's splits took away.
 */
import { z } from 'zod';
import type { Classifier, ClassifierTrainer } from '../classifier.ts';
import { type ClassifierFile, corruptClassifier, parseClassifierFile } from '../classifier-file.ts';
import {
  checkColumns,
  checkFeaturesVersion,
  createFeatureClassifier,
  createFeatureTrainer,
  type FeatureModel,
  featureFileSchema,
} from '../features/feature-trainer.ts';
import { featureNames } from '../features/features.ts';
import { MAX_BINS } from './binning.ts';
import { leafOf, readTrees, treesSchema, treesToFile } from './decision-trees.ts';
import { tellingByGain } from './importance.ts';
import { type ForestFit, fitForest, leafShares } from './random-forest.ts';

export const optionsSchema = z.strictObject({
  trees: z
    .number()
    .int()
    .positive()
    .max(10_000)
    .default(200)
    .describe('Trees: more are steadier, never worse, and slower'),
  minSamplesLeaf: z
    .number()
    .int()
    .positive()
    .default(5)
    .describe('Fewest draws of texts in a leaf: 1 trusts every label'),
  maxDepth: z.number().int().positive().default(64).describe('Most questions on the way to a leaf'),
  maxBins: z.number().int().min(2).max(MAX_BINS).default(MAX_BINS).describe('Bins that a statistic is cut into'),
});

export type ForestOptions = z.output<typeof optionsSchema>;

const fileSchema = featureFileSchema.extend({
  kind: z.literal('forest'),
  ...treesSchema.shape,
  counts: z.array(z.number().int().nonnegative()),
  gains: z.array(z.number().nonnegative()),
});

/** A trainer for texts with these labels. The seed draws each tree's texts and statistics. Throws CONFIG_INVALID. */
export function createTrainer(labels: readonly string[], options: ForestOptions, seed: number): ClassifierTrainer {
  return createFeatureTrainer({
    ...{ kind: 'forest', labels, options, seed },
    learn(data) {
      const fit = fitForest(data, options, seed);
      return {
        model: forestModel(fit, featureNames),
        content: {
          gains: Array.from(fit.gains),
          ...treesToFile(fit.trees, data.columns),
          counts: Array.from(fit.counts),
        },
        details: {
          leaves: fit.trees.leaves,
          outOfBagAccuracy: fit.outOfBagAccuracy,
          outOfBagTexts: fit.outOfBagRows,
        },
      };
    },
  });
}

/** A classifier from its file. Throws INPUT_CORRUPT. */
export function readClassifier(file: ClassifierFile): Classifier {
  const { labels, featuresVersion, counts, gains, ...inFile } = parseClassifierFile(fileSchema, file);
  checkFeaturesVersion(file, featuresVersion);
  checkColumns(file, 'thresholds', inFile.thresholds.length);
  checkColumns(file, 'gains', gains.length);
  const trees = readTrees(file, inFile);
  if (trees.roots.length === 0) throw corruptClassifier(file.path, 'there are no trees');
  const labelCount = labels.length;
  if (counts.length !== trees.leaves * labelCount) {
    const wanted = `${trees.leaves} leaves and ${labelCount} labels`;
    throw corruptClassifier(file.path, `counts has ${counts.length} entries for ${wanted}`);
  }
  for (let leaf = 0; leaf < trees.leaves; leaf++) {
    const own = counts.slice(leaf * labelCount, (leaf + 1) * labelCount);
    if (own.every((count) => count === 0)) throw corruptClassifier(file.path, `counts has no text in leaf ${leaf}`);
  }
  const model = forestModel(
    { trees, labelCount, counts: Uint32Array.from(counts), gains: Float64Array.from(gains) },
    featureNames,
  );
  return createFeatureClassifier('forest', labels, model);
}

/** The model that a fit is: probabilities by row, columns by gain. */
export function forestModel(
  fit: Pick<ForestFit, 'trees' | 'labelCount' | 'counts' | 'gains'>,
  names: readonly string[],
): FeatureModel {
  const { trees, labelCount, gains } = fit;
  const shares = leafShares(fit);
  const { roots } = trees;
  return {
    probabilities(row, out) {
      out.fill(0);
      for (let tree = 0; tree < roots.length; tree++) {
        const leaf = leafOf(trees, roots[tree], row, 0);
        for (let label = 0; label < labelCount; label++) out[label] += shares[leaf * labelCount + label];
      }
      for (let label = 0; label < labelCount; label++) out[label] /= roots.length;
    },
    telling: (_label, count) => tellingByGain(gains, names, count),
  };
}

/**
 * Gradient-boosted trees on the statistics of a text (src/quality/features): the strongest of the models on statistics where
 * labelled texts count in thousands. In the file: the trees (decision-trees.ts), `values` of their leaves, the `baseline`
 * score of each output, and `gains`, what each statistic's splits took off the loss.
 */
import { z } from 'zod';
import { hashString32 } from '../../core/random.ts';
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
import { softmax } from '../softmax.ts';
import { MAX_BINS } from './binning.ts';
import { leafOf, readTrees, treesSchema, treesToFile } from './decision-trees.ts';
import { fitGbdt, type GbdtFit } from './fit-gbdt.ts';
import { tellingByGain } from './importance.ts';

export const optionsSchema = z.strictObject({
  rounds: z
    .number()
    .int()
    .positive()
    .max(10_000)
    .default(100)
    .describe('Rounds of boosting: trees, for each label where there are more than two'),
  learningRate: z.number().positive().max(1).default(0.1).describe('Share of its full correction that each tree makes'),
  maxLeaves: z.number().int().min(2).max(1024).default(31).describe('Most leaves of a tree'),
  minSamplesLeaf: z.number().int().positive().default(20).describe('Fewest texts in a leaf'),
  l2: z.number().nonnegative().default(0).describe('Penalty on the values of leaves'),
  maxBins: z.number().int().min(2).max(MAX_BINS).default(MAX_BINS).describe('Bins that a statistic is cut into'),
  earlyStopping: z
    .strictObject({
      holdout: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.1)
        .describe('Share of the texts, chosen by a hash of the text, that only judge'),
      patience: z
        .number()
        .int()
        .positive()
        .default(10)
        .describe('Rounds without a lower loss on them after which boosting ends'),
    })
    .nullable()
    .default(null)
    .describe('Stop where texts held out no longer gain, and keep the best round; null: train all rounds on all texts'),
});

export type GbdtOptions = z.output<typeof optionsSchema>;

const fileSchema = featureFileSchema.extend({
  kind: z.literal('gbdt'),
  ...treesSchema.shape,
  baseline: z.array(z.number()).min(1),
  values: z.array(z.number()),
  gains: z.array(z.number().nonnegative()),
});

/** A trainer for texts with these labels. The seed chooses the hold-out of early stopping. Throws CONFIG_INVALID. */
export function createTrainer(labels: readonly string[], options: GbdtOptions, seed: number): ClassifierTrainer {
  const { earlyStopping, ...settings } = options;
  return createFeatureTrainer({
    ...{ kind: 'gbdt', labels, options, seed },
    hash: earlyStopping === null ? undefined : (text) => hashString32(text, seed),
    learn(data, hashes) {
      const bar = (earlyStopping?.holdout ?? 0) * 2 ** 32;
      const isHeldOut = earlyStopping && Uint8Array.from(hashes, (hash) => (hash < bar ? 1 : 0));
      const patience = earlyStopping?.patience ?? settings.rounds;
      const fit = fitGbdt(data, { ...settings, patience }, isHeldOut ?? undefined);
      return {
        model: gbdtModel(fit, featureNames),
        content: {
          baseline: Array.from(fit.baseline),
          gains: Array.from(fit.gains),
          ...treesToFile(fit.trees, data.columns),
          values: Array.from(fit.values),
        },
        details: { rounds: fit.rounds, splits: fit.splits, loss: fit.loss, holdoutLoss: fit.holdoutLoss ?? null },
      };
    },
  });
}

/** A classifier from its file. Throws INPUT_CORRUPT. */
export function readClassifier(file: ClassifierFile): Classifier {
  const { labels, featuresVersion, baseline, values, gains, ...inFile } = parseClassifierFile(fileSchema, file);
  checkFeaturesVersion(file, featuresVersion);
  checkColumns(file, 'thresholds', inFile.thresholds.length);
  checkColumns(file, 'gains', gains.length);
  const trees = readTrees(file, inFile);
  const outputs = labels.length === 2 ? 1 : labels.length;
  if (values.length !== trees.leaves) {
    throw corruptClassifier(file.path, `values has ${values.length} entries for ${trees.leaves} leaves`);
  }
  if (baseline.length !== outputs || trees.roots.length % outputs !== 0) {
    const found = `a baseline of ${baseline.length} and ${trees.roots.length} trees`;
    throw corruptClassifier(file.path, `${found} for ${labels.length} labels`);
  }
  const model = gbdtModel(
    {
      ...{ trees, outputs, values: Float64Array.from(values) },
      ...{ baseline: Float64Array.from(baseline), gains: Float64Array.from(gains) },
    },
    featureNames,
  );
  return createFeatureClassifier('gbdt', labels, model);
}

/** The model that a fit is: probabilities by row, columns by gain. */
export function gbdtModel(
  { trees, outputs, values, baseline, gains }: Pick<GbdtFit, 'trees' | 'outputs' | 'values' | 'baseline' | 'gains'>,
  names: readonly string[],
): FeatureModel {
  return {
    probabilities(row, out) {
      // Two labels: the first one's score is 0.
      const first = outputs === 1 ? 1 : 0;
      out[0] = 0;
      for (let k = 0; k < outputs; k++) out[first + k] = baseline[k];
      for (let tree = 0; tree < trees.roots.length; tree++) {
        out[first + (tree % outputs)] += values[leafOf(trees, trees.roots[tree], row, 0)];
      }
      softmax(out);
    },
    telling: (_label, count) => tellingByGain(gains, names, count),
  };
}

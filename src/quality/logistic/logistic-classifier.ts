/**
 * Logistic regression on the statistics of a text (src/quality/features): the classifier to begin with where labelled texts
 * are few, and the easiest to read, since each weight says what one standard deviation more of a statistic does to the
 * log-odds. In the file: `means` and `scales` of the statistics, `weights` in standard units and `intercepts`, one vector for
 * two labels (towards the second), else one a label.
 */
import { z } from 'zod';
import { CorpusmillError } from '../../core/errors.ts';
import type { Classifier, ClassifierTrainer, TellingFeature } from '../classifier.ts';
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
import type { LabelledMatrix } from '../features/labelled-matrix.ts';
import { softmax } from '../softmax.ts';
import { fitLogistic, type LogisticFit, MAX_UNKNOWNS } from './fit-logistic.ts';
import { columnScaling, type Scaling, standardized } from './standardize.ts';

export const optionsSchema = z.strictObject({
  C: z
    .number()
    .positive()
    .default(1)
    .describe('Weight of the data against the penalty on weights: smaller for few or noisy labels, larger for many'),
  classWeight: z
    .union([z.enum(['none', 'balanced']), z.record(z.string(), z.number().positive())])
    .default('none')
    .describe(
      'What a text counts: none: all the same; balanced: labels weigh the same however many texts they have; or a number by label',
    ),
  tolerance: z.number().positive().default(1e-8).describe('Fitting ends when no entry of the gradient is larger'),
  maxIterations: z.number().int().positive().default(1000).describe('Most iterations of L-BFGS'),
});

export type LogisticOptions = z.output<typeof optionsSchema>;

const fileSchema = featureFileSchema.extend({
  kind: z.literal('logistic'),
  means: z.array(z.number()),
  scales: z.array(z.number().positive()),
  weights: z.array(z.array(z.number())).min(1),
  intercepts: z.array(z.number()).min(1),
});

/** A trainer for texts with these labels. The seed changes nothing: the minimum is unique. Throws CONFIG_INVALID. */
export function createTrainer(labels: readonly string[], options: LogisticOptions, seed: number): ClassifierTrainer {
  checkClassWeights(labels, options);
  return createFeatureTrainer({
    ...{ kind: 'logistic', labels, options, seed },
    learn(data) {
      const { model, scaling, fit } = fitLogisticModel(data, labels, options);
      const { columns } = data;
      const vectors = fit.intercepts.length;
      return {
        model,
        content: {
          means: Array.from(scaling.means),
          scales: Array.from(scaling.scales),
          weights: Array.from({ length: vectors }, (_, v) =>
            Array.from(fit.weights.subarray(v * columns, (v + 1) * columns)),
          ),
          intercepts: Array.from(fit.intercepts),
        },
        details: {
          iterations: fit.iterations,
          converged: fit.converged,
          largestGradient: fit.gradient,
          loss: fit.loss,
        },
      };
    },
  });
}

/** Standardises the matrix and fits to it. Throws CONFIG_INVALID naming the first number that is NaN or infinite. */
export function fitLogisticModel(
  data: LabelledMatrix,
  labels: readonly string[],
  options: LogisticOptions,
): { model: FeatureModel; scaling: Scaling; fit: LogisticFit } {
  checkSize(data);
  const scaling = columnScaling(data);
  const fit = fitLogistic(
    { ...data, matrix: standardized(data, scaling) },
    {
      C: options.C,
      labelWeights: labelWeights(data, labels, options),
      tolerance: options.tolerance,
      maxIterations: options.maxIterations,
    },
  );
  return { model: logisticModel(fit, scaling, data.names ?? []), scaling, fit };
}

/** A classifier from its file. Throws INPUT_CORRUPT. */
export function readClassifier(file: ClassifierFile): Classifier {
  const { labels, featuresVersion, means, scales, weights, intercepts } = parseClassifierFile(fileSchema, file);
  checkFeaturesVersion(file, featuresVersion);
  checkColumns(file, 'means', means.length);
  checkColumns(file, 'scales', scales.length);
  weights.forEach((vector, v) => checkColumns(file, `weights[${v}]`, vector.length));
  const vectors = labels.length === 2 ? 1 : labels.length;
  if (weights.length !== vectors || intercepts.length !== vectors) {
    const found = `${weights.length} vectors of weights and ${intercepts.length} intercepts`;
    throw corruptClassifier(file.path, `${found} for ${labels.length} labels`);
  }
  const model = logisticModel(
    { weights: Float64Array.from(weights.flat()), intercepts: Float64Array.from(intercepts) },
    { means: Float64Array.from(means), scales: Float64Array.from(scales) },
    featureNames,
  );
  return createFeatureClassifier('logistic', labels, model);
}

function logisticModel(
  { weights, intercepts }: Pick<LogisticFit, 'weights' | 'intercepts'>,
  { means, scales }: Scaling,
  names: readonly string[],
): FeatureModel {
  const columns = means.length;
  const isBinary = intercepts.length === 1;
  return {
    probabilities(row, out) {
      for (let v = 0; v < intercepts.length; v++) {
        let score = intercepts[v];
        for (let c = 0; c < columns; c++) score += (weights[v * columns + c] * (row[c] - means[c])) / scales[c];
        out[isBinary ? 1 : v] = score;
      }
      if (isBinary) out[0] = 0;
      softmax(out);
    },
    telling(label, count) {
      const base = isBinary ? 0 : label * columns;
      const sign = isBinary && label === 0 ? -1 : 1;
      const found: TellingFeature[] = [];
      for (let c = 0; c < columns; c++) {
        const weight = sign * weights[base + c];
        if (weight > 0) found.push({ feature: names[c] ?? `column ${c}`, weight });
      }
      return found.sort((a, b) => b.weight - a.weight).slice(0, count);
    },
  };
}

function checkSize({ columns, labelCount }: LabelledMatrix): void {
  const most = Math.floor(MAX_UNKNOWNS / (columns + 1));
  if (labelCount === 2 || labelCount <= most) return;
  throw new CorpusmillError('CONFIG_INVALID', `cannot fit a logistic regression to ${labelCount} labels`, {
    hint: `at most ${most} labels with ${columns} features; fasttext and naive-bayes take more`,
  });
}

function checkClassWeights(labels: readonly string[], { classWeight }: LogisticOptions): void {
  if (typeof classWeight === 'string') return;
  const unknown = Object.keys(classWeight).find((label) => !labels.includes(label));
  if (unknown === undefined) return;
  throw new CorpusmillError('CONFIG_INVALID', `classWeight names ${JSON.stringify(unknown)}, which is no label here`, {
    hint: `the labels are ${labels.join(', ')}; those without a weight have 1`,
  });
}

function labelWeights(data: LabelledMatrix, labels: readonly string[], { classWeight }: LogisticOptions): Float64Array {
  const weights = new Float64Array(data.labelCount).fill(1);
  if (classWeight === 'balanced') {
    const counts = new Uint32Array(data.labelCount);
    for (let row = 0; row < data.rows; row++) counts[data.labels[row]]++;
    const present = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
    for (let label = 0; label < counts.length; label++) {
      if (counts[label] > 0) weights[label] = data.rows / (present * counts[label]);
    }
  } else if (classWeight !== 'none') {
    labels.forEach((label, i) => {
      weights[i] = Object.hasOwn(classWeight, label) ? classWeight[label] : 1;
    });
  }
  return weights;
}

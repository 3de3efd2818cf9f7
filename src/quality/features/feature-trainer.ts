/**
 * Training and scoring by a text's statistics, whatever learns from them: texts become rows of a matrix as they are added, a
 * model is fitted to the matrix, and the classifier reads the statistics of each text it is asked about.
 */
import { z } from 'zod';
import { CorpusmillError } from '../../core/errors.ts';
import type { Classifier, ClassifierTrainer, TellingFeature } from '../classifier.ts';
import {
  type ClassifierFile,
  classifierFileSchema,
  corruptClassifier,
  type JsonClassifierKind,
  writeClassifierFile,
} from '../classifier-file.ts';
import { checkLabelCounts, checkLabels, isBlank } from '../training-texts.ts';
import { FEATURES_VERSION, featureNames, readFeatures } from './features.ts';
import type { LabelledMatrix } from './labelled-matrix.ts';

/** What was learnt from a matrix. */
export interface FeatureModel {
  /** Writes every label's probability for a row of the matrix's columns. */
  probabilities(row: Float64Array, out: Float64Array): void;
  /** The columns that speak most for a label, strongest first. */
  telling(label: number, count: number): TellingFeature[];
}

export interface FittedModel {
  model: FeatureModel;
  /** The members of the kind's file that hold the model. */
  content: Record<string, unknown>;
  details: Record<string, unknown>;
}

/** Members of every file whose model reads the statistics. */
export const featureFileSchema = classifierFileSchema.extend({ featuresVersion: z.number().int() });

/**
 * A trainer of models on statistics. Texts of white space alone have none worth learning: they are counted in the details,
 * and never classified either. `learn` gets the texts' rows, and the hashes that `hash` gave them.
 */
export function createFeatureTrainer(training: {
  kind: JsonClassifierKind;
  labels: readonly string[];
  options: Readonly<Record<string, unknown>>;
  seed: number;
  learn(data: LabelledMatrix, hashes: readonly number[]): FittedModel;
  /** A number of each text that `learn` may choose rows by; none by default. */
  hash?(text: string): number;
}): ClassifierTrainer {
  const { kind, labels, options, seed, learn, hash } = training;
  checkLabels(labels);
  const columns = featureNames.length;
  let matrix = new Float64Array(columns * 256);
  const rowLabels: number[] = [];
  const hashes: number[] = [];
  const labelCounts = new Uint32Array(labels.length);
  let blank = 0;
  return {
    add(text, label) {
      if (isBlank(text)) {
        blank++;
        return;
      }
      const at = rowLabels.length * columns;
      if (at === matrix.length) {
        const larger = new Float64Array(matrix.length * 2);
        larger.set(matrix);
        matrix = larger;
      }
      readFeatures(text, matrix.subarray(at, at + columns));
      rowLabels.push(label);
      labelCounts[label]++;
      if (hash !== undefined) hashes.push(hash(text));
    },
    finish() {
      checkLabelCounts(labels, labelCounts);
      const data: LabelledMatrix = {
        ...{ matrix: matrix.subarray(0, rowLabels.length * columns), rows: rowLabels.length, columns },
        ...{ labels: Uint32Array.from(rowLabels), labelCount: labels.length, names: featureNames },
      };
      const { model, content, details: learnt } = learn(data, hashes);
      const details = { texts: rowLabels.length, blankTexts: blank, ...learnt };
      return {
        classifier: createFeatureClassifier(kind, labels, model),
        save(path) {
          const common = { labels, seed, options, details, featuresVersion: FEATURES_VERSION };
          writeClassifierFile(path, kind, { ...common, ...content });
        },
        details,
      };
    },
  };
}

/** A classifier that reads a text's statistics and asks the model. */
export function createFeatureClassifier(
  kind: JsonClassifierKind,
  labels: readonly string[],
  model: FeatureModel,
): Classifier {
  const row = new Float64Array(featureNames.length);
  const out = new Float64Array(labels.length);
  return {
    kind,
    labels,
    probabilities(text) {
      if (isBlank(text)) return undefined;
      readFeatures(text, row);
      model.probabilities(row, out);
      return out;
    },
    telling: (label, count) => model.telling(label, count),
  };
}

/** Throws INPUT_CORRUPT for a model of other statistics than this version's. */
export function checkFeaturesVersion(file: ClassifierFile, featuresVersion: number): void {
  if (featuresVersion === FEATURES_VERSION) return;
  throw new CorpusmillError(
    'INPUT_CORRUPT',
    `${file.path}: trained on version ${featuresVersion} of the text statistics; this corpusmill has ${FEATURES_VERSION}`,
    { hint: 'train the model again from its labelled texts' },
  );
}

/** Throws INPUT_CORRUPT where a member of a file has not one entry for each statistic. */
export function checkColumns(file: ClassifierFile, member: string, found: number): void {
  if (found === featureNames.length) return;
  throw corruptClassifier(file.path, `${member} has ${found} entries for ${featureNames.length} statistics`);
}

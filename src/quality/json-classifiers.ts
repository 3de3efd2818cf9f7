/** The kinds of classifiers that are trained on texts here and kept as JSON (classifier-file.ts), each with its room. */
import * as bayes from './bayes/bayes-classifier.ts';
import type { Classifier } from './classifier.ts';
import { openClassifierFile } from './classifier-file.ts';
import * as logistic from './logistic/logistic-classifier.ts';
import * as forest from './trees/forest-classifier.ts';
import * as gbdt from './trees/gbdt-classifier.ts';

/** Of each kind: `optionsSchema`, `createTrainer(labels, options, seed)` and `readClassifier(file)`. */
export const jsonClassifiers = { 'naive-bayes': bayes, logistic, gbdt, forest } as const;

/**
 * A classifier from the file that its training wrote. Throws INPUT_NOT_FOUND, or INPUT_CORRUPT saying where the file is not as it
 * should be, or of another version.
 */
export function loadClassifierFile(path: string): Classifier {
  const file = openClassifierFile(path);
  return jsonClassifiers[file.kind].readClassifier(file);
}

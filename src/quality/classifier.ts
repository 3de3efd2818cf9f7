/**
 * What a trained classifier is to the stages, commands and reports that use it, whatever it was trained with. One per worker:
 * it may keep buffers between texts.
 */

/** How a classifier was made. */
export type ClassifierKind = 'fasttext' | 'naive-bayes' | 'logistic' | 'gbdt' | 'forest';

export interface Classifier {
  readonly kind: ClassifierKind;
  /** Without any prefix, in the order of the probabilities. */
  readonly labels: readonly string[];
  /**
   * Every label's probability by its index in `labels`, in an array that the next call overwrites; undefined when the model
   * knows no part of the text (an empty one, say).
   */
  probabilities(text: string): Float64Array | undefined;
  /** What speaks most for a label (its index), strongest first; of models that can tell. */
  telling?(label: number, count: number): TellingFeature[];
}

/** A word, n-gram or statistic and how much it speaks for a label, in the model's own unit (weight, log-ratio, gain). */
export interface TellingFeature {
  feature: string;
  weight: number;
}

/** Takes labelled texts one by one, then trains. The result depends on the texts, their order, the options and the seed. */
export interface ClassifierTrainer {
  /** `label` is an index into the labels that the trainer was made for. */
  add(text: string, label: number): void;
  /**
   * Trains on all that was added. Throws CONFIG_INVALID when there is nothing to learn from: no text, or texts of one label
   * only. Called once.
   */
  finish(): TrainedClassifier;
}

export interface TrainedClassifier {
  classifier: Classifier;
  /** Writes the model's file (atomically), the same bytes for the same training. */
  save(path: string): void;
  /** What is worth reporting of the training, JSON: vocabulary, rounds, loss. */
  details: Record<string, unknown>;
}

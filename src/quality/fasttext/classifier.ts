/**
 * A fastText classifier: texts in, labels and probabilities out, equal to those of fastText itself (see
 * tests/quality/fasttext for what they are compared with). One per worker: it keeps buffers between texts.
 */
import type { Classifier, TellingFeature } from '../classifier.ts';
import { createOutputLayer } from './losses.ts';
import type { FastTextModel } from './model.ts';
import { loadFastTextModel } from './model-file.ts';
import type { Label, OutputLayer } from './output-layer.ts';
import { tellingWords } from './telling-words.ts';
import { createTextVectorizer, type TextVectorizer } from './text-vector.ts';

export interface Prediction {
  /** Without `__label__`. */
  label: string;
  probability: number;
}

export interface ClassifierOptions {
  /** Count the end of the text as the word `</s>`; true as in Python's fasttext, its command line and fasttext.wasm.js. */
  endOfSentence?: boolean;
}

export class FastTextClassifier implements Classifier {
  readonly kind = 'fasttext';
  readonly model: FastTextModel;
  readonly #vectorizer: TextVectorizer;
  readonly #output: OutputLayer;
  readonly #endOfSentence: boolean;
  readonly #probabilities: Float64Array;

  constructor(model: FastTextModel, options: ClassifierOptions = {}) {
    this.model = model;
    this.#vectorizer = createTextVectorizer(model);
    this.#output = createOutputLayer(model);
    this.#endOfSentence = options.endOfSentence ?? true;
    this.#probabilities = new Float64Array(model.labels.length);
  }

  get labels(): readonly string[] {
    return this.model.labels;
  }

  /** The most likely label of the text, line ends counting as spaces; undefined when the model knows no part of it. */
  best(text: string): Label | undefined {
    const hidden = this.#vectorizer.read(text, this.#endOfSentence);
    return hidden && this.#output.best(hidden);
  }

  /**
   * Every label's probability by its index in `model.labels`, in an array that the next call overwrites; undefined when the
   * model knows no part of the text.
   */
  probabilities(text: string): Float64Array | undefined {
    const hidden = this.#vectorizer.read(text, this.#endOfSentence);
    if (hidden === undefined) return undefined;
    this.#output.probabilities(hidden, this.#probabilities);
    return this.#probabilities;
  }

  /** The `k` most likely labels of at least `threshold`, best first: fastText's `predict(text, k, threshold)`. */
  predict(text: string, k = 1, threshold = 0): Prediction[] {
    const probabilities = this.probabilities(text);
    if (probabilities === undefined) return [];
    return Array.from(probabilities, (probability, label) => ({ label: this.model.labels[label], probability }))
      .filter(({ probability }) => probability >= threshold)
      .sort((a, b) => b.probability - a.probability)
      .slice(0, k);
  }

  /** The `count` words that speak most for a label, by the score of a text of that word alone: see telling-words.ts. */
  telling(label: number, count: number): TellingFeature[] {
    return tellingWords(this.model, this.#vectorizer, this.#output, label, count);
  }
}

/** Loads a classifier from a `.bin` or `.ftz` file. Throws INPUT_NOT_FOUND or INPUT_CORRUPT. */
export function loadClassifier(path: string, options: ClassifierOptions = {}): FastTextClassifier {
  return new FastTextClassifier(loadFastTextModel(path), options);
}

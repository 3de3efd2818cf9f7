/**
 * A fastText classifier: texts in, labels and probabilities out, equal to those of fastText itself (see
 * tests/quality/fasttext for what they are compared with). One per worker: it keeps buffers between texts.
 */

import { createOutputLayer } from './losses.ts';
import { type FastTextModel, loadFastTextModel } from './model-file.ts';
import type { Label, OutputLayer } from './output-layer.ts';
import { TextVectorizer } from './text-vector.ts';

/** Buffers longer than this are given back after the text that needed them. */
const RETAINED_BYTES = 1 << 22;

export interface Prediction {
  /** Without `__label__`. */
  label: string;
  probability: number;
}

export interface ClassifierOptions {
  /** Count the end of the text as the word `</s>`; true as in Python's fasttext, its command line and fasttext.wasm.js. */
  endOfSentence?: boolean;
}

export class FastTextClassifier {
  readonly model: FastTextModel;
  readonly #vectorizer: TextVectorizer;
  readonly #output: OutputLayer;
  readonly #endOfSentence: boolean;
  readonly #probabilities: Float64Array;
  #bytes = Buffer.alloc(1 << 16);

  constructor(model: FastTextModel, options: ClassifierOptions = {}) {
    this.model = model;
    this.#vectorizer = new TextVectorizer(model);
    this.#output = createOutputLayer(model);
    this.#endOfSentence = options.endOfSentence ?? true;
    this.#probabilities = new Float64Array(model.labels.length);
  }

  /** The most likely label of the text, line ends counting as spaces; undefined when the model knows no part of it. */
  best(text: string): Label | undefined {
    const hidden = this.#read(text);
    return hidden && this.#output.best(hidden);
  }

  /**
   * Every label's probability by its index in `model.labels`, in an array that the next call overwrites; undefined when the
   * model knows no part of the text.
   */
  probabilities(text: string): Float64Array | undefined {
    const hidden = this.#read(text);
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

  #read(text: string): Float64Array | undefined {
    // Three bytes hold any UTF-16 unit.
    const most = text.length * 3;
    if (this.#bytes.length < most) this.#bytes = Buffer.alloc(2 ** Math.ceil(Math.log2(most)));
    const length = this.#bytes.write(text, 0, 'utf8');
    const hidden = this.#vectorizer.read(this.#bytes, length, this.#endOfSentence);
    if (this.#bytes.length > RETAINED_BYTES) this.#bytes = Buffer.alloc(1 << 16);
    return hidden;
  }
}

/** Loads a classifier from a `.bin` or `.ftz` file. Throws INPUT_NOT_FOUND or INPUT_CORRUPT. */
export function loadClassifier(path: string, options: ClassifierOptions = {}): FastTextClassifier {
  return new FastTextClassifier(loadFastTextModel(path), options);
}

/**
 * Language identification with a fastText model: the model's own verdict, or one corrected for short texts.
 *
 * `fasttext`: label and probability as fastText gives them. `letters`: probabilities corrected by script and alphabet (letter-constraints.ts)
 * and divided by the square root of the language's share of the model's training data, without which a lone word is English
 * more often than not. Both can be limited to the languages that may occur. Measured: bench/langid.ts.
 */
import { letterScripts } from '../text/scripts.ts';
import { textView } from '../text/view.ts';
import type { FastTextClassifier } from './fasttext/classifier.ts';
import { highest } from './fasttext/losses.ts';
import { createLetterConstraints } from './letter-constraints.ts';

export interface LanguageGuess {
  /** The model's label: for lid.176 a Wikipedia code (`en`, `zh`, `yue` …); `und` for a text without a letter. */
  lang: string;
  /** 0 to 1. */
  confidence: number;
}

export interface IdentifierOptions {
  scoring: 'fasttext' | 'letters';
  /** Languages that may occur; null: all that the model knows. */
  candidates: readonly string[] | null;
}

const UNDETERMINED: LanguageGuess = Object.freeze({ lang: 'und', confidence: 0 });
/** Above this length the letters say nothing that the statistics do not. */
const SHORT_TEXT = 2000;

export type LanguageIdentifier = (text: string) => LanguageGuess;

/** Identifies with `classifier`; one per worker. */
export function createLanguageIdentifier(
  classifier: FastTextClassifier,
  options: IdentifierOptions,
): LanguageIdentifier {
  const { labels, labelCounts } = classifier.model;
  const { candidates } = options;
  const excluded = candidates === null ? [] : labels.flatMap((label, i) => (candidates.includes(label) ? [] : [i]));
  const isPlain = options.scoring === 'fasttext';
  if (isPlain && excluded.length === 0) {
    return (text) => {
      const best = classifier.best(text);
      return best === undefined
        ? UNDETERMINED
        : { lang: labels[best.label], confidence: Math.min(1, best.probability) };
    };
  }
  const constrain = createLetterConstraints(labels);
  const priors = Float64Array.from(labelCounts, (count) => 1 / Math.sqrt(Math.max(1, count)));

  return (text) => {
    const probabilities = classifier.probabilities(text);
    if (probabilities === undefined) return UNDETERMINED;
    for (const label of excluded) probabilities[label] = 0;
    if (!isPlain && text.length <= SHORT_TEXT) {
      for (let label = 0; label < probabilities.length; label++) probabilities[label] *= priors[label];
      constrain(probabilities, text.toLowerCase(), textView(text).get(letterScripts));
    }
    let sum = 0;
    for (const probability of probabilities) sum += probability;
    const best = highest(probabilities);
    return sum === 0 ? UNDETERMINED : { lang: labels[best.label], confidence: best.probability / sum };
  };
}

/**
 * A text as a vector of statistics: what filters compare with thresholds one by one, for a model to weigh together.
 *
 * Names, order and meaning belong to `FEATURES_VERSION`: a model keeps the version it was trained with, and is refused under
 * another. So whatever changes a number of any text (a new feature, a list of words, a rule of src/text) raises it; what
 * counts as a letter follows the Unicode version of the running Node, as everywhere in src/text. Numbers are shares from 0 to 1, logarithms of counts and lengths, and a few ratios: none is NaN or infinite, and for the empty
 * text all are 0. Cost on web pages: bench/quality-features.ts, `featuresMBPerSecond`.
 */
import { textView } from '../../text/view.ts';
import { characterFeatures } from './character-features.ts';
import type { FeatureGroup } from './feature-group.ts';
import { lineFeatures } from './line-features.ts';
import { repetitionFeatures } from './repetition-features.ts';
import { sentenceFeatures } from './sentence-features.ts';
import { wordFeatures } from './word-features.ts';

export const FEATURES_VERSION = 1;

const GROUPS: readonly FeatureGroup[] = [
  characterFeatures,
  lineFeatures,
  wordFeatures,
  sentenceFeatures,
  repetitionFeatures,
];

/** What each number of the vector is, by its name, in order. */
export const featureMeanings: ReadonlyMap<string, string> = new Map(GROUPS.flatMap(({ features }) => features));

/** Names of the numbers, in order. */
export const featureNames: readonly string[] = [...featureMeanings.keys()];

/** Writes the statistics of a text to the first `featureNames.length` entries of `out`. */
export function readFeatures(text: string, out: Float64Array): void {
  const view = textView(text);
  let at = 0;
  for (const group of GROUPS) {
    group.read(view, out, at);
    at += group.features.length;
  }
}

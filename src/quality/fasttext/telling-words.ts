/**
 * The words that speak most for a label: a word's vector (with its character n-grams, without its neighbours) scored as a text
 * of that word alone, and the label's score less the mean over labels. Scores are sums over a text's words, so this is what the
 * word adds for the label beyond what it adds for all. Words that do not speak for it at all are left out.
 */
import type { TellingFeature } from '../classifier.ts';
import { END_OF_TEXT, type FastTextModel, wordBytes } from './model.ts';
import type { OutputLayer } from './output-layer.ts';
import type { TextVectorizer } from './text-vector.ts';

/** The `count` strongest, strongest first; equals in the order of the dictionary. */
export function tellingWords(
  { words, labels }: FastTextModel,
  vectorizer: TextVectorizer,
  output: OutputLayer,
  label: number,
  count: number,
): TellingFeature[] {
  if (!(label in labels)) throw new RangeError(`label ${label} of ${labels.length}`);
  const scores = new Float64Array(labels.length);
  const weights = new Float64Array(words.count);
  for (let word = 0; word < words.count; word++) {
    const text = Buffer.from(wordBytes(words, word)).toString('utf8');
    const vector = text === END_OF_TEXT ? undefined : vectorizer.read(text, false);
    if (vector === undefined) continue;
    output.logits(vector, scores);
    weights[word] = scores[label] - scores.reduce((sum, score) => sum + score, 0) / scores.length;
  }
  const strongest = Uint32Array.from(weights, (_, word) => word)
    .filter((word) => weights[word] > 0)
    .sort((a, b) => weights[b] - weights[a] || a - b);
  return Array.from(strongest.subarray(0, count), (word) => ({
    feature: Buffer.from(wordBytes(words, word)).toString('utf8'),
    weight: weights[word],
  }));
}

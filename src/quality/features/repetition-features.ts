/**
 * How much a text repeats itself: Gopher's statistics of word n-grams (Rae et al. 2021, table A1) as src/text/n-grams.ts counts
 * them, as shares of the characters of all words.
 */
import { duplicateNGramChars, topNGramChars } from '../../text/n-grams.ts';
import type { TextView } from '../../text/view.ts';
import { type FeatureGroup, share } from './feature-group.ts';

export const repetitionFeatures: FeatureGroup = {
  features: [
    ['top_2gram_share', 'characters of the most frequent pair of words times its count'],
    ['top_3gram_share', 'the same for three words'],
    ['top_4gram_share', 'the same for four words'],
    ['duplicate_5gram_share', 'characters in second and later occurrences of five words'],
    ['duplicate_7gram_share', 'the same for seven words'],
    ['duplicate_10gram_share', 'the same for ten words'],
  ],
  read,
};

const LONGEST_TOP = 4;
const SHORTEST_DUPLICATE = 5;
const LONGEST_DUPLICATE = 10;
const top = new Float64Array(LONGEST_TOP + 1);
const duplicate = new Float64Array(LONGEST_DUPLICATE + 1);

function read(view: TextView, out: Float64Array, at: number): void {
  const words = view.wordFeatures('characters');
  const chars = words.charsBefore[words.count];
  topNGramChars(words, LONGEST_TOP, top);
  duplicateNGramChars(words, SHORTEST_DUPLICATE, LONGEST_DUPLICATE, duplicate);
  // The spaces between an n-gram's words count, and its occurrences may overlap: the product can exceed the text.
  for (let n = 2; n <= LONGEST_TOP; n++) out[at++] = Math.min(1, share(top[n], chars));
  out[at++] = share(duplicate[5], chars);
  out[at++] = share(duplicate[7], chars);
  out[at++] = share(duplicate[10], chars);
}

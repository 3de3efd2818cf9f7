/**
 * Scores sentences with a model's tables: log10 p of each word after the words before it, `</s>` included.
 *
 * The probability of the longest n-gram that ends in the word and is in the model, times the back-off weights of the longer
 * contexts. Those were met one word before: the context of length j is the n-gram of order j that ends there.
 */
import { native } from '../../core/native.ts';
import { extendMark, extendPlace, findNgram, type NgramTables } from './tables.ts';
import { SENTENCE_END, SENTENCE_START, UNKNOWN } from './vocabulary.ts';

/** Entries of a sentence in the scores: its log10, its words without `</s>`, and how many of them are unknown. */
export const SENTENCE_SCORES = 3;

/**
 * Scores the sentences in ids[0, length), each `<s>`, words, `</s>`; writes SENTENCE_SCORES numbers for each to `scores`
 * and returns how many sentences there were.
 */
export function scoreSentences(tables: NgramTables, ids: Uint32Array, length: number, scores: Float64Array): number {
  if (native === undefined) return scoreSentencesTwin(tables, ids, length, scores);
  const { order, seed, isClosed, unigrams } = tables;
  return native.ngramLm.score(order, seed, isClosed ? 1 : 0, unigrams, tables.tables, ids, length, scores);
}

/** The twin of native/ngram_lm_tables.cc. */
export function scoreSentencesTwin(
  tables: NgramTables,
  ids: Uint32Array,
  length: number,
  scores: Float64Array,
): number {
  const { order, seed, isClosed, unigrams } = tables;
  const floats = tables.tables.map((table) => new Float32Array(table.buffer));
  const top = order - 2;
  /** Of the n-grams that end in the last word, by their order - 1: back-off weights; 0 past `longest`. */
  let before = new Float64Array(order);
  let here = new Float64Array(order);
  let sentences = 0;
  let total = 0;
  let unknown = 0;
  let start = 0;
  /** Orders of n-grams that end in the last word and have a weight. */
  let contexts = 0;
  for (let i = 0; i < length; i++) {
    const word = ids[i];
    if (word === SENTENCE_START) {
      start = i;
      total = 0;
      unknown = 0;
      before[0] = unigrams[2 * word + 1];
      contexts = 1;
      continue;
    }
    if (word === UNKNOWN) unknown++;
    let logProbability = unigrams[2 * word];
    let found = 1;
    here[0] = unigrams[2 * word + 1];
    let contextsHere = 1;
    let place = extendPlace(seed, word);
    let mark = extendMark(seed, word);
    const longest = Math.min(order, i - start + 1);
    for (let k = 0; k + 2 <= longest; k++) {
      place = extendPlace(place, ids[i - k - 1]);
      mark = extendMark(mark, ids[i - k - 1]);
      const entry = findNgram(tables.tables[k], k === top ? 2 : 3, place, mark);
      if (entry >= 0) {
        logProbability = floats[k][entry + 1];
        found = k + 2;
        if (k < top) {
          here[k + 1] = floats[k][entry + 2];
          contextsHere = k + 2;
        }
      } else if (isClosed) {
        break;
      } else {
        here[k + 1] = 0;
      }
    }
    for (let k = found - 1; k < contexts; k++) logProbability += before[k];
    total += logProbability;
    [before, here] = [here, before];
    contexts = contextsHere;
    if (word === SENTENCE_END) {
      const at = sentences++ * SENTENCE_SCORES;
      scores[at] = total;
      scores[at + 1] = i - start - 1;
      scores[at + 2] = unknown;
    }
  }
  return sentences;
}

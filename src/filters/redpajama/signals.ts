/**
 * RedPajama-V2's signals of a whole document, by their published names. Formulas: app/src/core/quality_signals/
 * {content, natural_language, repetitions}.py of github.com/togethercomputer/RedPajama-Data; the same quotients, rounded to eight
 * decimals; null where the document has no words or lines to divide by.
 *
 * Cost: about 20 ns a character; n-grams of one to ten words and a normalized copy of the text are most of it.
 */
import { countKeys, createKeys, reserveKeys, rollKeys } from '../../text/key-counts.ts';
import { countOccurrences } from '../../text/unicode.ts';
import type { TextView } from '../../text/view.ts';
import { hashWord, type WordFeatures } from '../../text/words.ts';
import { createHashSet, type HashSet, hasHash } from './hash-set.ts';
import { ellipsisLines } from './lines.ts';
import type { NormalizedText } from './normalized.ts';
import { countRawWords, countSentences } from './raw-words.ts';
import { measureRepetition } from './repetition.ts';
import { roundScore } from './round-score.ts';

export type DocumentSignals = Record<`rps_doc_${string}`, number | null>;

/** Lists that two signals need. */
export interface SignalLists {
  stopWords: HashSet | undefined;
  /** Bad words by the number of words in an entry. */
  badWords: ReadonlyMap<number, HashSet> | undefined;
}

export function readStopWords(words: readonly string[]): HashSet {
  return createHashSet([...new Set(words)].map(hashWord));
}

const keys = createKeys();

/** Entries of several words match that many neighbouring normalized words. */
export function readBadWords(entries: readonly string[]): Map<number, HashSet> {
  const bySize = new Map<number, { low: number; high: number }[]>();
  for (const entry of new Set(entries)) {
    const words = entry.split(' ').map(hashWord);
    const low = Int32Array.from(words, (word) => word.low);
    const high = Int32Array.from(words, (word) => word.high);
    rollKeys(low, high, words.length, words.length, keys);
    const hashes = bySize.get(words.length) ?? [];
    hashes.push({ low: keys.low[0], high: keys.high[0] });
    bySize.set(words.length, hashes);
  }
  return new Map([...bySize].map(([size, hashes]) => [size, createHashSet(hashes)]));
}

const top = new Float64Array(5);
const covered = new Float64Array(11);

export function measureDocument(view: TextView, normalized: NormalizedText, lists: SignalLists): DocumentSignals {
  const { text, units } = view;
  const { words, wordChars } = normalized;
  const raw = countRawWords(units, text.length, lists.stopWords);
  const ofRaw = (part: number): number | null => (raw.count === 0 ? null : roundScore(part / raw.count));
  const ofChars = (part: number): number => (wordChars === 0 ? 0 : roundScore(part / wordChars));
  const { unique, entropy } = measureVocabulary(words);
  measureRepetition(words, top, covered);
  const hasWords = words.count > 0;
  const curly = countOccurrences(text, '{') + countOccurrences(text, '}');
  const symbols = countOccurrences(text, '#') + countOccurrences(text, '...') + countOccurrences(text, '…');
  const signals: DocumentSignals = {
    rps_doc_curly_bracket: curly === 0 ? 0 : roundScore(curly / view.charCount),
    rps_doc_lorem_ipsum: loremIpsum(normalized),
    rps_doc_num_sentences: countSentences(units, text.length),
    rps_doc_word_count: words.count,
    rps_doc_mean_word_length: hasWords ? roundScore(wordChars / words.count) : null,
    rps_doc_symbol_to_word_ratio: ofRaw(symbols),
    rps_doc_frac_lines_end_with_ellipsis: ellipsisLines(view),
    rps_doc_frac_no_alph_words: raw.count === 0 ? null : roundScore(1 - raw.latin / raw.count),
    rps_doc_frac_unique_words: hasWords ? roundScore(unique / words.count) : null,
    rps_doc_unigram_entropy: hasWords ? roundScore(entropy) : null,
    rps_doc_frac_all_caps_words: ofRaw(raw.upper),
    rps_doc_frac_chars_top_2gram: ofChars(top[2]),
    rps_doc_frac_chars_top_3gram: ofChars(top[3]),
    rps_doc_frac_chars_top_4gram: ofChars(top[4]),
    rps_doc_frac_chars_dupe_5grams: ofChars(covered[5]),
    rps_doc_frac_chars_dupe_6grams: ofChars(covered[6]),
    rps_doc_frac_chars_dupe_7grams: ofChars(covered[7]),
    rps_doc_frac_chars_dupe_8grams: ofChars(covered[8]),
    rps_doc_frac_chars_dupe_9grams: ofChars(covered[9]),
    rps_doc_frac_chars_dupe_10grams: ofChars(covered[10]),
  };
  if (lists.stopWords !== undefined) {
    signals['rps_doc_stop_word_fraction'] = hasWords && raw.count > 0 ? roundScore(raw.stop / raw.count) : 0;
  }
  if (lists.badWords !== undefined) signals['rps_doc_ldnoobw_words'] = countBadWords(words, lists.badWords);
  return signals;
}

function measureVocabulary({ low, high, count }: WordFeatures): { unique: number; entropy: number } {
  const { distinct, times } = countKeys({ low, high, count });
  // Summed in the order of first occurrence, as the peer does, so that the last digit agrees.
  let entropy = 0;
  for (let i = 0; i < count; i++) {
    if (times[i] === 0) continue;
    const share = times[i] / count;
    entropy += -share * Math.log(share);
  }
  return { unique: distinct, entropy };
}

function countBadWords({ low, high, count }: WordFeatures, badWords: ReadonlyMap<number, HashSet>): number {
  let found = 0;
  for (const [size, set] of badWords) {
    reserveKeys(keys, count);
    rollKeys(low, high, count, size, keys);
    for (let i = 0; i < keys.count; i++) if (hasHash(set, keys.low[i], keys.high[i])) found++;
  }
  return found;
}

/** Occurrences of "lorem ipsum" per character of the normalized text. */
function loremIpsum({ units, bounds, words, chars }: NormalizedText): number {
  let found = 0;
  for (let i = 0; i + 1 < words.count; i++) {
    if (endsWith(units, bounds.starts[i], bounds.ends[i], LOREM) && startsWith(units, bounds, i + 1, IPSUM)) found++;
  }
  return found === 0 ? 0 : roundScore(found / chars);
}

const LOREM = Uint16Array.from('lorem', (letter) => letter.charCodeAt(0));
const IPSUM = Uint16Array.from('ipsum', (letter) => letter.charCodeAt(0));

function endsWith(units: Uint16Array, start: number, end: number, piece: Uint16Array): boolean {
  return end - start >= piece.length && piece.every((unit, k) => units[end - piece.length + k] === unit);
}

function startsWith(units: Uint16Array, bounds: NormalizedText['bounds'], word: number, piece: Uint16Array): boolean {
  const start = bounds.starts[word];
  return bounds.ends[word] - start >= piece.length && piece.every((unit, k) => units[start + k] === unit);
}

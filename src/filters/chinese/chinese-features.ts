/** Shares that `filter.chinese` tests; each computed once per text and shared with other filters. */
import { chineseCounts } from '../../text/chinese-counts.ts';
import { hanLevels, NOT_HAN } from '../../text/han.ts';
import { duplicateNGramChars } from '../../text/n-grams.ts';
import { defineFeature, type TextView } from '../../text/view.ts';
import { addBound, createBounds } from '../../text/word-break.ts';
import { countListed, createWordList, type WordList } from '../../text/word-list.ts';
import { ADVERT_TERMS, CONTACT, CONTACT_HINT } from './advert-terms.ts';

/** Share of Han among the characters that are not white space; 0 for a text without any. */
export function hanShare(view: TextView): number {
  const { han, characters } = view.get(chineseCounts);
  return characters === 0 ? 0 : han / characters;
}

/** Share of the text in lines of which at least one in twenty characters is Han: Chinese with code and links in it. */
export function hanLineShare(view: TextView): number {
  const { hanLineUnits, lineUnits } = view.get(chineseCounts);
  return lineUnits === 0 ? 0 : hanLineUnits / lineUnits;
}

/** Shares of a shorter text are accidents: a post puts spaces where punctuation belongs, or names three years. */
const MIN_CHARS = 200;

/** NaN for a short text. */
export function digitShare(view: TextView): number {
  const { digits, characters } = view.get(chineseCounts);
  return characters < MIN_CHARS ? Number.NaN : digits / characters;
}

/** NaN for a short text. */
export function punctuationShare(view: TextView): number {
  const { punctuation, characters } = view.get(chineseCounts);
  return characters < MIN_CHARS ? Number.NaN : punctuation / characters;
}

/** Rare ideographs and characters that decoding leaves behind. */
export function mojibakeShare(view: TextView): number {
  const { broken, rareHan, characters } = view.get(chineseCounts);
  return characters === 0 ? 0 : (broken + rareHan) / characters;
}

/** Fewer lines say nothing by how they end: an abstract, a post. */
const MIN_LINES = 5;

/** From this share of marked characters on, lines are those of a wrapped paragraph, which end anywhere. */
const WRAPPED = 0.8;

/** Share of prose lines (see `ChineseLines`) that end in sentence punctuation; NaN for a text of few lines or wrapped ones. */
export function endedLineShare(view: TextView): number {
  if (markedCharShare(view) >= WRAPPED) return Number.NaN;
  const { count, ended, prose } = view.get(chineseCounts).lines;
  let lines = 0;
  let found = 0;
  for (let i = 0; i < count; i++) {
    lines += prose[i];
    found += prose[i] & ended[i];
  }
  return lines < MIN_LINES ? Number.NaN : found / lines;
}

/** Share of the prose lines' characters in lines that have a comma, full stop, colon …; NaN for a text of few lines. */
export function markedCharShare(view: TextView): number {
  const { count, lengths, marked, prose } = view.get(chineseCounts).lines;
  let lines = 0;
  let all = 0;
  let found = 0;
  for (let i = 0; i < count; i++) {
    if (prose[i] === 0) continue;
    lines++;
    all += lengths[i];
    if (marked[i] === 1) found += lengths[i];
  }
  return lines < MIN_LINES ? Number.NaN : found / all;
}

/** Share of lines of at most `chars` characters; NaN for a text of few lines. */
export function shortLineShare(view: TextView, chars: number): number {
  const { count, lengths } = view.get(chineseCounts).lines;
  if (count < 2 * MIN_LINES) return Number.NaN;
  let found = 0;
  for (let i = 0; i < count; i++) if (lengths[i] <= chars) found++;
  return found / count;
}

const pieces = createBounds();

/**
 * Repeated lines (second and later occurrences): their share of lines and of characters. Only lines with Han: brackets, fences
 * and statements repeat in every text that explains a program.
 */
export const repeatedLines = defineFeature((view: TextView): { lines: number; chars: number } => {
  const { newlineLines, units } = view;
  const levels = hanLevels();
  pieces.count = 0;
  for (let i = 0; i < newlineLines.count; i++) {
    const end = newlineLines.ends[i];
    let at = newlineLines.starts[i];
    while (at < end && levels[units[at]] === NOT_HAN) at++;
    if (at < end) addBound(pieces, newlineLines.starts[i], end);
  }
  if (pieces.count === 0) return { lines: 0, chars: 0 };
  const { elements, chars } = view.duplicates(pieces);
  return { lines: elements / pieces.count, chars: chars / Math.max(1, view.charCount - view.newlineCount) };
});

const measured = new Float64Array(33);

/** Share of characters in repeated n-grams of characters (a Latin word or number counts as one). */
export function repeatedGramShare(view: TextView, n: number): number {
  duplicateNGramChars(view.wordFeatures('characters'), n, n, measured);
  return measured[n] / Math.max(1, view.get(chineseCounts).characters);
}

let adverts: WordList | undefined;

/** Occurrences of advert terms and of contacts. */
export const advertCounts = defineFeature((view: TextView): { terms: number; contacts: number } => {
  adverts ??= createWordList(ADVERT_TERMS, false);
  const terms = countListed(adverts, view);
  const contacts = CONTACT_HINT.test(view.text) ? (view.text.match(CONTACT)?.length ?? 0) : 0;
  return { terms, contacts };
});

/** Occurrences in a thousand characters, of a text taken to have at least 500: one or two in a short one are no density. */
export function perThousand(view: TextView, occurrences: number): number {
  return (occurrences * 1000) / Math.max(500, view.get(chineseCounts).characters);
}

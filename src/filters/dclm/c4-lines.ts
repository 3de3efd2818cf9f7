/**
 * C4's rules in DCLM's counting and order (baselines_configs/c4.yaml): lines are pieces between newlines and keep their
 * outer white space; over-long words first, then citations of the whole text, terminal punctuation (. ? ! " … before
 * white space, no apostrophe), words per line; then "lorem ipsum" and "{" in what is left drop the document, where
 * datatrove's counting meets them line by line. Empty lines stay throughout.
 *
 * Not here: the recipe's page limit of 190,000 characters, its duplicate lines over pages, bad words and langdetect are other
 * stages. Its thresholds are minWordsPerLine 5 and minSentences 3. Sentences are src/text/sentences.ts, where DCLM has
 * NLTK's punkt.
 */

import type { Document } from '../../core/document.ts';
import { drop, KEEP, type MapStage, type Verdict } from '../../core/stage.ts';
import { PY_SPACE, pythonFlags } from '../../text/python-class.ts';
import { countSentences } from '../../text/sentences.ts';
import { stripText } from '../../text/stripped-pieces.ts';

export interface C4Limits {
  requireTerminalPunctuation: boolean;
  minWordsPerLine: number | null;
  maxWordChars: number | null;
  minSentences: number | null;
  removeCitations: boolean;
  dropLoremIpsum: boolean;
  dropCurlyBracket: boolean;
  dropJavascriptLines: boolean;
  dropPolicyLines: boolean;
}

const SPACES = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const CITATION = /\[\p{Nd}*\]|\[edit\]|\[citation needed\]/gu;
const TERMINAL = new RegExp(`[.!?"…]${SPACES}*$`);
const ELLIPSIS = new RegExp(`(?:\\.\\.\\.|…)${SPACES}*$`);
const POLICY = ['terms of use', 'privacy policy', 'cookie policy', 'uses cookies', 'use of cookies', 'use cookies'];

/** The stage's `convention: dclm`. */
export function dclmC4(limits: C4Limits): MapStage {
  return { process: (document) => filterLines(document, limits) };
}

function filterLines(document: Document, limits: C4Limits): Verdict {
  const { maxWordChars, minWordsPerLine, minSentences } = limits;
  let { text } = document;
  const keep = (test: (line: string) => boolean): void => {
    text = text.split('\n').filter(test).join('\n');
  };
  if (maxWordChars !== null) keep((line) => hasFairWords(line, maxWordChars));
  if (limits.removeCitations) text = removeCitations(text);
  if (limits.requireTerminalPunctuation) keep((line) => line === '' || endsSentence(line, true));
  if (minWordsPerLine !== null) keep((line) => line === '' || hasWords(line, minWordsPerLine));
  if (limits.dropLoremIpsum && text.toLowerCase().includes('lorem ipsum')) return drop('lorem_ipsum');
  if (limits.dropJavascriptLines) text = dropLinesWith(text, ['javascript']);
  if (limits.dropCurlyBracket && text.includes('{')) return drop('curly_bracket');
  if (limits.dropPolicyLines) text = dropLinesWith(text, POLICY);
  const least = minSentences ?? 0;
  const sentences = text === '' ? 0 : countInLines(text, least);
  if (text === '' || sentences < least) return drop('too_few_sentences', sentences, minSentences ?? 1);
  document.text = text;
  return KEEP;
}

/** Without [1], [edit] and [citation needed]. */
export function removeCitations(text: string): string {
  return text.includes('[') ? text.replace(CITATION, '') : text;
}

/** A sentence's end mark before white space; `strict`: ellipses do not count. */
export function endsSentence(line: string, strict: boolean): boolean {
  return TERMINAL.test(line) && !(strict && ELLIPSIS.test(line));
}

/** No piece between white space is longer, in characters. */
export function hasFairWords(line: string, maxChars: number): boolean {
  if (line.length <= maxChars) return true;
  return pieces(line).every((word) => word.length <= maxChars || [...word].length <= maxChars);
}

function hasWords(line: string, least: number): boolean {
  let words = 0;
  let wasSpace = PY_SPACE;
  for (let i = 0; i < line.length && words < least; i++) {
    const space = pythonFlags[line.charCodeAt(i)] & PY_SPACE;
    if (space === 0 && wasSpace !== 0) words++;
    wasSpace = space;
  }
  return words >= least;
}

function pieces(line: string): string[] {
  return line.split(new RegExp(`${SPACES}+`)).filter((piece) => piece !== '');
}

function dropLinesWith(text: string, phrases: readonly string[]): string {
  const lower = text.toLowerCase();
  if (!phrases.some((phrase) => lower.includes(phrase))) return stripText(text);
  const kept = text.split('\n').filter((line) => {
    const folded = line.toLowerCase();
    return !phrases.some((phrase) => folded.includes(phrase));
  });
  return stripText(kept.join('\n'));
}

function countInLines(text: string, enough: number): number {
  let sentences = 0;
  for (const line of text.split('\n')) {
    if (sentences >= enough) break;
    if (stripText(line) !== '') sentences += countSentences(line, enough - sentences);
  }
  return sentences;
}

/**
 * NeMo's boilerplate: the share of paragraphs (pieces between two newlines, empty ones included) that speak of terms of use,
 * privacy or cookies; 1 for a text with "lorem ipsum". The peer's option `remove_if_at_top_or_bottom` has no effect there and
 * is left out.
 */
import { lazy } from '../../core/lazy.ts';
import { foldCase } from '../../text/phrase-search.ts';
import type { TextView } from '../../text/view.ts';
import { doubleNewlinePieces } from './lines.ts';

/**
 * The peer's phrases, less those that hold a shorter one of the list anyway. The last three are notices of widely used
 * cookie plug-ins, word for word.
 */
const POLICY_PHRASES: readonly string[] = [
  'terms of use',
  'privacy policy',
  'cookie policy',
  'uses cookies',
  'privacy overview',
  'use of cookies',
  'use cookies',
  'privacy & cookies policy',
  'privacy and cookies policy',
  'necessary cookies are absolutely essential for the website to function properly. this category only includes cookies ' +
    'that ensures basic functionalities and security features of the website. these cookies do not store any personal ' +
    'information.',
  'any cookies that may not be particularly necessary for the website to function and is used specifically to collect ' +
    'user personal data via analytics, ads, other embedded contents are termed as non-necessary cookies. it is mandatory ' +
    'to procure user consent prior to running these cookies on your website.',
  'if you continue to browse this site without changing your cookie settings, you agree to this use. acceptread more',
];

/** Share of boilerplate paragraphs. No phrase holds a newline, so those found in the text lie in one paragraph each. */
export function boilerplateShare(view: TextView): number {
  const { units } = view;
  const { length } = view.text;
  const { phrases, stemEnds } = stemTables();
  let found = 0;
  let paragraph = 0;
  // Up to here the paragraph is known to be boilerplate.
  let knownTo = 0;
  for (let i = 0; i < length; i++) {
    const letter = stemEnds[units[i]];
    if (letter === 0) continue;
    if (stands(LOREM_IPSUM, units, i, length)) return 1;
    if (i < knownTo || !hasPhrase(phrases[letter], units, i, length)) continue;
    const { ends } = view.get(doubleNewlinePieces);
    while (ends[paragraph] <= i) paragraph++;
    knownTo = ends[paragraph];
    found++;
  }
  return found / view.get(doubleNewlinePieces).count;
}

/** A phrase as it is looked for: `at` is the place in it of the last letter of its stem. */
interface Phrase {
  text: string;
  at: number;
}

/** Every phrase holds one of these, whose last letters are rare: only there phrases are compared. */
const STEMS: readonly string[] = ['cook', 'priv', 'term'];
const LOREM_IPSUM: Phrase = { text: 'lorem ipsum', at: 4 };

/** Phrases by the number of their stem, from 1; and that number by unit: the stem's last letter, in either case. */
const stemTables = lazy(() => {
  const phrases: Phrase[][] = [[]];
  const stemEnds = new Uint8Array(0x10000);
  for (const stem of STEMS) {
    const last = stem.length - 1;
    for (let unit = 0; unit < stemEnds.length; unit++) {
      if (foldCase(unit) === stem.charCodeAt(last)) stemEnds[unit] = phrases.length;
    }
    const holding = POLICY_PHRASES.filter((text) => text.includes(stem));
    phrases.push(holding.map((text) => ({ text, at: text.indexOf(stem) + last })));
  }
  return { phrases, stemEnds };
});

function hasPhrase(some: readonly Phrase[], units: Uint16Array, i: number, length: number): boolean {
  for (let k = 0; k < some.length; k++) if (stands(some[k], units, i, length)) return true;
  return false;
}

/** Whether the phrase stands in the text so that the last letter of its stem is at `i`. */
function stands({ text, at }: Phrase, units: Uint16Array, i: number, length: number): boolean {
  const start = i - at;
  if (start < 0 || start + text.length > length) return false;
  // From the stem's last letter backwards, then the rest: most comparisons end at the second letter.
  for (let k = at; k >= 0; k--) if (foldCase(units[start + k]) !== text.charCodeAt(k)) return false;
  for (let k = at + 1; k < text.length; k++) if (foldCase(units[start + k]) !== text.charCodeAt(k)) return false;
  return true;
}

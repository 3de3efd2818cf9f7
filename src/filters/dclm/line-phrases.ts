/**
 * Phrases of web pages cut out of short lines ("items in cart", "Read more...", "Sign-in"), as DCLM's
 * substring_line_modifier cuts them: with one white space beside them, whatever their case; a line of which nothing is left
 * goes, and so does a line of white space alone. The peer's lists are regular expressions without escapes, so a full stop
 * in a phrase stands for any one character: "Read more..." also ends "Read more >>>".
 */
export interface Phrase {
  text: string;
  /** Where in the line: at its start, at its end, or anywhere and as often as it occurs. */
  location: 'any' | 'prefix' | 'suffix';
}

/** DCLM-baseline's phrases, in its order. */
export const DCLM_PHRASES: readonly Phrase[] = [
  { text: 'items in cart', location: 'any' },
  { text: 'Read more...', location: 'suffix' },
  { text: 'Sign-in', location: 'prefix' },
];

/** One phrase ready for use. */
export interface PhraseCut {
  pattern: RegExp;
  /** Tells whether a text may hold the phrase at all. */
  probe: RegExp;
}

const SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';

/** `\s` of Python, and its letters that differ in case alone: beside JavaScript's, i with and without its dot. */
export function preparePhrases(phrases: readonly Phrase[]): PhraseCut[] {
  return phrases.map(({ text, location }) => {
    const pattern = [...text].map(characterPattern).join('');
    const probe = new RegExp(pattern, 'iu');
    if (location === 'prefix') return { pattern: new RegExp(`^${pattern}${SPACE}?`, 'iu'), probe };
    if (location === 'suffix') return { pattern: new RegExp(`${SPACE}?${pattern}$`, 'iu'), probe };
    return { pattern: new RegExp(`${SPACE}?${pattern}`, 'giu'), probe };
  });
}

function characterPattern(character: string): string {
  if (character === '.') return '[^\\n]';
  if (character === 'i' || character === 'I') return '[iI\\u0130\\u0131]';
  return character.replace(/[\\^$*+?()[\]{}|/]/, '\\$&');
}

/** The lines without the phrase. `maxWords` is the longest line that is changed, in words; null: any. */
export function cutPhrase(
  lines: readonly string[],
  { pattern }: PhraseCut,
  isShort: (line: string) => boolean,
): string[] {
  const kept: string[] = [];
  for (const line of lines) {
    if (!isShort(line)) {
      kept.push(line);
      continue;
    }
    const rest = line.replace(pattern, '');
    if (line === '' || !isBlank(rest)) kept.push(rest);
  }
  return kept;
}

const BLANK = new RegExp(`^${SPACE}*$`);

function isBlank(line: string): boolean {
  return BLANK.test(line);
}

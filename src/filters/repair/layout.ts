/**
 * The layout of lines: spaces, blank lines, runs of one punctuation mark, words divided at line ends. All off by default:
 * code, tables and verse live by them.
 */

const SPACES = '[ \\t\\u00a0\\u2000-\\u200a\\u202f\\u205f\\u3000]';
const INNER = new RegExp(`(?<=\\S)(?:${SPACES}{2,}|[\\t\\u00a0\\u2000-\\u200a\\u202f\\u205f])(?=\\S)`, 'g');

/** Runs of spaces and tabs between words become one space; indentation and ideographic spaces alone stay. */
export function collapseSpaces(text: string, count: () => void): string {
  return text.replace(INNER, () => {
    count();
    return ' ';
  });
}

/** At most `most` blank lines stand together. */
export function limitBlankLines(text: string, most: number, count: () => void): string {
  let blank = 0;
  let changed = false;
  const kept: string[] = [];
  for (const line of text.split('\n')) {
    blank = line.trim() === '' ? blank + 1 : 0;
    if (blank > most) changed = true;
    else kept.push(line);
  }
  if (!changed) return text;
  count();
  return kept.join('\n');
}

const REPEATED = /([!?！？。，、；：~～*=_#+·.…—―–-])\1+/g;

/** A mark repeated more than `most` times is cut to `most`; full stops to three, dashes and ellipses to two. */
export function limitPunctuation(text: string, most: number, count: () => void): string {
  return text.replace(REPEATED, (run: string, mark: string) => {
    const limit = Math.max(most, mark === '.' ? 3 : mark === '…' || mark === '—' || mark === '-' ? 2 : 1);
    if (run.length <= limit) return run;
    count();
    return mark.repeat(limit);
  });
}

// Begins where letters begin: a match tried at every letter of a long word would be quadratic.
const DIVIDED = /(?<!\p{Ll})(\p{Ll}{2,})[-\u2010\u00ad]\n[ \t]*(\p{Ll}{2,}\S*) ?/gu;

/**
 * "exam-\nple of" becomes "example\nof". A compound divided at its own hyphen ("well-\nknown") loses it: for texts from
 * print, where division is the rule.
 */
export function joinDivided(text: string, count: () => void): string {
  return text.replace(DIVIDED, (_, first: string, rest: string) => {
    count();
    return `${first}${rest}\n`;
  });
}

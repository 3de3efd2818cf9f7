/**
 * Sentence counting by rule, for C4's five-sentence test: as spaCy's sentencizer counts over its English tokens, which is
 * what datatrove uses.
 *
 * A sentence ends where a token that is exactly one end mark (`.`, `!`, `?`, `。` …) is followed by a token that is not
 * punctuation. So all depends on which full stops become tokens of their own: those after a lower-case letter, a digit, another
 * mark or two capitals, unless the word is a known abbreviation; `U.S.`, `Mr.`, `e.g.`, `...` and `3.5` end nothing.
 * The token rules below restate spaCy's English prefix, suffix and infix rules (spaCy 3.8, documented in its
 * "Linguistic features" guide) for pieces that hold an end mark; other pieces need no splitting. Left out: emoticons,
 * contractions (neither changes a count but in rare cases).
 */
import { charFlags, flagsOf, PUNCTUATION, SENTENCE_END, SPACE } from './char-class.ts';
import { splitAtChineseEnds } from './chinese-sentences.ts';

const WORD = /[\p{L}\p{N}]/u;

/**
 * The same where Chinese has its own ends: 。！？ and … end a sentence also without a space behind them, which spaCy's
 * English rules (and so datatrove's C4) do not see. A text without those marks counts as by `countSentences`.
 */
export function countSentencesUnspaced(text: string, enough = Number.POSITIVE_INFINITY): number {
  let sentences = 0;
  splitAtChineseEnds(text, (start, end) => {
    const piece = text.slice(start, end);
    if (WORD.test(piece) || (start === 0 && end === text.length))
      sentences += countSentences(piece, enough - sentences);
    return sentences < enough;
  });
  return sentences;
}

/**
 * Number of sentences in a text, usually one line; 0 for the empty text, 1 for one without end marks. Counts no further
 * than `enough`.
 */
export function countSentences(text: string, enough = Number.POSITIVE_INFINITY): number {
  return scanSentences(text, enough);
}

/**
 * Where the sentences of a line begin, by the same rules: fills `starts` with offsets, ascending, the first of them 0. White
 * space may stand at a start. A stretch without a letter or digit belongs to the sentence before it, at the beginning of
 * the line to the one behind.
 */
export function sentenceStarts(line: string, starts: number[]): void {
  starts.length = 0;
  if (line.length === 0) return;
  starts.push(0);
  let hasWords = false;
  splitAtChineseEnds(line, (start, end) => {
    const isWhole = start === 0 && end === line.length;
    const mayHoldMore = hasEndInside(line, start, end);
    if (isWhole && !mayHoldMore) return true;
    const piece = isWhole ? line : line.slice(start, end);
    if (!isWhole && !WORD.test(piece)) return true;
    if (hasWords) starts.push(start);
    hasWords = true;
    if (mayHoldMore) scanSentences(piece, Number.POSITIVE_INFINITY, starts, start);
    return true;
  });
}

/** False when no end mark stands before the last character that could begin a sentence: what most lines are. */
function hasEndInside(line: string, start: number, end: number): boolean {
  let isEnded = false;
  for (let i = start; i < end; i++) {
    const unit = line.charCodeAt(i);
    const flags = charFlags[unit];
    if ((flags & SENTENCE_END) !== 0) isEnded = true;
    else if ((unit & 0xf800) === 0xd800 || (isEnded && (flags & (PUNCTUATION | SPACE)) === 0)) return true;
  }
  return false;
}

/** Counts, and adds where sentences after the first begin, `from` being the place of the text, to `starts`. */
function scanSentences(text: string, enough: number, starts?: number[], from = 0): number {
  const length = text.length;
  if (length === 0) return 0;
  let sentences = 1;
  let isEnded = false;
  let position = 0;
  while (position < length && sentences < enough) {
    if ((charFlags[text.charCodeAt(position)] & SPACE) !== 0) {
      // One space belongs to the token before it; any other white space is a token that is not punctuation.
      const start = position > 0 && text.charCodeAt(position) === 0x20 ? position + 1 : position;
      while (position < length && (charFlags[text.charCodeAt(position)] & SPACE) !== 0) position++;
      if (isEnded && position > start) {
        sentences++;
        starts?.push(from + start);
        isEnded = false;
      }
      continue;
    }
    const start = position;
    let hasEndMark = false;
    let isPunctuation = true;
    for (; position < length; position++) {
      const unit = text.charCodeAt(position);
      let flags = charFlags[unit];
      if ((flags & SPACE) !== 0) break;
      if ((unit & 0xfc00) === 0xd800) flags = flagsOf(text.codePointAt(position) as number);
      else if ((unit & 0xfc00) === 0xdc00) continue;
      if ((flags & SENTENCE_END) !== 0) hasEndMark = true;
      if ((flags & PUNCTUATION) === 0) isPunctuation = false;
    }
    if (!hasEndMark) {
      if (isEnded && !isPunctuation) {
        sentences++;
        starts?.push(from + start);
        isEnded = false;
      }
      continue;
    }
    if (isPlainEnd(text, start, position)) {
      if (isEnded) {
        sentences++;
        starts?.push(from + start);
      }
      isEnded = true;
      continue;
    }
    if (!mayHoldEnd(text, start, position)) {
      if (isEnded) {
        sentences++;
        starts?.push(from + start);
        isEnded = false;
      }
      continue;
    }
    // Tokens are the whole piece, one behind the other.
    let at = from + start;
    for (const token of tokenize(text.slice(start, position))) {
      if (isEndMark(token)) {
        isEnded = true;
      } else if (isEnded && !isAllPunctuation(token)) {
        sentences++;
        starts?.push(at);
        isEnded = false;
      }
      at += token.length;
    }
  }
  return sentences;
}

/** `word.`, `Word!` or `word?` in ASCII letters: what most sentences end in, and what `tokenize` makes two tokens of. */
function isPlainEnd(text: string, start: number, end: number): boolean {
  if (end - start < 3) return false;
  const mark = text.charCodeAt(end - 1);
  if (mark !== 0x2e && mark !== 0x21 && mark !== 0x3f) return false;
  if (!isAsciiLetter(text.charCodeAt(start) | 0x20)) return false;
  for (let i = start + 1; i < end - 1; i++) if (!isAsciiLetter(text.charCodeAt(i))) return false;
  // The longest abbreviation without a full stop inside has seven letters with it.
  return mark !== 0x2e || end - start > 7 || !ABBREVIATIONS.has(text.slice(start, end));
}

/**
 * False when the only end marks of a piece are full stops with an ASCII letter or digit before and a small one or a digit
 * behind, as in numbers, addresses and file names: no rule below makes a token of such a stop.
 */
function mayHoldEnd(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const unit = text.charCodeAt(i);
    if ((unit & 0xf800) === 0xd800) return true;
    if ((charFlags[unit] & SENTENCE_END) === 0) continue;
    if (unit !== 0x2e || i === start || i + 1 === end) return true;
    const before = text.charCodeAt(i - 1);
    const behind = text.charCodeAt(i + 1);
    if (!isAsciiLetter(before | 0x20) && !isDigit(before)) return true;
    if (!isAsciiLetter(behind) && !isDigit(behind)) return true;
  }
  return false;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

function isAsciiLetter(unit: number): boolean {
  return unit >= 0x61 && unit <= 0x7a;
}

function isEndMark(token: string): boolean {
  const codePoint = token.codePointAt(0) as number;
  return token.length === (codePoint > 0xffff ? 2 : 1) && (flagsOf(codePoint) & SENTENCE_END) !== 0;
}

function isAllPunctuation(token: string): boolean {
  for (const character of token) if ((flagsOf(character.codePointAt(0) as number) & PUNCTUATION) === 0) return false;
  return true;
}

// ---- tokens of a piece without white space -------------------------------------------------------------------------

const MARKS = '…,:;!?¿؟¡()\\[\\]{}<>_#*&。？！，、；：～·।،۔؛٪';
const QUOTES = '\'"”“`‘´’‚„»«「」『』（）〔〕【】《》〈〉⟦⟧';
const CURRENCY = '\\$£€¥฿₽﷼₴₠-₿';
const SYMBOLS = '\\p{So}';
const UNITS =
  'km[²³]?|m[²³]?|d[m][²³]?|c[m][²³]?|mm[²³]?|ha|[µn]m|yd|in|ft|k?g|mg|µg|t|lb|oz|m/s|km/h|kmh|mph|h?Pa|mbar|mb|[MmKkGgTt][Bb]|[TGMK]|%';
const LOWER = '\\p{Ll}\\p{Lo}';
const UPPER = '\\p{Lu}\\p{Lo}';

const PREFIX = new RegExp(`^(?:[§%=—–${MARKS}${QUOTES}${CURRENCY}${SYMBOLS}]|\\+(?![0-9])|\\.\\.+|(?:US|C|A)\\$)`, 'u');
const SUFFIX = new RegExp(
  `(?:[${MARKS}${QUOTES}${SYMBOLS}—–]|\\.\\.+|['’][sS]|(?<=[0-9])(?:\\+|(?:US|C|A)\\$|[${CURRENCY}]|${UNITS})` +
    `|(?<=°[FfCcKk])\\.|(?<=[0-9${LOWER}%²\\-+|${MARKS}${QUOTES}])\\.|(?<=[${UPPER}]{2})\\.)$`,
  'u',
);
const INFIX = new RegExp(
  `\\.\\.+|…|[${SYMBOLS}]|(?<=[0-9])[+\\-*^](?=[0-9-])|(?<=[${LOWER}${QUOTES}])\\.(?=[${UPPER}${QUOTES}])` +
    '|(?<=\\p{L}),(?=\\p{L})|(?<=[\\p{L}0-9])(?:---?|——|[-–—~:<>=/])(?=\\p{L})',
  'gu',
);
/** A host name ends in lower-case letters, so `System.Data` is none; what looks like an address is not split inside. */
const HOST_LABEL = '[A-Za-z0-9\u00a1-\uffff](?:[A-Za-z0-9\u00a1-\uffff_-]{0,61}[A-Za-z0-9\u00a1-\uffff])?';
const URL_LIKE = new RegExp(
  `^(?:[\\w+.-]{2,}://)?(?:[^@]+@)?(?:\\d{1,3}(?:\\.\\d{1,3}){3}|(?:${HOST_LABEL}\\.)+[${LOWER}]{2,63})(?::\\d{2,5})?(?:[/?#].*)?$`,
  'u',
);

/** Words that keep their full stops: titles, companies, months, states, Latin; and every single small letter. */
const ABBREVIATIONS: ReadonlySet<string> = new Set(
  (
    'a.m. p.m. e.g. E.g. E.G. i.e. I.e. I.E. vs. v.s. Ph.D. Adm. Dr. Gen. Gov. Jr. Messrs. Mr. Mrs. Ms. Prof. Rep. Rev. Sen. St. ' +
    'Bros. Co. co. Corp. Inc. Ltd. Jan. Feb. Mar. Apr. Jun. Jul. Aug. Sep. Sept. Oct. Nov. Dec. Mt. D.C. ' +
    'Ak. Ala. Ariz. Ark. Calif. Colo. Conn. Del. Fla. Ga. Ia. Id. Ill. Ind. Kan. Kans. Ky. La. Mass. Md. Mich. Minn. Miss. Mo. ' +
    'Mont. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. Okla. Ore. Pa. S.C. Tenn. Va. Wash. Wis. ' +
    'ä. ö. ü.'
  ).split(' '),
);

function isAbbreviation(piece: string): boolean {
  if (piece.length === 2 && piece[1] === '.' && piece[0] >= 'a' && piece[0] <= 'z') return true;
  return ABBREVIATIONS.has(piece) || /^(?:[1-9]|1[0-2])[ap]\.m\.$/.test(piece);
}

/** A longer piece is not a sentence's end but a blob; its last characters alone are split. */
const MAX_PIECE = 2000;

function tokenize(piece: string): string[] {
  const before: string[] = [];
  const after: string[] = [];
  if (piece.length > MAX_PIECE) {
    before.push(piece.slice(0, piece.length - MAX_PIECE));
    piece = piece.slice(piece.length - MAX_PIECE);
  }
  while (piece.length > 0 && !isAbbreviation(piece)) {
    const prefix = PREFIX.exec(piece)?.[0].length ?? 0;
    if (prefix > 0 && isAbbreviation(piece.slice(prefix))) {
      before.push(piece.slice(0, prefix));
      piece = piece.slice(prefix);
      break;
    }
    const suffix = SUFFIX.exec(piece.slice(prefix))?.[0].length ?? 0;
    if (prefix === 0 && suffix === 0) break;
    if (prefix > 0) before.push(piece.slice(0, prefix));
    if (suffix > 0) after.push(piece.slice(piece.length - suffix));
    piece = piece.slice(prefix, piece.length - suffix);
  }
  const tokens = before;
  if (piece.length > 0) {
    if (isAbbreviation(piece) || URL_LIKE.test(piece)) tokens.push(piece);
    else splitInside(piece, tokens);
  }
  for (let i = after.length - 1; i >= 0; i--) tokens.push(after[i]);
  return tokens;
}

function splitInside(piece: string, tokens: string[]): void {
  let from = 0;
  for (const match of piece.matchAll(INFIX)) {
    if (match.index === 0) continue;
    if (match.index > from) tokens.push(piece.slice(from, match.index));
    tokens.push(match[0]);
    from = match.index + match[0].length;
  }
  if (from < piece.length) tokens.push(piece.slice(from));
}

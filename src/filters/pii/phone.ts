/**
 * Telephone numbers.
 *
 * Taken at sight: international form (`+` or `00`, confirmed by libphonenumber's metadata), North American form with
 * separators, Chinese mobile numbers (1[3-9]…, allotted prefixes), Chinese area codes in hyphenated form and 400 numbers. Taken where a
 * region's metadata confirms them: numbers in groups that begin with 0. Anything else of 7 to 13 digits counts only
 * behind a word such as `tel`, `call`, `电话`. Long rows of digits, dates and versions are what must not be taken.
 *
 * Sources: ITU E.164; North American Numbering Plan; MIIT number allocation; google libphonenumber (metadata).
 */
import type { CountryCode } from 'libphonenumber-js';
import { lazyPackage } from '../../core/lazy.ts';
import type { Context } from './context.ts';

/** The package with its metadata: a hundred files, which a run that redacts no telephone numbers does not load. */
export const libphonenumber = lazyPackage<typeof import('libphonenumber-js')>('libphonenumber-js');

/** Nothing that goes on as a number may follow. */
const STOP = '(?![\\w@]|[-./]\\d)';
const INTERNATIONAL = new RegExp(
  `\\+ ?\\d{1,3}(?:[ .\\-/]{0,2}\\(?\\d{1,5}\\)?){1,7}(?: ?(?:x|ext\\.?) ?\\d{1,5})?${STOP}`,
  'y',
);
const ZERO_ZERO = new RegExp(`00[1-9]\\d{0,2}(?:[ .-]\\(?\\d{1,4}\\)?){2,6}${STOP}`, 'y');
const EXTENSION = '(?: ?(?:x|ext\\.?|#) ?\\d{1,5})?';
const NORTH_AMERICAN = new RegExp(
  `(?:1[-. ])?(?:\\([2-9]\\d\\d\\)[-. ]?\\d{3}[-. ]|[2-9]\\d\\d([-.])\\d{3}\\1)\\d{4}${EXTENSION}${STOP}`,
  'y',
);
const CHINESE_MOBILE =
  /(?:86[- ]?)?(?:1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9]))(?:\d{8}|([- ])\d{4}\1\d{4})(?![\w@]|[-.]\d)/y;
const CHINESE_LANDLINE = new RegExp(
  `(?:\\(?(?:86-)?(?:010|02\\d|0[3-9]\\d\\d)\\)?[- ]?(?<=[-) ])[2-8]\\d{6,7}(?:-\\d{1,5})?|400-\\d{3}-\\d{4}|400-\\d{4}-\\d{3})${STOP}`,
  'y',
);
const GROUPED = new RegExp(`\\(?0\\d{1,4}\\)?(?:[ .-]\\d{2,8}){1,5}${STOP}`, 'y');
const LOOSE = new RegExp(
  `\\(?\\d{2,5}\\)?(?:[ .-]{1,2}\\d{2,8}){1,5}${EXTENSION}${STOP}|\\d{7,12}${EXTENSION}${STOP}`,
  'y',
);

/** Words before a number that make it a telephone number, on the same line or at the end of the line before. */
const CUE = new RegExp(
  '(?:\\btel(?:e?phone)?s?\\b|\\bt[ée]l[ée]?(?:fono?|phone)?\\b|\\bphones?\\b|\\bcall(?:ed|ing)?\\b|\\bmobile\\b|\\bcell\\b|\\bfax\\b|' +
    '\\bdesk\\b|\\boffice\\b|\\bwhats ?app\\b|\\bdial\\b|\\breach\\b|\\btext me\\b|\\bcontact\\b|\\banswer(?:ing)? at\\b|\\bmessages? to\\b|' +
    '\\b(?:my|his|her|your|our) (?:new |home |work )?number\\b|' +
    '电话|電話|手机|手機|联系|聯繫|聯絡|传真|傳真|热线|熱線|致电|致電|座机|拨打)[^\\d\\n]{0,24}\\n?[ \\t]{0,4}\\(?$',
  'i',
);
/** The same behind it, as on a business card. */
const CUE_AFTER = /^[\s\-:,]{0,2}\(?(?:office|fax|mobile|home|cell|work|desk|tel|phone|手机|电话|传真)\b/i;
/** Numbers of other things that such words may stand near. */
const NOT_PHONE =
  /(?:licen[cs]e|account|order|invoice|passport|policy|ticket|case|serial|编号|订单|证号|账号|帐号)[^\d\n]{0,20}$/i;
/** 01 02 03 … in a table or calendar. */
const COUNTING = /(?:0[12] 0[23] 0[34]|0[4-7] 0[5-8] 0[6-9])/;
const SSN_LIKE = /^\d{3}-\d\d-\d{4}$/;
const DATE_LIKE =
  /^(?:(?:19|20)\d\d[-./ ](?:0?[1-9]|1[0-2])[-./ ](?:0?[1-9]|[12]\d|3[01])\b.*|\d{1,2}[-./]\d{1,2}[-./](?:19|20)?\d\d|(?:19|20)\d\d ?- ?(?:19|20)\d\d|(?:19|20)\d{6})$/;

/** What a telephone number is looked for with. */
export interface PhoneSearch {
  /** What `nationalNumbers` made: it confirms a number in groups that begins with 0. */
  national: RegExp;
  context: Context;
}

/**
 * End of the telephone number at `start` (a digit, or the `+` or `(` before one), or -1. `from`: where the last find ends,
 * which the number is no part of.
 */
export function findPhone(text: string, start: number, from: number, search: PhoneSearch): number {
  const end = findByForm(text, start, from, search);
  // 0000 0000 and the like are figures or stand-ins.
  return end > 0 && new Set(digitsOf(text.slice(start, end))).size > 2 ? end : -1;
}

function findByForm(text: string, start: number, from: number, { national, context }: PhoneSearch): number {
  if (text[start] === '+') return longestEnd(INTERNATIONAL, text, start, / [+(\d]/, isInternational);
  const found =
    matchEnd(NORTH_AMERICAN, text, start) ||
    matchEnd(CHINESE_MOBILE, text, start) ||
    matchEnd(CHINESE_LANDLINE, text, start);
  if (found > 0) return found;
  const first = text[start] === '(' ? text[start + 1] : text[start];
  // Behind another group of digits it would be the rest of a longer number.
  if (first === '0' && !/\d ?$/.test(text.slice(Math.max(from, start - 2), start))) {
    if (text.startsWith('00', start)) {
      const end = matchEnd(ZERO_ZERO, text, start);
      if (end > 0 && isPossible(`+${text.slice(start + 2, end)}`)) return end;
    }
    const end = longestEnd(GROUPED, text, start, / [+(0]/, (match) => isNational(match, national));
    if (end > 0) return end;
  }
  return findByCue(text, start, context);
}

function matchEnd(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  return pattern.test(text) ? pattern.lastIndex : 0;
}

/** Digits of a match, extension left out. */
function digitsOf(match: string): string {
  return match.replace(/(?:x|ext\.?|#).*$/i, '').replace(/\D/g, '');
}

/**
 * End of the longest match at `start` that `accepts` takes, or -1. Numbers stand beside each other with but a space between:
 * groups of the next, which is begun by `next`, are left off.
 */
function longestEnd(
  pattern: RegExp,
  text: string,
  start: number,
  next: RegExp,
  accepts: (match: string) => boolean,
): number {
  for (let end = matchEnd(pattern, text, start); end > start; ) {
    const match = text.slice(start, end).replace(/[ .\-/]+$/, '');
    if (accepts(match)) return start + match.length;
    do end = text.lastIndexOf(' ', end - 1);
    while (end > start && !next.test(text.slice(end, end + 2)));
  }
  return -1;
}

function isInternational(match: string): boolean {
  const digits = digitsOf(match);
  if (digits.length < 8 || digits.length > 15) return false;
  const { parsePhoneNumberFromString } = libphonenumber();
  // Possible, not valid: numbers of new or made-up blocks are written like others.
  const number =
    parsePhoneNumberFromString(`+${digits.replace(/^(\d{1,3})0(?=\d{9})/, '$1')}`) ??
    parsePhoneNumberFromString(`+${digits}`);
  const isGrouped = /\d[ .\-/(]/.test(match);
  return number?.isPossible() === true && (isGrouped || digits.length >= 10);
}

function isPossible(number: string): boolean {
  return libphonenumber().parsePhoneNumberFromString(number)?.isPossible() ?? false;
}

/**
 * The national numbers of the regions, as one expression over digits with or without their leading 0. It tests what
 * libphonenumber's parser would test, but in one step: rows of figures begin like such numbers, and fifteen parses for each
 * would make a table of them slow.
 */
export function nationalNumbers(regions: readonly CountryCode[]): RegExp {
  if (regions.length === 0) return /(?!)/;
  const { Metadata } = libphonenumber();
  const patterns = regions.map((region) => {
    const metadata = new Metadata();
    metadata.selectNumberingPlan(region);
    // Not in the package's type declarations.
    const plan = metadata.numberingPlan as unknown as { nationalNumberPattern(): string };
    return plan.nationalNumberPattern();
  });
  return new RegExp(`^0?(?:${patterns.join('|')})$`);
}

function isNational(match: string, national: RegExp): boolean {
  const digits = digitsOf(match);
  if (digits.length < 9 || digits.length > 12 || DATE_LIKE.test(match) || SSN_LIKE.test(match)) return false;
  return national.test(digits) && !COUNTING.test(match);
}

function findByCue(text: string, start: number, context: Context): number {
  const isCued = context.before(CUE, text, start, 48);
  if (isCued && NOT_PHONE.test(text.slice(Math.max(0, start - 48), start))) return -1;
  if (!isCued && !/[A-Za-z\u4e00-\u9fff]/.test(text.slice(start + 7, start + 28))) return -1;
  const end = matchEnd(LOOSE, text, start);
  if (end === 0 || !(isCued || CUE_AFTER.test(text.slice(end, end + 12)))) return -1;
  const match = text.slice(start, end);
  const { length } = digitsOf(match);
  return length >= 7 && length <= 13 && !DATE_LIKE.test(match) ? end : -1;
}

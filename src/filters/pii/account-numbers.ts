/**
 * Account numbers that carry their own proof: credit cards (Luhn and issuer's prefix), IBANs (mod 97 and the country's length).
 *
 * Sources: ISO/IEC 7812 and the issuers' published ranges; ISO 13616 and the SWIFT registry's lengths.
 */
import type { Context } from './context.ts';

/** Issuer ranges: first digits from, to (same number of digits), allowed lengths. */
const ISSUERS: readonly (readonly [string, string, readonly number[]])[] = [
  ['4', '4', [13, 16, 19]],
  ['51', '55', [16]],
  ['2221', '2720', [16]],
  ['34', '34', [15]],
  ['37', '37', [15]],
  ['300', '305', [14, 16]],
  ['36', '36', [14]],
  ['38', '39', [14, 16]],
  ['6011', '6011', [16, 19]],
  ['644', '649', [16, 19]],
  ['65', '65', [16, 19]],
  ['3528', '3589', [16, 19]],
  ['2131', '2131', [15]],
  ['1800', '1800', [15]],
  ['62', '62', [16, 17, 18, 19]],
  ['2200', '2204', [16]],
  ['5018', '5018', MAESTRO()],
  ['5020', '5020', MAESTRO()],
  ['5038', '5038', MAESTRO()],
  ['56', '58', MAESTRO()],
  ['6304', '6304', MAESTRO()],
  ['6759', '6763', MAESTRO()],
];

function MAESTRO(): readonly number[] {
  return [12, 13, 14, 15, 16, 17, 18, 19];
}

const CARD =
  /\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?(?!\w|[ -]?\d)|\d{4}([ -])\d{6}\2\d{4,5}(?!\w|[ -]?\d)|\d{12,19}(?![\w-]|\.\d)/y;
/** Words that make a short or unusual number a card's. */
const CARD_WORDS =
  /card|\bcc\b|credit|debit|visa|master|amex|maestro|payment|paid|charge|billing|卡号|信用卡|银行卡|储蓄卡|账号/i;
/**
 * Taken without such a word when written as one row of digits. One random number in ten passes Luhn, and most long numbers on pages
 * are not cards.
 */
const USUAL = /^(?:4\d{15}|5[1-5]\d{14}|3[47]\d{13}|6(?:011|5\d\d)\d{12})$/;

/**
 * End of the card number at `start`, or -1. Behind a word such as `card` the Luhn digit is enough; else the issuer's prefix must fit.
 */
export function findCreditCard(text: string, start: number, context: Context): number {
  CARD.lastIndex = start;
  const match = CARD.exec(text)?.[0];
  if (match === undefined) return -1;
  const digits = match.replace(/[ -]/g, '');
  if (!passesLuhn(digits)) return -1;
  const isUsual = match.length > digits.length ? isIssued(digits) : USUAL.test(digits);
  const end = start + match.length;
  return isUsual || context.before(CARD_WORDS, text, start, 60) || context.after(CARD_WORDS, text, end, 60) ? end : -1;
}

function isIssued(digits: string): boolean {
  return ISSUERS.some(([from, to, lengths]) => {
    const prefix = digits.slice(0, from.length);
    return prefix >= from && prefix <= to && lengths.includes(digits.length);
  });
}

/** The Luhn check (ISO/IEC 7812-1). */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    sum += i % 2 === 0 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9;
  }
  return sum % 10 === 0;
}

const IBAN_LENGTHS: Record<string, number> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 ' +
    'FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 ' +
    'LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 ' +
    'RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const IBAN = /[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?/y;

/** End of the IBAN at `start`, or -1. */
export function findIban(text: string, start: number): number {
  const length = IBAN_LENGTHS[text.slice(start, start + 2).toUpperCase()];
  if (length === undefined) return -1;
  IBAN.lastIndex = start;
  const match = IBAN.exec(text)?.[0];
  if (match === undefined) return -1;
  // What follows may look like one more group: the country says where the number ends.
  let end = start;
  let account = '';
  for (; account.length < length && end < start + match.length; end++) if (text[end] !== ' ') account += text[end];
  if (account.length < length || /\w/.test(text[end] ?? '')) return -1;
  return ibanRemainder(account.toUpperCase()) === 1 ? end : -1;
}

function ibanRemainder(account: string): number {
  let remainder = 0;
  for (const character of account.slice(4) + account.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
}

/**
 * Numbers of persons: Chinese identity cards and US social security numbers.
 *
 * Sources: GB 11643-1999 (17 digits and a check digit, ISO 7064 MOD 11-2; first two digits a province of GB/T 2260, digits 7–14
 * a date of birth); the US Social Security Administration's rules for numbers never issued.
 */
import type { Context } from './context.ts';

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK_DIGITS = '10X98765432';
const PROVINCE = /^(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])/;
const CARD = /\d{17}[\dXx](?![\w-])/y;

/** End of the Chinese identity number at `start`, or -1. */
export function findChinaId(text: string, start: number): number {
  CARD.lastIndex = start;
  const number = CARD.exec(text)?.[0];
  return number !== undefined && isChinaId(number) ? start + number.length : -1;
}

/** True for 18 characters with a province, a possible date of birth and the right check digit. */
export function isChinaId(number: string): boolean {
  if (!PROVINCE.test(number) || !isDate(number.slice(6, 14))) return false;
  let sum = 0;
  for (let i = 0; i < 17; i++) sum += (number.charCodeAt(i) - 48) * WEIGHTS[i];
  return CHECK_DIGITS[sum % 11] === number[17].toUpperCase();
}

function isDate(digits: string): boolean {
  const year = Number(digits.slice(0, 4));
  const month = Number(digits.slice(4, 6));
  const day = Number(digits.slice(6, 8));
  const date = new Date(Date.UTC(year, month - 1, day));
  // Cards are issued to the living: not before 1880, and not for dates that a program of today cannot know.
  return year >= 1880 && year < 2100 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

const SSN = /(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?![\w-]|\.\d)/y;
const BARE_SSN = /(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}(?![\w-]|\.\d)/y;
const SSN_WORDS = /\bssn\b|social security/i;
/** Printed in wallets and advertisements; nobody's. */
const SPECIMENS = new Set(['078051120', '219099999', '123456789']);

/** End of the US social security number at `start`, or -1. Without hyphens it needs `SSN` before it. */
export function findUsSsn(text: string, start: number, context: Context): number {
  SSN.lastIndex = start;
  let match = SSN.exec(text)?.[0];
  if (match === undefined) {
    BARE_SSN.lastIndex = start;
    match = BARE_SSN.exec(text)?.[0];
    if (match === undefined) return -1;
  }
  if (!match.includes('-') && !context.before(SSN_WORDS, text, start, 40)) return -1;
  return SPECIMENS.has(match.replace(/\D/g, '')) ? -1 : start + match.length;
}

/**
 * datatrove's PIIFormatter: e-mail addresses and public IPv4 addresses, replaced in rotation by made-up ones.
 *
 * Faithful to its two expressions and their quirks: an address may begin inside a longer number (`256.1.1.1` keeps its 2), `1.2.3.4.5`
 * holds an address, multicast is public, a one-letter domain ending is enough. Public is what Python's
 * `ipaddress.is_global` says. The rotation starts anew with each document, where datatrove's goes on through its input:
 * ours must not depend on which documents a worker got. E-mail expression rewritten as a scan from each `@`: datatrove's takes
 * time with the square of a long run without one.
 *
 * Source: datatrove, pipeline/formatters/pii.py; used for FineWeb.
 */
import type { Span } from './kinds.ts';

export const DATATROVE_EMAILS = ['email@example.com', 'firstname.lastname@example.org'] as const;
export const DATATROVE_IPS = [
  '22.214.171.124',
  '126.96.36.199',
  '188.8.131.52',
  '184.108.40.206',
  '220.127.116.11',
  '18.104.22.168',
] as const;

const OCTET = '(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)';
const DOMAIN = new RegExp(
  '(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\\.)+[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?' +
    `|\\[(?:${OCTET}\\.){3}(?:${OCTET}|[A-Za-z0-9-]*[A-Za-z0-9]:)\\]`,
  'y',
);
const IP = new RegExp(`(?:${OCTET}\\.){3}${OCTET}`, 'g');

const ATOM = new Uint8Array(128);
for (const c of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+/=?^_`{|}~-")
  ATOM[c.charCodeAt(0)] = 1;
const PERIOD = 0x2e;
/** Python's `\w`. */
const WORD = /[\p{L}\p{N}_]/u;

/** E-mail addresses as datatrove finds them. */
export function findDatatroveEmails(text: string): Span[] {
  const spans: Span[] = [];
  let taken = 0;
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', Math.max(at + 1, taken))) {
    const start = localStart(text, at, taken);
    if (start === at) continue;
    DOMAIN.lastIndex = at + 1;
    if (!DOMAIN.test(text)) continue;
    taken = DOMAIN.lastIndex;
    spans.push({ kind: 'email', start, end: taken });
  }
  return spans;
}

/** The leftmost position from which single-dotted atoms reach to `at` and that lies on a word border; `at` if none does. */
function localStart(text: string, at: number, from: number): number {
  let start = at;
  for (let i = at - 1; i >= from; i--) {
    const unit = text.charCodeAt(i);
    if (unit === PERIOD) {
      if (i === at - 1 || text.charCodeAt(i + 1) === PERIOD) break;
      continue;
    }
    if (unit >= 128 || ATOM[unit] === 0) break;
    if (isWord(text, i - 1) !== isWord(text, i)) start = i;
  }
  return start;
}

function isWord(text: string, position: number): boolean {
  if (position < 0) return false;
  const unit = text.charCodeAt(position);
  // A letter beyond U+FFFF before an address: its second half stands here.
  const isLow = (unit & 0xfc00) === 0xdc00 && position > 0;
  return WORD.test(isLow ? text.slice(position - 1, position + 1) : text[position]);
}

/** Public IPv4 addresses (all, when `publicOnly` is false) as datatrove finds them. */
export function findDatatroveIps(text: string, publicOnly: boolean): Span[] {
  const spans: Span[] = [];
  for (const match of text.matchAll(IP)) {
    if (publicOnly && !isGlobal(match[0])) continue;
    spans.push({ kind: 'ip', start: match.index, end: match.index + match[0].length });
  }
  return spans;
}

/** Python's `ipaddress.ip_address(address).is_global`; false where Python refuses the text (leading zeros). */
function isGlobal(address: string): boolean {
  const parts = address.split('.');
  if (parts.some((part) => part.length > 1 && part.startsWith('0'))) return false;
  const [a, b, c, d] = parts.map(Number);
  if (a === 192 && b === 0 && c === 0) return d === 9 || d === 10;
  return !(
    a === 0 ||
    a === 10 ||
    a === 127 ||
    a >= 240 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && (b === 168 || (b === 0 && c === 2))) ||
    (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) ||
    (a === 203 && b === 0 && c === 113)
  );
}

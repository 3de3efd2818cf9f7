/**
 * IP addresses. IPv4: four numbers to 255 without leading zeros that are no part of a longer row, and not behind a word such
 * as `version` or `section`. IPv6: what Node's parser takes, written in full or with at least three groups and a digit.
 *
 * Public ones only by default: private, shared, loopback, link-local, documentation, multicast and reserved ranges
 * (IANA special-purpose registries, RFC 6890) identify nobody. Netmasks fall under reserved.
 */
import { isIPv6 } from 'node:net';

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`(${OCTET})\\.(${OCTET})\\.(${OCTET})\\.${OCTET}(?![\\w-]|\\.\\d)`, 'y');
/** Numbers that look like addresses: versions, sections and figures of documents. */
const NUMBERED =
  /(?:\bv(?:er(?:sion)?)?|版本号?|\bversions?|\brelease|\bfirmware|\bbuild|\bsection|\bsec|\bchapter|§|第|\bfig(?:ure)?|\btable|\bclause|\bdriver|\bupdate|\bto)[\s.:#]*$/i;

/** End of the IPv4 address at `start`, or -1. */
export function findIpv4(text: string, start: number, publicOnly: boolean): number {
  const before = text[start - 1];
  if (before === '.' || before === '-' || before === '_') return -1;
  IPV4.lastIndex = start;
  const match = IPV4.exec(text);
  if (match === null) return -1;
  if (publicOnly && isSpecialIpv4(Number(match[1]), Number(match[2]), Number(match[3]))) return -1;
  return NUMBERED.test(text.slice(Math.max(0, start - 16), start)) ? -1 : IPV4.lastIndex;
}

function isSpecialIpv4(a: number, b: number, c: number): boolean {
  return (
    a === 0 ||
    a === 10 ||
    a === 127 ||
    a >= 224 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && (b === 168 || (b === 0 && (c === 0 || c === 2)))) ||
    (a === 198 && (b === 18 || b === 19 || (b === 51 && c === 100))) ||
    (a === 203 && b === 0 && c === 113)
  );
}

const IPV6_PART = /[0-9A-Fa-f:.]{2,45}/y;
const SPECIAL_IPV6 = /^(?:::1?$|fe[89ab]|f[cd]|ff|2001:0?db8:|::ffff:)/i;

/** Start and end of the IPv6 address whose first colon stands at `colon`, or undefined. `from`: nothing before it is read. */
export function findIpv6(text: string, colon: number, from: number, publicOnly: boolean): [number, number] | undefined {
  let start = colon;
  while (start > from && isHex(text.charCodeAt(start - 1))) start--;
  if (colon - start > 4 || (start > 0 && /[\w:.-]/.test(text[start - 1]))) return undefined;
  IPV6_PART.lastIndex = start;
  const address = IPV6_PART.exec(text)?.[0].replace(/[.:]$/, '');
  if (address === undefined || /\w/.test(text[start + address.length] ?? '') || !isIPv6(address)) return undefined;
  // `a::b` may be a name in a program; an address has more groups than that.
  const groups = address.split(':').filter(Boolean);
  if (address.includes('::') && (groups.length < 3 || !/\d/.test(address))) return undefined;
  return publicOnly && SPECIAL_IPV6.test(address) ? undefined : [start, start + address.length];
}

function isHex(unit: number): boolean {
  return (unit >= 48 && unit <= 57) || (unit >= 97 && unit <= 102) || (unit >= 65 && unit <= 70);
}

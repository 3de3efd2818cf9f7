/**
 * E-mail addresses: found from their `@`, read to both sides, confirmed by the domain's ending.
 *
 * The ending must be a public suffix of the ICANN list (tldts), which keeps `icon@2x.png`, `user@host.local` and `a@b.c`.
 * Local parts are those that people use (letters, digits, `. _ % + - '`), not all of RFC 5321. Domains may have accented
 * Latin letters. `git@host:` is a repository's address and no person's. Cost: nothing without an `@`.
 */
import { lazyPackage } from '../../core/lazy.ts';

const tldts = lazyPackage<typeof import('tldts')>('tldts');

/** RFC 5321, 4.5.3.1. */
const MAX_LOCAL = 64;
const LOCAL_START = /[A-Za-z0-9_]/;
const DOMAIN = /(?:[A-Za-z0-9\u00c0-\u024f](?:[A-Za-z0-9\u00c0-\u024f-]{0,62})\.){1,8}[A-Za-z][A-Za-z0-9-]{1,62}/y;

const isLocal = new Uint8Array(128);
for (const c of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-'") isLocal[c.charCodeAt(0)] = 1;

/** Start and end of the address around the `@` at `at`, or undefined. `from`: nothing before it is read. */
export function findEmail(text: string, at: number, from: number): [number, number] | undefined {
  let start = at;
  const first = Math.max(from, at - MAX_LOCAL - 1);
  while (start > first) {
    const unit = text.charCodeAt(start - 1);
    if (unit >= 128 || isLocal[unit] === 0) break;
    start--;
  }
  if (at - start > MAX_LOCAL) return undefined;
  // Quotes, dots and dashes before an address belong to the sentence.
  while (start < at && !LOCAL_START.test(text[start])) start++;
  if (start === at || text[at - 1] === '.') return undefined;
  DOMAIN.lastIndex = at + 1;
  const domain = DOMAIN.exec(text)?.[0].replace(/[-.]+$/, '');
  if (domain === undefined || text[at + 1 + domain.length] === '@') return undefined;
  if (text.slice(start, at) === 'git' && text[at + 1 + domain.length] === ':') return undefined;
  const known = knownDomain(domain);
  return known === undefined ? undefined : [start, at + 1 + known.length];
}

/** The domain when its ending is a public suffix; a sentence that runs on (`me@x.com.Then`) is cut off. */
function knownDomain(domain: string): string | undefined {
  const { getPublicSuffix, parse } = tldts();
  const { isIcann, domain: registrable } = parse(domain);
  if (isIcann === true && registrable !== null) return domain;
  const cut = domain.slice(0, domain.lastIndexOf('.'));
  if (cut.includes('.') && getPublicSuffix(cut) !== null && parse(cut).isIcann === true) {
    return parse(cut).domain === null ? undefined : cut;
  }
  return undefined;
}

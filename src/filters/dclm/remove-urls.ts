/**
 * URLs and IP addresses out of a text, as DCLM's url_removal_modifier takes them out: with the white space before them
 * (at most ten characters) and the path behind. A URL is a run of at most 256 host characters, with or without
 * http://, https:// or ftp://, a full stop and a lower-case top-level domain at the end of a word; so `a.com`, `user@a.org` and
 * `end.So` (no: capital) are judged by their ending alone.
 *
 * The peer looks for URLs only in texts that begin with the letters of a top-level domain (its pre-check is anchored by
 * mistake: "The…" passes for Thailand's, "We…" does not): gate `start` does the same, for equal results; `none` looks in
 * every text. Addresses are taken out of all.
 *
 * Cost: one search for full stops; work is done only at those that a top-level domain follows.
 */
import { lazyPackage } from '../../core/lazy.ts';
import { PY_SPACE, pythonFlags } from '../../text/python-class.ts';

const tldts = lazyPackage<typeof import('tldts')>('tldts');

/** Host characters: `[-a-zA-Z0-9@:%._+~#=]`. */
const HOST = 1;
/** What a path goes on with: those and `()?&/`. */
const PATH = 2;
const urlFlags = buildFlags();

const MAX_HOST = 256;
const MAX_SPACE = 10;
const LONGEST_TLD = 24;
const PERIOD = 0x2e;

export type UrlGate = 'none' | 'start';

/** Whether a lower-case word is a top-level domain. */
export type IsTopLevelDomain = (word: string) => boolean;

/** A function from texts to texts without URLs; the very same string where there were none. */
export function createUrlRemover(gate: UrlGate, isTopLevelDomain: IsTopLevelDomain): (text: string) => string {
  return (text) => {
    const open = gate === 'none' || beginsWithDomain(text, isTopLevelDomain);
    return removeAddresses(open ? removeUrls(text, isTopLevelDomain) : text);
  };
}

/** Country codes in IANA's table that have no domain (any more). */
const UNDELEGATED = new Set(['an', 'bl', 'bq', 'eh', 'mf', 'tp', 'um']);

/** Top-level domains of the public suffix list that tldts carries, and a few country codes that were some. */
export const isListedDomain: IsTopLevelDomain = remembered((word) => {
  if (UNDELEGATED.has(word)) return true;
  const { publicSuffix, isIcann } = tldts().parse(`example.${word}`, {
    allowPrivateDomains: false,
    extractHostname: false,
    validateHostname: false,
  });
  // Of a wildcard (*.ck) the suffix is the whole name.
  return isIcann === true && (publicSuffix === word || publicSuffix === `example.${word}`);
});

/** Domains that a list names, one entry each. */
export function domainsOf(list: readonly string[]): IsTopLevelDomain {
  const domains = new Set(list.map((word) => word.toLowerCase()));
  return (word) => domains.has(word);
}

function remembered(test: IsTopLevelDomain): IsTopLevelDomain {
  const known = new Map<string, boolean>();
  return (word) => {
    let found = known.get(word);
    if (found === undefined) {
      found = test(word);
      if (known.size === 8192) known.clear();
      known.set(word, found);
    }
    return found;
  };
}

function beginsWithDomain(text: string, isTopLevelDomain: IsTopLevelDomain): boolean {
  const run = /^[\p{L}\p{N}\p{M}]{1,24}/u.exec(text)?.[0].toLowerCase();
  if (run === undefined) return false;
  for (let length = 1; length <= run.length; length++) if (isTopLevelDomain(run.slice(0, length))) return true;
  return false;
}

function removeUrls(text: string, isTopLevelDomain: IsTopLevelDomain): string {
  let rest = '';
  let done = 0;
  for (let dot = text.indexOf('.', 1); dot !== -1; dot = text.indexOf('.', Math.max(dot + 1, done))) {
    if (dot <= done || (urlFlags[text.charCodeAt(dot - 1)] & HOST) === 0) continue;
    let end = domainEnd(text, dot + 1, isTopLevelDomain);
    if (end === -1) continue;
    // The host: from the start of the run of host characters, or what of it reaches this first full stop.
    let host = dot - 1;
    while (host > done && dot - host < MAX_HOST && (urlFlags[text.charCodeAt(host - 1)] & HOST) !== 0) host--;
    const start = host === done ? host : beforeHost(text, done, host);
    // The last full stop within reach that a domain follows ends the host.
    for (let i = dot + 1; i <= host + MAX_HOST && (urlFlags[text.charCodeAt(i)] & HOST) !== 0; i++) {
      if (text.charCodeAt(i) === PERIOD) end = Math.max(end, domainEnd(text, i + 1, isTopLevelDomain));
    }
    while (end < text.length && (urlFlags[text.charCodeAt(end)] & PATH) !== 0) end++;
    rest += text.slice(done, start);
    done = end;
  }
  return done === 0 ? text : rest + text.slice(done);
}

/** Where the match begins: scheme and white space before the host, not before `least`. */
function beforeHost(text: string, least: number, host: number): number {
  let start = host;
  for (const scheme of ['https://', 'http://', 'ftp://']) {
    if (host - scheme.length >= least && text.startsWith(scheme, host - scheme.length)) {
      start = host - scheme.length;
      break;
    }
  }
  const first = Math.max(least, start - MAX_SPACE);
  while (start > first && (pythonFlags[text.charCodeAt(start - 1)] & PY_SPACE) !== 0) start--;
  return start;
}

/** The position after a top-level domain that starts at `start` and ends its word, or -1. */
function domainEnd(text: string, start: number, isTopLevelDomain: IsTopLevelDomain): number {
  let end = start;
  let isAscii = true;
  for (; end < text.length && end - start <= LONGEST_TLD; end++) {
    const unit = text.charCodeAt(end);
    if (unit >= 0x61 && unit <= 0x7a) continue;
    if (unit < 0x80) {
      // Digits, capitals and the underscore go on with the word, and no domain has them.
      if ((urlFlags[unit] & HOST) !== 0 && /[0-9A-Z_]/.test(text[end])) return -1;
      break;
    }
    if (!/[\p{L}\p{N}\p{M}]/u.test(text[end])) break;
    isAscii = false;
  }
  if (end === start || end - start > LONGEST_TLD || (isAscii && end - start < 2)) return -1;
  return isTopLevelDomain(text.slice(start, end)) ? end : -1;
}

const MAY_BE_ADDRESS = /[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]/;
const ADDRESS =
  /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]{0,10}(?<![\p{L}\p{N}_])(?:(?:https?|ftp):\/\/)?(?:[0-2]?[0-9]{1,2}\.){3}[0-2]?[0-9]{1,2}[-a-zA-Z0-9()@:%_+.~#?&/=]*/gu;

/** IPv4 addresses, with white space, scheme and path. */
function removeAddresses(text: string): string {
  return MAY_BE_ADDRESS.test(text) ? text.replace(ADDRESS, '') : text;
}

function buildFlags(): Uint8Array {
  const flags = new Uint8Array(0x10000);
  const put = (characters: string, flag: number): void => {
    for (const character of characters) flags[character.charCodeAt(0)] |= flag;
  };
  for (let unit = 0x30; unit < 0x80; unit++) {
    if (/[0-9A-Za-z]/.test(String.fromCharCode(unit))) flags[unit] = HOST | PATH;
  }
  put('-@:%._+~#=', HOST | PATH);
  put('()?&/', PATH);
  return flags;
}

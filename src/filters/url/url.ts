/**
 * The URL filter: block lists of domains, hosts and URLs, and words in the URL.
 *
 * Source: RefinedWeb (Penedo et al. 2023, arXiv:2306.01116), appendix G.1. No list is built in: they come from the user's files, of the
 * kind of UT1's (dsi.ut-capitole.fr/blacklists), datatrove's and DCLM's. Conventions:
 * - `datatrove` (URLFilter, used for FineWeb): the registered domain or the full host is listed; the URL is listed; a
 *   banned word, or `softWordThreshold` different soft words, among the pieces between characters other than A–Z, a–z, 0–9,
 *   compared as written; a banned sub-word anywhere in the lower-cased letters and digits of the URL.
 * - `dclm` (url_substring_filter in its RefinedWeb recipe): the host without `www.` is listed; then sub-words ("strict"), in the
 *   lower-cased URL without `-` and `.`; banned words ("hard") and soft words between word borders (`\b`) of the lower-cased URL.
 *
 * Differences from datatrove: hosts are compared in lower case and IP addresses can be listed; listed URLs are compared
 * without scheme and closing slash, as UT1 writes them.
 *
 * Cost: the registered domain is only worked out (tldts) where a part of the host is listed.
 */
import { domainToASCII } from 'node:url';
import { z } from 'zod';
import type { Document } from '../../core/document.ts';
import { lazyPackage } from '../../core/lazy.ts';
import { defineMap, drop, KEEP, type Measurement, type Verdict } from '../../core/stage.ts';
import { type ListFile, readListFile } from '../../io/list-file.ts';
import { conventionOption } from '../convention.ts';
import { metaValue } from '../language.ts';
import { afterScheme, readHosts, readUrls, withoutScheme } from './block-lists.ts';
import { hasEntry, longestSuffix } from './hash-set.ts';
import { createUrlWords } from './url-words.ts';

const tldts = lazyPackage<typeof import('tldts')>('tldts');

const files = (what: string) =>
  z.array(z.string().min(1)).default([]).describe(`Files of ${what}, one a line, # for comments (plain or .gz)`);
const entries = (what: string) => z.array(z.string().min(1)).default([]).describe(`Further ${what}, in place`);

const options = z.strictObject({
  urlField: z.string().min(1).default('url').describe('Field of meta with the URL (a dot goes inside: warc.url)'),
  missingUrl: z.enum(['keep', 'drop']).default('keep').describe('What becomes of a document without a URL'),
  domainLists: files('domains and hosts; a domain blocks its hosts, a host only itself'),
  domains: entries('domains and hosts'),
  blockSubdomains: z
    .boolean()
    .default(false)
    .describe('Whether a listed host also blocks the hosts below it (datatrove and DCLM: no)'),
  urlLists: files('URLs'),
  urls: entries('URLs'),
  bannedWordLists: files('words that may not be a word of the URL (DCLM: "hard")'),
  bannedWords: entries('banned words'),
  softWordLists: files('words of which fewer than softWordThreshold may be words of the URL'),
  softWords: entries('soft words'),
  softWordThreshold: z
    .int()
    .min(1)
    .default(2)
    .describe('Different soft words that drop a document (datatrove soft_word_threshold: 2)'),
  bannedSubwordLists: files('words that may not occur anywhere in the URL (DCLM: "strict")'),
  bannedSubwords: entries('banned sub-words'),
  convention: conventionOption(['datatrove', 'dclm']),
});

export type UrlOptions = z.output<typeof options>;

export const url = defineMap({
  kind: 'map',
  name: 'filter.url',
  summary: 'Drop documents whose URL is on a block list or holds listed words.',
  source: 'RefinedWeb, Penedo et al. 2023 (arXiv:2306.01116), G.1; rules as datatrove URLFilter, or DCLM',
  version: 1,
  options,
  optionFiles: (given) => [
    ...given.domainLists,
    ...given.urlLists,
    ...given.bannedWordLists,
    ...given.softWordLists,
    ...given.bannedSubwordLists,
  ],
  reasons: {
    no_url: 'no URL in urlField, and missingUrl is drop',
    domain: 'its registered domain is listed',
    subdomain: 'its host is listed',
    url: 'its URL is listed',
    hard_blacklisted: 'a banned word is a word of the URL',
    soft_blacklisted: 'at least softWordThreshold soft words are words of the URL; the value is how many',
    blacklisted_subword: 'a banned sub-word occurs in the URL',
  },
  create(given, { baseDir }) {
    const judge = createJudge(given, baseDir);
    return {
      process: (document) => judge(document),
      explain(document): Measurement[] {
        const value = urlOf(document, given.urlField) ?? '(none)';
        const verdict = judge(document);
        const isDrop = verdict.action === 'drop';
        return [{ rule: isDrop ? verdict.reason : 'url', value, broken: isDrop }];
      },
    };
  },
});

function urlOf(document: Document, field: string): string | undefined {
  const value = metaValue(document.meta, field);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const DOT = 0x2e;
/** The URL at hand, and whether it is ASCII alone. */
let units = new Uint16Array(4096);
let isAscii = true;

/** Puts the URL into `units`; returns its length. */
function readUnits(address: string): number {
  const { length } = address;
  if (units.length < length) units = new Uint16Array(length * 2);
  let all = 0;
  for (let i = 0; i < length; i++) {
    const unit = address.charCodeAt(i);
    units[i] = unit;
    all |= unit;
  }
  isAscii = all < 0x80;
  return length;
}

/** With an international host in its ASCII form, as block lists are read; the rest as it was. */
function asciiUrl(address: string): string {
  const start = afterScheme(units, 0, address.length);
  const host = /^[^/?#:@]*/.exec(address.slice(start))?.[0] ?? '';
  const ascii = /[^\0-\x7f]/.test(host) ? domainToASCII(host) : '';
  return ascii === '' ? address : address.slice(0, start) + ascii + address.slice(start + host.length);
}

function createJudge(given: UrlOptions, baseDir: string): (document: Document) => Verdict {
  const from = (option: string, paths: readonly string[]): ListFile[] =>
    paths.map((path, i) => ({ path, baseDir, option: `${option}.${i}` }));
  const words = (option: string, paths: readonly string[], inline: readonly string[]): string[] => [
    ...from(option, paths).flatMap(readListFile),
    ...inline,
  ];
  const hosts = readHosts(from('domainLists', given.domainLists), given.domains);
  const urls = readUrls(from('urlLists', given.urlLists), given.urls);
  const banned = words('bannedWordLists', given.bannedWordLists, given.bannedWords);
  const soft = words('softWordLists', given.softWordLists, given.softWords);
  const subwords = words('bannedSubwordLists', given.bannedSubwordLists, given.bannedSubwords);
  const urlWords = createUrlWords(given.convention, banned, soft, subwords);
  const isDclm = given.convention === 'dclm';

  const inUrlWords = (length: number): Verdict => {
    if (banned.length > 0 && urlWords.hasBanned(units, length)) return drop('hard_blacklisted');
    if (soft.length === 0) return KEEP;
    const found = urlWords.countSoft(units, length);
    return found >= given.softWordThreshold ? drop('soft_blacklisted', found, given.softWordThreshold) : KEEP;
  };
  const inSubwords = (length: number): Verdict =>
    subwords.length > 0 && urlWords.hasSubword(units, length) ? drop('blacklisted_subword') : KEEP;

  return (document) => {
    let address = urlOf(document, given.urlField);
    if (address === undefined) return given.missingUrl === 'drop' ? drop('no_url') : KEEP;
    let length = readUnits(address);
    if (hosts.count > 0 && !isAscii) {
      address = asciiUrl(address);
      length = readUnits(address);
    }
    if (hosts.count > 0) {
      const [start, end] = hostBounds(length, isDclm);
      const found = longestSuffix(hosts, units, start, end, DOT);
      if (found === start && isDclm) return drop('domain');
      if (found !== -1 && !isDclm) {
        const domain = tldts().getDomain(address);
        const domainStart = domain === null ? start : end - domain.length;
        if (hasEntry(hosts, units, domainStart, end)) return drop('domain');
        if (found === start) return drop('subdomain');
      }
      if (found !== -1 && given.blockSubdomains) return drop('subdomain');
    }
    if (urls.count > 0 && hasEntry(urls, units, ...withoutScheme(units, 0, length))) return drop('url');
    const first = isDclm ? inSubwords(length) : inUrlWords(length);
    if (first !== KEEP) return first;
    return isDclm ? inUrlWords(length) : inSubwords(length);
  };
}

/** Where the host lies in `units`: behind scheme and user, before port and path; for DCLM without `www.`. */
function hostBounds(length: number, withoutWww: boolean): [number, number] {
  let start = afterScheme(units, 0, length);
  let end = start;
  for (; end < length; end++) {
    const unit = units[end];
    if (unit === 0x2f || unit === 0x3f || unit === 0x23 || unit === 0x5c) break;
    if (unit === 0x40) start = end + 1;
  }
  for (let i = start; i < end; i++) {
    if (units[i] === 0x5b) break;
    if (units[i] === 0x3a) end = i;
  }
  if (end > start && units[end - 1] === DOT) end--;
  const hasWww =
    end - start > 4 && [0, 1, 2].every((i) => (units[start + i] | 0x20) === 0x77) && units[start + 3] === DOT;
  return [withoutWww && hasWww ? start + 4 : start, end];
}

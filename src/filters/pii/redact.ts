/**
 * Redaction of personal data and secrets: found in one scan (scan.ts), then per kind replaced by a placeholder, left and
 * counted, or a reason to drop the document.
 *
 * What is not attempted: names, postal addresses, dates of birth, licence and passport numbers of most countries. They have no form
 * that an expression could prove; a model is needed. Figures: bench/pii.ts. About 130 MB/s on web text; a text without a find is
 * not touched.
 */
import type { CountryCode } from 'libphonenumber-js';
import { z } from 'zod';
import { CorpusmillError } from '../../core/errors.ts';
import { defineMap, drop, KEEP, type MapStage } from '../../core/stage.ts';
import { textView } from '../../text/view.ts';
import { DATATROVE_EMAILS, DATATROVE_IPS, findDatatroveEmails, findDatatroveIps } from './datatrove.ts';
import { KINDS, type Kind, PLACEHOLDERS, type Span } from './kinds.ts';
import { libphonenumber } from './phone.ts';
import { createScanner } from './scan.ts';

const action = (given: 'redact' | 'off', what: string) =>
  z.enum(['redact', 'annotate', 'drop', 'off']).default(given).describe(what);

const options = z.strictObject({
  email: action('redact', 'E-mail addresses whose domain ends in a public suffix'),
  phone: action(
    'redact',
    'Telephone numbers: international, North American, Chinese, and others behind a word such as tel or 电话',
  ),
  ip: action('redact', 'IPv4 and IPv6 addresses'),
  iban: action('redact', 'International bank account numbers with the right length and remainder (ISO 13616)'),
  creditCard: action('redact', "Card numbers with an issuer's prefix and a right Luhn digit"),
  chinaId: action('redact', 'Chinese identity numbers with province, date and right check digit (GB 11643)'),
  usSsn: action('redact', 'US social security numbers in hyphenated form, or bare behind SSN'),
  secret: action(
    'redact',
    'Keys, tokens and private-key blocks of known form, and random values assigned to such names',
  ),
  urlCredentials: action('redact', 'user:password in a URL'),
  qq: action('off', 'QQ numbers behind their name'),
  wechat: action('off', 'WeChat accounts behind their name'),
  publicIpOnly: z
    .boolean()
    .default(true)
    .describe('Leave private, loopback, link-local, documentation and multicast addresses (RFC 6890)'),
  phoneRegions: z
    .array(z.string().length(2))
    .default(['GB', 'FR', 'DE', 'IT', 'CH', 'SE', 'NL', 'BE', 'AU', 'NZ', 'JP', 'KR', 'TW', 'IN', 'ZA'])
    .describe('Countries (ISO 3166) whose national formats with a leading 0 are taken without a word before them'),
  placeholders: z
    .partialRecord(z.enum(KINDS), z.string())
    .default({})
    .describe('What to put in place of a kind, in place of [EMAIL], [PHONE], [IP] …'),
  maxCount: z
    .int()
    .nonnegative()
    .nullable()
    .default(null)
    .describe('Finds in one document above which it is dropped; null: no limit (Dolma: 5)'),
  counts: z
    .boolean()
    .default(false)
    .describe(
      "Write the number of finds of each kind into meta, under the stage's name; kinds set to annotate do so too",
    ),
  convention: z
    .enum(['corpusmill', 'datatrove'])
    .default('corpusmill')
    .describe(
      'datatrove: only e-mail and IPv4 addresses, by its expressions, replaced in rotation by made-up ones as in FineWeb',
    ),
});

export type RedactOptions = z.output<typeof options>;

export const redact = defineMap({
  kind: 'map',
  name: 'redact',
  summary: 'Replace personal data and secrets by typed placeholders, or drop documents with them.',
  source:
    'Kinds and limit after Dolma (arXiv:2402.00159), MNBVC and datatrove PIIFormatter; check sums ISO 7812, ISO 13616, GB 11643',
  version: 3,
  options,
  reasons: {
    too_much_personal_data: 'more finds than maxCount',
    ...Object.fromEntries(KINDS.map((kind) => [`has_${kind}`, `holds a find of kind ${kind}, whose action is drop`])),
  },
  create: (given, { name }) => createRedactor(given, name),
});

function createRedactor(given: RedactOptions, stageName: string): MapStage {
  for (const region of given.phoneRegions) {
    if (libphonenumber().isSupportedCountry(region)) continue;
    throw new CorpusmillError('CONFIG_INVALID', `stage ${stageName}: phoneRegions: found ${JSON.stringify(region)}`, {
      hint: `expected ISO 3166 codes in capitals, of ${libphonenumber().getCountries().length} known (GB, DE, JP …)`,
    });
  }
  const find = given.convention === 'datatrove' ? datatroveFinder(given) : ownFinder(given);
  const replace = given.convention === 'datatrove' ? rotation() : placeholders(given);
  const dropping = KINDS.filter((kind) => given[kind] === 'drop');
  const writesCounts = given.counts || KINDS.some((kind) => given[kind] === 'annotate');

  const counted: string[] = [];
  return {
    counted,
    process(document) {
      counted.length = 0;
      const spans = find(document.text);
      if (spans.length === 0) {
        if (writesCounts) document.meta[stageName] = {};
        return KEEP;
      }
      if (given.maxCount !== null && spans.length > given.maxCount) {
        return drop('too_much_personal_data', spans.length, given.maxCount);
      }
      const counts = countByKind(spans);
      for (const kind of dropping) {
        const count = counts[kind];
        if (count !== undefined) return drop(`has_${kind}`, count, 0);
      }
      if (writesCounts) document.meta[stageName] = counts;
      counted.push(...Object.keys(counts));
      document.text = replaceSpans(document.text, spans, given, replace);
      return KEEP;
    },
    explain(document) {
      const spans = find(document.text);
      const counts = countByKind(spans);
      const total = {
        rule: 'too_much_personal_data',
        value: spans.length,
        ...(given.maxCount !== null && { max: given.maxCount }),
        broken: given.maxCount !== null && spans.length > given.maxCount,
      };
      const kinds = KINDS.filter((kind) => given[kind] !== 'off').map((kind) => ({
        rule: `has_${kind}`,
        value: counts[kind] ?? 0,
        ...(given[kind] === 'drop' && { max: 0 }),
        broken: given[kind] === 'drop' && counts[kind] !== undefined,
      }));
      return [total, ...kinds];
    },
  };
}

function ownFinder(given: RedactOptions): (text: string) => Span[] {
  const scan = createScanner({
    kinds: new Set(KINDS.filter((kind) => given[kind] !== 'off')),
    publicIpOnly: given.publicIpOnly,
    phoneRegions: given.phoneRegions as CountryCode[],
    placeholders: Object.values(given.placeholders),
  });
  return (text) => scan(text, textView(text).units);
}

/** datatrove replaces e-mail addresses first and looks for IP addresses in what is left. */
function datatroveFinder(given: RedactOptions): (text: string) => Span[] {
  return (text) => {
    const emails = given.email === 'off' ? [] : findDatatroveEmails(text);
    const ips = given.ip === 'off' ? [] : findDatatroveIps(text, given.publicIpOnly);
    if (ips.length === 0) return emails;
    const outside = ips.filter((ip) => !emails.some((email) => ip.start < email.end && email.start < ip.end));
    return [...emails, ...outside].sort((a, b) => a.start - b.start);
  };
}

type Replacement = (kind: Kind, ordinal: number) => string;

function placeholders(given: RedactOptions): Replacement {
  const texts = { ...PLACEHOLDERS, ...given.placeholders };
  return (kind) => texts[kind];
}

function rotation(): Replacement {
  return (kind, ordinal) => {
    const list = kind === 'email' ? DATATROVE_EMAILS : DATATROVE_IPS;
    return list[ordinal % list.length];
  };
}

function replaceSpans(text: string, spans: readonly Span[], given: RedactOptions, replace: Replacement): string {
  const ordinals: Partial<Record<Kind, number>> = {};
  let result = '';
  let done = 0;
  for (const { kind, start, end } of spans) {
    if (given[kind] !== 'redact') continue;
    const ordinal = ordinals[kind] ?? 0;
    ordinals[kind] = ordinal + 1;
    result += text.slice(done, start) + replace(kind, ordinal);
    done = end;
  }
  return done === 0 ? text : result + text.slice(done);
}

function countByKind(spans: readonly Span[]): Partial<Record<Kind, number>> {
  const counts: Partial<Record<Kind, number>> = {};
  for (const { kind } of spans) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/**
 * The stage `redact`: recall and precision on synthetic documents with labelled spans, for the kinds that it attempts and that they
 * hold, and MB/s on web-mix beside datatrove's PIIFormatter (e-mail and IP only) where its environment is set up.
 *
 * A labelled span is found when a span of its kind overlaps it; a found span is right when it overlaps a label of its
 * kind. CPU seconds of one thread; MB are 10⁶ UTF-8 bytes. Names, addresses, dates, ages and licences are labelled too and not attempted.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { CountryCode } from 'libphonenumber-js';
import { packageRoot } from '../src/core/package-root.ts';
import { KINDS, type Kind } from '../src/filters/pii/kinds.ts';
import { redact } from '../src/filters/pii/redact.ts';
import { createScanner } from '../src/filters/pii/scan.ts';
import { textView } from '../src/text/view.ts';
import type { Bench } from './bench.ts';
import { pythonOfPeers } from './python-peer.ts';
import { webMixPath } from './web-mix.ts';

/** The data's names of the kinds that are attempted. */
const ATTEMPTED: Record<string, Kind> = {
  EMAIL_ADDRESS: 'email',
  PHONE_NUMBER: 'phone',
  CREDIT_CARD: 'creditCard',
  IBAN_CODE: 'iban',
  US_SSN: 'usSsn',
  IP_ADDRESS: 'ip',
};
/** Every so manieth document goes to datatrove: some 15 MB. */
const SAMPLE_EVERY = 4;
const DATATROVE_MB_PER_SECOND = 9.6;

interface Labelled {
  full_text: string;
  spans: { entity_type: string; start_position: number; end_position: number }[];
}

interface Count {
  labelled: number;
  recalled: number;
  found: number;
  right: number;
}

export const pii: Bench = {
  name: 'pii',
  summary: 'personal data: recall and precision by kind on labelled documents, MB/s beside datatrove’s PII formatter',
  async run() {
    const data = join(dirname(webMixPath()), 'labelled', 'pii-synthetic.json.gz');
    const labelled = JSON.parse(gunzipSync(readFileSync(data)).toString('utf8')) as Labelled[];
    const { counts, left } = judge(labelled);
    const table: (string | number)[][] = [['kind', 'labelled', 'recall', 'precision', 'found']];
    const figures: Record<string, number | null> = {};
    for (const kind of Object.values(ATTEMPTED)) {
      const { labelled: all, recalled, found, right } = counts[kind];
      table.push([kind, all, (recalled / all).toFixed(3), (right / found).toFixed(3), found]);
      figures[`${kind}Recall`] = round(recalled / all);
      figures[`${kind}Precision`] = round(right / found);
    }

    const texts = gunzipSync(readFileSync(webMixPath()))
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { text: string }).text);
    const own = speed(texts, {});
    const sample = texts.filter((_, i) => i % SAMPLE_EVERY === 0);
    const asDatatrove = speed(sample, { convention: 'datatrove' });
    const theirs = runDatatrove(sample);
    table.push(['', '', '', '', ''], ['speed', 'MB', 'MB/s', '', '']);
    table.push(['redact, all kinds, web-mix', megabytesOf(texts).toFixed(1), own.toFixed(1), '', '']);
    table.push([
      'redact, convention datatrove, sample',
      megabytesOf(sample).toFixed(1),
      asDatatrove.toFixed(1),
      '',
      '',
    ]);
    if (typeof theirs === 'number')
      table.push(['datatrove, sample', megabytesOf(sample).toFixed(1), theirs.toFixed(1), '', '']);
    figures['mbPerSecond'] = round(own);
    figures['datatroveConventionMbPerSecond'] = round(asDatatrove);
    figures['datatroveMbPerSecond'] = typeof theirs === 'number' ? round(theirs) : null;
    figures['ratioToDatatrove'] = typeof theirs === 'number' ? round(own / theirs) : null;
    return {
      table,
      figures,
      notes: [
        `labelled but not attempted: ${left.join(', ')}`,
        'these 1,500 documents were read while the expressions were written: they are no held-out set',
        ...(typeof theirs === 'string'
          ? [
              `${theirs}; it was measured at ${DATATROVE_MB_PER_SECOND} MB/s on a machine of this kind for shared/research`,
            ]
          : []),
      ],
    };
  },
};

function judge(labelled: readonly Labelled[]): { counts: Record<Kind, Count>; left: string[] } {
  const defaults = redact.options.parse({}) as Record<Kind, string> & { phoneRegions: CountryCode[] };
  const scan = createScanner({
    kinds: new Set(KINDS.filter((kind) => defaults[kind] !== 'off')),
    publicIpOnly: true,
    phoneRegions: defaults.phoneRegions,
  });
  const counts = Object.fromEntries(
    KINDS.map((kind) => [kind, { labelled: 0, recalled: 0, found: 0, right: 0 }]),
  ) as Record<Kind, Count>;
  const left = new Set<string>();
  for (const { full_text: text, spans } of labelled) {
    const found = scan(text, textView(text).units);
    const offsets = unitOffsets(text);
    const gold = spans.flatMap(({ entity_type, start_position, end_position }) => {
      const kind = ATTEMPTED[entity_type];
      if (kind === undefined) left.add(entity_type);
      return kind === undefined ? [] : [{ kind, start: offsets[start_position], end: offsets[end_position] }];
    });
    const meet = (a: (typeof gold)[number], b: (typeof gold)[number]): boolean =>
      a.kind === b.kind && a.start < b.end && b.start < a.end;
    for (const span of gold) {
      counts[span.kind].labelled++;
      if (found.some((other) => meet(span, other))) counts[span.kind].recalled++;
    }
    for (const span of found) {
      counts[span.kind].found++;
      if (gold.some((other) => meet(span, other))) counts[span.kind].right++;
    }
  }
  return { counts, left: [...left].sort() };
}

/** UTF-16 offset of each code point, and of the end. */
function unitOffsets(text: string): number[] {
  const offsets = [0];
  for (const character of text) offsets.push(offsets[offsets.length - 1] + character.length);
  return offsets;
}

/** MB/s of the stage, the quickest of three runs. */
function speed(texts: readonly string[], options: Record<string, unknown>): number {
  const stage = redact.create(redact.options.parse(options), { name: 'redact', seed: 0, baseDir: '' });
  let seconds = Infinity;
  for (let round = 0; round < 3; round++) {
    const start = process.cpuUsage();
    for (const text of texts) stage.process({ id: '', text, meta: {} });
    const { user, system } = process.cpuUsage(start);
    seconds = Math.min(seconds, (user + system) / 1e6);
  }
  return megabytesOf(texts) / seconds;
}

/** datatrove's MB/s, or why there is none. */
function runDatatrove(texts: readonly string[]): number | string {
  const { status, stdout, stderr, error } = spawnSync(
    pythonOfPeers(),
    [join(packageRoot(), 'bench', 'peers', 'pii_datatrove.py')],
    { input: texts.map((text) => JSON.stringify(text)).join('\n'), encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  if (error !== undefined || status !== 0) {
    return `datatrove did not run (${error?.message ?? stderr.trim().split('\n').at(-1)})`;
  }
  const { bytes, cpuSeconds } = JSON.parse(stdout) as { bytes: number; cpuSeconds: number };
  return bytes / 1e6 / cpuSeconds;
}

function megabytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

/**
 * Beside DCLM: verdicts of the DCLM-baseline heuristics (filter.dclm, then filter.refinedweb-lines) on the 316 documents
 * that DCLM's own functions judged for shared/goldens/peers, and on English web pages that they judge in this run when
 * CORPUSMILL_DCLM names a checkout of github.com/mlfoundations/dclm (bench/peers/filters_dclm.py). Agreement is of verdict,
 * reason and resulting text.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Document } from '../src/core/document.ts';
import { packageRoot } from '../src/core/package-root.ts';
import type { MapStage } from '../src/core/stage.ts';
import { dclm } from '../src/filters/dclm/dclm.ts';
import { refinedwebLines } from '../src/filters/dclm/refinedweb-lines.ts';
import { TextView } from '../src/text/view.ts';
import type { Bench } from './bench.ts';
import { webMixPath } from './web-mix.ts';

export interface Agreement {
  agree: number;
  total: number;
}

interface Judgement {
  reason: string | null;
  text: string | null;
}

/** Our chain's judgement. */
type Judge = (text: string) => Judgement;

/** Agreement on the hand-made documents of shared/goldens. Throws when the shared data is absent. */
export function dclmAgreement(): Agreement & { differing: string[] } {
  const path = join(dirname(webMixPath()), '..', 'goldens', 'peers', 'dclm_documents.jsonl.gz');
  const documents = readLines<{ id: number; text: string; dclm_baseline_heuristics: Judgement }>(path);
  const judge = createJudge({});
  const differing = documents.flatMap(({ id, text, dclm_baseline_heuristics: wanted }) => {
    const found = judge(text);
    return isSame(found, wanted) ? [] : [`${id}: ${found.reason}, DCLM ${wanted.reason}`];
  });
  return { agree: documents.length - differing.length, total: documents.length, differing };
}

/** DCLM's functions by our reasons, where one of ours stands for several or the name differs. */
const PEER_REASONS: readonly (readonly [RegExp, RegExp])[] = [
  [/^(dup_|top_|duplicated_)/, /^repetition$/],
  [/^no_lines_left$/, /^(uppercase|numeric|counter|line_length|cart|read_more|sign_in)$/],
  [/^ellipsis_count$/, /^ellipsis(_count)?$/],
];

function isSame(found: Judgement, wanted: Judgement): boolean {
  if (found.reason === null || wanted.reason === null)
    return found.reason === wanted.reason && found.text === wanted.text;
  const [ours, theirs] = [found.reason, wanted.reason];
  return ours === theirs || PEER_REASONS.some(([mine, peer]) => mine.test(ours) && peer.test(theirs));
}

function createStages(options: Record<string, unknown>): MapStage[] {
  const context = { seed: 0, baseDir: '' };
  return [
    dclm.create(dclm.options.parse(options), { ...context, name: dclm.name }),
    refinedwebLines.create(refinedwebLines.options.parse({}), { ...context, name: refinedwebLines.name }),
  ];
}

function createJudge(options: Record<string, unknown>): Judge {
  const stages = createStages(options);
  return (text) => {
    const document: Document = { id: '', text, meta: {} };
    for (const stage of stages) {
      const verdict = stage.process(document);
      if (verdict.action !== 'drop') continue;
      return { reason: verdict.reason, text: null };
    }
    return { reason: null, text: document.text };
  };
}

/** Every so manieth English document of web-mix; DCLM judges about 0.5 MB/s. */
const SAMPLE_EVERY = 2;

export const parityDclm: Bench = {
  name: 'parity-dclm',
  summary: 'DCLM-baseline heuristics: verdicts beside DCLM’s own functions, and MB/s per core of both',
  async run() {
    const hand = dclmAgreement();
    const table: (string | number)[][] = [['what', 'agree', 'of', 'MB/s per core', 'DCLM MB/s']];
    const english = readLines<{ text: string; lang: string }>(webMixPath())
      .filter(({ lang }) => lang === 'en')
      .map(({ text }) => text);
    const speed = measure(english);
    table.push(['hand-made documents', hand.agree, hand.total, '', '']);
    table.push(['English part of web-mix', '', '', speed.toFixed(1), '']);
    const figures: Record<string, number | null> = {
      agree: hand.agree,
      total: hand.total,
      mbPerSecondPerCore: round(speed),
      webAgree: null,
      webTotal: null,
      dclmMbPerSecondPerCore: null,
    };
    const notes = hand.differing.map((line) => `differs: hand-made ${line}`);
    const checkout = process.env['CORPUSMILL_DCLM'];
    if (checkout === undefined) {
      notes.push('CORPUSMILL_DCLM (a checkout of mlfoundations/dclm) is not set: no comparison on web pages');
    } else {
      const sample = english.filter((_, i) => i % SAMPLE_EVERY === 0);
      const web = besideDclm(sample, checkout);
      const ours = measure(sample);
      table.push(['sample of web-mix', web.agree, web.total, ours.toFixed(1), web.mbPerSecond.toFixed(2)]);
      figures['webAgree'] = web.agree;
      figures['webTotal'] = web.total;
      figures['dclmMbPerSecondPerCore'] = round(web.mbPerSecond);
      figures['ratioToDclm'] = round(ours / web.mbPerSecond);
      notes.push(...web.differing.slice(0, 50).map((line) => `differs: web ${line}`));
    }
    return { table, figures, notes };
  },
};

function besideDclm(
  texts: readonly string[],
  checkout: string,
): Agreement & { differing: string[]; mbPerSecond: number } {
  const topLevelDomains = join(checkout, 'baselines', 'mappers', 'iana_tlds.txt');
  const judge = createJudge({ topLevelDomains });
  const input = texts.map((text) => {
    const without = withoutUrls(text, topLevelDomains);
    return JSON.stringify({ text, without, words: segments(without) });
  });
  const { status, stdout, stderr } = spawnSync(
    'python3',
    [join(packageRoot(), 'bench', 'peers', 'filters_dclm.py'), checkout],
    { input: input.join('\n'), encoding: 'utf8', maxBuffer: 1 << 29 },
  );
  if (status !== 0) throw new Error(`DCLM's functions did not run: ${stderr.trim().split('\n').at(-1)}`);
  const lines = stdout.trimEnd().split('\n');
  const { cpuSeconds, bytes } = JSON.parse(lines.pop() as string) as { cpuSeconds: number; bytes: number };
  const differing = texts.flatMap((text, i) => {
    const wanted = JSON.parse(lines[i]) as Judgement;
    const found = judge(text);
    return isSame(found, wanted)
      ? []
      : [`${found.reason}, DCLM ${wanted.reason}: ${JSON.stringify(text.slice(0, 80))}`];
  });
  return {
    agree: texts.length - differing.length,
    total: texts.length,
    differing,
    mbPerSecond: bytes / 1e6 / cpuSeconds,
  };
}

const RULES_OFF = {
  minWords: null,
  maxWords: null,
  minMeanWordLength: null,
  maxMeanWordLength: null,
  maxSymbolWordRatio: null,
  maxBulletLines: null,
  maxEllipsisLines: null,
  minAlphaWords: null,
  minStopWords: null,
  maxDuplicateLines: null,
  maxDuplicateParagraphs: null,
  maxDuplicateLineChars: null,
  maxDuplicateParagraphChars: null,
  topNGrams: null,
  duplicateNGrams: null,
};
let editor: MapStage | undefined;

function withoutUrls(text: string, topLevelDomains: string): string {
  editor ??= createStages({ ...RULES_OFF, topLevelDomains })[0];
  const document: Document = { id: '', text, meta: {} };
  return editor.process(document).action === 'drop' ? '' : document.text;
}

const view = new TextView();

/** UAX #29 segments, each character of a script without spaces by itself; white space is left out, as DCLM leaves it. */
function segments(text: string): string[] {
  view.reset(text);
  const { starts, ends, count } = view.words('characters');
  return Array.from({ length: count }, (_, i) => text.slice(starts[i], ends[i]));
}

/** MB of text per CPU second, the best of three. */
function measure(texts: readonly string[]): number {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  let seconds = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const stages = createStages({});
    const start = process.cpuUsage();
    for (const text of texts) {
      const document: Document = { id: '', text, meta: {} };
      stages.every((stage) => stage.process(document).action === 'keep');
    }
    const { user, system } = process.cpuUsage(start);
    seconds = Math.min(seconds, (user + system) / 1e6);
  }
  return bytes / 1e6 / seconds;
}

function readLines<T>(path: string): T[] {
  const lines = gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

function round(value: number): number {
  return Number(value.toFixed(2));
}

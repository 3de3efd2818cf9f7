/**
 * Filters that go by lists: URLs, bad words, word ratios, decontamination. Each alone on the same documents of web-mix, CPU time
 * of this process. Peers: C4's bad-words rule as its own regular expression (in JavaScript's engine), and for URLs a
 * `Set` of registered domains by tldts, as datatrove does with tldextract.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { getDomain, getHostname } from 'tldts';
import type { Document } from '../src/core/document.ts';
import type { MapDefinition, MapStage, OptionSchema } from '../src/core/stage.ts';
import { badWords } from '../src/filters/bad-words.ts';
import { decontaminate } from '../src/filters/decontaminate/decontaminate.ts';
import { url } from '../src/filters/url/url.ts';
import { wordRatio } from '../src/filters/word-ratio.ts';
import type { Bench } from './bench.ts';

const SHARED = process.env['CORPUSMILL_SHARED'] ?? '../shared';
const HOSTS = 1_000_000;
const URLS = 200_000;

export const listFilters: Bench = {
  name: 'list-filters',
  summary: 'URL lists, bad words, word ratios and decontamination, MB/s of text or URLs/s on one core',
  async run() {
    const texts = readTexts();
    const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const lists = { en: join(SHARED, 'data/badwords/en.txt'), zh: join(SHARED, 'data/badwords/zh.txt') };
    const benchmarks = {
      gsm8k: join(SHARED, 'data/instruct/gsm8k-train.jsonl.gz'),
      alpaca: join(SHARED, 'data/instruct/alpaca-zh.jsonl.gz'),
    };
    const table: (string | number)[][] = [['what', 'rate', 'unit', 'dropped']];
    const figures: Record<string, number> = {};
    const text = (name: string, stage: MapStage, meta: Record<string, unknown> = {}): void => {
      const { seconds, dropped } = bestOf(() =>
        countDrops(stage, texts, (at) => ({ text: texts[at], meta: { ...meta } })),
      );
      figures[`${name}MBPerSecond`] = round(bytes / 1e6 / seconds);
      table.push([name, round(bytes / 1e6 / seconds), 'MB/s', dropped]);
    };
    text('badWordsEn', create(badWords, { lists }));
    text('badWordsZh', create(badWords, { lists }), { language: 'zh' });
    const pattern = c4Pattern(lists.en);
    const peer = bestOf(() => texts.reduce((sum, each) => sum + (pattern.test(each.toLowerCase()) ? 1 : 0), 0));
    figures['badWordsEnRegexMBPerSecond'] = round(bytes / 1e6 / peer.seconds);
    table.push(["C4's regular expression", round(bytes / 1e6 / peer.seconds), 'MB/s', peer.dropped]);
    text('wordRatioEn', create(wordRatio, { flaggedWords: lists }));
    text('wordRatioZh', create(wordRatio, { flaggedWords: lists }), { language: 'zh' });
    text('decontaminateNgram', create(decontaminate, { benchmarks }));
    text('decontaminateLcs', create(decontaminate, { benchmarks, rule: 'lcs' }));

    const dir = mkdtempSync(join(tmpdir(), 'corpusmill-bench-'));
    try {
      const hosts = Array.from({ length: HOSTS }, (_, i) => `host${i}.example.net`);
      writeFileSync(join(dir, 'hosts.txt'), hosts.join('\n'));
      const urls = Array.from(
        { length: URLS },
        (_, i) => `https://www.sub${i % 977}.shop${i % 7919}.co.uk/path/to-some/page-${i}?id=${i * 31}&utm_source=feed`,
      );
      const words = (prefix: string, count: number): string[] =>
        Array.from({ length: count }, (_, i) => `${prefix}${i}x`);
      const options = {
        domainLists: [join(dir, 'hosts.txt')],
        // As many as datatrove has.
        bannedWords: words('banned', 215),
        softWords: words('soft', 88),
        bannedSubwords: words('sub', 134),
      };
      for (const convention of ['datatrove', 'dclm']) {
        const stage = create(url, { ...options, convention });
        const { seconds, dropped } = bestOf(() =>
          countDrops(stage, urls, (at) => ({ text: '', meta: { url: urls[at] } })),
        );
        figures[`url_${convention}PerSecond`] = Math.round(URLS / seconds);
        table.push([`url, ${convention}`, Math.round(URLS / seconds), 'URLs/s', dropped]);
      }
      const set = new Set(hosts);
      const tldts = bestOf(() =>
        urls.reduce(
          (sum, each) => sum + (set.has(getDomain(each) ?? '') || set.has(getHostname(each) ?? '') ? 1 : 0),
          0,
        ),
      );
      figures['url_setOfDomainsPerSecond'] = Math.round(URLS / tldts.seconds);
      table.push(['domains alone by tldts and Set', Math.round(URLS / tldts.seconds), 'URLs/s', tldts.dropped]);
    } finally {
      rmSync(dir, { recursive: true });
    }
    return { table, figures, notes: [`${texts.length} documents, ${round(bytes / 1e6)} MB; ${HOSTS} listed hosts`] };
  },
};

function readTexts(): string[] {
  const lines = gunzipSync(readFileSync(join(SHARED, 'data/web-mix.jsonl.gz')))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => (JSON.parse(line) as { text: string }).text);
}

function create<S extends OptionSchema>(definition: MapDefinition<S>, options: Record<string, unknown>): MapStage {
  return definition.create(definition.options.parse(options), {
    name: definition.name,
    seed: 0,
    baseDir: process.cwd(),
  });
}

function countDrops(stage: MapStage, items: readonly string[], make: (at: number) => Omit<Document, 'id'>): number {
  let dropped = 0;
  for (let at = 0; at < items.length; at++) {
    if (stage.process({ id: String(at), ...make(at) }).action === 'drop') dropped++;
    if (stage.counted !== undefined) stage.counted.length = 0;
  }
  return dropped;
}

/** The least CPU time of two runs, the first of which warms up. */
function bestOf(run: () => number): { seconds: number; dropped: number } {
  let seconds = Number.POSITIVE_INFINITY;
  let dropped = 0;
  for (let round = 0; round < 2; round++) {
    const before = process.cpuUsage();
    dropped = run();
    const { user, system } = process.cpuUsage(before);
    seconds = Math.min(seconds, (user + system) / 1e6);
  }
  return { seconds, dropped };
}

function c4Pattern(path: string): RegExp {
  const entries = readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const escaped = entries.map((entry) => entry.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(?:[^\\p{L}\\p{N}_]|^)(?:${escaped.join('|')})(?:[^\\p{L}\\p{N}_]|$)`, 'u');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

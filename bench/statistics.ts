/**
 * `filter.text-statistics` beside Data-Juicer's operators, and `annotate.redpajama-v2` beside RedPajama-Data's own code: on
 * how many real documents each measured value is the same, and what both cost. The peers run from copies of their repositories:
 * set CORPUSMILL_DATA_JUICER and CORPUSMILL_REDPAJAMA to their folders (bench/peers/text_statistics.py says what is loaded).
 *
 * Values are compared as the doubles they are; Data-Juicer's are not rounded, RedPajama's are rounded by both sides.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { packageRoot } from '../src/core/package-root.ts';
import type { MapStage } from '../src/core/stage.ts';
import { redpajamaV2 } from '../src/filters/redpajama/redpajama-v2.ts';
import { textStatistics } from '../src/filters/text-statistics.ts';
import type { Bench } from './bench.ts';
import { pythonOfPeers } from './python-peer.ts';
import { webMixPath } from './web-mix.ts';

/** Every so manieth document of web-mix: about 3,000 and 700. */
const DATA_JUICER_EVERY = 7;
const REDPAJAMA_EVERY = 30;

/** Every rule on, none of which can break, so that all values are measured. */
const MEASURE_ALL = { minMeanLineLength: 0, minLongestLine: 0, maxLongestWord: 1e9 };

type Values = Record<string, unknown>;

export const statistics: Bench = {
  name: 'statistics',
  summary: "text statistics beside Data-Juicer's, quality signals beside RedPajama-V2's: agreement and MB/s per core",
  async run() {
    const all = gunzipSync(readFileSync(webMixPath()))
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { text: string }).text);
    const table: (string | number)[][] = [['value', 'documents', 'equal', 'first difference: ours, theirs']];
    const figures: Record<string, number | boolean | string | null> = {};
    const notes: string[] = [];
    const context = { name: 'signals', seed: 0, baseDir: '' };

    const statisticsStage = textStatistics.create(textStatistics.options.parse(MEASURE_ALL), context);
    const explained = (text: string): Values =>
      Object.fromEntries(
        (statisticsStage.explain?.({ id: '', text, meta: {} }) ?? []).map(({ rule, value }) => [
          rule === 'text_length' ? 'text_len' : rule,
          value,
        ]),
      );
    compare('dataJuicer', 'data-juicer', 'CORPUSMILL_DATA_JUICER', DATA_JUICER_EVERY, explained, []);

    const lists = mkdtempSync(join(tmpdir(), 'corpusmill-signals-'));
    try {
      const badWords = join(webMixPath(), '..', 'badwords');
      const stopWords = stopWordsOf(process.env['CORPUSMILL_REDPAJAMA'], join(lists, 'stop-words.txt'));
      const options = redpajamaV2.options.parse({
        lines: true,
        format: 'spans',
        badWords: join(badWords, 'en.txt'),
        stopWords,
      });
      const signals = redpajamaV2.create(options, context);
      const annotated = (text: string): Values => annotate(signals, text);
      compare('redpajama', 'redpajama-v2', 'CORPUSMILL_REDPAJAMA', REDPAJAMA_EVERY, annotated, [badWords]);
    } finally {
      rmSync(lists, { recursive: true });
    }
    return { table, figures, notes };

    function compare(
      key: string,
      peer: string,
      variable: string,
      every: number,
      measure: (text: string) => Values,
      rest: readonly string[],
    ): void {
      const texts = all.filter((_, i) => i % every === 0);
      const megabytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
      for (const text of texts) measure(text);
      const start = process.cpuUsage();
      const ours = texts.map(measure);
      const { user, system } = process.cpuUsage(start);
      figures[`${key}MbPerSecondPerCore`] = round(megabytes / ((user + system) / 1e6));
      const theirs = runPeer(peer, process.env[variable], variable, texts, rest);
      if (typeof theirs === 'string') {
        notes.push(theirs);
        return;
      }
      figures[`${key}PeerMbPerSecondPerCore`] = round(megabytes / theirs.seconds);
      let agreeing = 0;
      let compared = 0;
      for (const name of Object.keys(theirs.values[0])) {
        let equal = 0;
        let difference = '';
        theirs.values.forEach((values, i) => {
          if (JSON.stringify(values[name]) === JSON.stringify(ours[i][name])) equal++;
          else if (difference === '') difference = `${i}: ${short(ours[i][name])}, ${short(values[name])}`;
        });
        agreeing += equal;
        compared += texts.length;
        table.push([`${peer} ${name}`, texts.length, equal, difference]);
      }
      figures[`${key}Agree`] = agreeing;
      figures[`${key}Total`] = compared;
    }
  },
};

function annotate(stage: MapStage, text: string): Values {
  const document = { id: '', text, meta: {} as Values };
  stage.process(document);
  return document.meta['signals'] as Values;
}

/** The peer's own English stop words, from its checkout, as a list file; null without one. */
function stopWordsOf(checkout: string | undefined, path: string): string | null {
  if (checkout === undefined || !existsSync(checkout)) return null;
  const program =
    'import sys; sys.path.insert(0, sys.argv[1]); from core.quality_signals.utils.stop_words import get_stop_words; ' +
    'print("\\n".join(sorted(get_stop_words("en"))))';
  const { status, stdout } = spawnSync(pythonOfPeers(), ['-c', program, join(checkout, 'app', 'src')], {
    encoding: 'utf8',
  });
  if (status !== 0) return null;
  writeFileSync(path, stdout);
  return path;
}

/** The peer's values and CPU seconds, or why there are none. */
function runPeer(
  peer: string,
  checkout: string | undefined,
  variable: string,
  texts: readonly string[],
  rest: readonly string[],
): { values: Values[]; seconds: number } | string {
  if (checkout === undefined) return `${peer} did not run: set ${variable} to a copy of its repository`;
  const script = join(packageRoot(), 'bench', 'peers', 'text_statistics.py');
  const { status, stdout, stderr, error } = spawnSync(pythonOfPeers(), [script, peer, checkout, ...rest], {
    input: texts.map((text) => JSON.stringify(text)).join('\n'),
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  if (error !== undefined || status !== 0) {
    return `${peer} did not run (${error?.message ?? stderr.trim().split('\n').at(-1)}); bench/peers/setup.sh sets up its packages`;
  }
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Values);
  const seconds = rows.pop()?.['cpuSeconds'] as number;
  return { values: rows, seconds };
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'absent';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function round(value: number): number {
  return Number(value.toFixed(2));
}

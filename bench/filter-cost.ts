/**
 * What a filter costs where little or nothing is left to compute. Peer of both figures: corpusmill without the filter, and
 * bare JSON.parse.
 *
 * - One more rule that reads counts which the FineWeb chain has already made (words, lines): target under 3 % of the chain.
 * - Cheap filters alone (length, letters, line lengths) on documents read line by line from JSONL in memory: target at
 *   least half of what decoding and JSON.parse of the same lines reach without any filter.
 *
 * CPU seconds of one thread. The sides run in turn on the same few hundred documents, several times, and the quickest run of each
 * counts, so that a busy machine disturbs both alike. MB are 10⁶ bytes: of text for the chain, of the file for JSON.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { MapDefinition, MapStage } from '../src/core/stage.ts';
import { c4 } from '../src/filters/c4.ts';
import { fineweb } from '../src/filters/fineweb.ts';
import { gopherQuality } from '../src/filters/gopher-quality.ts';
import { gopherRepetition } from '../src/filters/gopher-repetition.ts';
import { normalize } from '../src/filters/normalize.ts';
import { textStatistics } from '../src/filters/text-statistics.ts';
import type { Bench } from './bench.ts';
import { webMixPath } from './web-mix.ts';

const ROUNDS = 9;
const CHUNK_DOCUMENTS = 400;

/** All rules of text-statistics off. */
const OFF = {
  maxChars: null,
  minAlphanumeric: null,
  maxAlphanumeric: null,
  minSpecial: null,
  maxSpecial: null,
  maxMeanLineLength: null,
  maxLongestLine: null,
  maxCharRepetition: null,
  minWords: null,
  maxWords: null,
  maxWordRepetition: null,
};
/** Limits that drop nothing, so that all sides do the same work behind them. */
const EXISTING_COUNTS = { ...OFF, words: 'unicode', minWords: 0, minMeanLineLength: 0 };
const CHEAP = { ...OFF, minChars: 10, minAlphanumeric: 0.25, minMeanLineLength: 10, maxLongestLine: 10_000 };

export const filterCost: Bench = {
  name: 'filter-cost',
  summary: 'one more rule in the FineWeb chain, and cheap filters beside bare JSON.parse',
  async run() {
    const lines = splitLines(gunzipSync(readFileSync(webMixPath())));
    const parsed = lines.map((line) => JSON.parse(line.toString('utf8')) as { text: string; lang: string });
    const isEnglish = parsed.map(({ lang }) => lang === 'en');
    const texts = parsed.map(({ text }) => text);
    const chain = [normalize, gopherQuality, gopherRepetition, c4, fineweb].map((stage) => create(stage as never, {}));
    const [before, after] = [chain.slice(0, 2), chain.slice(2)];
    const more = [...before, create(textStatistics as never, EXISTING_COUNTS), ...after];
    const cheap = [create(textStatistics as never, CHEAP)];

    const [chainSeconds, moreSeconds] = compare(texts, [
      (part) => runChain(part, chain),
      (part) => runChain(part, more),
    ]);
    const textMegabytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
    const costPercent = (moreSeconds / chainSeconds - 1) * 100;
    const table: (string | number)[][] = [['what', 'input', 'MB', 'MB/s per core']];
    const add = (what: string, input: string, megabytes: number, seconds: number): number => {
      table.push([what, input, megabytes.toFixed(1), (megabytes / seconds).toFixed(1)]);
      return megabytes / seconds;
    };
    add('chain', 'texts of web-mix', textMegabytes, chainSeconds);
    add('chain and two rules on its counts', 'texts of web-mix', textMegabytes, moreSeconds);

    const json = (name: string, some: readonly Buffer[]): { parse: number; filtered: number } => {
      const [parse, filtered] = compare(some, [parseLines, (part) => filterLines(part, cheap)]);
      const megabytes = some.reduce((sum, line) => sum + line.length, 0) / 1e6;
      return {
        parse: add('decode and JSON.parse', name, megabytes, parse),
        filtered: add('the same and cheap filters', name, megabytes, filtered),
      };
    };
    const whole = json('web-mix.jsonl', lines);
    const english = json(
      'its English lines',
      lines.filter((_, i) => isEnglish[i]),
    );
    return {
      table,
      figures: {
        moreRulesCostPercent: round(costPercent),
        jsonParseMbPerSecond: round(whole.parse),
        cheapFiltersMbPerSecond: round(whole.filtered),
        cheapToJsonParse: round(whole.filtered / whole.parse),
        englishJsonParseMbPerSecond: round(english.parse),
        englishCheapFiltersMbPerSecond: round(english.filtered),
        englishCheapToJsonParse: round(english.filtered / english.parse),
      },
    };
  },
};

function create(definition: MapDefinition, options: Record<string, unknown>): MapStage {
  return definition.create(definition.options.parse(options), { name: definition.name, seed: 0, baseDir: '' });
}

/** CPU seconds of each side over all items: per chunk the quickest of several rounds, the sides in turn. */
function compare<T>(items: readonly T[], sides: readonly ((part: readonly T[]) => number)[]): number[] {
  const seconds = sides.map(() => 0);
  for (let from = 0; from < items.length; from += CHUNK_DOCUMENTS) {
    const part = items.slice(from, from + CHUNK_DOCUMENTS);
    const quickest = sides.map(() => Number.POSITIVE_INFINITY);
    for (let round = 0; round < ROUNDS; round++) {
      for (let k = 0; k < sides.length; k++) {
        const side = (k + round) % sides.length;
        const start = process.cpuUsage();
        kept += sides[side](part);
        const { user, system } = process.cpuUsage(start);
        quickest[side] = Math.min(quickest[side], (user + system) / 1e6);
      }
    }
    quickest.forEach((value, side) => {
      seconds[side] += value;
    });
  }
  if (Number.isNaN(kept)) throw new Error('a side counted nothing');
  return seconds;
}

/** Results go somewhere, so that no engine may leave out the work. */
let kept = 0;

function runChain(texts: readonly string[], stages: readonly MapStage[]): number {
  let count = 0;
  for (const text of texts) {
    const document = { id: '', text, meta: {} };
    let isKept = true;
    for (let i = 0; i < stages.length && isKept; i++) isKept = stages[i].process(document).action === 'keep';
    if (isKept) count++;
  }
  return count;
}

function parseLines(lines: readonly Buffer[]): number {
  let count = 0;
  for (const line of lines) count += (JSON.parse(line.toString('utf8')) as { text: string }).text.length;
  return count;
}

function filterLines(lines: readonly Buffer[], stages: readonly MapStage[]): number {
  let count = 0;
  for (const line of lines) {
    const { text } = JSON.parse(line.toString('utf8')) as { text: string };
    count += runChain([text], stages);
  }
  return count;
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start);
    lines.push(bytes.subarray(start, end < 0 ? bytes.length : end));
    start = end < 0 ? bytes.length : end + 1;
  }
  return lines;
}

function round(value: number): number {
  return Number(value.toFixed(2));
}

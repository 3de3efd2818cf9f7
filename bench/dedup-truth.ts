/**
 * Do the clusters of `dedup.minhash` agree with known ones? Precision, recall and F1 over pairs of documents, by kind and
 * over all, on the gold near-copies beside the repository, for the default settings and those that other tools publish
 * (run here, by this stage: their bands and shingles, unchecked). Below them the figures of the tools' own ways of cutting
 * text, as measured for the data's notes.
 *
 * Also: how many paraphrases, which share words but are not copies, would be merged.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { cutRange } from '../src/core/columns.ts';
import { packageRoot } from '../src/core/package-root.ts';
import type { BarrierContext, FeaturePart } from '../src/core/stage.ts';
import { columnOf } from '../src/core/utf8-column.ts';
import { minhash } from '../src/dedup/minhash/stage.ts';
import { createTokenizer } from '../src/text/folded-tokens.ts';
import type { Bench } from './bench.ts';
import { addScores, f1, type PairScores, pairScores } from './pair-scores.ts';

/** The files of the gold set. */
export const KINDS = [
  'poems-zh',
  'extractions',
  'editions-zh',
  'classical-zh',
  'biblio',
  'crossposts',
  'editions-en',
  'planted',
] as const;

const SETTINGS: Record<string, Record<string, unknown>> = {
  default: {},
  'threshold: 0.5': { threshold: 0.5 },
  'threshold: 0.7': { threshold: 0.7 },
  'FineWeb 14x8, 5, unchecked': { shingleTokens: 5, numBands: 14, rowsPerBand: 8, verify: 0 },
  'BigCode 25x10, 5, unchecked': { shingleTokens: 5, numBands: 25, rowsPerBand: 10, verify: 0 },
};

/** From the data's notes: F1 over all pairs and mean F1 over the kinds, with the tools' own tokens. */
const PEERS: readonly (readonly [string, number, number])[] = [
  ['datatrove / FineWeb', 0.759, 0.88],
  ['text-dedup, CORE setting', 0.847, 0.828],
  ['text-dedup / BigCode', 0.699, 0.82],
];

/** Documents left when every pair of that exact Jaccard similarity is merged, from the data's notes. */
const WHOLE = [
  { file: 'web-mix', threshold: 0.8, left: 19_192 },
  { file: 'web-mix', threshold: 0.7, left: 18_826 },
  { file: 'web-mix', threshold: 0.5, left: 18_120 },
  { file: 'package-descriptions', threshold: 0.8, left: 56_684 },
  { file: 'package-descriptions', threshold: 0.7, left: 50_874 },
  { file: 'package-descriptions', threshold: 0.5, left: 41_492 },
] as const;

const PARAPHRASES = ['lcqmc-zh-dev.txt', 'msr-paraphrase-en.txt', 'paws-x-zh-dev.tsv'] as const;

export const dedupTruth: Bench = {
  name: 'dedup-truth',
  summary: 'Precision, recall and F1 of near-copy clusters on the gold set, beside the peers; paraphrases merged',
  async run() {
    const gold = KINDS.map((kind) => readGold(kind));
    const table: (string | number)[][] = [['setting', 'precision', 'recall', 'F1', 'macro F1', ...KINDS]];
    const figures: Record<string, number> = {};
    for (const [name, options] of Object.entries(SETTINGS)) {
      const scores: PairScores[] = [];
      for (const rows of gold) {
        const keptAs = await cluster(
          rows.map(({ text }) => text),
          options,
        );
        scores.push(
          pairScores(
            keptAs,
            rows.map(({ cluster: label }) => label),
          ),
        );
      }
      const all = addScores(scores);
      const macro = scores.reduce((sum, score) => sum + f1(score), 0) / scores.length;
      table.push([
        name,
        ...[all.precision, all.recall, f1(all), macro, ...scores.map((score) => f1(score))].map((x) => x.toFixed(3)),
      ]);
      if (name !== 'default') continue;
      Object.assign(figures, { f1: round(f1(all)), precision: round(all.precision), recall: round(all.recall) });
      figures['macroF1'] = round(macro);
      figures['kinds'] = KINDS.length;
      for (const [i, kind] of KINDS.entries()) figures[`f1 ${kind}`] = round(f1(scores[i]));
    }
    for (const [name, over, macro] of PEERS) table.push([`${name} (not run here)`, '', '', over, macro]);

    const notes: string[] = [];
    for (const file of PARAPHRASES) {
      const { merged, different, sameWords } = await mergedParaphrases(file);
      const share = merged / different;
      figures[`merged ${file.replace(/[-.].*/, '')}`] = round(share);
      notes.push(
        `${file}: ${merged} of ${different} pairs labelled as different are merged (${(100 * share).toFixed(1)} %), ` +
          `${sameWords} of them the same words in the same order`,
      );
    }
    for (const { file, threshold, left } of WHOLE) {
      const texts = lines(`${file}.jsonl.gz`).map((line) => (JSON.parse(line) as Gold).text);
      const kept = new Set(await cluster(texts, { threshold })).size;
      figures[`${file} kept at ${threshold}, difference`] = round(kept / left - 1);
      notes.push(`${file}, threshold ${threshold}: ${kept} documents left, ${left} by exact comparison of all pairs`);
    }
    return { table, figures, notes };
  },
};

interface Gold {
  text: string;
  cluster: string;
}

function sharedFile(path: string): string {
  return join(process.env['CORPUSMILL_SHARED'] ?? join(packageRoot(), '..', 'shared'), 'data', path);
}

function lines(path: string): string[] {
  return gunzipSync(readFileSync(sharedFile(path)))
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '');
}

function readGold(kind: string): Gold[] {
  return lines(`nearcopies-gold/${kind}.jsonl.gz`).map((line) => JSON.parse(line) as Gold);
}

/** Pairs labelled 0 that end in one cluster, each pair being a corpus of its own. */
async function mergedParaphrases(file: string): Promise<{ merged: number; different: number; sameWords: number }> {
  const columns = file.startsWith('msr')
    ? { a: 3, b: 4, label: 0 }
    : file.startsWith('paws')
      ? { a: 1, b: 2, label: 3 }
      : { a: 0, b: 1, label: 2 };
  let merged = 0;
  let different = 0;
  let sameWords = 0;
  for (const line of lines(`pairs/${file}.gz`)) {
    const cells = line.split('\t');
    if (cells[columns.label]?.trim() !== '0') continue;
    different++;
    const [first, second] = await cluster([cells[columns.a], cells[columns.b]], {});
    if (first !== second) continue;
    merged++;
    if (wordsOf(cells[columns.a]) === wordsOf(cells[columns.b])) sameWords++;
  }
  return { merged, different, sameWords };
}

/** Hashes of the tokens that are compared, joined. */
function wordsOf(text: string): string {
  const tokenizer = createTokenizer();
  const count = tokenizer.tokenize(text);
  return tokenizer.tokens.subarray(0, count).join(' ');
}

/** Runs the stage over texts in memory: for each the ordinal of the one that stands for it. */
async function cluster(texts: readonly string[], options: Record<string, unknown>): Promise<readonly number[]> {
  const parsed = minhash.options.parse(options) as never;
  const stage = { name: minhash.name, seed: 1, baseDir: '.' };
  const observer = minhash.createObserver(parsed, stage);
  const documents = texts.map((text) => ({ id: '', text, meta: {} }));
  for (const document of documents) observer.observe(document);
  const blob = observer.finish();
  const part: FeaturePart = {
    part: 0,
    rows: texts.length,
    firstOrdinal: 0,
    alive: undefined,
    features: async (range) => cutRange(blob, range),
    rowInfo: async () => new Uint32Array(2 * texts.length),
  };
  const context: BarrierContext = {
    ...stage,
    parts: [part],
    rows: texts.length,
    inputs: ['gold'],
    outputDir: '.',
    workDir: '.',
    memoryBytes: 2 ** 30,
    readDocuments: async (ordinals) => ordinals.map((ordinal) => documents[ordinal]),
    readTexts: async (ordinals) => ordinals.map((ordinal) => documents[ordinal].text),
    withTexts: async (_part, use) => use(columnOf(texts)),
    progress: () => {},
    signal: new AbortController().signal,
  };
  const { keptAs } = await minhash.decide(parsed, context);
  return [...(keptAs ?? [])];
}

function round(value: number): number {
  return Number(value.toFixed(4));
}

/**
 * n-gram language models beside KenLM (lmplz, build_binary and query, found where CORPUSMILL_KENLM says or bench/peers/setup.sh
 * builds them): the numbers of ARPA files and perplexities compared, then estimation, loading and scoring by time and memory, on the
 * same files of tokens by turns. Last, without a peer: does perplexity tell prose from shuffled words and from web junk?
 *
 * MB are 10⁶ bytes of the file of tokens (web-mix in lower-cased words and single Han characters), or of UTF-8 text where
 * documents are scored. Processor seconds of all threads; KenLM's are those that its programs print.
 */
import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { gunzipSync } from 'node:zlib';
import { packageRoot } from '../src/core/package-root.ts';
import { createRandom, shuffle } from '../src/core/random.ts';
import { readArpa } from '../src/quality/ngram-lm/arpa-reader.ts';
import { createLanguageModel, type LanguageModel } from '../src/quality/ngram-lm/model.ts';
import { loadLanguageModel, saveLanguageModel } from '../src/quality/ngram-lm/model-file.ts';
import { parseTokenForm } from '../src/quality/ngram-lm/options.ts';
import { createTokenLines } from '../src/quality/ngram-lm/token-lines.ts';
import { createLanguageModelTrainer } from '../src/quality/ngram-lm/trainer.ts';
import type { Bench } from './bench.ts';
import type { TrainingCost } from './ngram-lm-train.ts';
import { benchCache, webMixPath } from './web-mix.ts';

const KENLM =
  process.env['CORPUSMILL_KENLM'] ?? join(homedir(), '.cache', 'corpusmill', 'src', 'kenlm', 'build', 'bin');

/** Models whose numbers are compared, of the first COMPARED_BYTES of tokens. */
const COMPARED: { title: string; order: number; prune: number[] }[] = [
  { title: '-o 3', order: 3, prune: [0] },
  { title: '-o 5', order: 5, prune: [0] },
  { title: '-o 5 --prune 0 0 1', order: 5, prune: [0, 0, 1] },
];
const COMPARED_BYTES = 8_000_000;
/** What is scored by both: the end of the tokens, which the compared models have not seen. */
const SCORED_BYTES = 3_000_000;

interface WebPage {
  text: string;
  lang: string;
  kind: string;
}

export const ngramLm: Bench = {
  name: 'ngram-lm',
  summary:
    'n-gram models beside KenLM: same numbers; estimation, loading and scoring by time and memory; what perplexity tells',
  async run() {
    const folder = mkdtempSync(join(benchCache(), 'ngram-lm-'));
    try {
      const pages = gunzipSync(readFileSync(webMixPath()))
        .toString('utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as WebPage);
      const tokens = tokensOf(pages.map(({ text }) => text));
      const hasKenLM = existsSync(join(KENLM, 'lmplz'));
      const table: (string | number)[][] = [['what', 'corpusmill', 'KenLM', 'ratio']];
      const figures: Record<string, number | null> = {};
      const notes: string[] = hasKenLM ? [] : [`no lmplz in ${KENLM}: no peer (bench/peers/setup.sh builds it)`];
      if (hasKenLM) Object.assign(figures, await compare(folder, tokens, notes));
      Object.assign(figures, await timed(folder, tokens, pages, hasKenLM, table));
      Object.assign(figures, separation(pages, notes));
      return { table, figures, notes };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Texts as lines of tokens, one text's behind the other's. */
function tokensOf(texts: readonly string[]): Buffer {
  const lines = createTokenLines(parseTokenForm({ tokens: 'words' }));
  return Buffer.concat(
    texts.map((text) => {
      const length = lines.read(text);
      return Buffer.from(lines.bytes.subarray(0, length));
    }),
  );
}

/** Whole lines of about `bytes` bytes from one end or the other. */
function firstLines(tokens: Buffer, bytes: number): Buffer {
  return tokens.subarray(0, tokens.indexOf(10, bytes) + 1);
}

function lastLines(tokens: Buffer, bytes: number): Buffer {
  return tokens.subarray(tokens.indexOf(10, tokens.length - bytes) + 1);
}

/** Runs one of KenLM's programs; returns what it printed, and the cost that it printed last. */
function kenlm(
  program: string,
  args: readonly string[],
  input: Buffer,
): { out: string; cpuSeconds: number; wallSeconds: number; peakMiB: number } {
  const { status, stdout, stderr, error } = spawnSync(join(KENLM, program), args, { input, maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.toString().slice(-500)}`);
  const number = (name: string): number =>
    Number(new RegExp(`${name}:\\s*([\\d.]+)`).exec(stderr.toString().split('\n').slice(-3).join('\n'))?.[1]);
  return {
    out: stdout.toString(),
    cpuSeconds: number('CPU'),
    wallSeconds: number('real'),
    peakMiB: number('RSSMax') / 1024,
  };
}

function lmplz(folder: string, input: Buffer, arpa: string, order: number, prune: readonly number[]) {
  const pruning = prune.length > 1 ? ['--prune', ...prune.map(String)] : [];
  const memory = ['-S', '4G', '-T', join(folder, 'lmplz')];
  return kenlm('lmplz', ['-o', String(order), ...memory, '--discount_fallback', '--arpa', arpa, ...pruning], input);
}

function perplexityOfQuery(out: string): number {
  return Number(/Perplexity including OOVs:\s*([\d.]+)/.exec(out)?.[1]);
}

/** Trains in a process of its own. */
function train(corpus: string, arpa: string, options: object): TrainingCost {
  const script = join(packageRoot(), 'dist', 'bench', 'ngram-lm-train.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, corpus, arpa, JSON.stringify(options)]);
  if (status !== 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString()) as TrainingCost;
}

/** Numbers of both in ARPA files and of queries: largest differences. */
async function compare(folder: string, tokens: Buffer, notes: string[]): Promise<Record<string, number>> {
  const corpus = join(folder, 'compared.txt');
  const input = firstLines(tokens, COMPARED_BYTES);
  writeFileSync(corpus, input);
  const unseen = lastLines(tokens, SCORED_BYTES);
  const [ours, theirs] = [join(folder, 'ours.arpa'), join(folder, 'theirs.arpa')];
  let log10Difference = 0;
  let perplexityDifference = 0;
  let differentNgrams = 0;
  for (const { title, order, prune } of COMPARED) {
    train(corpus, ours, { order, prune, emptyLines: 'sentence' });
    lmplz(folder, input, theirs, order, prune);
    const { ngrams, different, log10 } = await compareArpa(ours, theirs);
    const model = createLanguageModel(await readArpa(ours));
    const perplexity = model.score(unseen.toString('utf8')).perplexity ?? Number.NaN;
    // Theirs reads its own file, and ours.
    const queried = [theirs, ours].map((arpa) =>
      perplexityOfQuery(kenlm('query', ['-v', 'summary', arpa], unseen).out),
    );
    const relative = Math.max(...queried.map((value) => Math.abs(value / perplexity - 1)));
    log10Difference = Math.max(log10Difference, log10);
    perplexityDifference = Math.max(perplexityDifference, relative);
    differentNgrams += different;
    notes.push(
      `lmplz ${title}: ${ngrams} n-grams, ${different} in one file only, log10 differ by ${log10.toExponential(1)} at most; ` +
        `perplexity ${perplexity.toFixed(4)}, query on lmplz's file ${queried[0].toFixed(4)}, on ours ${queried[1].toFixed(4)}`,
    );
  }
  return {
    arpaMaxLog10Difference: log10Difference,
    arpaDifferentNgrams: differentNgrams,
    perplexityMaxRelativeDifference: perplexityDifference,
  };
}

/** Both have the same order of n-grams, so that one line is compared with one line. */
async function compareArpa(a: string, b: string): Promise<{ ngrams: number; different: number; log10: number }> {
  const lines = [a, b].map((path) => createInterface({ input: createReadStream(path) })[Symbol.asyncIterator]());
  const next = async (i: number): Promise<string[] | undefined> => {
    for (;;) {
      const { value, done } = await lines[i].next();
      if (done) return undefined;
      const fields = (value as string).split('\t');
      if (fields.length > 1) return fields;
    }
  };
  let ngrams = 0;
  let different = 0;
  let log10 = 0;
  for (;;) {
    const [left, right] = [await next(0), await next(1)];
    if (left === undefined && right === undefined) return { ngrams, different, log10 };
    ngrams++;
    if (left?.[1] !== right?.[1]) different++;
    else
      for (const field of [0, 2])
        log10 = Math.max(log10, Math.abs(Number(left?.[field] ?? 0) - Number(right?.[field] ?? 0)));
  }
}

/** Order 5 of all of web-mix. */
async function timed(
  folder: string,
  tokens: Buffer,
  pages: readonly WebPage[],
  hasKenLM: boolean,
  table: (string | number)[][],
): Promise<Record<string, number | null>> {
  const corpus = join(folder, 'corpus.txt');
  writeFileSync(corpus, tokens);
  const [arpa, own, theirArpa, theirModel] = ['ours.arpa', 'ours.bin', 'theirs.arpa', 'theirs.bin'].map((name) =>
    join(folder, name),
  );
  const megabytes = tokens.length / 1e6;
  const cost = train(corpus, arpa, { order: 5, emptyLines: 'sentence' });
  const peer = hasKenLM ? lmplz(folder, tokens, theirArpa, 5, [0]) : undefined;
  const arpaMb = statSync(arpa).size / 1e6;

  const reading = await cpu(() => readArpa(arpa));
  await saveLanguageModel(reading.result, own);
  const loading = await cpu(async () => loadLanguageModel(own));
  const model = createLanguageModel(loading.result);
  if (hasKenLM) kenlm('build_binary', ['probing', theirArpa, theirModel], Buffer.alloc(0));
  const scored = firstLines(tokens, 20_000_000);
  const queries = medianOf3(() => seconds(() => scoreInPieces(model, scored)));
  // Without the time to load the model: what a query of nothing takes.
  const queryCpu = (input: Buffer): number => kenlm('query', ['-v', 'summary', theirModel], input).cpuSeconds;
  const peerQueries = hasKenLM ? medianOf3(() => queryCpu(scored) - queryCpu(Buffer.from('\n'))) : Number.NaN;

  const words = createLanguageModel({ ...loading.result, form: parseTokenForm({ tokens: 'words' }) });
  const texts = pages.filter((_, i) => i % 4 === 0).map(({ text }) => text);
  const textMb = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
  const textSeconds = medianOf3(() => seconds(() => texts.forEach((text) => void words.score(text))));

  const { vocabulary, tables } = loading.result;
  const tableBytes = [tables.unigrams, ...tables.tables].reduce((sum, { byteLength }) => sum + byteLength, 0);
  const bytes = tableBytes + vocabulary.starts.byteLength + vocabulary.bytes.byteLength + vocabulary.slots.byteLength;
  const scoredMb = scored.length / 1e6;
  const row = (title: string, ours: number, theirs: number | undefined, digits = 2): void => {
    const ratio = theirs === undefined || Number.isNaN(theirs) ? '' : (ours / theirs).toFixed(2);
    table.push([title, ours.toFixed(digits), ratio === '' ? '' : (theirs as number).toFixed(digits), ratio]);
  };
  row('estimation, MB per processor second', megabytes / cost.cpuSeconds, peer && megabytes / peer.cpuSeconds);
  row('estimation, MB per second', megabytes / cost.wallSeconds, peer && megabytes / peer.wallSeconds);
  row('estimation, peak MiB (lmplz -S 4G)', cost.peakMiB, peer?.peakMiB, 0);
  row('scoring tokens, MB per processor second', scoredMb / queries, scoredMb / peerQueries);
  row('scoring documents, MB per processor second', textMb / textSeconds, undefined);
  row(
    'bytes an n-gram (KenLM: probing file)',
    bytes / cost.ngrams,
    hasKenLM ? statSync(theirModel).size / cost.ngrams : undefined,
    1,
  );
  row('reading ARPA, MB per processor second', arpaMb / reading.seconds, undefined, 0);
  row(
    "loading the model's own file, MB per processor second",
    statSync(own).size / 1e6 / loading.seconds,
    undefined,
    0,
  );
  const rounded = {
    ngrams: cost.ngrams,
    estimateMbPerSecond: megabytes / cost.cpuSeconds,
    estimateRatioToLmplz: peer ? peer.cpuSeconds / cost.cpuSeconds : null,
    estimateWallRatioToLmplz: peer ? peer.wallSeconds / cost.wallSeconds : null,
    estimatePeakMiB: cost.peakMiB,
    lmplzPeakMiB: peer?.peakMiB ?? null,
    queryMbPerSecond: scoredMb / queries,
    queryRatioToKenlm: hasKenLM ? peerQueries / queries : null,
    documentMbPerSecond: textMb / textSeconds,
    bytesPerNgram: bytes / cost.ngrams,
    readArpaMbPerSecond: arpaMb / reading.seconds,
    readArpaSeconds: reading.seconds,
    loadSeconds: loading.seconds,
  };
  return Object.fromEntries(
    Object.entries(rounded).map(([name, value]) => [name, value === null ? null : round(value)]),
  );
}

/** A megabyte or so at a time, as texts come. */
function scoreInPieces(model: LanguageModel, tokens: Buffer): void {
  for (let start = 0; start < tokens.length; ) {
    const end = tokens.indexOf(10, Math.min(start + 1_000_000, tokens.length - 1)) + 1;
    model.score(tokens.toString('utf8', start, end));
    start = end;
  }
}

/** ROC-AUC of perplexity: the chance that a good text has less of it than a bad one. */
function separation(pages: readonly WebPage[], notes: string[]): Record<string, number> {
  const data = dirname(webMixPath());
  const english = gunzipSync(readFileSync(join(data, 'wikitext2-valid.txt.gz')))
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.length > 200);
  const chinese = gunzipSync(readFileSync(join(data, 'zh-wiki-paragraphs.jsonl.gz')))
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text);
  const held = (texts: readonly string[]): string[] => texts.filter((_, i) => i % 5 === 4);
  const modelOf = (texts: readonly string[], tokens: 'words' | 'characters'): LanguageModel => {
    const trainer = createLanguageModelTrainer({ tokens });
    for (const [i, text] of texts.entries()) if (i % 5 !== 4) trainer.add(text);
    return trainer.finish().model;
  };
  const random = createRandom(1);
  const shuffled = (text: string, pieces: string[], joint: string): string =>
    text.length === 0 ? text : shuffle(pieces, random.uint32()).join(joint);
  const kinds = (lang: string, kind: string): string[] =>
    pages.filter((page) => page.lang.startsWith(lang) && page.kind === kind).map(({ text }) => text.slice(0, 2000));
  const wikiEn = modelOf(english, 'words');
  const wikiZh = modelOf(chinese, 'words');
  const shuffledEn = held(english).map((text) => shuffled(text, text.split(' '), ' '));
  const shuffledZh = held(chinese).map((text) => shuffled(text, [...text], ''));
  const figures = {
    aucShuffledEn: auc(wikiEn, held(english), shuffledEn),
    aucUsenetEn: auc(wikiEn, held(english), kinds('en', 'usenet')),
    aucShuffledZh: auc(wikiZh, held(chinese), shuffledZh),
    aucHtmlZh: auc(wikiZh, held(chinese), kinds('zh', 'html-text')),
    aucSocialZh: auc(wikiZh, held(chinese), kinds('zh', 'social')),
  };
  notes.push(
    'AUC of perplexity, held-out fifth against the rest as training: wikitext2-valid paragraphs against their shuffled words and ' +
      'usenet posts; Chinese Wikipedia paragraphs against their shuffled characters, text of web pages, and social posts: ' +
      Object.values(figures).join(', '),
  );
  return figures;
}

function auc(model: LanguageModel, good: readonly string[], bad: readonly string[]): number {
  const perplexities = (texts: readonly string[]): number[] =>
    texts.flatMap((text) => model.score(text).perplexity ?? []);
  const [low, high] = [perplexities(good), perplexities(bad)];
  let won = 0;
  for (const a of low) for (const b of high) won += a < b ? 1 : a === b ? 0.5 : 0;
  return Number((won / (low.length * high.length)).toFixed(4));
}

async function cpu<T>(run: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const start = process.cpuUsage();
  const result = await run();
  const { user, system } = process.cpuUsage(start);
  return { seconds: (user + system) / 1e6, result };
}

function seconds(run: () => void): number {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

function medianOf3(measure: () => number): number {
  return [measure(), measure(), measure()].sort((a, b) => a - b)[1];
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

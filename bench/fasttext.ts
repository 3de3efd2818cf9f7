/**
 * Our fastText beside Debian's (`fasttext`, 0.9.2), same texts, same options, same split: accuracy, speed of training and scoring,
 * and how far the probabilities of one are from the other's when each reads the other's models.
 *
 * Dimension 50, word pairs, 15 epochs, 2 million buckets; lr .1 (.5 for spam, which has few texts). White space is made single
 * spaces, Chinese is cut into characters. Held out: a fifth by hash of the text (of the id for spam), for offensive-zh its
 * development file. Both get the texts in one shuffled order: two of the files are sorted by label, on which fastText fares
 * worse (clickbait .987).
 *
 * Speed of training is processor seconds of everything: reading, training, writing the model. With two threads Debian's wall
 * clock stands beside that of our one thread, because training here has one (src/quality/fasttext/gradient-descent.ts).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { sampleFraction, shuffle } from '../src/core/random.ts';
import { type FastTextClassifier, loadClassifier } from '../src/quality/fasttext/classifier.ts';
import type { FastTextOptionsInput } from '../src/quality/fasttext/options.ts';
import { createFastTextTrainer } from '../src/quality/fasttext/trainer.ts';
import type { Bench } from './bench.ts';
import { median } from './median.ts';
import { webMixPath } from './web-mix.ts';

const ROUNDS = 3;
const SHARED_OPTIONS = { dim: 50, wordNgrams: 2, epoch: 15, lr: 0.1 } satisfies FastTextOptionsInput;
const NOTES = [
  'seconds of training: processor seconds of one thread, reading and writing the 400 MB model included; ratio: theirs / ours; ratio 2: their wall clock with two threads / ours with one',
];

interface Row {
  text: string;
  label: string;
  isHeldOut: boolean;
}

interface Corpus {
  name: string;
  figure: string;
  lr: number;
  rows: Row[];
}

export const fasttext: Bench = {
  name: 'fasttext',
  summary: "fastText of our own beside Debian's: accuracy, speed of training and scoring, models read by each other",
  async run() {
    const scratch = mkdtempSync(join(tmpdir(), 'corpusmill-fasttext-'));
    try {
      return measure(scratch, readCorpora(join(dirname(webMixPath()), 'labelled')));
    } finally {
      rmSync(scratch, { recursive: true });
    }
  },
};

function measure(scratch: string, corpora: Corpus[]) {
  const figures: Record<string, number | null> = {};
  const notes = [...NOTES];
  const hasPeer = spawnSync('fasttext').error === undefined;
  if (!hasPeer)
    notes.unshift('fasttext did not run: it is not installed (Debian: apt install fasttext); ours stands alone');
  const table: (string | number)[][] = [
    ['', 'train', 'held out', 'accuracy', 'fasttext', 'seconds', 'fasttext', 'ratio', 'ratio 2'],
  ];
  const trainRatios: number[] = [];
  const wallRatios: number[] = [];
  const scoreRatios: number[] = [];
  for (const corpus of corpora) {
    const { trained, heldOut } = written(corpus, scratch);
    const runs = Array.from({ length: ROUNDS }, () => {
      const ours = timed(() => trainOurs(corpus, join(scratch, 'ours.bin')));
      const theirs = hasPeer ? timed(() => trainTheirs(corpus, trained, join(scratch, 'theirs'), 1)) : undefined;
      return { ours, theirs };
    });
    const mine = accuracy(corpus, (rows) => {
      const classifier = loadClassifier(join(scratch, 'ours.bin'));
      return rows.map(({ text }) => classifier.predict(text)[0]?.label);
    });
    figures[corpus.figure] = mine;
    const seconds = median(runs.map(({ ours }) => ours.cpu));
    const row = [corpus.name, corpus.rows.filter(({ isHeldOut }) => !isHeldOut).length];
    if (!hasPeer) {
      table.push([...row, corpus.rows.length - Number(row[1]), mine, '', seconds.toFixed(2), '', '', '']);
      continue;
    }
    const peer = accuracy(corpus, () =>
      run(['predict', join(scratch, 'theirs.bin'), heldOut]).map((line) => line.replace('__label__', '')),
    );
    const peerSeconds = median(runs.map(({ theirs }) => theirs?.cpu ?? 0));
    const ratio = median(runs.map(({ ours, theirs }) => (theirs?.cpu ?? 0) / ours.cpu));
    const two = timed(() => trainTheirs(corpus, trained, join(scratch, 'two'), 2)).wall;
    const wallRatio = two / median(runs.map(({ ours }) => ours.wall));
    trainRatios.push(ratio);
    wallRatios.push(wallRatio);
    figures[`${corpus.figure}Fasttext`] = peer;
    table.push([
      ...[...row, corpus.rows.length - Number(row[1]), mine, peer, seconds.toFixed(2), peerSeconds.toFixed(2)],
      ...[ratio.toFixed(1), wallRatio.toFixed(1)],
    ]);
    const scored: [string, string, () => string[]][] =
      corpus.figure === 'clickbait'
        ? [
            ['clickbait', 'Clickbait', () => textsToScore(corpus)],
            ['web-mix, by the model of clickbait', 'WebMix', webMixTexts],
          ]
        : corpus.figure === 'offensiveZh'
          ? [['offensive-zh', 'OffensiveZh', () => textsToScore(corpus)]]
          : [];
    for (const [name, figure, texts] of scored) {
      const score = scoreRatio(name, join(scratch, 'theirs.bin'), texts(), scratch, notes);
      scoreRatios.push(score);
      figures[`scoreRatio${figure}`] = round(score);
    }
  }
  if (hasPeer) {
    figures['fasttextMaxProbabilityDifference'] = probabilityDifference(corpora, scratch, notes);
    figures['trainRatioToFasttext'] = round(median(trainRatios));
    figures['trainRatioToFasttextTwoThreads'] = round(median(wallRatios));
    figures['scoreRatioToFasttext'] = round(Math.min(...scoreRatios));
  }
  return { table, figures, notes };
}

function readCorpora(folder: string): Corpus[] {
  const read = (file: string): string => gunzipSync(readFileSync(join(folder, file))).toString('utf8');
  const lines = (file: string) =>
    read(file)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; group: string; text: string; label: number });
  const csv = (file: string) => parse(read(file), { columns: true, bom: true }) as Record<string, string>[];
  const words = (text: string): string => text.replace(/\s+/g, ' ').trim();
  const characters = (text: string): string => Array.from(text.replace(/\s+/g, '')).join(' ');
  const isFifth = (key: string): boolean => sampleFraction(0, key) < 0.2;
  const chinese = (isHeldOut: boolean) => (row: Record<string, string>) => ({
    ...{ text: characters(row['TEXT']), label: row['label'], isHeldOut },
  });
  const corpora: Corpus[] = [
    {
      ...{ name: 'clickbait', figure: 'clickbait', lr: 0.1 },
      rows: lines('clickbait.jsonl.gz').map(({ text, label }) => ({
        ...{ text: words(text), label: String(label), isHeldOut: isFifth(text) },
      })),
    },
    {
      ...{ name: 'offensive-zh', figure: 'offensiveZh', lr: 0.1 },
      rows: [
        ...csv('offensive-zh-train.csv.gz').map(chinese(false)),
        ...csv('offensive-zh-dev.csv.gz').map(chinese(true)),
      ],
    },
    {
      ...{ name: 'hate-en', figure: 'hateEn', lr: 0.1 },
      rows: csv('hate-en.csv.gz').map((row) => ({
        ...{ text: words(row['tweet']), label: row['class'], isHeldOut: isFifth(row['tweet']) },
      })),
    },
    {
      ...{ name: 'spam-assassin', figure: 'spam', lr: 0.5 },
      rows: lines('spam-assassin.jsonl.gz').map(({ id, group, text }) => ({
        ...{ text: words(text), label: group.startsWith('spam') ? 'spam' : 'ham', isHeldOut: isFifth(id) },
      })),
    },
  ];
  for (const { rows } of corpora) shuffle(rows, 1);
  return corpora;
}

/** The corpus as fastText's files: what is trained on, and what is held out. */
function written({ name, rows }: Corpus, scratch: string): { trained: string; heldOut: string } {
  const write = (isHeldOut: boolean): string => {
    const path = join(scratch, `${name}-${isHeldOut ? 'held-out' : 'train'}.txt`);
    const kept = rows.filter((row) => row.isHeldOut === isHeldOut);
    writeFileSync(path, kept.map(({ text, label }) => `__label__${label} ${text}\n`).join(''));
    return path;
  };
  return { trained: write(false), heldOut: write(true) };
}

function trainOurs({ rows, lr }: Corpus, path: string, options: FastTextOptionsInput = {}): void {
  const labels = [...new Set(rows.map(({ label }) => label))].sort();
  const trainer = createFastTextTrainer(labels, { ...SHARED_OPTIONS, lr, ...options });
  for (const { text, label, isHeldOut } of rows) if (!isHeldOut) trainer.add(text, labels.indexOf(label));
  trainer.finish().save(path);
}

/** Leaves PATH.bin. */
function trainTheirs(
  { lr }: Corpus,
  file: string,
  path: string,
  threads: number,
  options: FastTextOptionsInput = {},
): void {
  const given = Object.entries({ ...SHARED_OPTIONS, lr, ...options }).flatMap(([name, value]) => [
    `-${name}`,
    `${value}`,
  ]);
  run(['supervised', '-input', file, '-output', path, '-thread', `${threads}`, '-verbose', '0', ...given]);
}

/** Lines that Debian's fasttext prints. */
function run(args: readonly string[]): string[] {
  const { status, stdout, stderr } = spawnSync('fasttext', args, { encoding: 'utf8', maxBuffer: 1 << 30 });
  if (status !== 0) throw new Error(`fasttext ${args.join(' ')}: ${stderr}`);
  return stdout.trimEnd().split('\n');
}

function accuracy({ rows }: Corpus, predict: (heldOut: Row[]) => (string | undefined)[]): number {
  const heldOut = rows.filter(({ isHeldOut }) => isHeldOut);
  const labels = predict(heldOut);
  const right = heldOut.filter(({ label }, i) => labels[i] === label).length;
  return Number((right / heldOut.length).toFixed(4));
}

/** The texts over and over, ten million characters: a second's work or more for fastText. */
function textsToScore({ rows }: Corpus): string[] {
  const texts = rows.map(({ text }) => text);
  const bytes = texts.reduce((sum, text) => sum + text.length, 0);
  return Array.from({ length: Math.max(1, Math.round(1e7 / bytes)) }, () => texts).flat();
}

function webMixTexts(): string[] {
  return gunzipSync(readFileSync(webMixPath()))
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text.replace(/\s+/g, ' '));
}

/** Their processor seconds for these texts over ours, by the same model, loading it left out of both. */
function scoreRatio(name: string, model: string, texts: string[], scratch: string, notes: string[]): number {
  const [all, one] = [join(scratch, 'all.txt'), join(scratch, 'one.txt')];
  writeFileSync(all, `${texts.join('\n')}\n`);
  writeFileSync(one, `${texts[0]}\n`);
  const classifier = loadClassifier(model);
  const runs = Array.from({ length: ROUNDS }, () => {
    const theirs =
      timed(() => run(['predict-prob', model, all])).cpu - timed(() => run(['predict-prob', model, one])).cpu;
    const ours = timed(() => {
      for (const text of texts) classifier.probabilities(text);
    }).cpu;
    return { theirs, ours };
  });
  const megabytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
  const [theirs, ours] = [median(runs.map((one) => one.theirs)), median(runs.map((one) => one.ours))];
  notes.push(
    `score ${name}: ${Math.round(texts.length / ours)} texts/s (${(megabytes / ours).toFixed(0)} MB/s) beside ${Math.round(texts.length / theirs)} (${(megabytes / theirs).toFixed(0)} MB/s)`,
  );
  return median(runs.map((one) => one.theirs / one.ours));
}

/**
 * The largest difference of a probability over 500 English and 500 Chinese texts, models of both in several forms trained by
 * either side on both languages.
 */
function probabilityDifference(corpora: Corpus[], scratch: string, notes: string[]): number {
  const [english, chinese] = [corpora[0].rows, corpora[1].rows];
  const rows = [
    ...english.slice(0, 6000),
    ...chinese.slice(0, 6000).map((row) => ({ ...row, label: `zh${row.label}` })),
  ];
  const mixed: Corpus = { ...corpora[0], name: 'mixed', rows: rows.map((row) => ({ ...row, isHeldOut: false })) };
  const { trained } = written(mixed, scratch);
  const texts = [...english.slice(-500), ...chinese.slice(-500)].map(({ text }) => text);
  const file = join(scratch, 'compared.txt');
  writeFileSync(file, `${texts.join('\n')}\n`);
  const small = { dim: 16, bucket: 100_000 };
  const forms: [string, FastTextOptionsInput][] = [
    ['word pairs', small],
    ['character n-grams', { ...small, wordNgrams: 1, minn: 2, maxn: 4 }],
    ['hierarchical softmax', { ...small, loss: 'hs' }],
    ['one against all', { ...small, loss: 'ova' }],
  ];
  let largest = 0;
  const compare = (name: string, path: string): void => {
    const found = difference(loadClassifier(path), texts, run(['predict-prob', path, file, '-1']));
    largest = Math.max(largest, found);
    notes.push(`probabilities, ${name}: differ by ${found.toExponential(1)} at most over ${texts.length} texts`);
  };
  for (const [name, options] of forms) {
    trainTheirs(mixed, trained, join(scratch, 'mixed'), 2, options);
    compare(`their model, ${name}`, join(scratch, 'mixed.bin'));
    trainOurs(mixed, join(scratch, 'mixed-ours.bin'), options);
    compare(`our model, ${name}`, join(scratch, 'mixed-ours.bin'));
  }
  trainTheirs(mixed, trained, join(scratch, 'mixed'), 2, small);
  run([
    'quantize',
    '-input',
    trained,
    '-output',
    join(scratch, 'mixed'),
    '-qnorm',
    '-cutoff',
    '20000',
    '-verbose',
    '0',
  ]);
  compare('their model, quantized', join(scratch, 'mixed.ftz'));
  trainOurs(mixed, join(scratch, 'ours.ftz'), { ...small, quantize: { qnorm: true, cutoff: 20_000 } });
  compare('our model, quantized', join(scratch, 'ours.ftz'));
  return Number(largest.toPrecision(2));
}

/** Of lines `__label__A p __label__B p …`; a tree's labels below 1e-5 are not in them. */
function difference(classifier: FastTextClassifier, texts: readonly string[], lines: readonly string[]): number {
  let largest = 0;
  for (const [i, text] of texts.entries()) {
    const ours = classifier.probabilities(text);
    const parts = lines[i].split(' ');
    const theirs = new Map<string, number>();
    for (let at = 0; at + 1 < parts.length; at += 2)
      theirs.set(parts[at].replace('__label__', ''), Number(parts[at + 1]));
    for (const [label, name] of classifier.labels.entries()) {
      const probability = theirs.get(name) ?? 1e-5;
      largest = Math.max(largest, Math.abs((ours?.[label] ?? 0) - probability));
    }
  }
  return largest;
}

/** Processor seconds of this process and of programs that it waited for, and the clock's. */
function timed(work: () => void): { cpu: number; wall: number } {
  const [start, children] = [process.cpuUsage(), childSeconds()];
  const from = process.hrtime.bigint();
  work();
  const wall = Number(process.hrtime.bigint() - from) / 1e9;
  const { user, system } = process.cpuUsage(start);
  const waited = childSeconds() - children;
  // A program's own seconds; what starting it costs here is not its work.
  return { cpu: waited > 0 ? waited : (user + system) / 1e6, wall };
}

/** Processor seconds of all programs this process has waited for, in hundredths (proc(5): cutime, cstime). */
function childSeconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}

function round(value: number): number {
  return Number(value.toFixed(1));
}

/**
 * Language identification: accuracy on lingua's test sets beside the published figures of other detectors, and speed
 * beside fasttext.wasm.js with the same model (lid.176.ftz) in the same run. CPU seconds of one thread; MB are 10⁶ UTF-8 bytes.
 *
 * Accuracy is the mean over languages of the share that is right, as lingua reports it. `corpusmill` columns: fasttext = the model's
 * own verdict; letters = corrected for short texts; + candidates = told which languages occur, as lingua's own detectors
 * are. Over the 67 languages that lid.176 knows (peers' means over the same), on even lines: constants were chosen on odd ones.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { getLIDModel } from 'fasttext.wasm.js';
import { bundledLanguageModel } from '../src/quality/bundled-model.ts';
import { loadClassifier } from '../src/quality/fasttext/classifier.ts';
import { createLanguageIdentifier, type LanguageIdentifier } from '../src/quality/language-identifier.ts';
import type { Bench } from './bench.ts';
import { webMixPath } from './web-mix.ts';

const SETS = ['sentences', 'word-pairs', 'single-words'] as const;
type Set = (typeof SETS)[number];
const PEERS = {
  cld2: 'CLD2',
  cld3: 'CLD3',
  langdetect: 'langdetect',
  langid: 'langid',
  'lingua-high-accuracy': 'lingua',
};

interface TestText {
  text: string;
  want: string;
}

export const langid: Bench = {
  name: 'langid',
  summary:
    'language identification: accuracy by set beside published figures; texts/s and MB/s beside fasttext.wasm.js',
  async run() {
    const folder = join(dirname(webMixPath()), 'langid-lingua');
    const classifier = loadClassifier(bundledLanguageModel());
    const known = classifier.model.labels;
    const codes = readdirSync(join(folder, 'sentences'))
      .map((file) => file.slice(0, -4))
      .filter((code) => known.includes(labelOf(code)));
    const candidates = codes.map(labelOf);
    const ways: [string, string, LanguageIdentifier][] = [
      [
        'corpusmill fasttext',
        'fasttext',
        createLanguageIdentifier(classifier, { scoring: 'fasttext', candidates: null }),
      ],
      ['corpusmill letters', 'letters', createLanguageIdentifier(classifier, { scoring: 'letters', candidates: null })],
      [
        'corpusmill letters + candidates',
        'candidates',
        createLanguageIdentifier(classifier, { scoring: 'letters', candidates }),
      ],
    ];
    const table: (string | number)[][] = [['what', ...SETS]];
    const figures: Record<string, number | null> = { languages: codes.length };
    for (const [title, name, identify] of ways) {
      const accuracies = SETS.map((set) => accuracy(folder, set, codes, identify));
      table.push([title, ...accuracies.map((value) => value.toFixed(1))]);
      for (const [i, set] of SETS.entries()) figures[`${name}${camel(set)}`] = round(accuracies[i]);
    }
    for (const [column, title] of Object.entries(PEERS)) {
      const published = SETS.map((set) => publishedMean(folder, set, column, codes));
      table.push([`${title} (published)`, ...published.map((value) => value.toFixed(1))]);
    }

    const judge = await (await getLIDModel()).load();
    const texts = gunzipSync(readFileSync(webMixPath())).toString('utf8').trimEnd().split('\n');
    const documents = texts.map((line) => (JSON.parse(line) as { text: string }).text.replaceAll('\n', ' '));
    const inOneSet = (set: Set) => testTexts(folder, set, codes, 1, 5).map(({ text }) => text);
    const inputs: [string, string, string[]][] = [
      ['single words', 'Words', inOneSet('single-words')],
      ['sentences', 'Sentences', inOneSet('sentences')],
      ['web-mix documents', 'Documents', documents.filter((_, i) => i % 8 === 0)],
    ];
    table.push(['', '', '', ''], ['speed', 'corpusmill texts/s', 'fasttext.wasm.js texts/s', 'corpusmill MB/s']);
    let differences = 0;
    for (const [title, name, list] of inputs) {
      const ours = best(() => list.map((text) => classifier.best(text)?.label));
      const theirs = best(() => list.map((text) => judge.predict(text, 1, 0).get(0)?.[1]));
      const letters = best(() => list.map(ways[1][2]));
      differences += ours.result.filter((label, i) => `__label__${known[label ?? -1]}` !== theirs.result[i]).length;
      const megabytes = list.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;
      table.push([
        title,
        Math.round(list.length / ours.seconds),
        Math.round(list.length / theirs.seconds),
        (megabytes / ours.seconds).toFixed(1),
      ]);
      figures[`texts${name}PerSecond`] = Math.round(list.length / ours.seconds);
      figures[`wasm${name}PerSecond`] = Math.round(list.length / theirs.seconds);
      figures[`letters${name}PerSecond`] = Math.round(list.length / letters.seconds);
      figures[`mb${name}PerSecond`] = round(megabytes / ours.seconds);
      figures[`ratio${name}`] = round(theirs.seconds / ours.seconds);
    }
    figures['labelDifferences'] = differences;
    return {
      table,
      figures,
      notes: [
        `labels that differ from fasttext.wasm.js on these texts: ${differences}`,
        'published figures: lingua, accuracy reports of its repository, averaged over the same languages; lingua knows exactly the test’s languages',
      ],
    };
  },
};

function labelOf(code: string): string {
  return code === 'nb' ? 'no' : code;
}

function camel(set: Set): string {
  return set.replace(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function testTexts(folder: string, set: Set, codes: readonly string[], first: number, step: number): TestText[] {
  return codes.flatMap((code) =>
    readFileSync(join(folder, set, `${code}.txt`), 'utf8')
      .split('\n')
      .filter(Boolean)
      .filter((_, i) => i % step === first)
      .map((text) => ({ text, want: labelOf(code) })),
  );
}

function accuracy(folder: string, set: Set, codes: readonly string[], identify: LanguageIdentifier): number {
  let sum = 0;
  for (const code of codes) {
    const texts = testTexts(folder, set, [code], 1, 2);
    sum += texts.filter(({ text, want }) => identify(text).lang === want).length / texts.length;
  }
  return (100 * sum) / codes.length;
}

/** Mean of a detector's published accuracies over our languages; those it does not know are left out. */
function publishedMean(folder: string, set: Set, column: string, codes: readonly string[]): number {
  const [head, ...rows] = readFileSync(join(folder, 'published', `${set}-accuracy-values.csv`), 'utf8')
    .trimEnd()
    .split('\n');
  const at = head.split(',').indexOf(column);
  const names = new Intl.DisplayNames(['en'], { type: 'language' });
  const wanted = new Set(codes.map((code) => (code === 'nb' ? 'Bokmal' : code === 'nn' ? 'Nynorsk' : names.of(code))));
  wanted.add('Tagalog').add('Slovene');
  const values = rows
    .map((row) => row.split(','))
    .filter(([language]) => wanted.has(language))
    .map((row) => Number(row[at]))
    .filter((value) => !Number.isNaN(value));
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The quickest of two runs, in CPU seconds. */
function best<T>(run: () => T): { seconds: number; result: T } {
  const once = () => {
    const start = process.cpuUsage();
    const result = run();
    const { user, system } = process.cpuUsage(start);
    return { seconds: (user + system) / 1e6, result };
  };
  const first = once();
  const second = once();
  return second.seconds < first.seconds ? second : first;
}

function round(value: number): number {
  return Number(value.toFixed(2));
}

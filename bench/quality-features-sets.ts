/** The labelled sets of the shared data that bench/quality-features.ts trains on, and how their rows are divided. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { shuffle } from '../src/core/random.ts';
import { webMixPath } from './web-mix.ts';

export interface LabelledSet {
  name: string;
  texts: string[];
  labels: Uint32Array;
  labelCount: number;
  /** The label that AUC is about, against all others. */
  positive: number;
  /** Rows trained on, and rows that judge. */
  train: Uint32Array;
  test: Uint32Array;
}

interface Row {
  text: string;
  label: number;
}

/** Sets of thousands of texts: 70 % to train on, drawn by a fixed seed; offensive-zh has its own division. */
export function largeSets(): LabelledSet[] {
  const train = csvRows('offensive-zh-train.csv.gz', 'TEXT', 'label');
  const dev = csvRows('offensive-zh-dev.csv.gz', 'TEXT', 'label');
  const offensive = setOf('offensive-zh', [...train, ...dev], 1);
  const rows = Uint32Array.from(offensive.labels.keys());
  return [
    setOf('clickbait', jsonRows('clickbait.jsonl.gz'), 1),
    setOf('spam-assassin', spamRows(), 1),
    // 0 hate, 1 offensive, 2 neither.
    setOf('hate-en', csvRows('hate-en.csv.gz', 'tweet', 'class'), 2),
    { ...offensive, train: rows.slice(0, train.length), test: rows.slice(train.length) },
  ];
}

/** 218 web documents that people would keep (1) or drop (0). */
export function humanQuality(): LabelledSet {
  return setOf('human-quality', jsonRows('human-quality-en.jsonl'), 1);
}

/** Rows of `folds` parts with the labels' shares in each, as near as whole rows allow; by the seed. */
export function stratifiedFolds(labels: Uint32Array, folds: number, seed: number): Uint32Array[] {
  const order = shuffle(Uint32Array.from(labels.keys()), seed);
  const sorted = Array.from(order).sort((a, b) => labels[a] - labels[b]);
  return Array.from({ length: folds }, (_, fold) => Uint32Array.from(sorted.filter((_row, i) => i % folds === fold)));
}

function setOf(name: string, rows: readonly Row[], positive: number): LabelledSet {
  const labels = Uint32Array.from(rows, ({ label }) => label);
  const order = shuffle(Uint32Array.from(rows.keys()), 7);
  const cut = Math.floor(rows.length * 0.7);
  return {
    ...{ name, texts: rows.map(({ text }) => text), labels, labelCount: Math.max(...labels) + 1, positive },
    ...{ train: order.slice(0, cut), test: order.slice(cut) },
  };
}

function read(file: string): string {
  const bytes = readFileSync(join(dirname(webMixPath()), 'labelled', file));
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').replace(/^\ufeff/, '');
}

function jsonRows(file: string): Row[] {
  return jsonLines(file).map(({ text, label }) => ({ text: text as string, label: Number(label) }));
}

function spamRows(): Row[] {
  return jsonLines('spam-assassin.jsonl.gz').map(({ text, group }) => ({
    text: text as string,
    label: String(group).startsWith('spam') ? 1 : 0,
  }));
}

function jsonLines(file: string): Record<string, unknown>[] {
  return read(file)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function csvRows(file: string, text: string, label: string): Row[] {
  const records = parse(read(file), { columns: true }) as Record<string, string>[];
  return records.map((record) => ({ text: record[text], label: Number(record[label]) }));
}

/**
 * Benchmark items out of the user's files: JSONL, a JSON array, or text with one item a line; plain or gzip.
 *
 * Every text of an item (question, answer, each choice) is searched for by itself, because a page that quotes the
 * question alone is contaminated too. Items are named `benchmark: id`, the id being a field of the item or its number.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { readListBytes } from '../../io/list-file.ts';
import { metaValue } from '../language.ts';

export interface BenchmarkFile {
  path: string;
  /** Fields with text; a dot goes inside. Null: every string of the item. */
  fields: string[] | null;
  /** Field that names the item; null: its number in the file, from 1. */
  idField: string | null;
}

export interface BenchmarkItem {
  benchmark: string;
  id: string;
  texts: string[];
}

/** All items of a file, in its order. CONFIG_INVALID when it cannot be read or the fields are in none of its items. */
export function readBenchmark(benchmark: string, file: BenchmarkFile, baseDir: string): BenchmarkItem[] {
  const option = `benchmarks.${benchmark}`;
  const text = readListBytes({ path: file.path, baseDir, option }).toString('utf8');
  const records = readRecords(text, file.path, option);
  const items = records.map(({ number, value }) => ({
    benchmark,
    id: file.idField === null ? String(number) : String(fieldOf(value, file.idField) ?? number),
    texts: textsOf(value, file),
  }));
  if (items.every((item) => item.texts.length === 0)) {
    const first = records[0]?.value;
    const names = typeof first === 'object' && first !== null ? Object.keys(first).join(', ') : 'no fields';
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `${option}: none of the ${records.length} items in ${file.path} has text in ${file.fields?.join(', ') ?? 'any field'}`,
      { hint: `The first item has ${names}.` },
    );
  }
  return items;
}

interface NumberedRecord {
  number: number;
  value: unknown;
}

function readRecords(text: string, path: string, option: string): NumberedRecord[] {
  const isJson = /\.jsonl?(\.gz)?$|\.ndjson(\.gz)?$/.test(path);
  if (isJson && text.trimStart().startsWith('[')) {
    const values = parse(text, `${option}: ${path} starts as a JSON array but`) as unknown[];
    return values.map((value, i) => ({ number: i + 1, value }));
  }
  const records: NumberedRecord[] = [];
  text.split('\n').forEach((line, i) => {
    if (line.trim() === '') return;
    const value = isJson ? parse(line, `${option}: line ${i + 1} of ${path}`) : line;
    records.push({ number: i + 1, value });
  });
  return records;
}

function parse(json: string, what: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new CorpusmillError('CONFIG_INVALID', `${what} is not JSON: ${(error as Error).message}`, {
      hint: 'A benchmark file is JSONL (or .json, an array) or, by any other name, text with one item a line.',
      cause: error,
    });
  }
}

function textsOf(value: unknown, { fields, idField }: BenchmarkFile): string[] {
  const texts: string[] = [];
  if (fields === null) collect(value, texts, idField);
  else for (const field of fields) collect(fieldOf(value, field), texts, null);
  return texts;
}

function collect(value: unknown, into: string[], except: string | null): void {
  if (typeof value === 'string') into.push(value);
  else if (Array.isArray(value)) for (const item of value) collect(item, into, null);
  else if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) if (key !== except) collect(member, into, null);
  }
}

function fieldOf(value: unknown, field: string): unknown {
  if (typeof value === 'string') return field === 'text' ? value : undefined;
  return typeof value === 'object' && value !== null ? metaValue(value as Record<string, unknown>, field) : undefined;
}

/**
 * The pipeline that `corpusmill init` writes: a commented YAML file for the user's own inputs.
 *
 * Which field holds the text and which the id is guessed from the first records: by the names that corpora use, else the
 * field with the longest strings. A guess is written with a comment, so that it is seen and can be corrected.
 */
import { stringify } from 'yaml';
import { stageDefinitions } from '../registry.ts';
import type { StageRegistry } from '../stage-loaders.ts';
import { requiredOptions } from './json-schema.ts';
import { inputJsonSchema } from './phrases.ts';

export interface StarterInput {
  name: string;
  /** As it is to stand in the file: a path or glob relative to the file's folder. */
  path: string;
  fields: FieldGuess | undefined;
}

export interface FieldGuess {
  textField: string;
  /** Undefined when no field looks like an id; records are then named by file and position. */
  idField: string | undefined;
  /** Why, in words, for the comment. */
  reason: string;
}

/** Text fields of public corpora, the commonest first. */
const TEXT_NAMES = ['text', 'content', 'body', 'raw_content', 'raw_text', 'document', 'article', 'markdown', 'passage'];
const ID_NAMES = ['id', '_id', 'doc_id', 'docid', 'document_id', 'uuid', 'guid', 'record_id', 'url', 'key'];

/** Guesses the fields of records; undefined when no field holds strings. */
export function guessFields(records: readonly Record<string, unknown>[]): FieldGuess | undefined {
  const lengths = new Map<string, number>();
  for (const record of records) {
    for (const [field, value] of Object.entries(record)) {
      if (typeof value === 'string') lengths.set(field, (lengths.get(field) ?? 0) + value.length);
    }
  }
  if (lengths.size === 0) return undefined;
  const byName = named(TEXT_NAMES, lengths.keys());
  const longest = [...lengths].sort((a, b) => b[1] - a[1])[0][0];
  const mean = (field: string): number => lengths.get(field)! / records.length;
  // A short `content` beside a long `html_text` is a title or a label, whatever it is called.
  const textField = byName !== undefined && mean(byName) * 10 >= mean(longest) ? byName : longest;
  const reason = `the ${textField === longest ? 'longest' : 'likeliest'} of ${lengths.size}, about ${Math.round(mean(textField))} characters a record`;
  const candidates = Object.keys(records[0]).filter((field) => field !== textField && isUnique(records, field));
  return { textField, idField: named(ID_NAMES, candidates), reason };
}

function named(names: readonly string[], fields: Iterable<string>): string | undefined {
  const byFolded = new Map([...fields].map((field) => [field.toLowerCase(), field]));
  for (const name of names) if (byFolded.has(name)) return byFolded.get(name);
  return undefined;
}

function isUnique(records: readonly Record<string, unknown>[], field: string): boolean {
  const values = records.map((record) => record[field]);
  const usable = values.every((value) => typeof value === 'string' || typeof value === 'number');
  return usable && new Set(values).size === values.length;
}

/** Stages of a starter pipeline with a line on each; those that this version lacks are left out. */
const STARTER_STAGES: readonly { stage: string; comment: string; options?: Record<string, unknown>; off?: true }[] = [
  { stage: 'normalize', comment: 'Unicode form, control characters, line ends' },
  { stage: 'filter.gopher-quality', comment: 'word counts, symbols, stop words (Gopher)' },
  { stage: 'filter.gopher-repetition', comment: 'repeated lines, paragraphs and n-grams (Gopher)' },
  { stage: 'filter.c4', comment: 'lines without end marks, lorem ipsum, braces (C4)', off: true },
  { stage: 'filter.fineweb', comment: 'list-like pages, short lines, repeated characters (FineWeb)' },
  { stage: 'dedup.exact', comment: 'byte-identical copies' },
  { stage: 'dedup.minhash', comment: 'near copies' },
  { stage: 'write', comment: 'clean documents, for other tools' },
  { stage: 'tokenizer.train', comment: 'byte-level BPE on what is left', options: { vocabSize: 16384 } },
  { stage: 'shards', comment: 'packed token rows for training', options: { contextLength: 2048 } },
];

/** The text of the file. */
export function starterPipeline(
  pipeline: { file: string; name: string; inputs: readonly StarterInput[]; schemaPath: string | undefined },
  registry: StageRegistry = stageDefinitions(),
): string {
  const file = pipeline.file.replaceAll(/\s/g, ' ');
  const lines: string[] = [];
  if (pipeline.schemaPath !== undefined) lines.push(`# yaml-language-server: $schema=${pipeline.schemaPath}`);
  lines.push(
    `# Check it: corpusmill validate ${file}    Run it: corpusmill run ${file}    All stages: corpusmill stages`,
    `name: ${scalar(pipeline.name)}`,
    'seed: 42                     # same input and seed: same bytes',
    '# output: ../runs            # default: runs/<name> under the current directory',
    '',
    'inputs:                      # paths and globs are relative to this file',
  );
  for (const input of pipeline.inputs) lines.push(...inputLines(input));
  lines.push('', 'stages:                      # in this order; `corpusmill stages NAME` shows the options of one');
  for (const { stage, comment, options, off } of STARTER_STAGES) {
    const definition = registry.get(stage);
    if (definition === undefined) continue;
    const schema = inputJsonSchema(definition.options);
    if (requiredOptions(schema).some((option) => options?.[option] === undefined)) continue;
    const mark = off ? '# ' : '';
    lines.push(`  ${mark}${`- stage: ${stage}`.padEnd(off ? 34 : 36)} # ${comment}`);
    for (const [option, value] of Object.entries(options ?? {})) {
      if (schema.properties?.[option] !== undefined) lines.push(`  ${mark}  ${option}: ${scalar(value)}`);
    }
  }
  lines.push(
    '',
    'run:',
    '  workers: 0                 # 0: one for each core; never changes the output',
    '  maxBadRecords: 100         # the run fails when more records cannot be read',
  );
  return `${lines.join('\n')}\n`;
}

function inputLines({ name, path, fields }: StarterInput): string[] {
  const lines = [`  - name: ${scalar(name)}`, `    path: ${scalar(path)}`];
  if (fields !== undefined) {
    lines.push(`    ${`textField: ${scalar(fields.textField)}`.padEnd(24)} # ${fields.reason}`);
    if (fields.idField !== undefined) lines.push(`    idField: ${scalar(fields.idField)}`);
  }
  lines.push('    # limit: 1000            # only the first records, to try things out');
  lines.push('    # sample: 0.01           # or a fixed hundredth of all');
  return lines;
}

/** A YAML scalar, quoted where YAML needs it. */
function scalar(value: unknown): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

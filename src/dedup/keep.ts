/**
 * Which member of a cluster of duplicates is kept. Whatever the rule says, of equals the longest stays, and of equally long
 * ones the first in input order; with `first` the order alone decides.
 */
import { z } from 'zod';
import type { Document } from '../core/document.ts';
import type { FeatureReader } from '../core/feature-reader.ts';
import { fieldValue } from '../core/meta-field.ts';
import type { InputMistake } from '../core/stage.ts';
import { readLengths } from './lengths.ts';

const ruleSchema = z
  .union([
    z.enum(['first', 'longest']),
    z.strictObject({
      best: z.string().min(1).describe('Path into meta to a number (`quality.score`); the highest is kept.'),
    }),
    z.strictObject({
      newest: z
        .string()
        .min(1)
        .describe('Path into meta to a date (ISO 8601, 14 digits as in web archives, or seconds).'),
    }),
    z.strictObject({
      sources: z.array(z.string()).min(1).describe('Names of inputs, the most preferred first; then all others.'),
    }),
  ])
  .describe(
    'Which member of a cluster is kept: `first` in input order, the `longest`, the one with the `best` score or the ' +
      '`newest` date in its meta, or one of the preferred `sources`. Of equals the longest, then the first.',
  );

export type Keep = z.output<typeof ruleSchema>;

/** The `keep` option of a dedup stage. */
export function keepOption(byDefault: 'first' | 'longest') {
  return ruleSchema.default(byDefault);
}

/** Preferred sources that are no inputs of the pipeline, for `checkInputs`. */
export function keepMistakes(keep: Keep, inputs: readonly string[]): InputMistake[] {
  if (typeof keep === 'string' || !('sources' in keep)) return [];
  return keep.sources.flatMap((name, i) =>
    inputs.includes(name) ? [] : [{ path: ['keep', 'sources', String(i)], name, expected: 'the name of an input' }],
  );
}

/** A document's rank, the higher the better; undefined where length or order decide. A missing field ranks lowest. */
export function rankOf(keep: Keep): ((document: Document) => number) | undefined {
  if (typeof keep === 'string') return undefined;
  if ('sources' in keep) {
    const places = new Map(keep.sources.map((name, i) => [name, keep.sources.length - i]));
    return ({ meta }) => places.get(meta['source'] as string) ?? 0;
  }
  const path = ('best' in keep ? keep.best : keep.newest).split('.');
  const measure = 'best' in keep ? numberOf : timeOf;
  return ({ meta }) => measure(fieldValue(meta, path));
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && !Number.isNaN(value) ? value : Number.NEGATIVE_INFINITY;
}

const DATE =
  /^(\d{4})(?:-?(\d\d)(?:-?(\d\d)(?:[T ]?(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,3})\d*)?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?)?)?)?$/i;

/** Milliseconds since 1970 of a date, without the machine's time zone: one that names none is taken as UTC. */
export function timeOf(value: unknown): number {
  if (typeof value === 'number') return numberOf(value < 1e11 ? value * 1000 : value);
  const found = typeof value === 'string' ? DATE.exec(value.trim()) : null;
  if (found === null) return Number.NEGATIVE_INFINITY;
  const [, year, month = '1', day = '1', hour = '0', minute = '0', second = '0', fraction = '0', zone = 'Z'] = found;
  const time = Date.UTC(+year, +month - 1, +day, +hour, +minute, +second, +fraction.padEnd(3, '0'));
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone) ?? [];
  return sign === undefined ? time : time - Number(`${sign}1`) * (+hours * 60 + +minutes) * 60_000;
}

/** Feature words that a rank takes. */
export function rankWords(keep: Keep): 0 | 2 {
  return typeof keep === 'string' ? 0 : 2;
}

const rankNumber = new Float64Array(1);
const rankBits = new Uint32Array(rankNumber.buffer);

/** Puts a rank into two words of a row of features. */
export function writeRank(row: Uint32Array, at: number, rank: number): void {
  rankNumber[0] = rank;
  row[at] = rankBits[0];
  row[at + 1] = rankBits[1];
}

/**
 * Lets the member that the rule prefers stand for its cluster. `roots` holds every row's smallest fellow member and is
 * changed in place. Columns: the length in UTF-16 units, and the first of the two words of the rank.
 */
export async function keepByRule(
  keep: Keep,
  roots: Uint32Array,
  reader: FeatureReader,
  columns: { length: number; rank: number },
): Promise<void> {
  if (keep === 'first') return;
  const rows = roots.length;
  const lengths = await readLengths(reader, rows, columns.length);
  const ranks = keep === 'longest' ? undefined : await readRanks(reader, rows, columns.rank);
  keepBest(roots, lengths, ranks);
}

async function readRanks(reader: FeatureReader, rows: number, column: number): Promise<Float64Array> {
  const words = new Uint32Array(2 * rows);
  const first = await readLengths(reader, rows, column);
  for (let i = 0; i < rows; i++) words[2 * i] = first[i];
  const second = await readLengths(reader, rows, column + 1);
  for (let i = 0; i < rows; i++) words[2 * i + 1] = second[i];
  return new Float64Array(words.buffer);
}

/** The member of highest rank stands for its cluster, of equals the longest, of those the first. */
export function keepBest(roots: Uint32Array, lengths: Uint32Array, ranks: Float64Array | undefined): void {
  const rows = roots.length;
  const best = new Uint32Array(rows);
  for (let i = 0; i < rows; i++) best[i] = i;
  for (let i = 0; i < rows; i++) {
    const root = roots[i];
    const held = best[root];
    const isBetter =
      ranks === undefined || ranks[i] === ranks[held] ? lengths[i] > lengths[held] : ranks[i] > ranks[held];
    if (isBetter) best[root] = i;
  }
  for (let i = 0; i < rows; i++) roots[i] = best[roots[i]];
}

/**
 * The stage `filter.threshold`: keeps documents by a score that they carry, by a fixed limit or by their place among all.
 *
 * The conventions of published corpora: DCLM keeps the tenth with the highest scores; FineWeb-Edu keeps what is at least 3
 * when rounded; CCNet cuts perplexities into thirds, language by language, and keeps head and middle. A limit alone could
 * be asked of `filter.meta`; this stage sees the whole corpus, and reports where its documents lie.
 *
 * Cost: 16 bytes of features per document, 20 by group; `decide` sorts one group at a time, 12 bytes a document.
 */
import { z } from 'zod';
import { createColumnWriter } from '../../core/columns.ts';
import { createFeatureReader } from '../../core/feature-reader.ts';
import { createSourceColumn, groupField, readSources } from '../../core/sources.ts';
import { type BarrierContext, type BarrierResult, defineBarrier, NOBODY, type Observer } from '../../core/stage.ts';
import { type Cutoffs, cutoffsOf } from './cutoffs.ts';
import { createScoreColumn, readAliveRows, readScores, SCORE_WORDS } from './score-column.ts';
import { describeScores } from './score-histogram.ts';

const share = (what: string) => z.number().gt(0).max(1).optional().describe(what);

const options = z
  .object({
    field: z.string().min(1).default('quality.score').describe('Path into meta to the number that decides.'),
    min: z.number().optional().describe('Smallest value that is kept.'),
    max: z.number().optional().describe('Largest value that is kept.'),
    minRounded: z
      .int()
      .optional()
      .describe(
        'Smallest value that is kept after rounding to a whole number, halves to the even one (FineWeb-Edu: 3).',
      ),
    top: share('Share of the documents that is kept, those with the highest values (DCLM: 0.1).'),
    bottom: share('Share of the documents that is kept, those with the lowest values (CCNet head and middle: 0.667).'),
    quantiles: z
      .tuple([z.number().min(0).max(1), z.number().min(0).max(1)])
      .refine(([from, to]) => from < to, 'the first is below the second')
      .optional()
      .describe('Documents between these two quantiles are kept: [0.33, 0.67] is CCNet’s middle.'),
    shareOf: z
      .enum(['documents', 'bytes'])
      .default('documents')
      .describe('What shares and quantiles are of: the number of documents, or their bytes of text.'),
    groupBy: z
      .string()
      .min(1)
      .optional()
      .describe('Shares and quantiles within each group: `source` for inputs, or a path into meta (`langid.lang`).'),
    missing: z
      .enum(['keep', 'drop'])
      .default('drop')
      .describe('What becomes of a document whose field is missing or no number.'),
  })
  .superRefine((given, context) => {
    const shares = (['top', 'bottom', 'quantiles'] as const).filter((name) => given[name] !== undefined);
    const complain = (path: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [path], message });
    };
    if (shares.length > 1) complain(shares[1], `\`${shares[0]}\` and \`${shares[1]}\` exclude each other`);
    if (shares.length === 0) {
      const limits = [given.min, given.max, given.minRounded].filter((limit) => limit !== undefined);
      if (limits.length === 0)
        complain('min', 'nothing says what is kept: give min, max, minRounded, top, bottom or quantiles');
      if (given.groupBy !== undefined) complain('groupBy', 'only top, bottom and quantiles have a use for it');
    }
    if (given.min !== undefined && given.max !== undefined && given.min > given.max) {
      complain('min', `min ${given.min} is above max ${given.max}`);
    }
  });

export type ThresholdOptions = z.output<typeof options>;

/** Columns: the score, bytes of text, and the group where that is a field. */
const COLUMNS = { score: 0, bytes: SCORE_WORDS, group: SCORE_WORDS + 1 };

export const threshold = defineBarrier({
  kind: 'barrier',
  name: 'filter.threshold',
  summary: 'Keep documents by a score: above a limit, the best share of all, or between quantiles, by group if asked.',
  source:
    'DCLM (arXiv:2406.11794, top 10 %), FineWeb-Edu (arXiv:2406.17557, int_score ≥ 3), CCNet (arXiv:1911.00359, thirds)',
  version: 1,
  options,
  reasons: {
    below_threshold: 'the value is under what is kept',
    above_threshold: 'the value is over what is kept',
    no_score: 'the field is missing or no number, and missing is `drop`',
  },
  scope: 'document',
  createObserver: createThresholdObserver,
  decide,
});

export function createThresholdObserver(given: ThresholdOptions): Observer {
  const writeScore = createScoreColumn(given.field);
  const group = createSourceColumn(groupField(given.groupBy));
  const row = new Uint32Array(COLUMNS.group + group.words);
  const writer = createColumnWriter(row.length);
  return {
    observe(document) {
      writeScore(row, COLUMNS.score, document);
      row[COLUMNS.bytes] = Buffer.byteLength(document.text);
      group.write(row, COLUMNS.group, document);
      writer.push(row);
    },
    finish: () => writer.finish(group.trailer()),
  };
}

/** The scores of the documents that earlier stages left. */
interface Scores {
  /** By ordinal; NaN where there is none. */
  values: Float64Array;
  bytes: Uint32Array;
  alive: Uint8Array;
}

async function decide(given: ThresholdOptions, context: BarrierContext): Promise<BarrierResult> {
  const reader = createFeatureReader(context);
  const scores: Scores = {
    values: await readScores(reader, COLUMNS.score),
    bytes: new Uint32Array(context.rows),
    alive: readAliveRows(reader),
  };
  for (const part of reader.parts) {
    const [bytes] = await reader.columns(part, COLUMNS.bytes, 1);
    scores.bytes.set(bytes, part.firstOrdinal);
  }
  context.progress(0.3, 'finding cut-offs');
  const groups = await readSources(context, reader, { sourceField: groupField(given.groupBy), column: COLUMNS.group });
  const isGrouped = given.groupBy !== undefined;
  const cutoffs = findCutoffs(given, scores, isGrouped ? groups.of : undefined, isGrouped ? groups.names.length : 1);
  const cutoffOf = (ordinal: number): Cutoffs => cutoffs[isGrouped ? groups.of[ordinal] : 0];

  const keptAs = new Uint32Array(context.rows);
  for (let ordinal = 0; ordinal < keptAs.length; ordinal++) {
    const { min, max } = cutoffOf(ordinal);
    const score = scores.values[ordinal];
    const isKept = Number.isNaN(score) ? given.missing === 'keep' : score >= min && score <= max;
    keptAs[ordinal] = isKept || scores.alive[ordinal] === 0 ? ordinal : NOBODY;
  }
  context.progress(1);
  return {
    keptAs,
    reasonOf(ordinal) {
      const score = scores.values[ordinal];
      if (Number.isNaN(score)) return { reason: 'no_score' };
      const { min, max } = cutoffOf(ordinal);
      if (min > max) return { reason: 'below_threshold', value: score };
      return score < min
        ? { reason: 'below_threshold', value: score, threshold: min }
        : { reason: 'above_threshold', value: score, threshold: max };
    },
    details: {
      kind: 'threshold',
      field: given.field,
      ...(isGrouped && { groupBy: given.groupBy }),
      ...describeScores(scores, keptAs, isGrouped ? groups : { names: ['all'], of: undefined }, cutoffs),
    },
  };
}

/** Cut-offs by group. */
function findCutoffs(
  given: ThresholdOptions,
  { values, bytes, alive }: Scores,
  groupOf: Uint16Array | undefined,
  groups: number,
): Cutoffs[] {
  const { top, bottom, quantiles, shareOf } = given;
  const [from, to] = quantiles ?? (top !== undefined ? [1 - top, 1] : [0, bottom ?? 1]);
  const groupAt = (ordinal: number): number => (groupOf === undefined ? 0 : groupOf[ordinal]);
  const isScored = (ordinal: number): boolean => alive[ordinal] === 1 && !Number.isNaN(values[ordinal]);
  // Ordinals group by group, in one array.
  const starts = new Uint32Array(groups + 1);
  for (let i = 0; i < values.length; i++) if (isScored(i)) starts[groupAt(i) + 1]++;
  for (let group = 0; group < groups; group++) starts[group + 1] += starts[group];
  const ordinals = new Uint32Array(starts[groups]);
  const next = starts.slice();
  for (let i = 0; i < values.length; i++) if (isScored(i)) ordinals[next[groupAt(i)]++] = i;

  return Array.from({ length: groups }, (_, group) => {
    const own = ordinals.subarray(starts[group], starts[group + 1]);
    const scored = {
      values: Float64Array.from(own, (i) => values[i]),
      weights: shareOf === 'bytes' ? Uint32Array.from(own, (i) => bytes[i]) : undefined,
    };
    const byShare = from === 0 && to === 1 ? EVERYTHING : cutoffsOf(scored, { from, to });
    return {
      min: Math.max(byShare.min, given.min ?? Number.NEGATIVE_INFINITY, leastRoundedTo(given.minRounded)),
      max: Math.min(byShare.max, given.max ?? Number.POSITIVE_INFINITY),
    };
  });
}

const EVERYTHING: Cutoffs = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };

/** The smallest number that rounds, halves to even, to at least `whole`. */
function leastRoundedTo(whole: number | undefined): number {
  if (whole === undefined) return Number.NEGATIVE_INFINITY;
  const half = whole - 0.5;
  if (whole % 2 === 0) return half;
  // The half itself goes down to the even number below.
  const bits = new BigInt64Array(Float64Array.of(half).buffer);
  bits[0] += half > 0 ? 1n : -1n;
  return new Float64Array(bits.buffer)[0];
}

/**
 * The stage `quality.human-review`: a stratified sample for people to label, and what their labels say of a score.
 *
 * It leaves `review.csv` (or `.jsonl`) with an empty column `label`, as many documents of each quantile of the score, and of
 * each group, as it can. Filled in, the file goes back by `reviewed`: documents that have a label are not drawn again, and the score
 * is judged by the labels (`quality-report.json`: AUC, what precision and recall each limit would give). `quality.train` learns
 * from the same file by `labelled: [{ path: reviewed.csv, labelField: label }]`. All documents go on.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { createColumnWriter } from '../../core/columns.ts';
import { CorpusmillError } from '../../core/errors.ts';
import { createFeatureReader, type FeatureReader } from '../../core/feature-reader.ts';
import { hashString32 } from '../../core/random.ts';
import { createSourceColumn, groupField, readSources } from '../../core/sources.ts';
import {
  type BarrierContext,
  type BarrierResult,
  defineBarrier,
  type Observer,
  type StageContext,
} from '../../core/stage.ts';
import { corpusmillVersion } from '../../core/version.ts';
import { writeFileAtomic } from '../../io/atomic.ts';
import { firstUnits } from '../../text/first-units.ts';
import { languageOf, sourceOf } from '../document-groups.ts';
import { evaluate } from '../evaluation/evaluate.ts';
import type { QualityReport } from '../evaluation/quality-report-schema.ts';
import { QUALITY_REPORT, REPORT_ROLE, writeReportFile } from '../report-file.ts';
import { createScoreColumn, readAliveRows, readScores, SCORE_WORDS } from '../selection/score-column.ts';
import { readExampleFiles } from '../training/example-files.ts';
import { labelName } from '../training/example-source.ts';
import { formatReview, REVIEW_FORMATS, type ReviewRow } from './review-file.ts';
import { quantileBins, sampleStrata } from './strata.ts';

const options = z.object({
  count: z.int().min(1).max(100_000).default(200).describe('Documents to label.'),
  field: z.string().min(1).default('quality.score').describe('Path into meta to the score that is to be judged.'),
  bins: z
    .int()
    .min(1)
    .max(100)
    .default(10)
    .describe('The sample has as many documents of each of so many quantiles of the score.'),
  groupBy: z
    .string()
    .min(1)
    .optional()
    .describe('And as many of each group: `source` for inputs, or a path into meta (`langid.lang`).'),
  format: z.enum(REVIEW_FORMATS).default('csv').describe('csv for spreadsheets, jsonl for labelling tools.'),
  maxChars: z
    .int()
    .min(100)
    .default(20_000)
    .describe('So many UTF-16 units of a text are written; a spreadsheet’s cell takes 32,767.'),
  reviewed: z
    .union([z.string().min(1), z.array(z.string().min(1))])
    .default([])
    .describe('Files that people have filled in; rows without a label are passed over.'),
  positive: z
    .string()
    .min(1)
    .default('keep')
    .describe('Label that a high score should go with; all others count against it.'),
});

type ReviewOptions = z.output<typeof options>;

/** Columns: the score, the draw, two words that name the id, and the group where that is a field. */
const COLUMNS = { score: 0, draw: SCORE_WORDS, id: SCORE_WORDS + 1, group: SCORE_WORDS + 3 };

export const humanReview = defineBarrier({
  kind: 'barrier',
  name: 'quality.human-review',
  summary: 'Write a stratified sample for people to label, and judge a score by the labels they gave.',
  source: 'none: stratified sampling by score and group',
  version: 1,
  options,
  scope: 'document',
  makes: ['review', REPORT_ROLE],
  optionFiles: ({ reviewed }) => [reviewed].flat(),
  createObserver: createReviewObserver,
  decide,
});

const DRAW = 0x3c6ef372;

/** Two words by which an id is known again: a stray match would spare one document the sample. */
function idWords(id: string): [number, number] {
  return [hashString32(id, 0xa54ff53a), hashString32(id, 0x510e527f)];
}

export function createReviewObserver(given: ReviewOptions, { seed }: Pick<StageContext, 'seed'>): Observer {
  const writeScore = createScoreColumn(given.field);
  const group = createSourceColumn(groupField(given.groupBy));
  const row = new Uint32Array(COLUMNS.group + group.words);
  const writer = createColumnWriter(row.length);
  return {
    observe(document) {
      writeScore(row, COLUMNS.score, document);
      row[COLUMNS.draw] = hashString32(document.id, seed ^ DRAW);
      row.set(idWords(document.id), COLUMNS.id);
      group.write(row, COLUMNS.group, document);
      writer.push(row);
    },
    finish: () => writer.finish(group.trailer()),
  };
}

async function decide(given: ReviewOptions, context: BarrierContext): Promise<BarrierResult> {
  const reader = createFeatureReader(context);
  const scores = await readScores(reader, COLUMNS.score);
  const alive = readAliveRows(reader);
  const labels = await readLabels(given, context);
  const { draws, known } = await readDraws(reader, labels);
  const bins = quantileBins(scores, given.bins);
  const groups = await readSources(context, reader, { sourceField: groupField(given.groupBy), column: COLUMNS.group });
  const isGrouped = given.groupBy !== undefined;
  // One bin more for documents without a score.
  const width = given.bins + 1;
  const stratumOf = Int32Array.from(bins, (bin, i) =>
    alive[i] === 0 || known[i] >= 0 ? -1 : (isGrouped ? groups.of[i] : 0) * width + bin,
  );
  const strata = width * (isGrouped ? groups.names.length : 1);
  const chosen = sampleStrata({ stratumOf, strata, draws }, given.count);
  context.progress(0.4, `reading ${chosen.length} documents`);
  const rows = (await context.readDocuments(chosen)).map((document, i): ReviewRow => {
    const score = scores[chosen[i]];
    return {
      id: document.id,
      label: '',
      score: Number.isNaN(score) ? null : score,
      source: sourceOf(document) ?? '',
      lang: languageOf(document) ?? '',
      length: document.text.length,
      text: firstUnits(document.text, given.maxChars),
    };
  });
  const file = `review.${given.format}`;
  await writeFileAtomic(join(context.outputDir, file), formatReview(rows, given.format));
  const labelled = [...known.keys()].filter((ordinal) => known[ordinal] >= 0 && alive[ordinal] === 1);
  const judged = labelled.filter((ordinal) => !Number.isNaN(scores[ordinal]));
  const report = await judge(given, context, labels, judged, known, scores);
  if (report !== undefined) {
    await writeReportFile(context.outputDir, report);
  }
  const [first] = report?.models ?? [];
  return {
    artifacts: { review: file, ...(report && { [REPORT_ROLE]: QUALITY_REPORT }) },
    details: {
      kind: 'human-review',
      file,
      toLabel: rows.length,
      ...(labels.length > 0 && { labelsRead: labels.length, labelsOfThisCorpus: labelled.length }),
      ...(first && { judgedOn: report!.documents, auc: first.figures.auc, threshold: first.binary?.threshold.value }),
    },
  };
}

interface GivenLabel {
  id: string;
  label: string;
}

/** The labels that people gave, the last one of an id counting. Throws INPUT_CORRUPT where a file has no column for them. */
async function readLabels(given: ReviewOptions, context: BarrierContext): Promise<GivenLabel[]> {
  const labels = new Map<string, string>();
  for (const path of [given.reviewed].flat()) {
    let rows = 0;
    let hasColumn = false;
    const source = { path, textField: 'text', idField: 'id' };
    for await (const { id, meta } of readExampleFiles(source, context.baseDir)) {
      rows++;
      if (Object.hasOwn(meta, 'label')) hasColumn = true;
      const label = labelName(meta['label']);
      if (label !== undefined) labels.set(id, label);
    }
    if (rows > 0 && !hasColumn) {
      throw new CorpusmillError('INPUT_CORRUPT', `${context.name}: reviewed: ${path} has no field \`label\``, {
        hint: 'keep the columns of the review file and fill in `label`',
      });
    }
  }
  return [...labels].map(([id, label]) => ({ id, label }));
}

/** Draws, and which of the labels a document has (-1: none), by ordinal. */
async function readDraws(
  reader: FeatureReader,
  labels: readonly GivenLabel[],
): Promise<{ draws: Uint32Array; known: Int32Array }> {
  const placeOf = new Map(labels.map(({ id }, i) => [idWords(id).join(' '), i]));
  const draws = new Uint32Array(reader.rows);
  const known = new Int32Array(reader.rows).fill(-1);
  for (const part of reader.parts) {
    const [draw, first, second] = await reader.columns(part, COLUMNS.draw, 3);
    draws.set(draw, part.firstOrdinal);
    for (let row = 0; placeOf.size > 0 && row < part.rows; row++) {
      known[part.firstOrdinal + row] = placeOf.get(`${first[row]} ${second[row]}`) ?? -1;
    }
  }
  return { draws, known };
}

/** What the labels say of the score; undefined where those of one kind alone were given. */
async function judge(
  given: ReviewOptions,
  context: BarrierContext,
  labels: readonly GivenLabel[],
  ordinals: readonly number[],
  known: Int32Array,
  scores: Float64Array,
): Promise<QualityReport | undefined> {
  const truth = Int32Array.from(ordinals, (ordinal) => (labels[known[ordinal]].label === given.positive ? 1 : 0));
  if (!truth.includes(0) || !truth.includes(1)) return undefined;
  const documents = await context.readDocuments(ordinals);
  const langs = documents.map(languageOf);
  return evaluate({
    corpusmillVersion: corpusmillVersion(),
    title: `${context.name}: ${given.field} beside the labels that people gave`,
    labels: [`not-${given.positive}`, given.positive],
    ids: documents.map(({ id }) => id),
    truth,
    ...(langs.some((lang) => lang !== undefined) && { lang: langs }),
    source: documents.map(sourceOf),
    text: (document) => documents[document].text,
    models: [{ name: given.field, scores: Float64Array.from(ordinals, (ordinal) => scores[ordinal]), scale: 'any' }],
  });
}

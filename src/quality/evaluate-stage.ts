/**
 * The stage `quality.evaluate`: scores that documents carry beside the labels that they carry.
 *
 * It leaves `quality-report.json`, the quality report: ROC and precision–recall curves, AUC with its interval, calibration, confusion,
 * limits with what they keep, by language and by source, the documents nearest the limit and the surest mistakes. All documents go
 * on. Scores come from `quality.score` before it, from another stage, or from the input. `corpusmill quality evaluate` makes
 * such a pipeline of files and models.
 *
 * Cost: 12 bytes of features per document and score, 4 for the label.
 */
import { z } from 'zod';
import { createColumnWriter } from '../core/columns.ts';
import { CorpusmillError } from '../core/errors.ts';
import { createFeatureReader, type FeatureReader } from '../core/feature-reader.ts';
import { fieldValue } from '../core/meta-field.ts';
import { type BarrierContext, type BarrierResult, defineBarrier, type Observer } from '../core/stage.ts';
import { corpusmillVersion } from '../core/version.ts';
import { languageOf, sourceOf } from './document-groups.ts';
import { evaluate } from './evaluation/evaluate.ts';
import type { ModelScores } from './evaluation/evaluation-input.ts';
import { QUALITY_REPORT, REPORT_ROLE, writeReportFile } from './report-file.ts';
import { createScoreColumn, readAliveRows, readScores, SCORE_WORDS } from './selection/score-column.ts';
import { labelName } from './training/example-source.ts';
import { orderLabels } from './training/label-order.ts';

const score = z.strictObject({
  field: z
    .string()
    .min(1)
    .describe('Path into meta to the score; with more than two labels to an object of a probability for each label.'),
  name: z.string().min(1).optional().describe('What the report calls it. Default: the field.'),
  lower: z.boolean().default(false).describe('Low values speak for the positive label, as perplexities do.'),
  probability: z
    .boolean()
    .default(false)
    .describe(
      'The score is a probability: the report says how well it is calibrated, and .5 is the limit it judges by.',
    ),
  threshold: z
    .number()
    .optional()
    .describe('Limit from which a document is taken for positive. Default: the best by F1.'),
});

const options = z.object({
  scores: z.array(score).min(1).describe('Scores to judge, in the order of the report.'),
  labelField: z.string().min(1).default('label').describe('Path into meta to the label.'),
  positive: z
    .array(z.union([z.string(), z.number(), z.boolean()]).transform(String))
    .min(1)
    .optional()
    .describe(
      'Labels that a high score should go with; all others are negative. Default: `positive`, or the second of two.',
    ),
  baseline: z.string().min(1).optional().describe('Name of the score that the others are compared with.'),
  title: z.string().min(1).optional().describe('Of the report. Default: the name of the stage.'),
});

type EvaluateOptions = z.output<typeof options>;

export const qualityEvaluate = defineBarrier({
  kind: 'barrier',
  name: 'quality.evaluate',
  summary:
    'Judge scores by labels: ROC and AUC, precision and recall, calibration, limits, languages, sources, mistakes.',
  source:
    'ROC and DeLong’s interval (DeLong et al. 1988), average precision as scikit-learn, expected calibration error',
  version: 1,
  options,
  scope: 'document',
  makes: [REPORT_ROLE],
  createObserver: createEvaluationObserver,
  decide,
});

/** Leaves the label as an index into the part's dictionary, and the scores, or the objects that hold them, as columns. */
export function createEvaluationObserver(given: EvaluateOptions): Observer {
  const labelPath = given.labelField.split('.');
  const writers = given.scores.map(({ field }) => createScoreColumn(field));
  const paths = given.scores.map(({ field }) => field.split('.'));
  const labels = new Map<string, number>();
  /** Objects of probabilities by row, for the scores that are such. */
  const tables: (Record<string, number> | null)[][] = given.scores.map(() => []);
  let hasTables = false;
  const row = new Uint32Array(1 + SCORE_WORDS * writers.length);
  const writer = createColumnWriter(row.length);
  return {
    observe(document) {
      const label = labelName(fieldValue(document.meta, labelPath));
      row[0] = 0;
      if (label !== undefined) {
        let index = labels.get(label);
        if (index === undefined) labels.set(label, (index = labels.size));
        row[0] = index + 1;
      }
      for (let i = 0; i < writers.length; i++) {
        writers[i](row, 1 + SCORE_WORDS * i, document);
        const value = fieldValue(document.meta, paths[i]);
        const isTable = typeof value === 'object' && value !== null && !Array.isArray(value);
        if (isTable) hasTables = true;
        tables[i].push(isTable ? (value as Record<string, number>) : null);
      }
      writer.push(row);
    },
    finish: () => writer.finish({ labels: [...labels.keys()], tables: hasTables ? tables : [] } satisfies Trailer),
  };
}

interface Trailer {
  labels: string[];
  tables: (Record<string, number> | null)[][];
}

interface Labelled {
  /** Ordinals of the documents with a label, and these. */
  ordinals: number[];
  labels: string[];
  /** By score and ordinal; empty where the scores are numbers. */
  tables: Map<number, Record<string, number>>[];
  unlabelled: number;
}

async function decide(given: EvaluateOptions, context: BarrierContext): Promise<BarrierResult> {
  const reader = createFeatureReader(context);
  const found = await readLabelled(reader, given.scores.length);
  const names = orderLabels(new Set(found.labels));
  const columns = await Promise.all(given.scores.map((_, i) => readScores(reader, 1 + SCORE_WORDS * i)));
  const { positive } = given;
  const isBinary = positive !== undefined || names.length <= 2;
  const labels = isBinary ? twoLabels(names, positive, context.name, given.labelField) : names;
  const truthOf = (label: string): number =>
    isBinary
      ? positive === undefined
        ? labels.indexOf(label)
        : positive.includes(label)
          ? 1
          : 0
      : labels.indexOf(label);
  const scoreOf = (i: number, ordinal: number): number[] | undefined => {
    if (!isBinary) {
      const table = found.tables[i]?.get(ordinal);
      const values = labels.map((label) => table?.[label]);
      return values.every((value) => typeof value === 'number') ? values : undefined;
    }
    const value = columns[i][ordinal];
    return Number.isNaN(value) ? undefined : [given.scores[i].lower ? -value : value];
  };
  // All scores are judged on the same documents.
  const judged = [...found.ordinals.keys()].filter((place) =>
    given.scores.every((_, i) => scoreOf(i, found.ordinals[place]) !== undefined),
  );
  const unscored = found.ordinals.length - judged.length;
  if (judged.length === 0) throw nothingToJudge(given, context.name, found);
  context.progress(0.4, `judging ${judged.length} documents`);
  const ordinals = judged.map((place) => found.ordinals[place]);
  const documents = await context.readDocuments(ordinals);
  const langs = documents.map(languageOf);
  const report = evaluate({
    corpusmillVersion: corpusmillVersion(),
    title: given.title ?? context.name,
    labels,
    ids: documents.map(({ id }) => id),
    truth: Int32Array.from(judged, (place) => truthOf(found.labels[place])),
    ...(langs.some((lang) => lang !== undefined) && { lang: langs }),
    source: documents.map(sourceOf),
    text: (document) => documents[document].text,
    models: given.scores.map(
      ({ field, name, probability, threshold }, i): ModelScores => ({
        name: name ?? field,
        scores: Float64Array.from(ordinals.flatMap((ordinal) => clamp(scoreOf(i, ordinal)!, probability || !isBinary))),
        scale: probability || !isBinary ? 'probability' : 'any',
        ...(threshold !== undefined && isBinary && { threshold: given.scores[i].lower ? -threshold : threshold }),
      }),
    ),
    ...(given.baseline !== undefined && isBinary && { baseline: given.baseline }),
    leftOut: [
      { reason: `no label in ${given.labelField}`, documents: found.unlabelled },
      { reason: 'a score is missing', documents: unscored },
    ].filter(({ documents: count }) => count > 0),
  });
  await writeReportFile(context.outputDir, report);
  return {
    artifacts: { [REPORT_ROLE]: QUALITY_REPORT },
    details: {
      kind: 'quality-evaluation',
      documents: report.documents,
      ...(found.unlabelled > 0 && { withoutLabel: found.unlabelled }),
      ...(unscored > 0 && { withoutScore: unscored }),
      auc: Object.fromEntries(report.models.map(({ name, figures }) => [name, figures.auc ?? 'undefined'])),
    },
  };
}

async function readLabelled(reader: FeatureReader, scores: number): Promise<Labelled> {
  const alive = readAliveRows(reader);
  const found: Labelled = {
    ordinals: [],
    labels: [],
    tables: Array.from({ length: scores }, () => new Map()),
    unlabelled: 0,
  };
  for (const part of reader.parts) {
    if (part.rows === 0) continue;
    const { labels, tables } = JSON.parse(new TextDecoder().decode(await reader.trailer(part))) as Trailer;
    const [column] = await reader.columns(part, 0, 1);
    for (let row = 0; row < part.rows; row++) {
      const ordinal = part.firstOrdinal + row;
      if (alive[ordinal] === 0) continue;
      if (column[row] === 0) {
        found.unlabelled++;
        continue;
      }
      found.ordinals.push(ordinal);
      found.labels.push(labels[column[row] - 1]);
      for (let i = 0; i < tables.length; i++) {
        const table = tables[i][row];
        if (table !== null) found.tables[i].set(ordinal, table);
      }
    }
  }
  return found;
}

function twoLabels(
  names: readonly string[],
  positive: readonly string[] | undefined,
  stage: string,
  field: string,
): string[] {
  const others = positive === undefined ? names : names.filter((name) => !positive.includes(name));
  if (positive === undefined && names.length === 2) return [...names];
  const hasPositive = positive !== undefined && names.some((name) => positive.includes(name));
  if (positive === undefined || !hasPositive || others.length === 0) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `${stage}: labelField: the documents have ${names.length === 0 ? 'no label' : `only the label ${names.map((name) => JSON.stringify(name)).join(', ')}`} in ${field}`,
      { hint: 'an evaluation needs documents of both kinds; `positive` says which labels are positive' },
    );
  }
  const [only] = others;
  return [others.length === 1 && !positive.includes(only) ? only : `not-${positive[0]}`, positive.join('+')];
}

/** fastText's probabilities are up to 1e-5 above 1. */
function clamp(scores: number[], isProbability: boolean): number[] {
  return isProbability ? scores.map((score) => Math.min(1, score)) : scores;
}

function nothingToJudge({ scores, labelField }: EvaluateOptions, name: string, found: Labelled): CorpusmillError {
  const fields = scores.map(({ field }) => field).join(', ');
  return new CorpusmillError(
    'CONFIG_INVALID',
    `${name}: no document has a label in ${labelField} and a score in ${fields} (${found.ordinals.length} have a label)`,
    { hint: 'put quality.score before this stage, and check the names of the fields' },
  );
}

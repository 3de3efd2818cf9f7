/**
 * The shape of a quality report, published as `configs/quality-report.schema.json`, for CI jobs and other programs.
 * `version` rises when a member is removed or changes its meaning; members may be added without. Shares, rates and
 * figures are fractions; null is a figure that has no meaning, as an AUC over documents of one class.
 */
import { z } from 'zod';

const count = z.int().nonnegative();
const share = z.number().min(0).max(1);
const figure = z.number().nullable();

const figures = z
  .strictObject({
    auc: figure.describe('Area under the ROC curve; of many labels the mean of each against the rest.'),
    averagePrecision: figure.describe('Of two labels, for the positive one.'),
    accuracy: figure,
    precision: figure.describe('Of two labels, for the positive one.'),
    recall: figure.describe('Of two labels, for the positive one.'),
    f1: figure.describe('Of two labels, for the positive one.'),
    macroF1: figure.describe('Mean F1 of the labels, each counting the same.'),
    mcc: figure.describe('Matthews correlation coefficient.'),
    brier: figure.describe('Mean squared error of the probability; of two labels.'),
    logLoss: figure.describe('Nats; of probabilities.'),
  })
  .describe('Those that need a decision are at the threshold, or by the most likely of many labels.');

const interval = z
  .strictObject({ standardError: z.number(), low: z.number(), high: z.number() })
  .describe('DeLong, 95 %.');

const undefinedBecause = z.string().nullable().describe('Why there is no AUC; null where there is one.');

const rocPoint = z.tuple([share, share, z.number().nullable()]);
const roc = z
  .array(rocPoint)
  .describe(
    'False positive rate, true positive rate and threshold (null: above every score); thinned, the AUC is not worked out from it.',
  );

const best = z.strictObject({ threshold: z.number(), value: z.number() }).nullable();

const binary = z.strictObject({
  threshold: z.strictObject({
    value: z.number().describe('Documents of at least this score are predicted to be positive.'),
    from: z.enum(['given', 'default', 'f1', 'youden']).describe('f1, youden: the best on these very documents.'),
  }),
  best: z.strictObject({ f1: best, youden: best }),
  roc: roc.nullable(),
  precisionRecall: z
    .array(z.tuple([share, share, z.number()]))
    .nullable()
    .describe('Recall, precision and threshold; thinned.'),
  calibration: z
    .strictObject({
      binning: z.enum(['equal-width', 'equal-count']),
      expectedError: share.describe('Mean distance of the bins from the diagonal, weighted by documents.'),
      bins: z.array(
        z.strictObject({ from: share, to: share, documents: count, meanScore: share, positiveShare: share }),
      ),
    })
    .nullable()
    .describe('Null for scores that are no probabilities.'),
  histogram: z
    .array(
      z.strictObject({
        from: z.number().nullable().describe('Null: all that is lower.'),
        below: z.number().nullable().describe('Null: all that is higher.'),
        positives: count,
        negatives: count,
      }),
    )
    .describe('Documents by score.'),
  kept: z
    .array(z.strictObject({ share, threshold: z.number(), kept: count, precision: share, recall: share.nullable() }))
    .describe('What keeping the best-scored share of the documents takes; equal scores are kept together.'),
  difference: z
    .strictObject({ value: z.number(), standardError: z.number(), low: z.number(), high: z.number() })
    .nullable()
    .describe("This AUC minus the baseline's over the same documents, DeLong, 95 %; null where there is none."),
});

const group = z.strictObject({
  name: z.string().nullable().describe('Null: documents that have none.'),
  documents: count,
  positives: count.nullable(),
  kept: count.nullable().describe('Predicted to be positive.'),
  figures,
  aucInterval: interval.nullable(),
  undefinedBecause,
});

const document = z.strictObject({
  id: z.string(),
  label: z.string().describe('The true one.'),
  predicted: z.string(),
  score: z.number().describe("The positive label's; of many labels the predicted one's."),
  lang: z.string().nullable(),
  source: z.string().nullable(),
  bytes: count.nullable().describe('UTF-8, of the whole text.'),
  excerpt: z.string().nullable().describe('Start of the text.'),
});

const overFolds = z.strictObject({
  mean: figure.describe('Of the folds in which it is defined.'),
  deviation: figure.describe('Sample standard deviation (n − 1).'),
  values: z.array(figure).describe('By fold.'),
});

const model = z.strictObject({
  name: z.string(),
  kind: z.string().nullable().describe('How it was made: fasttext, naive-bayes, logistic, gbdt, forest …'),
  scale: z.enum(['probability', 'any']).describe('Whether scores are probabilities or numbers of any size.'),
  details: z.record(z.string(), z.unknown()),
  figures,
  aucInterval: interval.nullable(),
  undefinedBecause,
  confusion: z.array(z.array(count)).describe('Row: true label, column: predicted label, in the order of `labels`.'),
  byLabel: z.array(
    z.strictObject({
      label: z.string(),
      documents: count,
      precision: figure,
      recall: figure,
      f1: figure,
      auc: figure.describe('Against the rest.'),
      roc: roc
        .nullable()
        .describe('Against the rest; null of two labels, where `binary` has it, and of more than twelve.'),
    }),
  ),
  binary: binary.nullable().describe('What only two labels have.'),
  crossValidation: z
    .strictObject(
      Object.fromEntries(Object.keys(figures.shape).map((name) => [name, overFolds])) as Record<
        keyof typeof figures.shape,
        typeof overFolds
      >,
    )
    .nullable()
    .describe('The same figures in each fold; null without folds.'),
  groups: z
    .array(
      z.strictObject({
        by: z.enum(['language', 'source']),
        rows: z.array(group).describe('Most documents first.'),
        more: count.describe('Groups left out.'),
      }),
    )
    .describe('The figures for each language and each source.'),
  telling: z.array(
    z.strictObject({
      label: z.string(),
      features: z.array(z.strictObject({ feature: z.string(), weight: z.number() })),
    }),
  ),
  nearest: z.array(document).describe('Nearest to the threshold, or to a tie of the two most likely labels.'),
  mistakes: z
    .array(z.strictObject({ label: z.string(), predicted: z.string(), count, documents: z.array(document) }))
    .describe('The 20 most frequent kinds; of each the most confident ones.'),
});

export const qualityReportSchema = z
  .strictObject({
    format: z.literal('corpusmill-quality-report'),
    version: z.literal(1),
    corpusmillVersion: z.string(),
    title: z.string(),
    protocol: z.string().nullable().describe('How documents and scores came about.'),
    documents: count,
    labels: z.array(z.strictObject({ label: z.string(), documents: count })),
    positive: z.string().nullable().describe('Of two labels the one that a high score speaks for.'),
    folds: count.nullable().describe('Each document was scored by a model that had not seen its fold.'),
    leftOut: z.array(z.strictObject({ reason: z.string(), documents: count })).describe('Documents without scores.'),
    warnings: z.array(z.string()).default([]).describe('What is likely to be wrong with a model, a clause each.'),
    baseline: z.string().nullable().describe('The model that others are compared with.'),
    models: z.array(model),
  })
  .describe('How well models tell labelled documents apart.');

/** What every renderer reads. */
export type QualityReport = z.output<typeof qualityReportSchema>;
export type ModelReport = QualityReport['models'][number];
export type BinaryReport = NonNullable<ModelReport['binary']>;
export type ReportFigures = ModelReport['figures'];
export type ReportGroup = ModelReport['groups'][number]['rows'][number];
export type ReportDocument = ModelReport['nearest'][number];

/** JSON Schema (draft 2020-12) of a quality report; `configs/quality-report.schema.json` is this, and a test holds it to it. */
export function qualityReportJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(qualityReportSchema), title: 'corpusmill quality report' };
}

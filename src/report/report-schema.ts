/**
 * The shape of `report.json`, published as `configs/report.schema.json`, for CI jobs and other programs.
 * `schemaVersion` rises when a member is removed or changes its meaning; members may be added without.
 * All sizes are UTF-8 bytes of text unless a name says `fileBytes`; shares are fractions in [0, 1], null of nothing.
 */
import { z } from 'zod';

const count = z.int().nonnegative();
const share = z.number().nonnegative().nullable();
const volume = z.strictObject({ documents: count, bytes: count }).describe('Documents and UTF-8 bytes of their text.');
const details = z.record(z.string(), z.unknown());

const sample = z.strictObject({
  id: z.string(),
  source: z.string(),
  bytes: count.describe('Of the whole text.'),
  value: z.number().nullable().describe('What was measured, where the rule measures.'),
  threshold: z.number().nullable().describe('The limit that the value broke.'),
  excerpt: z.string().describe('Start of the text.'),
});

const lengths = z.strictObject({
  documents: count,
  bytes: count,
  min: count.nullable(),
  max: count.nullable(),
  mean: z.number().nullable(),
  median: z.number().nullable().describe('Estimated within its bucket.'),
  buckets: z
    .array(z.strictObject({ from: count, below: count, documents: count }))
    .describe('Documents of at least `from` and fewer than `below` bytes; the first bucket holds empty ones too.'),
});

const saved = z.strictObject({
  bytes: count.describe('UTF-8 bytes of text.'),
  tokens: count.describe('Lower-cased words and single CJK characters.'),
});

const cluster = z.strictObject({
  size: count,
  skipped: count.describe('UTF-16 units that all members shown begin with and the excerpts leave out.'),
  members: z.array(
    z.strictObject({
      id: z.string(),
      source: z.string(),
      kept: z.boolean(),
      isNew: z.boolean().nullable().describe('No duplicate of the baseline; null without a baseline to tell by.'),
      bytes: count.describe('Of the whole text.'),
      excerpt: z.string(),
      fingerprint: z.string().nullable().describe('As in `fingerprints`, 16 hexadecimal digits.'),
    }),
  ),
});

const duplicates = z.strictObject({
  name: z.string(),
  stage: z.string(),
  method: z.string(),
  documents: count.describe('Compared.'),
  duplicates: count,
  duplicateShare: share.describe('Of the documents compared.'),
  saved,
  clusters: count,
  clusterSizes: z.array(z.strictObject({ size: count, clusters: count })),
  sources: z.strictObject({
    by: z.string().describe('`source`: the input; else a path into meta.'),
    rows: z.array(
      z.strictObject({
        name: z.string(),
        documents: count.describe('Compared.'),
        duplicates: count,
        duplicateShare: share,
        bytesSaved: count,
      }),
    ),
    matrix: z
      .array(z.tuple([count, count, count]))
      .describe('(row, column, n): n duplicates of the source `rows[row]` have one of `rows[column]` for them.'),
  }),
  largest: z.array(cluster),
  curve: z
    .strictObject({ bands: count, rows: count })
    .nullable()
    .describe('Pairs of Jaccard similarity J become candidates with probability 1 − (1 − J^rows)^bands.'),
  checked: z
    .strictObject({
      measure: z.enum(['jaccard', 'containment']),
      accepted: z.array(count),
      rejected: z.array(count),
    })
    .nullable()
    .describe('Checked pairs by similarity, in equal bins from 0 to 1.'),
  fingerprints: z
    .strictObject({
      of: z.string().describe('How they are made; only equal ones can be compared.'),
      count,
      base64: z.string().describe('64 bits each, ascending, big-endian.'),
    })
    .nullable()
    .describe('The duplicates, for later comparisons; null where there are too many.'),
  index: z
    .strictObject({ documents: count, inIndex: count })
    .nullable()
    .describe('Documents of earlier corpora, and copies of them that were dropped besides `duplicates`.'),
  settings: details,
});

const lines = z.strictObject({
  name: z.string(),
  stage: z.string(),
  unit: z.string(),
  documents: count,
  edited: count.describe('Documents that lost something.'),
  seen: count.describe('Units.'),
  removed: count.describe('Units.'),
  removedShare: share,
  bytesRemoved: count,
  top: z.array(z.strictObject({ text: z.string(), documents: count, occurrences: count })),
  settings: details,
});

const verdict = z.strictObject({
  limit: z.string().describe('As it was given.'),
  counted: z.enum(['all', 'new']),
  duplicates: count,
  documents: count.describe('Read.'),
  over: z.boolean(),
});

const rate = z.strictObject({ documents: count, duplicates: count, duplicateShare: share, bytesSaved: count });
const trend = z
  .enum(['better', 'worse', 'same'])
  .nullable()
  .describe('By the share of duplicates; null where one side has none.');

const comparison = z.strictObject({
  baseline: z.strictObject({ corpusmillVersion: z.string(), pipeline: z.string(), hash: z.string() }),
  totals: z.strictObject({
    now: rate,
    before: rate,
    trend,
    newDuplicates: count.nullable().describe('Over all stages that can tell; null where none can.'),
    goneDuplicates: count.nullable(),
  }),
  stages: z.array(
    z.strictObject({
      name: z.string(),
      now: rate.nullable(),
      before: rate.nullable(),
      trend,
      newDuplicates: count.nullable(),
      goneDuplicates: count.nullable(),
      untold: z.string().nullable().describe('Why new and gone duplicates cannot be told.'),
      sources: z.array(z.strictObject({ name: z.string(), now: rate.nullable(), before: rate.nullable(), trend })),
    }),
  ),
});

const heldOutShare = z.strictObject({ share: z.number(), low: z.number(), high: z.number() });

const alignedStage = z.strictObject({
  name: z.string(),
  stage: z.string().describe('sft, reward, ppo …'),
  from: z.string().describe('What it began with: the name of an earlier stage, train, or a model.'),
  reward: z.string().nullable().describe('What scored responses, of a stage that learns from its own samples.'),
  path: z.string().describe("Folder of the stage's run, relative to the run directory."),
  model: z.string().describe('Folder of the policy or the reward model, relative to the run directory.'),
  steps: count,
  records: z.strictObject({ read: count, used: count }),
  figures: z
    .array(z.strictObject({ name: z.string(), first: z.number().nullable(), last: z.number().nullable() }))
    .describe('Means of the first and of the last twentieth of the steps; held-out ones: the first and the last.'),
  charts: z.array(
    z.strictObject({
      title: z.string(),
      lines: z.array(
        z.strictObject({
          name: z.string(),
          kind: z.enum(['line', 'dots']),
          points: z.array(z.tuple([count, z.number()])).describe('Step, value.'),
        }),
      ),
    }),
  ),
  evaluation: z
    .strictObject({
      pairs: count,
      accuracy: heldOutShare,
      bagOfWords: heldOutShare.describe('A logistic regression on words.'),
      longer: heldOutShare.describe('The longer answer taken for the better one.'),
      calibrationError: z.number(),
      swapDifference: z.number().describe('Largest change of a reward when the two answers change places.'),
      lengthCorrelation: z.number().describe("Of the reward and the answer's length."),
    })
    .nullable()
    .describe('Of a reward model on held-out pairs, with intervals of 95 %.'),
});

export const reportSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    corpusmillVersion: z.string(),
    pipeline: z.strictObject({ name: z.string(), file: z.string(), hash: z.string(), seed: z.number() }),
    totals: z.strictObject({
      read: volume,
      kept: volume,
      dropped: volume,
      keptDocumentShare: share,
      keptByteShare: share,
      duplicates: count.describe('Documents that all dedup stages together dropped.'),
      duplicateShare: share.describe('Of the documents read.'),
      saved: saved.describe('What those documents hold.'),
      badRecords: count,
      tokens: count.nullable().describe('Over all outputs that report tokens.'),
    }),
    inputs: z.array(
      z.strictObject({
        name: z.string(),
        format: z.string(),
        files: count,
        fileBytes: count,
        badRecords: count,
        read: volume,
        kept: volume,
      }),
    ),
    funnel: z
      .array(
        z.strictObject({
          name: z.string(),
          stage: z.string(),
          input: volume,
          output: volume,
          dropped: volume,
          changed: count.describe('Documents whose text the stage changed and kept.'),
          added: count.describe('Pieces minus originals, where the stage splits documents.'),
          bytesRemoved: count.describe('Bytes by which edits made documents shorter, in those that were kept.'),
          bytesAdded: count.describe('Bytes by which edits made documents longer.'),
          editedBytes: z.int().describe('Bytes that edits added (negative: removed) in documents that were kept.'),
        }),
      )
      .describe('Every stage that saw documents, in order.'),
    drops: z
      .array(
        z.strictObject({
          name: z.string(),
          stage: z.string(),
          reason: z.string(),
          description: z.string().nullable(),
          documents: count,
          bytes: count,
          shareOfRead: share,
          samples: z.array(sample),
        }),
      )
      .describe('By stage in order, then by documents, most first.'),
    counts: z
      .array(
        z.strictObject({
          name: z.string(),
          stage: z.string(),
          entries: z.array(z.strictObject({ what: z.string(), documents: count })),
        }),
      )
      .describe('What else stages counted documents under (benchmark items that were found), most first.'),
    lengths: z.strictObject({ before: lengths, after: lengths }),
    duplicates: z.array(duplicates).describe('What each stage that drops copies found.'),
    lines: z.array(lines).describe('What each stage that takes out repeated lines, paragraphs or spans found.'),
    verdict: verdict.nullable().describe('Against the limit that was set; null without one.'),
    comparison: comparison.nullable().describe('With an earlier report; null without one.'),
    artifacts: z
      .array(
        z.strictObject({
          name: z.string(),
          stage: z.string(),
          files: z.array(z.strictObject({ role: z.string(), path: z.string() })),
          details,
        }),
      )
      .describe('What corpus-wide stages other than dedup made, for example a tokenizer.'),
    mixes: z
      .array(
        z.strictObject({
          name: z.string(),
          stage: z.string(),
          unit: z.string().describe('What shares are of: documents, bytes or tokens.'),
          sources: z.array(
            z.strictObject({
              name: z.string(),
              available: count.describe('In the unit, before the stage.'),
              kept: count.describe('In the unit, after the stage.'),
              documents: count.describe('Kept.'),
              share: share.describe('Reached.'),
              target: share.describe('Asked for; null where no share was.'),
            }),
          ),
        }),
      )
      .describe('How stages that mix sources brought them together.'),
    scores: z
      .array(
        z.strictObject({
          name: z.string(),
          stage: z.string(),
          field: z.string().describe('Of meta, with the score.'),
          groupBy: z.string().nullable().describe('Field of meta whose values have limits of their own.'),
          documents: count,
          unscored: count.describe('Without a score.'),
          kept: count,
          quantiles: z.record(z.string(), z.number()).describe('Score by quantile, "0.5" the median.'),
          histogram: z
            .strictObject({ from: z.number(), to: z.number(), kept: z.array(count), dropped: z.array(count) })
            .nullable()
            .describe('Bins of equal width; the first and the last hold what lies beyond as well.'),
          groups: z
            .array(
              z.strictObject({
                name: z.string(),
                documents: count,
                kept: count,
                min: z.number().nullable().describe('Least score that is kept; null: any.'),
                max: z.number().nullable().describe('Largest score that is kept; null: any.'),
              }),
            )
            .describe('The largest groups; one named all where there is no groupBy.'),
        }),
      )
      .describe('How documents lie by the scores that stages kept them by.'),
    outputs: z.array(
      z.strictObject({
        name: z.string(),
        stage: z.string(),
        path: z.string().describe('Relative to the run directory.'),
        files: count,
        fileBytes: count,
        details,
      }),
    ),
    training: z
      .strictObject({
        name: z.string(),
        path: z.string().describe('Folder of the training run, relative to the run directory.'),
        checkpoint: z.string().describe('Folder of the last checkpoint, relative to the run directory.'),
        model: z.strictObject({
          architecture: z.string(),
          parameters: count,
          layers: count,
          hiddenSize: count,
          vocabSize: count,
          startedFrom: z
            .string()
            .nullable()
            .describe('Folder of the weights it began with; null: drawn from the seed.'),
        }),
        steps: count,
        tokens: count.describe('Trained on.'),
        sequenceLength: count,
        tokensPerStep: count.describe('Places for tokens.'),
        skippedSteps: count,
        loss: z.number().nullable().describe('Of the last step, in nats a token.'),
        validationLoss: z.number().nullable(),
        perplexity: z.number().nullable(),
        curve: z
          .array(z.strictObject({ tokens: count, loss: z.number() }))
          .describe('Mean training loss of neighbouring steps.'),
        evaluations: z.array(z.strictObject({ step: count, tokens: count, loss: z.number().nullable() })),
        samples: z.array(z.strictObject({ step: count, prompt: z.string(), text: z.string() })),
      })
      .nullable()
      .describe('The model that was trained on the shards; null where none was.'),
    alignment: z
      .strictObject({
        stages: z.array(alignedStage),
        answers: z
          .strictObject({
            sampling: z.strictObject({ tokens: count, temperature: z.number(), topP: z.number(), seed: count }),
            prompts: z.array(z.string()),
            policies: z.array(
              z.strictObject({ name: z.string(), stage: z.string().nullable(), answers: z.array(z.string()) }),
            ),
          })
          .nullable()
          .describe('The same prompts answered before the first stage (`stage` is null) and after each.'),
      })
      .nullable()
      .describe('What made an assistant of the model; null where nothing did.'),
    audit: z
      .strictObject({
        path: z.string().describe('Folder of Parquet files, relative to the run directory.'),
        fraction: z.number().describe('Share of the dropped documents that it holds: 1 for all.'),
        text: z.enum(['excerpt', 'whole']),
        documents: count,
        files: count,
      })
      .nullable()
      .describe(
        'Where dropped documents lie with stage, reason, value and threshold; null where they are not written.',
      ),
    skipped: z
      .strictObject({
        records: count,
        reasons: z.array(z.strictObject({ reason: z.string(), records: count })),
      })
      .describe("Records of web archives that an input's `warc` options leave out."),
    quarantine: z.strictObject({
      records: count,
      path: z.string().nullable(),
      reasons: z.array(z.strictObject({ reason: z.string(), records: count })),
    }),
  })
  .describe('What a corpusmill run read, dropped, kept and wrote.');

/** What every renderer reads: a `RunSummary` with all sums, shares and orders worked out once. */
export type Report = z.output<typeof reportSchema>;
export type ReportLengths = Report['lengths']['before'];
export type ReportDrop = Report['drops'][number];
export type ReportSample = ReportDrop['samples'][number];
export type ReportDuplicates = Report['duplicates'][number];
export type ReportCluster = ReportDuplicates['largest'][number];
export type ReportLines = Report['lines'][number];
export type ReportComparison = NonNullable<Report['comparison']>;
export type ReportCounts = Report['counts'][number];
export type ReportMix = Report['mixes'][number];
export type ReportScore = Report['scores'][number];
export type ReportTraining = NonNullable<Report['training']>;
export type ReportAlignment = NonNullable<Report['alignment']>;
export type ReportAlignedStage = ReportAlignment['stages'][number];
export type ReportOutput = Report['outputs'][number];

/** JSON Schema (draft 2020-12) of `report.json`; `configs/report.schema.json` is this, and a test holds it to it. */
export function reportJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(reportSchema), title: 'corpusmill report' };
}

/**
 * What a finished run says of itself: the engine writes it as `summary.json`, the reports render it. Nothing in it
 * depends on the clock or on the number of workers, so equal runs give equal bytes. (Timings go to `timing.json`.)
 */
import type { SizeHistogram, StageStats, Volume } from './stats.ts';

export interface RunSummary {
  schemaVersion: 1;
  corpusmillVersion: string;
  pipeline: { name: string; file: string; hash: string; seed: number };
  inputs: InputSummary[];
  /** In pipeline order: every map and barrier stage. */
  stages: StageStats[];
  /** UTF-8 bytes of text per document: as read, and as kept at the end. */
  lengthsBefore: SizeHistogram;
  lengthsAfter: SizeHistogram;
  /** By input name: documents read and documents kept at the end. */
  sources: Record<string, { input: Volume; output: Volume }>;
  quarantine: { records: number; byReason: Record<string, number>; path: string | undefined };
  /**
   * Records of web archives that the input's `warc` options leave out, by why (`status: 404`, `content type: image/png`,
   * `type: request`); absent where there are none.
   */
  skipped?: Record<string, number>;
  /** `details` of every barrier, in pipeline order; dedup stages give `DuplicateDetails` or `LineDetails`. */
  barriers: BarrierSummary[];
  outputs: OutputSummary[];
  /** Of the model that was trained on the shards; absent where the pipeline trains none. */
  training?: TrainingSummary;
  /** Of the stages that made an assistant of a model; absent where the pipeline has none. */
  alignment?: AlignmentSummary;
  /** Dropped documents that were written out; absent where the pipeline does not ask for them. */
  dropped?: DroppedSummary;
}

export interface DroppedSummary {
  /** Folder of Parquet files, relative to the run directory; absent from disk when nothing was dropped. */
  path: string;
  /** The share of dropped documents that is kept: 1 for all. */
  fraction: number;
  text: 'excerpt' | 'whole';
  documents: number;
  files: number;
}

export interface InputSummary {
  name: string;
  format: string;
  files: number;
  /** Bytes of the input files as they lie on disk. */
  fileBytes: number;
  /** Records that became documents (after `limit` and `sample`). */
  documents: number;
  badRecords: number;
}

export interface BarrierSummary {
  name: string;
  stage: string;
  details: Record<string, unknown>;
  /** Artifact role → path relative to the run directory. */
  artifacts: Record<string, string>;
}

export interface OutputSummary {
  name: string;
  stage: string;
  /** Relative to the run directory. */
  path: string;
  files: number;
  bytes: number;
  /** The sink's own report, for example tokens, padding and truncations. */
  details: Record<string, unknown>;
}

/** A finished training run, without what the clock says. Losses are in nats a token; null: not finite, or not there. */
export interface TrainingSummary {
  name: string;
  /** Its folder, relative to the run directory: log, report and checkpoints. */
  path: string;
  /** Folder of the last checkpoint, relative to the run directory. */
  checkpoint: string;
  model: {
    architecture: string;
    parameters: number;
    layers: number;
    hiddenSize: number;
    vocabSize: number;
    startedFrom: string | null;
  };
  steps: number;
  tokens: number;
  sequenceLength: number;
  tokensPerStep: number;
  /** Steps whose update the guard skipped. */
  skippedSteps: number;
  loss: number | null;
  validationLoss: number | null;
  perplexity: number | null;
  /** Mean training loss over neighbouring steps, at most 200 points. */
  curve: { tokens: number; loss: number }[];
  evaluations: { step: number; tokens: number; loss: number | null }[];
  /** Texts of the model at the end, or of the last time that it wrote some. */
  samples: { step: number; prompt: string; text: string }[];
}

/** Alignment, stage by stage, without what the clock says. */
export interface AlignmentSummary {
  stages: AlignedStage[];
  /** The same prompts answered before the first stage and after each; absent where the pipeline asks nothing. */
  answers?: AlignmentAnswers;
}

/** A finished stage of alignment, from its log. */
export interface AlignedStage {
  name: string;
  /** `sft`, `reward`, `ppo` … */
  stage: string;
  /** What it began with: the name of an earlier stage, `train`, or a model. */
  from: string;
  /** Of an online stage: the reward model or the program that scored. */
  reward: string | null;
  /** Its folder, relative to the run directory: log, checkpoints, for stages on files a report. */
  path: string;
  /** Folder of the policy or the reward model, relative to the run directory. */
  model: string;
  steps: number;
  /** Records that it read, and those that it could use. */
  records: { read: number; used: number };
  /** What changed: means of the first and of the last twentieth of the steps; null: not finite, or not there. */
  figures: { name: string; first: number | null; last: number | null }[];
  /** Over steps; a line has at most 200 points, each the mean of neighbouring steps. */
  charts: AlignmentChart[];
  /** Of a reward model on the pairs that were held out; null where none were. */
  evaluation: HeldOutAccuracy | null;
}

export interface AlignmentChart {
  title: string;
  lines: { name: string; kind: 'line' | 'dots'; points: [step: number, value: number][] }[];
}

/** Shares with their intervals of 95 %. */
export interface HeldOutAccuracy {
  pairs: number;
  accuracy: { share: number; low: number; high: number };
  /** Of words alone, and of "the longer answer". */
  bagOfWords: { share: number; low: number; high: number };
  longer: { share: number; low: number; high: number };
  calibrationError: number;
  /** Largest change of a reward when the answers change places. */
  swapDifference: number;
  /** Of the reward and the answer's length. */
  lengthCorrelation: number;
}

export interface AlignmentAnswers {
  sampling: { tokens: number; temperature: number; topP: number; seed: number };
  prompts: string[];
  /** In the order of the stages; the first is the policy before them, named after what it is. */
  policies: { name: string; stage: string | null; answers: string[] }[];
}

/** `details` of a stage that drops documents as copies of others. */
export interface DuplicateDetails extends Record<string, unknown> {
  kind: 'duplicates';
  /** How copies are found: `exact`, `minhash` … */
  method: string;
  documents: number;
  /** Documents that another stands for. */
  duplicates: number;
  /** Of those: UTF-8 bytes of text, and tokens (lower-cased words and single CJK characters). */
  saved: { bytes: number; tokens: number };
  /** Clusters of two or more. */
  clusters: number;
  /** Cluster size → number of clusters, sizes of two and more. */
  clusterSizes: Record<string, number>;
  sources: DuplicateSources;
  /** The largest clusters, largest first; ties by the kept document's ordinal. */
  largest: DuplicateCluster[];
  /** Where candidates are found by bands of signatures: the shape of the S-curve 1 − (1 − J^rows)^bands. */
  curve?: { bands: number; rows: number };
  /** Where candidates are checked: how many pairs had which similarity. */
  checked?: CheckedPairs;
  /** Which documents are duplicates; absent where there are too many to list. */
  fingerprints?: DuplicateFingerprints;
  /**
   * Where earlier corpora are compared with: their documents, and those of this corpus that are copies of one. These are
   * not among `duplicates`.
   */
  index?: { documents: number; inIndex: number };
  /** Options worth showing: bands, rows, shingle length … */
  settings: Record<string, unknown>;
}

/** Who copies from whom, by source. */
export interface DuplicateSources {
  /** What a source is: `source`, the input's name, or the path of a field in meta. */
  by: string;
  /** Sources with most documents first, ties by name; the last may sum up all others. */
  names: string[];
  documents: number[];
  duplicates: number[];
  bytesSaved: number[];
  /** Triples (row, column, documents): so many duplicates of source `row` have a document of source `column` for them. */
  matrix: [row: number, column: number, documents: number][];
}

/** Checked candidate pairs by similarity, in 20 bins of .05; the last holds 1 as well. */
export interface CheckedPairs {
  measure: 'jaccard' | 'containment';
  accepted: number[];
  rejected: number[];
}

/** The duplicates of a run in a form that a later run can be compared with. */
export interface DuplicateFingerprints {
  /** How they are made: those of two runs say something of each other only where this is the same. */
  of: string;
  count: number;
  /** 64 bits each, ascending, big-endian, one behind the other in base64; equal documents give equal ones. */
  base64: string;
}

export interface DuplicateCluster {
  size: number;
  /** UTF-16 units that all members shown begin with and the excerpts leave out. */
  skipped: number;
  /** At most 5 members, the kept one first. `fingerprint` as in `DuplicateFingerprints`, 16 hexadecimal digits. */
  members: { id: string; source: string; kept: boolean; excerpt: string; bytes: number; fingerprint?: string }[];
}

/** `details` of a stage that takes repeated lines, paragraphs or spans out of documents. */
export interface LineDetails extends Record<string, unknown> {
  kind: 'lines';
  /** What repeats: `line`, `paragraph`, `sentences` … */
  unit: string;
  /** Documents looked at, and those that lost something. */
  documents: number;
  edited: number;
  /** Units looked at, and those that were taken out (or marked). */
  seen: number;
  removed: number;
  /** UTF-8 bytes. */
  bytesRemoved: number;
  /** The most repeated ones, most documents first; `text` may be cut. */
  top: { text: string; documents: number; occurrences: number }[];
  settings: Record<string, unknown>;
}

/** `details` of a stage that mixes sources; sizes are in `unit`. */
export interface MixDetails extends Record<string, unknown> {
  kind: 'mix';
  unit: 'documents' | 'bytes' | 'tokens';
  /** By source, in the order of the pipeline's options. `target` is the share asked for. */
  sources: Record<string, { available: number; kept: number; documents: number; target: number | undefined }>;
}

/** How documents lie by a score, and what a cut leaves of them. */
export interface ScoreFindings {
  documents: number;
  /** Of these, documents without a score. */
  unscored: number;
  kept: number;
  /** Value by quantile, `0.5` the median; empty without scores. */
  quantiles: Record<string, number>;
  /** Equal steps from the 1st to the 99th percentile, the first and last bin open. */
  histogram: { from: number; to: number; kept: number[]; dropped: number[] } | undefined;
  /** The largest; `min` and `max` are the limits of what is kept, where there are any. */
  groups: { name: string; documents: number; kept: number; min?: number; max?: number }[];
}

/** `details` of a stage that keeps documents by a score. */
export interface ThresholdDetails extends ScoreFindings, Record<string, unknown> {
  kind: 'threshold';
  /** In `meta`. */
  field: string;
  groupBy?: string;
}

/** Progress of a run, sent to whoever shows it. */
export type ProgressEvent =
  | { type: 'phase-start'; phase: string; title: string; index: number; phases: number; totalBytes: number | undefined }
  | {
      type: 'phase-progress';
      phase: string;
      /** In [0, 1]. */
      fraction: number;
      documents: number;
      bytes: number;
      note?: string | undefined;
    }
  | { type: 'phase-end'; phase: string; seconds: number; reused: boolean; documents: number; bytes: number }
  | { type: 'warning'; message: string };

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
  /** `details` of every barrier by instance name; dedup stages give `DuplicateDetails`. */
  barriers: BarrierSummary[];
  outputs: OutputSummary[];
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

/** `details` of a dedup stage. */
export interface DuplicateDetails extends Record<string, unknown> {
  kind: 'duplicates';
  method: 'exact' | 'minhash';
  documents: number;
  /** Documents that another stands for. */
  duplicates: number;
  /** Clusters of two or more. */
  clusters: number;
  /** Cluster size → number of clusters, sizes of two and more. */
  clusterSizes: Record<string, number>;
  /** The largest clusters, largest first; ties by the kept document's ordinal. */
  largest: DuplicateCluster[];
  /** Options worth showing: bands, rows, shingle length … */
  settings: Record<string, unknown>;
}

/** `details` of a stage that mixes sources; sizes are in `unit`. */
export interface MixDetails extends Record<string, unknown> {
  kind: 'mix';
  unit: 'documents' | 'bytes' | 'tokens';
  /** By source, in the order of the pipeline's options. `target` is the share asked for. */
  sources: Record<string, { available: number; kept: number; documents: number; target: number | undefined }>;
}

export interface DuplicateCluster {
  size: number;
  /** At most 5 members, the kept one first. */
  members: { id: string; source: string; kept: boolean; excerpt: string; bytes: number }[];
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

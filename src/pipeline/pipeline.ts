/** A pipeline after validation: what the YAML file said, with every default filled in and every path absolute. */
import type { AnswerSettings } from '../align/answers.ts';
import type { OnlineStage, ResolvedOnlineConfig } from '../align/config/online-schema.ts';
import type { OfflineStage } from '../align/config/schema.ts';
import type { ResolvedStageConfig } from '../align/config/stage-files.ts';
import type { StageDefinition } from '../core/stage.ts';
import type { InputSpec } from '../io/input.ts';
import type { ResolvedTrainConfig } from '../training/run-training.ts';
import type { StageModule } from './stage-module.ts';

export interface Pipeline {
  /** Absolute path of the YAML file. */
  file: string;
  /** Its folder; relative paths in the file are resolved against it. */
  baseDir: string;
  name: string;
  seed: number;
  /** Absolute path of the run directory. */
  output: string;
  inputs: InputSpec[];
  stages: StageInstance[];
  /** What is trained on the shards when all stages are done. */
  train?: PipelineTraining;
  /** What makes an assistant of the model, when that is trained or given. */
  alignment?: PipelineAlignment;
  run: RunOptions;
}

export interface PipelineTraining {
  /** Name of the stage whose shards it reads. */
  shards: string;
  /** `output` and `data.shards` lie in the run directory. */
  config: ResolvedTrainConfig;
}

export interface PipelineAlignment {
  stages: AlignStage[];
  /** What the policy is asked before the first stage and after each. */
  asked?: AnswerSettings;
}

/** A stage of alignment. Its `output` lies in the run directory; members that `links` names are filled in when it runs. */
export type AlignStage = {
  /** Unique among them. */
  name: string;
  /** What it begins with, in words: a stage's name, `train`, or a model. */
  from: string;
  links: readonly AlignLink[];
} & AlignStageConfig;

export type AlignStageConfig =
  | { [S in OfflineStage]: { stage: S; config: ResolvedStageConfig<S> } }[OfflineStage]
  | { [S in OnlineStage]: { stage: S; config: ResolvedOnlineConfig<S> } }[OnlineStage];

/** A path in a stage's configuration that leads to what an earlier phase leaves. */
export interface AlignLink {
  /** `model`, `reward.model`, `reference`, `reference.model`, `critic.model`, `merging.base`, `data.tokenizer`, `pretraining.shards`. */
  member: string;
  /** Name of an alignment stage, `train`, or for `data.tokenizer` and `pretraining.shards` of the pipeline's stage that makes it. */
  from: string;
}

export interface StageInstance {
  /** Unique in the pipeline; the stage's registered name unless the YAML gives `name`. */
  name: string;
  definition: StageDefinition;
  /** Validated options with defaults. */
  options: Record<string, unknown>;
  /** The file that declares the stage, where it is the user's own. */
  module?: StageModule;
}

export interface RunOptions {
  /** Worker threads; 0 means one for each available core. Not part of any phase's key: it cannot change the output. */
  workers: number;
  /** Target size of a chunk of input, in bytes before parsing. */
  chunkBytes: number;
  /** A run fails when more records than this are bad. */
  maxBadRecords: number;
  /** Old-space limit of each worker in MiB; a worker that passes it is replaced and its chunk retried once. */
  workerMemoryMiB: number;
  /** For tables of a corpus-wide decision that can be cut into passes, in MiB. Not part of any phase's key. */
  decideMemoryMiB?: number;
  /** Which dropped documents are written to `dropped/`; absent: none. Not part of any phase's key. */
  audit?: 'off' | 'sampled' | 'full';
  /** The share that `sampled` keeps. */
  auditFraction?: number;
  auditText?: 'excerpt' | 'whole';
}

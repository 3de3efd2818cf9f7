/** A pipeline after validation: what the YAML file said, with every default filled in and every path absolute. */
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
  run: RunOptions;
}

export interface PipelineTraining {
  /** Name of the stage whose shards it reads. */
  shards: string;
  /** `output` and `data.shards` lie in the run directory. */
  config: ResolvedTrainConfig;
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

/** The pipelines of `corpusmill quality train | score | evaluate`, made in memory. */
import { type ModelKind, OPTION_OF } from '../../quality/training/option-names.ts';
import { namedInputs } from '../config/inputs.ts';
import { type CorpusSettings, memoryPipeline, type RunSettings } from '../memory-pipeline.ts';
import type { Pipeline } from '../pipeline.ts';

export interface TrainRequest extends CorpusSettings, RunSettings {
  model: ModelKind;
  positives: readonly string[];
  negatives: readonly string[];
  /** Files whose records name their label in `labelField`. */
  labelled: readonly string[];
  labelField: string;
  /** Of the model, by name. */
  modelOptions: Record<string, unknown>;
  holdOut: number | undefined;
  folds: number | undefined;
  maxPerLabel: number | undefined;
  maxChars: number | undefined;
}

/** Names of the stages, and so of the folders of their output. */
export const TRAIN_STAGE = 'quality.train';
export const EVALUATE_STAGE = 'quality.evaluate';
export const WRITE_STAGE = 'write';

/** @throws CorpusmillError USAGE where options do not go together */
export function trainPipeline(request: TrainRequest): Promise<Pipeline> {
  const { model, modelOptions, holdOut, folds, maxPerLabel, maxChars } = request;
  const inputs: { name: string; path: string }[] = [];
  const taken = new Set<string>();
  const sources = (paths: readonly string[]): { input: string }[] =>
    namedInputs(paths, taken).map((input) => {
      inputs.push(input);
      return { input: input.name };
    });
  const stage = {
    stage: TRAIN_STAGE,
    model,
    positives: sources(request.positives),
    negatives: sources(request.negatives),
    labelled: sources(request.labelled).map((source) => ({ ...source, labelField: request.labelField })),
    ...(Object.keys(modelOptions).length > 0 && { [OPTION_OF[model]]: modelOptions }),
    ...(holdOut !== undefined && { holdOut }),
    ...(folds !== undefined && { folds }),
    ...(maxPerLabel !== undefined && { maxPerLabel }),
    ...(maxChars !== undefined && { maxChars }),
  };
  return memoryPipeline('quality-train', inputs, [stage], request, request);
}

/** A model's file and what is asked of it. */
export interface ModelRequest {
  path: string;
  as: string;
  label: string | undefined;
  expected?: boolean;
  all?: boolean;
  /** Of an ARPA file of another program. */
  arpa?: Record<string, string> | undefined;
}

export interface ScoreRequest extends CorpusSettings, RunSettings {
  paths: readonly string[];
  model: ModelRequest;
  maxChars: number | undefined;
  write: 'jsonl' | 'parquet';
}

/** @throws CorpusmillError USAGE where options do not go together */
export function scorePipeline(request: ScoreRequest): Promise<Pipeline> {
  const stages = [scoreStage(request.model, request.maxChars), { stage: WRITE_STAGE, format: request.write }];
  return memoryPipeline('quality-score', namedInputs(request.paths), stages, request, request);
}

export interface EvaluateRequest extends CorpusSettings, RunSettings {
  paths: readonly string[];
  models: readonly (ModelRequest & { name: string; lower: boolean; probability: boolean })[];
  /** Scores that documents carry. */
  fields: readonly string[];
  labelField: string;
  positive: readonly string[] | undefined;
  baseline: string | undefined;
  title: string;
}

/** @throws CorpusmillError USAGE where options do not go together */
export function evaluatePipeline(request: EvaluateRequest): Promise<Pipeline> {
  const { models, fields, labelField, positive, baseline, title } = request;
  const scores = [
    ...models.map(({ as, name, lower, probability }) => ({ field: `quality.${as}`, name, lower, probability })),
    ...fields.map((field) => ({ field })),
  ];
  const evaluation = {
    stage: EVALUATE_STAGE,
    scores,
    labelField,
    title,
    ...(positive && { positive }),
    ...(baseline !== undefined && { baseline }),
  };
  const stages = [...models.map((model) => scoreStage(model, undefined)), evaluation];
  return memoryPipeline('quality-evaluate', namedInputs(request.paths), stages, request, request);
}

function scoreStage({ path, as, label, expected, all, arpa }: ModelRequest, maxChars: number | undefined) {
  return {
    stage: 'quality.score',
    name: `score-${as}`,
    model: path,
    as,
    ...(label !== undefined && { label }),
    ...(expected === true && { expected }),
    ...(all === true && { all }),
    ...(arpa && { arpa }),
    ...(maxChars !== undefined && { maxChars }),
  };
}

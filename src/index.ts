/**
 * The public surface of corpusmill as a library. Everything else may change between minor versions.
 */

export { z } from 'zod';
export type { Document, Meta } from './core/document.ts';
export { CorpusmillError, type ErrorCode, EXIT } from './core/errors.ts';
export type { ProgressEvent, RunSummary } from './core/run-summary.ts';
export {
  type BarrierDefinition,
  defineBarrier,
  defineMap,
  defineSink,
  drop,
  KEEP,
  type MapDefinition,
  type MapStage,
  type Measurement,
  type SinkDefinition,
  type StageContext,
  type StageDefinition,
  type Verdict,
} from './core/stage.ts';
export { type Rule, ruleStage } from './filters/rules.ts';
export { loadWeights } from './models/checkpoint/load-weights.ts';
export { loadPipeline } from './pipeline/config/load.ts';
export type { Pipeline, RunOptions, StageInstance } from './pipeline/pipeline.ts';
export { stageDefinitions } from './pipeline/registry.ts';
export {
  type PhaseSummary,
  planPipeline,
  type RunPipelineOptions,
  type RunResult,
  type RunTiming,
  runPipeline,
} from './pipeline/run.ts';
export type { StageApi } from './pipeline/stage-api.ts';
export { writeReports } from './report/index.ts';
export * from './shards/index.ts';
export type { Backend, BackendChoice } from './tensor/backend.ts';
export { type OpenBackendOptions, openBackend } from './tensor/open-backend.ts';
export { defineFeature, type Feature, type TextView, textView } from './text/view.ts';
export { createChatTemplate } from './tokenizer/chat/chat-template.ts';
export { createConversationEncoder, encodeConversation } from './tokenizer/chat/encode-conversation.ts';
export { loadTokenizer, openTokenizer } from './tokenizer/formats/load-tokenizer.ts';
export type { TextTokenizer } from './tokenizer/text-tokenizer.ts';
export { Tokenizer } from './tokenizer/tokenizer.ts';
export { writeTokenizerFiles } from './tokenizer/tokenizer-files.ts';
export { type TrainedOnTexts, type TrainTextsOptions, trainBpe } from './tokenizer/train-texts.ts';
export {
  createGenerator,
  type GeneratedToken,
  type Generation,
  type GenerationRequest,
  type Generator,
} from './training/generation/generator.ts';
export { generationDefaults, modelTokenizer } from './training/generation/open-model.ts';
export type { SamplingOptions } from './training/generation/sampling.ts';
export { generateTexts, streamTexts, type TextRequest } from './training/generation/text-generator.ts';
export { answerQuestions, type Question } from './training/scoring/multiple-choice.ts';
export { createPerplexityMeter, type Perplexity } from './training/scoring/perplexity.ts';
export { createSequenceScorer, type SequenceScorer } from './training/scoring/sequence-scorer.ts';

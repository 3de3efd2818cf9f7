/** The trainer and the generator for web pages: `import … from 'corpusmill/training/browser'`. Nothing here needs Node. */
export { CorpusmillError } from '../../core/errors.ts';
export type { ByteSource, FileFolder } from '../../io/byte-source.ts';
export { blobFolder, type FetchProgress, type NamedBlob, webFolder } from '../../io/web-folder.ts';
export type { ModelConfig } from '../../models/config.ts';
export { readModelConfig } from '../../models/hf-config.ts';
export { createWeights, type ModelWeights } from '../../models/weights.ts';
export type { Backend } from '../../tensor/backend.ts';
export {
  type BrowserBackend,
  type BrowserBackendChoice,
  openBrowserBackend,
} from '../../tensor/open-browser-backend.ts';
export { Tokenizer } from '../../tokenizer/tokenizer.ts';
export { type TokenDataOptions, tokenData } from '../data/token-data.ts';
export type { EvaluationData, MicroBatch, TrainingData } from '../data/training-data.ts';
export {
  createGenerator,
  type FinishReason,
  type GenerationRequest,
  type Generator,
  type GeneratorOptions,
} from '../generation/generator.ts';
export { contextLimit } from '../generation/place-inputs.ts';
export type { SamplingOptions } from '../generation/sampling.ts';
export { generateTexts, streamTexts, type TextPiece, type TextRequest } from '../generation/text-generator.ts';
export type { LogRecord } from '../log.ts';
export { type Objective, pretrainingObjective } from '../objective.ts';
export { createTextTraining, type TextTraining, type TextTrainingOptions } from '../text-training.ts';
export { createTrainer, type Trainer, type TrainerOptions, type TrainOutcome } from '../trainer.ts';
export { nextTurn } from './event-loop.ts';
export { type BrowserModel, openBrowserModel } from './model.ts';

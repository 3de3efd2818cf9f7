/** What other programs train with: `import … from 'corpusmill/training'`. */
export { readModelConfig } from '../models/hf-config.ts';
export { createWeights, type ModelWeights } from '../models/weights.ts';
export { openBackend } from '../tensor/open-backend.ts';
export { type CheckpointStore, createCheckpointStore } from './checkpoint-store.ts';
export { type TrainConfig, type TrainConfigInput, trainSchema } from './config/schema.ts';
export { withAbsolutePaths } from './config/training-files.ts';
export { shardData } from './data/shard-data.ts';
export { type TokenDataOptions, tokenData } from './data/token-data.ts';
export type { EvaluationData, MicroBatch, TrainingData } from './data/training-data.ts';
export { comparable, LOG_NAME, type LogRecord, parseLog } from './log.ts';
export {
  type BuiltObjective,
  type Objective,
  type ObjectiveContext,
  pretrainingObjective,
} from './objective.ts';
export { type PreparedTraining, prepareTraining, type ResolvedTrainConfig } from './run-training.ts';
export { createTrainer, type Trainer, type TrainerOptions, type TrainOutcome } from './trainer.ts';

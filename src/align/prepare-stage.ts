/** A stage that learns from files, from its configuration to a run that can be started (src/training/run-training.ts). */
import {
  type PreparedTraining,
  type PrepareOptions,
  prepareRun,
  type RunConfig,
  type RunTask,
} from '../training/run-training.ts';
import type { OfflineStage } from './config/schema.ts';
import type { ResolvedStageConfig } from './config/stage-files.ts';
import { dpoTask } from './dpo-task.ts';
import { rewardTask } from './reward-task.ts';
import { sftTask } from './sft-task.ts';

type Tasks = { readonly [S in OfflineStage]: (config: ResolvedStageConfig<S>) => Promise<RunTask> };

const TASKS: Tasks = { sft: sftTask, reward: rewardTask, dpo: dpoTask };

/** Reads the data, opens the model and checks everything; nothing is computed yet. Throws as `prepareRun`. */
export async function prepareStage<S extends OfflineStage>(
  stage: S,
  config: ResolvedStageConfig<S>,
  options: PrepareOptions = {},
): Promise<PreparedTraining> {
  return prepareRun(config as unknown as RunConfig, await TASKS[stage](config), options);
}

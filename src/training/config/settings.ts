/**
 * What of a configuration decides which weights come out: two runs with equal settings train the same model, to the bit on one
 * backend, as long as the guard has nothing to do. Where a run stops, what it logs, evaluates and keeps, what the guard does,
 * the number of threads and the backend are not among it, and may change when it goes on: another backend rounds otherwise, and
 * reads the same checkpoints.
 */
import { writeModelConfig } from '../../models/hf-config-write.ts';
import type { OpenedModel } from './open-model.ts';
import type { TrainPlan } from './plan.ts';
import type { TrainConfig } from './schema.ts';

export function settingsOf(
  config: Pick<TrainConfig, 'optimizer' | 'seed' | 'dropout' | 'precision'>,
  { config: model }: Pick<OpenedModel, 'config'>,
  plan: TrainPlan,
  own: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return plainJson({
    model: writeModelConfig(model, 'float32'),
    rows: plan.rows,
    sequenceLength: plan.sequenceLength,
    accumulation: plan.accumulation,
    schedule: plan.schedule,
    optimizer: config.optimizer,
    seed: config.seed,
    dropout: config.dropout,
    precision: config.precision,
    ...own,
  });
}

/** Those of pretraining alone. */
export function pretrainingSettings(config: TrainConfig): Record<string, unknown> {
  const { shards, epochs, order, validationShare } = config.data;
  return {
    // Not where the data lie: a folder may move. That they are the same is what the cursor knows.
    data: { mixture: mixtureOf(shards), epochs, order, validationShare },
    labelSmoothing: config.labelSmoothing,
    zLoss: config.zLoss,
  };
}

/** Weights and epochs of a mixture, in its order. */
function mixtureOf(shards: TrainConfig['data']['shards']): unknown {
  if (!Array.isArray(shards)) return undefined;
  return shards.map((source) => {
    const { weight = null, epochs = null } = typeof source === 'string' ? {} : source;
    return { weight, epochs };
  });
}

/** Without members that are undefined, as a file has it. */
function plainJson(value: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}

export interface Difference {
  /** `optimizer.learningRate` */
  readonly path: string;
  readonly before: string;
  readonly now: string;
}

/** Where two settings differ, in order of the second. */
export function differences(before: unknown, now: unknown, path = ''): Difference[] {
  if (isObject(before) && isObject(now)) {
    const keys = [...new Set([...Object.keys(now), ...Object.keys(before)])];
    return keys.flatMap((key) => differences(before[key], now[key], path === '' ? key : `${path}.${key}`));
  }
  const [was, is] = [JSON.stringify(before) ?? 'nothing', JSON.stringify(now) ?? 'nothing'];
  return was === is ? [] : [{ path, before: was, now: is }];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

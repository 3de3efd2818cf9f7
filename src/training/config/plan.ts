/** What a configuration comes to: steps, micro-batches, the schedule in numbers. */
import { CorpusmillError } from '../../core/errors.ts';
import type { Schedule } from '../schedule.ts';
import { fractionOf, lengthOf, type TrainConfig } from './schema.ts';

export interface TrainPlan {
  readonly rows: number;
  readonly sequenceLength: number;
  readonly accumulation: number;
  /** Places for tokens in a step. */
  readonly tokensPerStep: number;
  /** Planned steps; null where minutes alone end the run. */
  readonly steps: number | null;
  readonly schedule: Schedule & { readonly unit: 'steps' | 'tokens' };
}

/** The members of a configuration that a plan is made of. */
export interface PlannedConfig extends Pick<TrainConfig, 'batch' | 'stop' | 'schedule'> {
  readonly data: Pick<TrainConfig['data'], 'epochs'>;
}

/**
 * `batchesPerEpoch`: where the data know how many micro-batches an epoch has; else that is reckoned from its tokens. Throws
 * CONFIG_INVALID for a run without an end, or a schedule without a length.
 */
export function planTraining(
  config: PlannedConfig,
  data: { sequenceLength: number; tokens: number | null; batchesPerEpoch?: number | undefined },
): TrainPlan {
  const { batch, stop } = config;
  const { rows } = batch;
  const { sequenceLength } = data;
  const accumulation = accumulationOf(config, sequenceLength);
  const tokensPerStep = rows * sequenceLength * accumulation;
  const epochs = config.data.epochs;
  const epochTokens = epochs === 'unlimited' || data.tokens === null ? undefined : epochs * data.tokens;
  if (stop.steps === undefined && stop.tokens === undefined && stop.minutes === undefined && epochs === 'unlimited') {
    throw wrong('nothing ends the run', 'Set stop.steps, stop.tokens or stop.minutes, or data.epochs.');
  }
  const { batchesPerEpoch } = data;
  const epochSteps =
    batchesPerEpoch === undefined || epochs === 'unlimited'
      ? stepsFor(epochTokens, tokensPerStep)
      : Math.max(1, Math.ceil((epochs * batchesPerEpoch) / accumulation));
  const limits = [stop.steps, stepsFor(stop.tokens, tokensPerStep), epochSteps];
  const known = limits.filter((limit) => limit !== undefined);
  const steps = known.length === 0 ? null : Math.min(...known);
  return {
    rows,
    sequenceLength,
    accumulation,
    tokensPerStep,
    steps,
    schedule: scheduleOf(config, steps, tokensPerStep),
  };
}

function stepsFor(tokens: number | undefined, tokensPerStep: number): number | undefined {
  return tokens === undefined ? undefined : Math.max(1, Math.ceil(tokens / tokensPerStep));
}

function accumulationOf({ batch }: PlannedConfig, sequenceLength: number): number {
  const { rows, accumulation, tokensPerStep } = batch;
  if (tokensPerStep === undefined) return accumulation ?? 1;
  if (accumulation !== undefined) {
    throw wrong('batch has both accumulation and tokensPerStep', 'Give one of them.');
  }
  const each = rows * sequenceLength;
  if (tokensPerStep % each !== 0) {
    throw wrong(
      `batch.tokensPerStep is ${tokensPerStep}, no multiple of the ${each} tokens of a micro-batch (${rows} rows of ${sequenceLength})`,
      `Take ${Math.max(1, Math.round(tokensPerStep / each)) * each}.`,
    );
  }
  return tokensPerStep / each;
}

function scheduleOf(config: PlannedConfig, steps: number | null, tokensPerStep: number): TrainPlan['schedule'] {
  const { kind, unit, floor, decay, shape, warmup, length: given } = config.schedule;
  const whole = given ?? (steps === null ? undefined : unit === 'steps' ? steps : steps * tokensPerStep);
  if (whole === undefined && (kind !== 'constant' || fractionOf(warmup) !== undefined)) {
    throw wrong(
      `a ${kind} schedule needs a length, and minutes alone have none`,
      'Set schedule.length, or stop.steps or stop.tokens beside the minutes.',
    );
  }
  const length = whole ?? 0;
  const common = { unit, warmup: lengthOf(warmup, length) };
  if (kind === 'constant') return { kind, ...common };
  if (kind === 'cosine') return { kind, ...common, length, floor };
  return { kind, ...common, length, floor, decay: lengthOf(decay, length), shape };
}

function wrong(found: string, hint: string): CorpusmillError {
  return new CorpusmillError('CONFIG_INVALID', `the training configuration: ${found}`, { hint });
}

/**
 * The loop: micro-batches to gradients, gradients to an update, and after it what is due: evaluation, samples, a
 * checkpoint. It knows neither what is learnt (objective.ts) nor from what (data/training-data.ts), so that
 * pretraining, fine-tuning and preference training are one loop.
 *
 * Each step is a function of the state before it (trainer-state.ts, weights, moments) and of the data at its cursor: seeds of
 * dropout come from the run's seed and the step's number, nothing comes from the clock but the limits in minutes. So a
 * run that was interrupted goes on to the bit.
 *
 * The micro-batches of the next step are read while this one computes.
 */
import { costOf } from '../models/cost.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import type { EvaluationData, TrainingData } from './data/training-data.ts';
import { evaluate } from './evaluate.ts';
import { createGuard, GUARD_DEFAULTS, type GuardOptions, guardError } from './guard.ts';
import {
  type CheckpointReason,
  type EndReason,
  finiteOrNull,
  type GuardRecord,
  type LogRecord,
  type StepTime,
} from './log.ts';
import { LEAST_LOSS_SCALE, LOSS_SCALE_DEFAULTS, type LossScaleOptions, nextLossScale } from './loss-scale.ts';
import { namesOfNonFinite } from './non-finite.ts';
import type { Objective } from './objective.ts';
import type { Precision } from './precision.ts';
import { readSteps, type StepBatches } from './read-steps.ts';
import { type Schedule, scheduleFactor } from './schedule.ts';
import { createTrainStep, type TrainStep, type TrainStepMemory } from './train-step.ts';
import { initialTrainerState, type TrainerState } from './trainer-state.ts';

export interface OptimizerOptions {
  /** At the schedule's peak. */
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** 0: gradients are not clipped. */
  readonly clipNorm: number;
}

/** Told around each update of the weights; for optimizers that change what the update did. */
export interface AroundUpdate {
  before(): Promise<void>;
  /** `update`: its number, from 1. Not called where the guard has skipped it. */
  after(update: number): Promise<void>;
}

/** What is due after every so many steps; 0: never. */
export interface Every {
  readonly steps: number;
}

export interface TrainerOptions {
  readonly backend: Backend;
  readonly weights: ModelWeights;
  readonly objective: Objective;
  readonly data: TrainingData;
  readonly optimizer: OptimizerOptions;
  /** In the unit that it is given in: steps, or tokens of `tokensPerStep`. */
  readonly schedule: Schedule & { readonly unit: 'steps' | 'tokens' };
  /** Micro-batches of a step. */
  readonly accumulation: number;
  /** Places of a micro-batch's rows: attention sees so many tokens. */
  readonly sequenceLength: number;
  readonly seed: number;
  readonly dropout?: number;
  readonly recompute?: boolean;
  readonly precision?: Precision;
  readonly lossScale?: LossScaleOptions;
  readonly guard?: GuardOptions;
  readonly around?: AroundUpdate | undefined;
  /** Whatever comes first ends the run; the end of the data always does. */
  readonly stop: {
    readonly steps?: number | undefined;
    readonly tokens?: number | undefined;
    readonly minutes?: number | undefined;
  };
  readonly evaluation?: Every & { readonly data: EvaluationData };
  /** Texts of the model as it is; each becomes a record. */
  readonly samples?: Every & { readonly make: () => Promise<readonly { prompt: string; text: string }[]> };
  readonly checkpoints?: Every & {
    readonly store: CheckpointStore;
    readonly minutes: number;
    /** Also where an evaluation is the best so far. */
    readonly best: boolean;
  };
  /** The backend's peak in FLOP/s, for the share of it in the log. */
  readonly peakFlops?: number | null;
  /** Told of everything, in order. Sessions and the run are announced by who starts it. */
  readonly onRecord?: (record: LogRecord) => void;
  /** Seconds; for tests. */
  readonly clock?: () => number;
}

export interface TrainOutcome {
  readonly reason: EndReason | 'interrupted';
  readonly state: TrainerState;
}

export interface Trainer {
  readonly memory: TrainStepMemory;
  readonly step: TrainStep;
  /** A copy. */
  state(): TrainerState;
  /** Goes on from a checkpoint of `checkpoints.store`; before `run`. */
  restore(saved: Parameters<CheckpointStore['restore']>[0]): Promise<void>;
  /**
   * Trains until a limit, the end of the data, or `signal`: then the micro-batch under way is finished and a checkpoint of the
   * last whole step written. Throws CHECK_FAILED when the guard stops the run, and what data and store throw.
   */
  run(signal?: AbortSignal): Promise<TrainOutcome>;
  /** Frees all but the weights. */
  dispose(): void;
}

export function createTrainer(options: TrainerOptions): Trainer {
  const { backend, weights, optimizer, schedule, accumulation, data } = options;
  const { precision = 'float32', lossScale: scaling = LOSS_SCALE_DEFAULTS, checkpoints, evaluation, samples } = options;
  const clock = options.clock ?? (() => performance.now() / 1000);
  const isScaled = precision === 'f16';
  const step = createTrainStep(backend, weights, {
    ...options,
    ...optimizer,
    maxPositions: options.sequenceLength,
  });
  const flopsPerPlace = costOf(weights.config, options.sequenceLength).flopsPerToken.causal;
  const state = initialTrainerState(isScaled ? scaling.initial : 1);
  let guard = createGuard(options.guard ?? GUARD_DEFAULTS);
  let lastSaved: string | undefined;
  let savedAt = 0;
  let secondsBefore = 0;
  let startedAt = clock();
  let savedSeconds = 0;

  const record = (entry: LogRecord): void => options.onRecord?.(entry);
  const seconds = (): number => secondsBefore + clock() - startedAt;
  const isDue = (every: Every | undefined): boolean =>
    every !== undefined && every.steps > 0 && state.step % every.steps === 0;

  /** One step with its update; interrupted when `signal` came between them. */
  async function runStep(
    { batches, weight, places, tokens, cursor }: StepBatches,
    signal?: AbortSignal,
  ): Promise<'done' | 'interrupted'> {
    const began = clock();
    const number = state.step + 1;
    const { scale } = state.lossScale;
    const metrics = new Map<string, number>();
    for (const [index, batch] of batches.entries()) {
      if (signal?.aborted === true) {
        step.discard();
        return 'interrupted';
      }
      const values = await step.accumulate(batch.inputs(weight, tokens), {
        seed: [options.seed | 0, (number * accumulation + index) | 0],
        ...(isScaled && { lossScale: scale }),
      });
      for (const [name, value] of Object.entries(values)) metrics.set(name, (metrics.get(name) ?? 0) + sum(value));
    }
    const loss = metrics.get('loss') ?? Number.NaN;
    const learningRate = optimizer.learningRate * factorOf(weight);
    const medianNorm = guard.medianNorm();
    await options.around?.before();
    const { gradientNorm, updated } = await step.update({
      learningRate,
      step: state.updates + 1,
      gradientScale: 1 / scale,
      spikeNorm: Number.isFinite(loss) ? guard.spikeNorm() : -1,
    });
    const norm = gradientNorm / scale;
    const failure = updated ? undefined : await whatFailed(number, { metrics, norm, medianNorm });
    if (isScaled) state.lossScale = nextLossScale(state.lossScale, failure?.event === 'overflow', scaling);
    if (updated) {
      state.updates++;
      await options.around?.after(state.updates);
      guard.passed(norm);
    }
    state.step = number;
    state.tokens += weight;
    state.cursor = cursor;
    state.loss = finiteOrNull(loss);
    state.guard = guard.state();
    const { loss: _, ...others } = Object.fromEntries([...metrics].map(([name, value]) => [name, finiteOrNull(value)]));
    record({
      kind: 'step',
      step: number,
      tokens: state.tokens,
      loss: state.loss,
      learningRate,
      gradientNorm: finiteOrNull(norm),
      updated,
      ...(isScaled && { lossScale: scale }),
      ...(Object.keys(others).length > 0 && { metrics: others }),
      time: timeOf(clock() - began, places),
    });
    if (failure === undefined) return 'done';
    record(failure);
    if (failure.action !== 'stopped' || failure.event === 'overflow') return 'done';
    throw guardError({
      ...failure,
      event: failure.event,
      gradientNorm: norm,
      skipsInARow: state.guard.skipsInARow,
      lastCheckpoint: lastSaved,
    });
  }

  function factorOf(weight: number): number {
    return schedule.unit === 'steps'
      ? scheduleFactor(schedule, state.step)
      : scheduleFactor(schedule, state.tokens, weight);
  }

  function timeOf(stepSeconds: number, places: number): StepTime {
    const peak = options.peakFlops ?? null;
    const tokensPerSecond = places / stepSeconds;
    return {
      seconds: seconds(),
      stepSeconds,
      tokensPerSecond,
      shareOfPeak: peak === null ? null : (tokensPerSecond * flopsPerPlace) / peak,
    };
  }

  async function whatFailed(
    number: number,
    found: { metrics: ReadonlyMap<string, number>; norm: number; medianNorm: number | null },
  ): Promise<GuardRecord> {
    const { norm, medianNorm, metrics } = found;
    const base = {
      kind: 'guard',
      step: number,
      gradientNorm: finiteOrNull(norm),
      medianNorm,
      time: { seconds: seconds() },
    } as const;
    const lossIsFinite = [...metrics.values()].every(Number.isFinite);
    if (Number.isFinite(norm) && lossIsFinite) {
      return { ...base, event: 'spike', tensors: [], action: guard.failed('spike') };
    }
    const tensors = await namesOfNonFinite(weights, step, metrics);
    if (isScaled && lossIsFinite && state.lossScale.scale > LEAST_LOSS_SCALE) {
      return { ...base, event: 'overflow', tensors, medianNorm: null, action: 'skipped' };
    }
    return { ...base, event: 'non-finite', tensors, medianNorm: null, action: guard.failed('non-finite') };
  }

  async function save(reason: CheckpointReason): Promise<void> {
    if (checkpoints === undefined || savedAt === state.step) return;
    state.seconds = seconds();
    lastSaved = await checkpoints.store.save({ backend, weights, moments: step.state }, structuredClone(state), reason);
    savedAt = state.step;
    savedSeconds = seconds();
    record({
      kind: 'checkpoint',
      step: state.step,
      tokens: state.tokens,
      reason,
      folder: `checkpoints/${lastSaved}`,
      validationLoss: state.validationLoss,
      time: { seconds: savedSeconds },
    });
  }

  /** Evaluation and samples of the state as it is, each once a step; returns whether it is the best so far. */
  async function look(signal: AbortSignal | undefined, atEnd = false): Promise<boolean> {
    let best = false;
    const evaluates = evaluation !== undefined && evaluation.steps > 0 && (atEnd || isDue(evaluation));
    if (evaluates && state.evaluatedAt < state.step) {
      const began = clock();
      const result = await evaluate(step, evaluation.data, signal);
      if (result === undefined) return false;
      const { loss, tokens, metrics } = result;
      const others = Object.entries(metrics).map(([name, value]) => [name, finiteOrNull(value)]);
      best = loss < (state.bestValidationLoss ?? Number.POSITIVE_INFINITY);
      state.validationLoss = finiteOrNull(loss);
      if (best) state.bestValidationLoss = loss;
      state.evaluatedAt = state.step;
      record({
        kind: 'evaluation',
        step: state.step,
        tokens: state.tokens,
        loss: finiteOrNull(loss),
        perplexity: options.objective.unit === 'pairs' ? null : finiteOrNull(Math.exp(loss)),
        evaluatedTokens: tokens,
        best,
        ...(others.length > 0 && { metrics: Object.fromEntries(others) as Record<string, number | null> }),
        time: { seconds: seconds(), evaluationSeconds: clock() - began },
      });
    }
    if (samples !== undefined && isDue(samples) && state.sampledAt < state.step && signal?.aborted !== true) {
      for (const sample of await samples.make()) {
        record({ kind: 'sample', step: state.step, tokens: state.tokens, ...sample, time: { seconds: seconds() } });
      }
      state.sampledAt = state.step;
    }
    return best;
  }

  function limitReached(): EndReason | undefined {
    const { steps, tokens, minutes } = options.stop;
    if (steps !== undefined && state.step >= steps) return 'steps';
    if (tokens !== undefined && state.tokens >= tokens) return 'tokens';
    if (minutes !== undefined && seconds() >= 60 * minutes) return 'minutes';
    return undefined;
  }

  async function afterStep(signal: AbortSignal | undefined): Promise<void> {
    const best = await look(signal);
    if (signal?.aborted === true || checkpoints === undefined) return;
    if (isDue(checkpoints)) await save('steps');
    else if (best && checkpoints.best) await save('best');
    else if (checkpoints.minutes > 0 && seconds() - savedSeconds >= 60 * checkpoints.minutes) await save('minutes');
  }

  async function end(reason: EndReason): Promise<TrainOutcome> {
    if (state.step > 0) {
      await look(undefined, true);
      await save('end');
    }
    const { step: done, tokens, loss, validationLoss } = state;
    record({ kind: 'end', step: done, tokens, reason, loss, validationLoss, time: { seconds: seconds() } });
    return { reason, state: structuredClone(state) };
  }

  async function interrupt(): Promise<TrainOutcome> {
    if (state.step > 0) await save('interrupted');
    return { reason: 'interrupted', state: structuredClone(state) };
  }

  return {
    memory: step.memory,
    step,
    state: () => structuredClone(state),
    async restore(saved) {
      if (checkpoints === undefined) throw new TypeError('trainer: to restore it needs a checkpoint store');
      await checkpoints.store.restore(saved, { backend, weights, moments: step.state });
      Object.assign(state, structuredClone(saved.trainer));
      guard = createGuard(options.guard ?? GUARD_DEFAULTS, state.guard);
      savedAt = state.step;
      lastSaved = saved.folder;
    },
    async run(signal) {
      secondsBefore = state.seconds;
      startedAt = clock();
      savedSeconds = seconds();
      // What an interruption kept from being looked at is looked at now.
      if (state.step > 0) await afterStep(signal);
      const steps = readSteps(data.batches(state.cursor ?? undefined), accumulation);
      try {
        for (;;) {
          if (signal?.aborted === true) return await interrupt();
          const reached = limitReached();
          if (reached !== undefined) return await end(reached);
          const next = await steps.next();
          if (next === undefined) return await end('data');
          if ((await runStep(next, signal)) === 'interrupted') return await interrupt();
          await afterStep(signal);
        }
      } finally {
        state.seconds = seconds();
        await steps.close();
      }
    },
    dispose: () => step.dispose(),
  };
}

function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

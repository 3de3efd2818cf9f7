/**
 * A training run from its configuration: model, data, backend, trainer, checkpoints and log put together, in the folder of the
 * run:
 *
 *   train-log.jsonl        every step, evaluation, sample, checkpoint and guard event (log.ts)
 *   checkpoints/step-…     see checkpoint-store.ts
 *   tensorboard/           the same figures as TensorBoard events
 *   tokenizer/             of runs on characters or bytes
 *
 * A run that has checkpoints of the same configuration goes on from the last one; of another configuration it is refused.
 */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { CorpusmillError, isCorpusmillError } from '../core/errors.ts';
import { native } from '../core/native.ts';
import type { ModelConfig } from '../models/config.ts';
import { costOf } from '../models/cost.ts';
import { createWeights, type ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import { openBackend } from '../tensor/open-backend.ts';
import { nameOfAdapter } from '../tensor/webgpu/adapter.ts';
import type { WebGpuBackend } from '../tensor/webgpu/backend.ts';
import { loadTokenizer } from '../tokenizer/formats/load-tokenizer.ts';
import { createCheckpointStore, type SavedState } from './checkpoint-store.ts';
import { type OpenedData, openData } from './config/open-data.ts';
import { type OpenedModel, openModel } from './config/open-model.ts';
import { planTraining, type TrainPlan } from './config/plan.ts';
import type { TrainConfig } from './config/schema.ts';
import { differences, pretrainingSettings, settingsOf } from './config/settings.ts';
import { finiteOrNull, LOG_NAME, type LogRecord, type RunRecord } from './log.ts';
import { openLog } from './log-file.ts';
import { availableMemory, forecastMemory, refuseTooLarge } from './memory.ts';
import { type Objective, pretrainingObjective } from './objective.ts';
import { profileTraining, type TrainingProfile } from './profile.ts';
import { createSampler } from './sampler.ts';
import { openTensorboardLog } from './tensorboard-log.ts';
import type { TrainStepMemory } from './train-step.ts';
import { type AroundUpdate, createTrainer, type TrainOutcome } from './trainer.ts';

/** A configuration whose paths are absolute (config/training-files.ts). */
export type ResolvedTrainConfig = TrainConfig & { name: string; output: string };

/** What of a configuration every kind of run has: all but the data and the loss. */
export type RunConfig = Omit<ResolvedTrainConfig, 'data' | 'labelSmoothing' | 'zLoss'> & {
  readonly data: Pick<TrainConfig['data'], 'epochs'>;
};

/** What a run learns, and from what: pretraining's, or an alignment stage's. */
export interface RunTask extends OpenedData {
  /** Micro-batches of an epoch, where they are known. */
  readonly batchesPerEpoch?: number | undefined;
  readonly objective: (plan: TrainPlan) => Objective;
  /** The model gets a head of scores. */
  readonly head?: 'score' | undefined;
  /** What decides which weights come out, beside what every run has (config/settings.ts). */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Of its data, for the log's first line. */
  readonly dataRecord?: Pick<RunRecord['data'], 'records' | 'paddingPercent'>;
  /** Changes members of the model's configuration that leave its weights as they are. */
  readonly adapt?: (config: ModelConfig) => ModelConfig;
  /** Ids of a sample's prompt; default: the prompt as a text. */
  readonly encodePrompt?: (prompt: string) => ArrayLike<number>;
  /** Before the trainer is made, when nothing of it takes memory yet. */
  readonly begin?: (context: TaskContext) => Promise<void>;
  /** What is told around each update; `weights` are those that are trained. */
  readonly around?: (context: TaskContext & { readonly weights: ModelWeights }) => Promise<AroundUpdate>;
  /** After the last step of a run that came to its end. */
  readonly end?: (context: TaskContext & { readonly weights: ModelWeights }) => Promise<void>;
}

/** Where a task's `begin` and `end` are. */
export interface TaskContext {
  readonly backend: Backend;
  readonly model: OpenedModel;
  readonly plan: TrainPlan;
  /** The run's folder. */
  readonly output: string;
  readonly signal: AbortSignal | undefined;
}

export interface PreparedTraining {
  readonly config: RunConfig;
  readonly model: OpenedModel;
  readonly plan: TrainPlan;
  /** Predicted; scratch not counted. */
  readonly memory: TrainStepMemory;
  readonly availableBytes: number;
  /** The checkpoint that it goes on from; undefined: it begins. */
  readonly resumed: SavedState | undefined;
  /** First line of the log. */
  readonly record: RunRecord;
  /** Trains. Records go to the log and to `onRecord`. Throws what the trainer throws. */
  run(options?: { signal?: AbortSignal; onRecord?: (record: LogRecord) => void }): Promise<TrainOutcome>;
  /** Where the time of a step goes; nothing is trained, and no log or checkpoint written. */
  profile(repeats: number): Promise<TrainingProfile>;
  close(): Promise<void>;
}

export interface PrepareOptions {
  /** Remove what an earlier run left in the output folder. */
  readonly fresh?: boolean;
  /** Default: the one of the configuration. */
  readonly backend?: Backend;
}

/**
 * Opens and checks everything, and says what the run will take; nothing is computed yet. Throws CONFIG_INVALID for what cannot
 * be, RUN_CONFLICT for an output folder with another run's checkpoints, and what reading the files throws.
 */
export async function prepareTraining(
  config: ResolvedTrainConfig,
  options: PrepareOptions = {},
): Promise<PreparedTraining> {
  const length = modelLength(config);
  const data = await openData(config, length);
  return prepareRun(
    config,
    {
      ...data,
      settings: pretrainingSettings(config),
      objective: (plan) =>
        pretrainingObjective({
          batch: plan.rows,
          time: plan.sequenceLength,
          packed: data.packed,
          zLoss: config.zLoss,
          labelSmoothing: config.labelSmoothing,
        }),
    },
    options,
  );
}

/** The same for any task, whose data it closes when it throws. */
export async function prepareRun(
  config: RunConfig,
  task: RunTask,
  options: PrepareOptions = {},
): Promise<PreparedTraining> {
  try {
    return await prepare(config, task, options);
  } catch (error) {
    await closeData(task);
    throw error;
  }
}

/** The context of the model, where rows can be as long. */
function modelLength(config: TrainConfig): number | undefined {
  if (config.data.shards !== undefined || config.batch.sequenceLength !== undefined) return undefined;
  const shape = openModel(config.model, { vocabSize: 1, sequenceLength: 1 });
  return Math.min(1024, shape.config.maxPositionEmbeddings);
}

async function prepare(config: RunConfig, data: RunTask, options: PrepareOptions): Promise<PreparedTraining> {
  const { head, adapt = (same) => same } = data;
  const opened = openModel(config.model, { ...data, ...(head !== undefined && { head }) });
  const model = { ...opened, config: adapt(opened.config) };
  const plan = planTraining(config, {
    sequenceLength: data.sequenceLength,
    tokens: data.data.tokens,
    batchesPerEpoch: data.batchesPerEpoch,
  });
  const objective = data.objective(plan);
  const stepOptions = {
    ...config.optimizer,
    objective,
    dropout: config.dropout,
    recompute: config.recompute,
    precision: config.precision,
    maxPositions: plan.sequenceLength,
  };
  const memory = forecastMemory(model.config, stepOptions);
  const availableBytes = availableMemory();
  // WebGPU does not tell how much memory a GPU has: there it is found out when it is taken.
  if (config.backend !== 'webgpu')
    refuseTooLarge(memory, availableBytes, { rows: plan.rows, recompute: config.recompute });
  const settings = settingsOf(config, model, plan, data.settings);
  if (options.fresh === true) await removeRun(config.output);
  const store = createCheckpointStore(join(config.output, 'checkpoints'), {
    keep: config.checkpoints.keep,
    keepBest: config.checkpoints.best,
    settings,
    tokenizer: data.tokenizer,
  });
  const resumed = await store.latest();
  if (resumed !== undefined) refuseOther(config.output, resumed, settings);
  const cost = costOf(model.config, plan.sequenceLength);
  const record: RunRecord = {
    kind: 'run',
    version: 1,
    name: config.name,
    model: {
      architecture: model.config.architecture,
      parameters: cost.parameters.total,
      activeParameters: cost.parameters.active,
      layers: model.config.layers,
      hiddenSize: model.config.hiddenSize,
      vocabSize: model.config.vocabSize,
      startedFrom: model.startedFrom,
    },
    data: {
      kind: data.data.kind,
      paths: data.paths,
      tokens: data.data.tokens,
      validationTokens: data.validation?.tokens ?? null,
      ...data.dataRecord,
    },
    objective: objective.name,
    rows: plan.rows,
    sequenceLength: plan.sequenceLength,
    accumulation: plan.accumulation,
    tokensPerStep: plan.tokensPerStep,
    steps: plan.steps,
    flopsPerToken: cost.flopsPerToken.causal,
    memory: { ...memory },
    settings,
  };
  return {
    config,
    model,
    plan,
    memory,
    availableBytes,
    resumed,
    record,
    close: () => closeData(data),
    async profile(repeats) {
      const backend = options.backend ?? (await openConfigured(config));
      const weights = createWeights(backend, model.config);
      try {
        await model.begin(weights, config.seed);
        const adapter = adapterName(backend);
        return await profileTraining({ backend, adapter, weights, data: data.data, step: stepOptions, repeats });
      } finally {
        weights.dispose();
        if (options.backend === undefined) await backend.dispose();
      }
    },
    async run({ signal, onRecord } = {}) {
      await mkdir(config.output, { recursive: true });
      const backend = options.backend ?? (await openConfigured(config));
      const adapter = adapterName(backend);
      const weights = createWeights(backend, model.config);
      const { log, kept } = await openLog(join(config.output, LOG_NAME), resumed?.trainer.step);
      const events = config.tensorboard
        ? openTensorboardLog(join(config.output, 'tensorboard'), resumed?.trainer.step)
        : undefined;
      const write = (entry: LogRecord): void => {
        log.write(entry);
        events?.write(entry);
        onRecord?.(entry);
      };
      try {
        const context = { backend, model, plan, output: config.output, signal };
        await data.begin?.(context);
        const around = await data.around?.({ ...context, weights });
        const peakFlops = measurePeak(backend, config.threads);
        const sampler =
          config.samples.every > 0 && data.tokenizer !== undefined && head === undefined
            ? createSampler(backend, weights, loadTokenizer(data.tokenizer), config.samples, data.encodePrompt)
            : undefined;
        const trainer = createTrainer({
          backend,
          weights,
          objective,
          data: data.data,
          optimizer: config.optimizer,
          schedule: plan.schedule,
          accumulation: plan.accumulation,
          sequenceLength: plan.sequenceLength,
          seed: config.seed,
          dropout: config.dropout,
          recompute: config.recompute,
          precision: config.precision,
          guard: config.guard,
          around,
          stop: config.stop,
          ...(data.validation !== undefined && {
            evaluation: { steps: config.evaluation.every, data: data.validation },
          }),
          ...(sampler !== undefined && { samples: { steps: config.samples.every, make: sampler } }),
          checkpoints: { ...config.checkpoints, steps: config.checkpoints.every, store: syncedBy(log, store) },
          peakFlops,
          onRecord: write,
        });
        if (kept.length === 0) write(record);
        if (resumed === undefined) await model.begin(weights, config.seed);
        else {
          await trainer.restore(resumed);
          completeLog(kept, resumed, write);
        }
        const session = (event: 'started' | 'resumed' | 'interrupted'): LogRecord => ({
          kind: 'session',
          event,
          step: trainer.state().step,
          time: {
            startedAt: new Date().toISOString(),
            backend: backend.name,
            ...(adapter !== undefined && { adapter }),
            threads: config.threads === 0 ? null : config.threads,
            peakFlops,
          },
        });
        write(session(resumed === undefined ? 'started' : 'resumed'));
        const outcome = await trainer.run(signal).catch(async (error: unknown) => {
          throw isLost(error) ? lostAt(error, trainer.state().step, await store.latest()) : error;
        });
        if (outcome.reason === 'interrupted') write(session('interrupted'));
        else await data.end?.({ ...context, weights });
        trainer.dispose();
        return outcome;
      } finally {
        log.close();
        events?.close();
        if (options.backend === undefined) await backend.dispose();
        else weights.dispose();
      }
    },
  };
}

function openConfigured({ backend, threads, precision }: RunConfig): Promise<Backend> {
  return openBackend(backend, {
    ...(threads !== 0 && { threads }),
    // A GPU that has float16 multiplies in it; sums stay float32, and the loss is scaled as the precision asks.
    gpu: { products: { precision: precision === 'f16' ? 'f16' : 'f32' } },
  });
}

/** The name of the GPU, for the log; undefined where there is none. */
function adapterName(backend: Backend): string | undefined {
  return backend.name === 'webgpu' ? nameOfAdapter((backend as WebGpuBackend).adapter) : undefined;
}

function isLost(error: unknown): error is CorpusmillError {
  return isCorpusmillError(error) && error.code === 'BACKEND_LOST';
}

/** A lost device in the words of a run: how far it was, and from where it goes on. */
function lostAt(error: CorpusmillError, step: number, saved: SavedState | undefined): CorpusmillError {
  const from = saved === undefined ? 'begins anew: there is no checkpoint yet' : `goes on from ${saved.folder}`;
  return new CorpusmillError('BACKEND_LOST', `training stopped after step ${step}: ${error.message}`, {
    hint: `The same command ${from}. With --backend native (in a pipeline --set train.backend=native) it does so without the GPU.`,
    cause: error,
  });
}

/** What the cores could do at most, in FLOP/s: a tenth of a second of multiplications without memory. */
function measurePeak(backend: Backend, threads: number): number | null {
  if (backend.name !== 'native' || native === undefined) return null;
  const peak = native.matmul.fmaPeak(threads === 0 ? Math.min(availableParallelism(), 256) : threads, 0.1) * 1e9;
  return finiteOrNull(peak);
}

/** The log lies on the disk before the checkpoint that stands for it does. */
function syncedBy(log: { sync(): void }, store: ReturnType<typeof createCheckpointStore>): typeof store {
  return {
    ...store,
    save(...given) {
      log.sync();
      return store.save(...given);
    },
  };
}

/** A process killed between a checkpoint and its line in the log leaves the line to its successor. */
function completeLog(
  kept: readonly LogRecord[],
  { folder, reason, trainer }: SavedState,
  write: (r: LogRecord) => void,
) {
  const there = kept.some((record) => record.kind === 'checkpoint' && record.step === trainer.step);
  if (there) return;
  write({
    kind: 'checkpoint',
    step: trainer.step,
    tokens: trainer.tokens,
    reason,
    folder: `checkpoints/${folder.split(/[\\/]/).at(-1)}`,
    validationLoss: trainer.validationLoss,
    time: { seconds: trainer.seconds },
  });
}

function refuseOther(output: string, saved: SavedState, settings: Readonly<Record<string, unknown>>): void {
  const differing = differences(saved.settings, settings);
  if (differing.length === 0) return;
  const [first] = differing;
  const more =
    differing.length > 1
      ? ` (and ${differing
          .slice(1)
          .map(({ path }) => path)
          .join(', ')})`
      : '';
  throw new CorpusmillError(
    'RUN_CONFLICT',
    `${output} has checkpoints of another run: ${first.path} was ${first.before}, now it is ${first.now}${more}`,
    { hint: 'Choose another output folder, or --fresh, which removes the checkpoints and the log of the earlier run.' },
  );
}

/** Removes what a run leaves, and nothing else. */
async function removeRun(output: string): Promise<void> {
  if (!existsSync(output)) return;
  for (const name of ['checkpoints', 'tensorboard', LOG_NAME]) {
    await rm(join(output, name), { recursive: true, force: true });
  }
}

async function closeData({ data, validation }: OpenedData): Promise<void> {
  await data.close();
  await validation?.close();
}

/**
 * The training of a pipeline with a `train` block: a phase behind all others that runs in this process and not in a worker,
 * for the kernels have threads of their own, off the event loop, and Ctrl-C must reach the trainer, which then writes a
 * checkpoint.
 *
 * The training run lies in `output/train/` as `corpusmill train` would leave it. Interrupted, it goes on from its last
 * checkpoint. Other settings begin anew; what does not change the weights (how long, samples, evaluation) goes on from the
 * last checkpoint too.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { isCorpusmillError } from '../core/errors.ts';
import type { TrainingSummary } from '../core/run-summary.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { LOG_NAME, type LogRecord, parseLog, type RunRecord } from '../training/log.ts';
import type { PreparedTraining } from '../training/run-training.ts';
import { summarizeTraining } from '../training/summarize.ts';
import { interrupted } from './for-each-limited.ts';
import type { TrainPhase } from './phase.ts';
import type { RunContext } from './run-context.ts';
import { beginPhase, finishedResult, finishPhase, readJson } from './run-directory.ts';

export interface TrainResult {
  training: TrainingSummary;
}

const NO_KERNELS =
  'the native kernels are not built, so the readable TypeScript ones train, hundreds of times slower (`npm run build:native` says why)';

/** The result of a finished training whose last checkpoint is still there. */
export function trainResult(run: RunContext, phase: TrainPhase): TrainResult | undefined {
  const result = finishedResult<TrainResult>(run.directory.phase(phase.id), phase.key);
  if (result === undefined) return undefined;
  const { checkpoint } = result.training;
  return existsSync(join(run.directory.root, checkpoint, 'config.json')) ? result : undefined;
}

/** Trains, and throws INTERRUPTED when the run's signal ended it. */
export async function runTrain(run: RunContext, phase: TrainPhase): Promise<void> {
  const dir = run.directory.phase(phase.id);
  const sameData = readJson<{ key: string }>(join(dir, 'data.json'))?.key === phase.dataKey;
  await beginPhase(dir, phase.key);
  const claim = (): Promise<void> => writeFileAtomic(join(dir, 'data.json'), JSON.stringify({ key: phase.dataKey }));
  // Checkpoints on the same data stay good whatever happens next; those on others must be gone before they are claimed.
  if (sameData) await claim();
  const prepared = await prepare(phase, sameData);
  try {
    if (!sameData) await claim();
    const onRecord = reporter(run, phase, prepared.record);
    // A resumed run's log begins with what an earlier process wrote.
    if (prepared.resumed !== undefined) onRecord(prepared.record);
    const outcome = await prepared.run({ signal: run.signal, onRecord });
    if (outcome.reason === 'interrupted') throw interrupted();
  } finally {
    await prepared.close();
  }
  const { output } = phase.training.config;
  const records = parseLog(readFileSync(join(output, LOG_NAME), 'utf8'));
  const last = records.findLast((record) => record.kind === 'checkpoint');
  const at = (path: string): string => relative(run.directory.root, path).replaceAll('\\', '/');
  const training: TrainingSummary = {
    ...summarizeTraining(records),
    path: at(output),
    checkpoint: at(join(output, last?.folder ?? 'checkpoints')),
  };
  await finishPhase(dir, phase.key, { training } satisfies TrainResult);
}

async function prepare({ training: { config } }: TrainPhase, sameData: boolean): Promise<PreparedTraining> {
  const { prepareTraining } = await import('../training/run-training.ts');
  if (!sameData) return prepareTraining(config, { fresh: true });
  try {
    return await prepareTraining(config);
  } catch (error) {
    if (!isCorpusmillError(error) || error.code !== 'RUN_CONFLICT') throw error;
    return prepareTraining(config, { fresh: true });
  }
}

/** Hands records on, and makes progress of the steps among them. */
function reporter(
  run: RunContext,
  phase: TrainPhase,
  { steps, tokensPerStep }: RunRecord,
): (record: LogRecord) => void {
  const { stop } = phase.training.config;
  const whole = steps ?? (stop.tokens === undefined ? undefined : stop.tokens / tokensPerStep);
  return (record) => {
    run.onTraining(record);
    const isSlow = record.kind === 'session' && record.time.backend === 'reference';
    if (isSlow && record.event !== 'interrupted' && phase.training.config.backend === 'auto') {
      run.emit({ type: 'warning', message: NO_KERNELS });
    }
    if (record.kind !== 'step') return;
    const { seconds, tokensPerSecond } = record.time;
    const shares = [
      whole === undefined ? 0 : record.step / whole,
      stop.minutes === undefined ? 0 : seconds / (60 * stop.minutes),
    ];
    run.emit({
      type: 'phase-progress',
      phase: phase.id,
      fraction: Math.min(1, Math.max(...shares)),
      documents: 0,
      bytes: 0,
      note: `step ${record.step}, loss ${record.loss?.toFixed(3) ?? 'not finite'}, ${Math.round(tokensPerSecond)} tokens/s`,
    });
  };
}

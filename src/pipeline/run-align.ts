/**
 * A stage of alignment of a pipeline: a phase that runs in this process, as the training before it does (run-train.ts). Its run lies
 * in `output/align/NAME/` as `corpusmill align` would leave it. Interrupted, it goes on from its last checkpoint; with other
 * settings, other data or another model to begin with it begins anew.
 *
 * What a stage takes from earlier phases (a policy, a reward model, a tokenizer) is known when those are through: `filledIn` puts
 * the paths into its configuration.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { ResolvedOnlineConfig } from '../align/config/online-schema.ts';
import type { OfflineStage } from '../align/config/schema.ts';
import type { ResolvedStageConfig } from '../align/config/stage-files.ts';
import { isCorpusmillError } from '../core/errors.ts';
import type { AlignedStage } from '../core/run-summary.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { LOG_NAME, type LogRecord, parseLog } from '../training/log.ts';
import { bestCheckpoint } from '../training/run-folder.ts';
import type { PreparedTraining } from '../training/run-training.ts';
import { artifactsBefore, findArtifact } from './artifacts.ts';
import { interrupted } from './for-each-limited.ts';
import { modelName } from './model-keys.ts';
import type { AlignPhase } from './phase.ts';
import type { AlignStage } from './pipeline.ts';
import type { RunContext } from './run-context.ts';
import { beginPhase, finishedResult, finishPhase, readJson } from './run-directory.ts';
import { trainResult } from './run-train.ts';

export interface AlignResult {
  aligned: AlignedStage;
}

/** The result of a finished stage whose model is still there. */
export function alignResult(run: RunContext, phase: AlignPhase): AlignResult | undefined {
  const result = finishedResult<AlignResult>(run.directory.phase(phase.id), phase.key);
  if (result === undefined) return undefined;
  return existsSync(join(run.directory.root, result.aligned.model, 'config.json')) ? result : undefined;
}

/** Runs the stage, and throws INTERRUPTED when the run's signal ended it. */
export async function runAlign(run: RunContext, phase: AlignPhase): Promise<void> {
  const dir = run.directory.phase(phase.id);
  const sameData = readJson<{ key: string }>(join(dir, 'data.json'))?.key === phase.dataKey;
  await beginPhase(dir, phase.key);
  const claim = (): Promise<void> => writeFileAtomic(join(dir, 'data.json'), JSON.stringify({ key: phase.dataKey }));
  // Checkpoints on the same data stay good whatever happens next; those on others must be gone before they are claimed.
  if (sameData) await claim();
  const aligned = filledIn(run, phase);
  const again = async (fresh: boolean): Promise<Found> => {
    const act = isOffline(aligned) ? runOffline : runFromSamples;
    return act(run, phase, aligned as never, fresh, sameData ? undefined : claim);
  };
  const found = await again(!sameData).catch((error: unknown) => {
    if (!sameData || !isCorpusmillError(error) || error.code !== 'RUN_CONFLICT') throw error;
    return again(true);
  });
  const at = (path: string): string => relative(run.directory.root, path).replaceAll('\\', '/');
  const { output, model } = aligned.config;
  const reward = 'reward' in aligned.config ? aligned.config.reward : undefined;
  const linked = phase.aligned.links.find(({ member }) => member === 'reward.model')?.from;
  const summary: AlignedStage = {
    name: aligned.name,
    stage: aligned.stage,
    from: phase.aligned.links.some(({ member }) => member === 'model') ? aligned.from : modelName(model),
    reward: linked ?? reward?.program ?? (reward?.model === undefined ? null : modelName(reward.model)),
    path: at(output),
    model: at(found.model),
    ...found.findings,
  };
  await finishPhase(dir, phase.key, { aligned: summary } satisfies AlignResult);
}

/** Folder of the policy or the reward model that a name stands for: an earlier stage's, or that of `train`. */
export function modelLeftBy(run: RunContext, name: string): string {
  for (const phase of run.plan.phases) {
    if (phase.kind === 'align' && phase.aligned.name === name) {
      return join(run.directory.root, alignResult(run, phase)!.aligned.model);
    }
    if (phase.kind === 'train' && name === 'train') {
      const { output, checkpoints } = phase.training.config;
      const last = join(run.directory.root, trainResult(run, phase)!.training.checkpoint);
      return (checkpoints.best ? bestCheckpoint(join(output, 'checkpoints')) : undefined) ?? last;
    }
  }
  throw new TypeError(`the pipeline has no stage of alignment named ${name}`);
}

/** The tokenizer that a stage of the pipeline has trained. */
export function tokenizerLeftBy(run: RunContext, phase: AlignPhase, stage: string): string {
  return findArtifact(artifactsBefore(run, phase), 'tokenizer', stage)!;
}

/** The stage with the paths of what earlier phases left. */
export function filledIn(run: RunContext, phase: AlignPhase): AlignStage {
  const { aligned } = phase;
  const config = structuredClone(aligned.config) as unknown as Record<string, unknown>;
  for (const { member, from } of aligned.links) {
    const value =
      member === 'data.tokenizer'
        ? tokenizerLeftBy(run, phase, from)
        : member === 'pretraining.shards'
          ? run.directory.output(from)
          : modelLeftBy(run, from);
    const [first, second] = member.split('.');
    if (second === undefined) config[first] = value;
    else config[first] = { ...(config[first] as object), [second]: value };
  }
  return { ...aligned, config } as unknown as AlignStage;
}

/** What a stage has left. */
interface Found {
  /** Absolute. */
  model: string;
  findings: Omit<AlignedStage, 'name' | 'stage' | 'from' | 'reward' | 'path' | 'model'>;
}

type Offline = Extract<AlignStage, { stage: OfflineStage }>;
type Online = Exclude<AlignStage, { stage: OfflineStage }>;

function isOffline(aligned: AlignStage): aligned is Offline {
  return aligned.stage === 'sft' || aligned.stage === 'reward' || aligned.stage === 'dpo';
}

/** `claim`: once what is of other data is gone. */
async function runOffline(
  run: RunContext,
  phase: AlignPhase,
  { stage, config }: Offline,
  fresh: boolean,
  claim: (() => Promise<void>) | undefined,
): Promise<Found> {
  const { prepareStage } = await import('../align/prepare-stage.ts');
  const { readRewardEvaluation } = await import('../align/reward-task.ts');
  const { heldOutAccuracy, summarizeOffline } = await import('../align/summarize-stage.ts');
  const prepared: PreparedTraining = await prepareStage(stage, config as ResolvedStageConfig<typeof stage>, { fresh });
  if (hasGoneTooFar(prepared)) {
    await prepared.close();
    return runOffline(run, phase, { stage, config } as Offline, true, claim);
  }
  try {
    await claim?.();
    const { steps, tokensPerStep } = prepared.record;
    const { stop } = config;
    const whole = steps ?? (stop.tokens === undefined ? undefined : stop.tokens / tokensPerStep);
    const onRecord = (record: LogRecord): void => {
      run.onTraining(record);
      if (record.kind !== 'step') return;
      const shares = [
        whole === undefined ? 0 : record.step / whole,
        stop.minutes === undefined ? 0 : record.time.seconds / (60 * stop.minutes),
      ];
      const note = `step ${record.step}, loss ${record.loss?.toFixed(3) ?? 'not finite'}`;
      progress(run, phase, Math.max(...shares), note);
    };
    // A resumed run's log begins with what an earlier process wrote.
    if (prepared.resumed !== undefined) onRecord(prepared.record);
    const outcome = await prepared.run({ signal: run.signal, onRecord });
    if (outcome.reason === 'interrupted') throw interrupted();
  } finally {
    await prepared.close();
  }
  const records = parseLog(readFileSync(join(config.output, LOG_NAME), 'utf8'));
  const folder = records.findLast((record) => record.kind === 'checkpoint')?.folder ?? 'checkpoints';
  const evaluation = stage === 'reward' ? await readRewardEvaluation(config.output) : undefined;
  const best = config.checkpoints.best ? bestCheckpoint(join(config.output, 'checkpoints')) : undefined;
  return {
    model: best ?? join(config.output, folder),
    findings: {
      ...summarizeOffline(stage, records),
      evaluation: evaluation === undefined ? null : heldOutAccuracy(evaluation),
    },
  };
}

/** Its checkpoint has more steps than are asked for now: what fewer leave is another model. */
function hasGoneTooFar({ resumed, plan }: PreparedTraining): boolean {
  return resumed !== undefined && plan.steps !== null && resumed.trainer.step > plan.steps;
}

async function runFromSamples(
  run: RunContext,
  phase: AlignPhase,
  { stage, config }: Online,
  fresh: boolean,
  claim: (() => Promise<void>) | undefined,
): Promise<Found> {
  const { ALIGN_LOG_NAME, isOnlineStep, parseOnlineLog } = await import('../align/online-log.ts');
  const { runOnline } = await import('../align/run-online.ts');
  const { summarizeOnline } = await import('../align/summarize-stage.ts');
  let claimed = claim === undefined ? Promise.resolve() : undefined;
  const outcome = await runOnline(stage, config as ResolvedOnlineConfig<typeof stage>, {
    signal: run.signal,
    fresh: fresh || lastStep(config.output) > config.stop.steps,
    onRecord: (record) => {
      claimed ??= claim!();
      if (!isOnlineStep(record)) return;
      const kl = 'kl' in record && record.kl !== null ? `, KL ${record.kl.toFixed(3)}` : '';
      const note = `step ${record.step}, reward ${record.reward.toFixed(3)}${kl}`;
      progress(run, phase, record.step / config.stop.steps, note);
    },
  });
  await claimed;
  if (outcome.reason === 'interrupted') throw interrupted();
  const records = parseOnlineLog(readFileSync(join(config.output, ALIGN_LOG_NAME), 'utf8'));
  return {
    model: outcome.policy ?? lastPolicy(config.output),
    findings: { ...summarizeOnline(stage, records), evaluation: null },
  };
}

/** Of a run that had nothing left to do. */
function lastPolicy(output: string): string {
  return join(output, 'checkpoints', checkpointsOf(output).at(-1) ?? '', 'policy');
}

/** Steps of the last checkpoint; 0: there is none. */
function lastStep(output: string): number {
  return Number(checkpointsOf(output).at(-1)?.slice('step-'.length) ?? 0);
}

function checkpointsOf(output: string): string[] {
  const root = join(output, 'checkpoints');
  return existsSync(root)
    ? readdirSync(root)
        .filter((name) => name.startsWith('step-'))
        .sort()
    : [];
}

function progress(run: RunContext, phase: AlignPhase, fraction: number, note: string): void {
  const event = { phase: phase.id, fraction: Math.min(1, fraction), documents: 0, bytes: 0, note };
  run.emit({ type: 'phase-progress', ...event });
}

/**
 * Runs a pipeline: plans its phases, skips those that are finished, runs the rest, and sums up.
 *
 * The result is the same bytes for any number of workers and any number of interruptions; only `timing.json` knows
 * about time.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CorpusmillError, isCorpusmillError, systemCode } from '../core/errors.ts';
import type { ProgressEvent, RunSummary } from '../core/run-summary.ts';
import type { Volume } from '../core/stats.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { expandInputs } from '../io/files.ts';
import type { InputFile } from '../io/input.ts';
import type { LogRecord } from '../training/log.ts';
import { alignmentFiles } from './alignment-files.ts';
import { auditSpec, removeEmptyDropped, sweepDropped } from './audit.ts';
import { barrierDecision } from './barrier-result.ts';
import { decideDir } from './barrier-task.ts';
import { interrupted } from './for-each-limited.ts';
import type { PassResult } from './part-statistics.ts';
import { type DocumentsState, type Phase, type Plan, phaseName } from './phase.ts';
import type { Pipeline } from './pipeline.ts';
import { planPhases } from './plan.ts';
import { createPool, workerCount } from './pool.ts';
import { refuseTooManyBad, restoreQuarantine } from './quarantine.ts';
import { alignResult, runAlign } from './run-align.ts';
import { answersResult, runAnswers } from './run-answers.ts';
import { barrierIsFinished, runBarrier } from './run-barrier.ts';
import type { RunContext } from './run-context.ts';
import { finishedResult, openRunDirectory, outputError, type RunDirectory, sweepPhases } from './run-directory.ts';
import { passIsFinished, runPass } from './run-pass.ts';
import { runSink, sinkResult } from './run-sink.ts';
import { runTrain, trainResult } from './run-train.ts';
import { summarize } from './summarize.ts';

export interface RunPipelineOptions {
  onProgress?: (event: ProgressEvent) => void;
  /** Told of every record of the log while a model is trained. */
  onTraining?: (record: LogRecord) => void;
  /** Aborting ends the run at the next part border; finished parts are kept. */
  signal?: AbortSignal;
  /** Run this phase (id or stage name) and all behind it again, finished or not. */
  from?: string;
  /** Use an output folder that holds something else. */
  force?: boolean;
}

export interface RunResult {
  summary: RunSummary;
  runDir: string;
  timing: RunTiming;
}

export interface RunTiming {
  workers: number;
  seconds: number;
  phases: { id: string; title: string; seconds: number; reused: boolean }[];
}

export interface PhaseSummary {
  id: string;
  title: string;
  kind: Phase['kind'];
  stages: string[];
  /** True when the phase is finished and would not run again. */
  reused: boolean;
}

/** Runs `pipeline` to its end. Throws CorpusmillError for everything a user can cause or mend. */
export async function runPipeline(pipeline: Pipeline, options: RunPipelineOptions = {}): Promise<RunResult> {
  // Ended with the run, whatever ended it: what is still under way for earlier phases must not go on.
  const ended = new AbortController();
  const signal = options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal]);
  const emit = options.onProgress ?? (() => {});
  const onWarning = (message: string): void => emit({ type: 'warning', message });
  const files = await expandInputs(pipeline.inputs, { runDirectory: pipeline.output, onWarning });
  const plan = planPhases(pipeline, files, await alignmentFiles(pipeline));
  const again = options.from === undefined ? undefined : phaseNamed(plan, options.from);
  const directory = await openRunDirectory(pipeline, options.force ?? false);
  const workers = Math.min(workerCount(pipeline.run.workers), usefulWorkers(files, pipeline.run.chunkBytes));
  const stages = pipeline.stages.filter(({ module }) => module === undefined).map(({ definition }) => definition.name);
  const pool = createPool({ workers, memoryMiB: pipeline.run.workerMemoryMiB, stages, signal });
  const run: RunContext = {
    ...{ pipeline, plan, files, directory, pool, signal, emit, decisions: new Map(), late: [] },
    onTraining: options.onTraining ?? (() => {}),
  };
  const timing: RunTiming = { workers, seconds: 0, phases: [] };
  const started = performance.now();
  try {
    sweepPhases(directory, plan.phases);
    sweepDroppedOf(run);
    if (again !== undefined) forgetFrom(directory, plan, again);
    for (const [index, phase] of plan.phases.entries()) {
      if (signal.aborted) throw interrupted();
      const begun = performance.now();
      const reused = isFinished(run, phase);
      emit({
        type: 'phase-start',
        phase: phase.id,
        title: phase.title,
        index,
        phases: plan.phases.length,
        totalBytes: phase.kind === 'pass' && phase.source === 'inputs' ? sumBytes(files) : undefined,
      });
      if (!reused) await runPhase(run, phase);
      if (phase.kind === 'pass') refuseTooManyBad(run, phase);
      const seconds = (performance.now() - begun) / 1000;
      timing.phases.push({ id: phase.id, title: phase.title, seconds, reused });
      emit({ type: 'phase-end', phase: phase.id, seconds, reused, ...phaseVolume(run, phase) });
    }
    await Promise.all(run.late);
    // Workers end beside what follows; what fails there is told below, where they are waited for.
    pool.close().catch(() => {});
    removeEmptyDropped(directory.root);
    timing.seconds = (performance.now() - started) / 1000;
    await restoreQuarantine(run);
    const summary = await summarize(run);
    const write = (name: string, value: unknown): Promise<void> =>
      writeFileAtomic(join(directory.root, name), `${JSON.stringify(value, null, 2)}\n`);
    await Promise.all([write('summary.json', summary), write('timing.json', timing)]);
    return { summary, runDir: directory.root, timing };
  } catch (error) {
    throw explain(error, directory.root);
  } finally {
    ended.abort();
    await pool.close();
    await Promise.allSettled(run.late);
    directory.close();
  }
}

/** Dropped documents of phases that the plan no longer has, or that are not asked for any more. */
function sweepDroppedOf({ plan, directory, pipeline }: RunContext): void {
  const wanted = auditSpec(pipeline.run) !== undefined;
  const isOfPlan = (name: string): boolean => plan.phases.some(({ id }) => name.startsWith(`${id}-`));
  sweepDropped(directory.root, (name) => wanted && isOfPlan(name));
}

/** What a run would do, without doing it. */
export async function planPipeline(pipeline: Pipeline): Promise<PhaseSummary[]> {
  const files = await expandInputs(pipeline.inputs, { runDirectory: pipeline.output });
  const plan = planPhases(pipeline, files, await alignmentFiles(pipeline));
  const directory: RunDirectory = {
    root: pipeline.output,
    phase: (id) => join(pipeline.output, 'phases', id),
    output: (name) => join(pipeline.output, 'output', name),
    close: () => {},
  };
  const run = { pipeline, plan, files, directory, decisions: new Map() } as unknown as RunContext;
  return plan.phases.map((phase) => ({
    id: phase.id,
    title: phase.title,
    kind: phase.kind,
    stages: phase.kind === 'pass' ? phase.maps.map((stage) => stage.name) : [phaseName(phase)],
    reused: isFinished(run, phase),
  }));
}

function isFinished(run: RunContext, phase: Phase): boolean {
  switch (phase.kind) {
    case 'pass':
      return passIsFinished(run, phase);
    case 'barrier':
      return barrierIsFinished(run, phase);
    case 'sink':
      return sinkResult(run, phase) !== undefined;
    case 'train':
      return trainResult(run, phase) !== undefined;
    case 'align':
      return alignResult(run, phase) !== undefined;
    case 'answers':
      return answersResult(run, phase) !== undefined;
  }
}

function runPhase(run: RunContext, phase: Phase): Promise<void> {
  switch (phase.kind) {
    case 'pass':
      return runPass(run, phase);
    case 'barrier':
      return runBarrier(run, phase);
    case 'sink':
      return runSink(run, phase);
    case 'train':
      return runTrain(run, phase);
    case 'align':
      return runAlign(run, phase);
    case 'answers':
      return runAnswers(run, phase);
  }
}

/** Documents and bytes of text that went into a finished phase; bytes only where text was read. */
function phaseVolume(run: RunContext, phase: Phase): Volume {
  if (phase.kind === 'train' || phase.kind === 'align' || phase.kind === 'answers') return { documents: 0, bytes: 0 };
  if (phase.kind === 'barrier') return { documents: barrierDecision(run, phase)!.input.documents, bytes: 0 };
  if (phase.kind === 'pass' && phase.writesDocuments) {
    return finishedResult<PassResult>(run.directory.phase(phase.id), phase.key)!.read;
  }
  const over = phase.kind === 'sink' ? phase.over : (phase.source as DocumentsState);
  const last = run.plan.phases.find((earlier) => earlier.id === (over.decisions.at(-1) ?? over.pass))!;
  if (last.kind === 'barrier') return { documents: barrierDecision(run, last)!.output.documents, bytes: 0 };
  return { documents: finishedResult<PassResult>(run.directory.phase(last.id), last.key)!.kept.documents, bytes: 0 };
}

function phaseNamed(plan: Plan, name: string): number {
  const index = plan.phases.findIndex(
    (phase) =>
      phase.id === name ||
      (phase.kind === 'pass' ? phase.maps.some((stage) => stage.name === name) : phaseName(phase) === name),
  );
  if (index >= 0) return index;
  throw new CorpusmillError('USAGE', `--from ${name}: the pipeline has no such phase or stage`, {
    hint: `phases are ${plan.phases.map((phase) => phase.id).join(', ')}`,
  });
}

function forgetFrom(directory: RunDirectory, plan: Plan, index: number): void {
  const phases = plan.phases.slice(index);
  const observed = new Set(phases.flatMap((phase) => (phase.kind === 'pass' ? phase.observers : [])));
  for (const phase of phases) {
    const dir = directory.phase(phase.id);
    // A barrier's features belong to the pass before it: when that is not made again, only the decision is.
    const decisionOnly = phase.kind === 'barrier' && !observed.has(phase.id);
    rmSync(decisionOnly ? decideDir(dir) : dir, { recursive: true, force: true });
  }
}

/** Compressed files may hold so many times their bytes. */
const LIKELY_EXPANSION = 10;

/** Workers that find something to do: a small input is one chunk, and a worker that waits has cost half a second of a core. */
function usefulWorkers(files: readonly InputFile[], chunkBytes: number): number {
  return Math.max(1, Math.ceil((LIKELY_EXPANSION * sumBytes(files)) / chunkBytes));
}

function sumBytes(files: readonly { bytes: number }[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0);
}

/** Full disks and missing permissions are the user's to mend; anything else keeps its own face. */
function explain(error: unknown, root: string): unknown {
  if (isCorpusmillError(error)) return error;
  const code = systemCode(error);
  if (code !== undefined && ['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS', 'EMFILE'].includes(code)) {
    return outputError(`cannot write in the run directory ${root}`, error);
  }
  return error;
}

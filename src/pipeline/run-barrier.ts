/**
 * A barrier, seen from the main thread: one long task in a worker, whose progress it passes on. It counts as run when the
 * decision is on disk; what the worker then gathers for people is waited for at the end of the run (`RunContext.late`).
 */
import { rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { MessageChannel } from 'node:worker_threads';
import { isCorpusmillError } from '../core/errors.ts';
import { auditIsWhole, auditSpec, droppedDir } from './audit.ts';
import { answerHelp, type HelpRequest } from './barrier-help.ts';
import { barrierOutcome } from './barrier-result.ts';
import {
  type BarrierDecision,
  type BarrierMessage,
  type BarrierOutcome,
  type BarrierTask,
  decideDir,
} from './barrier-task.ts';
import { interrupted } from './for-each-limited.ts';
import { rowsOf } from './parts.ts';
import type { BarrierPhase } from './phase.ts';
import { createPool, type WorkerPool } from './pool.ts';
import type { RunContext } from './run-context.ts';
import { beginPhase, finishPhase } from './run-directory.ts';
import { partsOf } from './run-pass.ts';
import { toStageRef } from './stage-ref.ts';

/** True when it has decided and its dropped documents are kept as the pipeline asks. */
export function barrierIsFinished(run: RunContext, phase: BarrierPhase): boolean {
  const outcome = barrierOutcome(run, phase);
  return outcome !== undefined && auditIsWhole(run.directory.root, run.pipeline.run, outcome.audit);
}

/** As in the schema of the pipeline file, for pipelines made by programs. */
const DECIDE_MEMORY_MIB = 1024;

/** Runs the barrier until its decision is on disk. */
export async function runBarrier(run: RunContext, phase: BarrierPhase): Promise<void> {
  const dir = run.directory.phase(phase.id);
  const outputDir = run.directory.output(phase.stage.name);
  await beginPhase(decideDir(dir), phase.key);
  rmSync(outputDir, { recursive: true, force: true });

  const task: Omit<BarrierTask, 'progress'> = {
    kind: 'barrier',
    stage: toStageRef(phase.stage),
    seed: run.pipeline.seed,
    baseDir: run.pipeline.baseDir,
    refs: partsOf(run, phase.over),
    phase: phase.id,
    audit: auditSpec(run.pipeline.run),
    droppedDir: droppedDir(run.directory.root),
    dir,
    outputDir,
    inputs: run.pipeline.inputs.map(({ name }) => name),
    memoryBytes: (run.pipeline.run.decideMemoryMiB ?? DECIDE_MEMORY_MIB) * 2 ** 20,
    // Accounts of earlier decisions keep workers: who waited for these would wait for all that people read of them.
    helpers: Math.max(0, run.pool.workers - 1 - run.decisions.size),
  };
  await new Promise<void>((resolve, reject) => {
    const decided = (decision: BarrierDecision): void => {
      run.decisions.set(phase.id, decision);
      resolve();
    };
    const account = decide(run, phase, task, decided).then(async (outcome) => {
      await finishPhase(decideDir(dir), phase.key, outcome);
      run.decisions.delete(phase.id);
      if ((await readdir(outputDir)).length === 0) rmSync(outputDir, { recursive: true });
    });
    // The decision and the result come through two ports, and nothing says which is read first: the one closes the other.
    account.then(resolve, reject);
    run.late.push(account);
  });
}

/**
 * In one of the run's workers, which are warm and idle by now. Its tables lie outside the heap that limits those, but one
 * that needs more heap all the same gets a worker without a limit.
 */
async function decide(
  run: RunContext,
  phase: BarrierPhase,
  task: Omit<BarrierTask, 'progress'>,
  decided: (decision: BarrierDecision) => void,
): Promise<BarrierOutcome> {
  try {
    return await decideIn(run.pool, run, phase, task, decided);
  } catch (error) {
    if (run.signal.aborted || !isCorpusmillError(error) || error.code !== 'WORKER_FAILED') throw error;
  }
  const pool = createPool({ workers: 1, memoryMiB: undefined, stages: [phase.stage.definition.name] });
  try {
    return await decideIn(pool, run, phase, { ...task, helpers: 0 }, decided);
  } finally {
    await pool.close();
  }
}

async function decideIn(
  pool: WorkerPool,
  run: RunContext,
  phase: BarrierPhase,
  task: Omit<BarrierTask, 'progress'>,
  decided: (decision: BarrierDecision) => void,
): Promise<BarrierOutcome> {
  const { port1, port2 } = new MessageChannel();
  const documents = rowsOf(task.refs);
  let isDecided = false;
  port1.on('message', (message: BarrierMessage | HelpRequest) => {
    if ('help' in message) {
      void answerHelp(pool, port1, message, run.signal);
    } else if ('decision' in message) {
      isDecided = true;
      decided(message.decision);
    } else if (!isDecided) {
      run.emit({ type: 'phase-progress', phase: phase.id, documents, bytes: 0, ...message });
    }
  });
  try {
    const message: BarrierTask = { ...task, progress: port2 };
    return await pool.run<BarrierOutcome>(message, { transfer: [port2], abort: run.signal });
  } catch (error) {
    if (run.signal.aborted) throw interrupted();
    throw error;
  } finally {
    port1.close();
  }
}

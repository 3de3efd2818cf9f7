/** A barrier, seen from the main thread: one long task in a worker of its own, whose progress it passes on. */
import { rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { MessageChannel } from 'node:worker_threads';
import { auditIsWhole, auditSpec, droppedDir } from './audit.ts';
import { type BarrierOutcome, type BarrierTask, decideDir } from './barrier-task.ts';
import type { BarrierPhase } from './plan.ts';
import { interrupted } from './pool.ts';
import type { RunContext } from './run-context.ts';
import { beginPhase, finishedResult, finishPhase } from './run-directory.ts';
import { partsOf } from './run-pass.ts';
import { toStageRef } from './stage-ref.ts';

export function barrierOutcome(run: RunContext, phase: BarrierPhase): BarrierOutcome | undefined {
  return finishedResult<BarrierOutcome>(decideDir(run.directory.phase(phase.id)), phase.key);
}

/** True when it has decided and its dropped documents are kept as the pipeline asks. */
export function barrierIsFinished(run: RunContext, phase: BarrierPhase): boolean {
  const outcome = barrierOutcome(run, phase);
  return outcome !== undefined && auditIsWhole(run.directory.root, run.pipeline.run, outcome.audit);
}

/** As in the schema of the pipeline file, for pipelines made by programs. */
const DECIDE_MEMORY_MIB = 1024;

export async function runBarrier(run: RunContext, phase: BarrierPhase): Promise<void> {
  const dir = run.directory.phase(phase.id);
  const outputDir = run.directory.output(phase.stage.name);
  await beginPhase(decideDir(dir), phase.key);
  rmSync(outputDir, { recursive: true, force: true });

  const { port1, port2 } = new MessageChannel();
  const refs = partsOf(run, phase.over);
  const documents = refs.reduce((sum, ref) => sum + ref.rows, 0);
  port1.on('message', ({ fraction, note }: { fraction: number; note?: string }) => {
    run.emit({ type: 'phase-progress', phase: phase.id, fraction, documents, bytes: 0, note });
  });
  const task: BarrierTask = {
    kind: 'barrier',
    stage: toStageRef(phase.stage),
    seed: run.pipeline.seed,
    baseDir: run.pipeline.baseDir,
    refs,
    phase: phase.id,
    audit: auditSpec(run.pipeline.run),
    droppedDir: droppedDir(run.directory.root),
    dir,
    outputDir,
    inputs: run.pipeline.inputs.map(({ name }) => name),
    memoryBytes: (run.pipeline.run.decideMemoryMiB ?? DECIDE_MEMORY_MIB) * 2 ** 20,
    progress: port2,
  };
  try {
    const outcome = await run.decider().run<BarrierOutcome>(task, { transfer: [port2], abort: run.signal });
    await finishPhase(decideDir(dir), phase.key, outcome);
  } catch (error) {
    if (run.signal.aborted) throw interrupted();
    throw error;
  } finally {
    port1.close();
  }
  if ((await readdir(outputDir)).length === 0) rmSync(outputDir, { recursive: true });
}

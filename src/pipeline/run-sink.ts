/** A sink, seen from the main thread: its steps in order, each a list of tasks for the pool and a merge. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { OutputSummary } from '../core/run-summary.ts';
import type { SinkContext, SinkDefinition, SinkPart } from '../core/stage.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { artifactsBefore, findArtifact } from './artifacts.ts';
import { forEachLimited } from './for-each-limited.ts';
import { type PartRef, partName, readAlive, readPartRows } from './parts.ts';
import type { SinkPhase } from './phase.ts';
import type { RunContext } from './run-context.ts';
import { beginPhase, finishedResult, finishPhase, readJson } from './run-directory.ts';
import { partsOf } from './run-pass.ts';
import type { SinkSpec } from './sink-task.ts';
import { definitionOf, stageContext, toStageRef } from './stage-ref.ts';

/** A sink's result, kept in its phase.json: what the report says, and the files as they were left. */
export interface SinkResult {
  output: OutputSummary;
  files: { path: string; bytes: number }[];
}

const PARTS_AT_ONCE = 32;

/** The result of a finished sink whose files still lie there as it left them. */
export function sinkResult(run: RunContext, phase: SinkPhase): SinkResult | undefined {
  const result = finishedResult<SinkResult>(run.directory.phase(phase.id), phase.key);
  const whole = result?.files.every(({ path, bytes }) => {
    const file = join(run.directory.root, path);
    return existsSync(file) && statSync(file).size === bytes;
  });
  return whole ? result : undefined;
}

export async function runSink(run: RunContext, phase: SinkPhase): Promise<void> {
  run.pool.start();
  const dir = run.directory.phase(phase.id);
  if (finishedResult(dir, phase.key) !== undefined) rmSync(dir, { recursive: true });
  const outputDir = run.directory.output(phase.stage.name);
  // Finished tasks count only while the files they wrote are still there.
  if (!existsSync(outputDir)) rmSync(dir, { recursive: true, force: true });
  await beginPhase(dir, phase.key);
  if (!existsSync(join(dir, 'parts.json'))) rmSync(outputDir, { recursive: true, force: true });
  mkdirSync(outputDir, { recursive: true });
  const workDir = join(dir, 'work');
  mkdirSync(workDir, { recursive: true });

  const refs = partsOf(run, phase.over);
  const parts: SinkPart[] = [];
  // A few at a time: each reads files, and a corpus may have more parts than a process may have files open.
  await forEachLimited(refs, PARTS_AT_ONCE, run.signal, async (ref) => {
    parts[ref.part] = await survivors(ref);
  });
  const partsFile = join(dir, 'parts.json');
  await writeFileAtomic(partsFile, JSON.stringify(refs));
  const spec: SinkSpec = {
    stage: toStageRef(phase.stage),
    seed: run.pipeline.seed,
    baseDir: run.pipeline.baseDir,
    partsFile,
    outputDir,
    workDir,
    artifacts: artifactsBefore(run, phase),
    pipelineHash: phase.origin,
  };
  const context: SinkContext = {
    ...stageContext(spec.stage, spec.seed, spec.baseDir),
    parts,
    outputDir,
    workDir,
    artifact: (role, by) => findArtifact(spec.artifacts, role, by),
    pipelineHash: phase.origin,
  };
  const definition = await definitionOf(spec.stage, 'sink');
  let details: unknown;
  try {
    details = await runSteps(run, phase, spec, context, definition.steps);
  } finally {
    definition.release?.(workDir);
  }
  const files = listFiles(outputDir).map((path) => ({
    path: relative(run.directory.root, path),
    bytes: statSync(path).size,
  }));
  const output: OutputSummary = {
    name: phase.stage.name,
    stage: phase.stage.definition.name,
    path: relative(run.directory.root, outputDir),
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    details: (details ?? {}) as Record<string, unknown>,
  };
  await finishPhase(dir, phase.key, { output, files } satisfies SinkResult);
  rmSync(workDir, { recursive: true, force: true });
}

/** The steps one after another; the report of the last. */
async function runSteps(
  run: RunContext,
  phase: SinkPhase,
  spec: SinkSpec,
  context: SinkContext,
  steps: SinkDefinition['steps'],
): Promise<unknown> {
  const dir = run.directory.phase(phase.id);
  const documents = context.parts.reduce((sum, part) => sum + part.documents, 0);
  const { options } = phase.stage;
  const earlier: unknown[] = [];
  for (const [index, step] of steps.entries()) {
    const stepDir = join(dir, 'steps', String(index));
    mkdirSync(stepDir, { recursive: true });
    const tasks = await step.plan(options, context, earlier);
    const results: unknown[] = [];
    let done = 0;
    const atOnce = run.pool.workers * (step.tasksPerWorker ?? 1);
    const records = new RecordWriter();
    await forEachLimited(tasks.entries(), atOnce, run.signal, async ([i, task]) => {
      const file = join(stepDir, `${partName(i)}.json`);
      const record = readJson<{ result: unknown }>(file);
      const isThere = record !== undefined && (step.isThere?.(options, record.result as never, context) ?? true);
      let finished = isThere ? record : undefined;
      if (finished === undefined) {
        finished = { result: await run.pool.run({ kind: 'sink', spec, step: index, task }) };
        records.write(file, finished);
      }
      results[i] = finished.result;
      done++;
      run.emit({
        type: 'phase-progress',
        phase: phase.id,
        fraction: (index + done / tasks.length) / steps.length,
        documents,
        bytes: 0,
        note: step.name,
      });
    }).finally(() => records.settled());
    records.check();
    earlier.push(await step.merge(options, results as never[], context, earlier));
  }
  return earlier.at(-1);
}

/** Remembers finished tasks while the next ones run: the disk takes 10 ms for each. */
class RecordWriter {
  readonly #underWay = new Set<Promise<void>>();
  #failure: { error: unknown } | undefined;

  /** Throws what went wrong with an earlier one. */
  write(path: string, record: object): void {
    this.check();
    const written = writeFileAtomic(path, JSON.stringify(record))
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#underWay.delete(written));
    this.#underWay.add(written);
  }

  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

async function survivors(ref: PartRef): Promise<SinkPart> {
  const [alive, lengths] = await Promise.all([readAlive(ref), readPartRows(ref)]);
  return { part: ref.part, ...sumAlive(lengths, alive) };
}

// Not within the async function, which V8 would compile whole when the loop gets hot.
function sumAlive(lengths: Uint32Array, alive: Uint8Array | undefined): { documents: number; bytes: number } {
  let documents = 0;
  let bytes = 0;
  for (let row = 0; 2 * row < lengths.length; row++) {
    if (alive !== undefined && alive[row] === 0) continue;
    documents++;
    bytes += lengths[2 * row];
  }
  return { documents, bytes };
}

function listFiles(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

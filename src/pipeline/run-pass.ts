/** A pass, seen from the main thread: hands out chunks, keeps the quarantine, and knows what is already done. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isCorpusmillError } from '../core/errors.ts';
import { collectGarbage } from '../core/memory.ts';
import { readChunks, releaseChunk } from '../io/chunks.ts';
import type { Chunk } from '../io/input.ts';
import { artifactsBefore } from './artifacts.ts';
import {
  type AuditFiles,
  type AuditSpec,
  auditIsWhole,
  auditSpec,
  droppedDir,
  droppedFile,
  removeDropped,
} from './audit.ts';
import type { AuditTask } from './audit-file.ts';
import { barrierDecision, barrierOutcome } from './barrier-result.ts';
import { decideDir } from './barrier-task.ts';
import { forEachLimited } from './for-each-limited.ts';
import { addPart, emptyPassResult, type PartStatistics, type PassResult } from './part-statistics.ts';
import { featureFile, type PartRef, partDroppedFile, partFile, partRefs, rowsOf } from './parts.ts';
import type { PassSpec } from './pass-spec.ts';
import type { BarrierPhase, DocumentsState, PassPhase } from './phase.ts';
import { inputsWithinMemory } from './plan.ts';
import { deadChunk, refuseTooManyBad, writeQuarantine } from './quarantine.ts';
import type { RunContext } from './run-context.ts';
import { beginPhase, finishedResult, finishPhase, readJson } from './run-directory.ts';
import { toStageRef } from './stage-ref.ts';

/** The parts a later phase reads: rows of the pass that wrote them, and the decisions made since. */
export function partsOf(run: RunContext, over: DocumentsState): PartRef[] {
  const pass = run.plan.phases.find((phase) => phase.id === over.pass)!;
  const result = finishedResult<PassResult>(run.directory.phase(over.pass), pass.key);
  if (result === undefined) throw new Error(`phase ${over.pass} is not finished`);
  const barriers = over.decisions.map((id) => run.plan.phases.find((phase) => phase.id === id) as BarrierPhase);
  const dirOf = ({ id }: BarrierPhase): string => decideDir(run.directory.phase(id));
  const decisions = barriers.map(dirOf).filter((dir) => existsSync(join(dir, 'decisions')));
  const edits = barriers.flatMap((barrier) => {
    const edits = barrierDecision(run, barrier)?.edits;
    return edits === undefined ? [] : [{ dir: dirOf(barrier), name: barrier.stage.name, action: edits.action }];
  });
  return partRefs(run.directory.phase(over.pass), result.rows, decisions, edits);
}

function barriersOf(run: RunContext, phase: PassPhase): BarrierPhase[] {
  return phase.observers.map((id) => run.plan.phases.find((other) => other.id === id) as BarrierPhase);
}

/** Barriers that still lack features: neither decided nor completely observed. */
export function barriersToObserve(run: RunContext, phase: PassPhase): BarrierPhase[] {
  return barriersOf(run, phase).filter((barrier) => {
    const dir = run.directory.phase(barrier.id);
    const outcome = barrierOutcome(run, barrier);
    const decided = outcome !== undefined && auditIsWhole(run.directory.root, run.pipeline.run, outcome.audit);
    return !decided && finishedResult(join(dir, 'features'), barrier.featureKey) === undefined;
  });
}

/** True when neither documents nor features of this pass have to be made. */
export function passIsFinished(run: RunContext, phase: PassPhase): boolean {
  const written = !phase.writesDocuments || writtenResult(run, phase) !== undefined;
  return written && barriersToObserve(run, phase).length === 0;
}

/** The pass's result, where its documents are written and its dropped ones are kept as the pipeline asks. */
function writtenResult(run: RunContext, phase: PassPhase): PassResult | undefined {
  const result = finishedResult<PassResult>(run.directory.phase(phase.id), phase.key);
  const whole = result !== undefined && auditIsWhole(run.directory.root, run.pipeline.run, result.audit);
  return whole ? result : undefined;
}

/** Runs whatever of the pass is missing. */
export async function runPass(run: RunContext, phase: PassPhase): Promise<void> {
  run.pool.start();
  const dir = run.directory.phase(phase.id);
  const barriers = barriersToObserve(run, phase);
  for (const barrier of barriers) {
    await beginPhase(join(run.directory.phase(barrier.id), 'features'), barrier.featureKey);
  }
  const spec: PassSpec = {
    cacheKey: [
      phase.key,
      auditSpec(run.pipeline.run)?.key ?? '',
      ...barriers.map((barrier) => barrier.featureKey),
    ].join(' '),
    dir,
    seed: run.pipeline.seed,
    baseDir: run.pipeline.baseDir,
    inputs: inputsWithinMemory(run.pipeline),
    audit: auditSpec(run.pipeline.run),
    maps: phase.maps.map(toStageRef),
    artifacts: phase.maps.some(({ definition }) => definition.needs !== undefined) ? artifactsBefore(run, phase) : [],
    observers: barriers.map((barrier) => ({
      stage: toStageRef(barrier.stage),
      dir: run.directory.phase(barrier.id),
    })),
  };
  if (phase.writesDocuments && writtenResult(run, phase) === undefined) await writeDocuments(run, phase, spec);
  else await observeOnly(run, phase, spec);
  for (const barrier of barriers) {
    await finishPhase(join(run.directory.phase(barrier.id), 'features'), barrier.featureKey, null);
  }
}

interface PassItem {
  part: number;
  source: { chunk: Chunk } | { ref: PartRef };
  /** Share of the pass's work, for progress. */
  weight: number;
}

async function writeDocuments(run: RunContext, phase: PassPhase, spec: PassSpec): Promise<void> {
  await beginPhase(spec.dir, phase.key);
  mkdirSync(join(spec.dir, 'parts'), { recursive: true });
  const result = emptyPassResult();
  const totalWeight =
    phase.source === 'inputs'
      ? run.files.reduce((sum, file) => sum + file.bytes, 0)
      : partsOf(run, phase.source).length;
  let weight = 0;
  const take = (item: PassItem, statistics: PartStatistics): void => {
    addPart(result, item.part, statistics);
    weight += item.weight;
    run.emit({
      type: 'phase-progress',
      phase: phase.id,
      fraction: totalWeight === 0 ? 1 : Math.min(1, weight / totalWeight),
      documents: result.read.documents,
      bytes: result.read.bytes,
    });
    refuseTooManyBad(run, phase, result);
  };
  try {
    await forEachLimited(passItems(run, phase), run.pool.limit, run.signal, async (item) => {
      const done = finishedPart(spec, item.part);
      const statistics = done ?? (await runPart(run, spec, item));
      // Its bytes are read no more: the next chunk may use the buffer, which V8 would let pile up.
      if ('chunk' in item.source) releaseChunk(item.source.chunk);
      take(item, statistics);
      collectGarbage();
    });
  } finally {
    // Also when the run fails: the user needs to see what was bad.
    await writeQuarantine(run, phase, result);
  }
  if (phase.source === 'inputs') {
    await warnOfChanges(run);
    warnOfEmptyInputs(run, result);
  }
  if (spec.audit !== undefined) result.audit = await mergeDropped(run, phase, spec.audit, result);
  delete result.auditParts;
  await finishPhase(spec.dir, phase.key, result);
  rmSync(join(spec.dir, 'dropped'), { recursive: true, force: true });
}

/** A merged file ends before it holds more than this of the parts' JSON lines. */
const DROPPED_FILE_BYTES = 256 * 2 ** 20;

/** Merges what the parts kept of dropped documents, in part order, whoever wrote them when. */
async function mergeDropped(
  run: RunContext,
  phase: PassPhase,
  { key }: AuditSpec,
  { auditParts = [] }: PassResult,
): Promise<AuditFiles> {
  const { root } = run.directory;
  removeDropped(root, phase.id);
  const groups: string[][] = [];
  let size = 0;
  for (const [part, bytes] of [...auditParts].sort(([a], [b]) => a - b)) {
    if (groups.length === 0 || size + bytes > DROPPED_FILE_BYTES) {
      groups.push([]);
      size = 0;
    }
    groups.at(-1)!.push(partDroppedFile(run.directory.phase(phase.id), part));
    size += bytes;
  }
  let documents = 0;
  await forEachLimited(groups.entries(), run.pool.workers, run.signal, async ([index, parts]) => {
    const path = join(droppedDir(root), droppedFile(phase.id, index));
    const merged = await run.pool.run<{ documents: number }>({ kind: 'audit', parts, path } satisfies AuditTask);
    documents += merged.documents;
  });
  return { key, documents, files: groups.map((_, index) => droppedFile(phase.id, index)) };
}

async function* passItems(run: RunContext, phase: PassPhase): AsyncGenerator<PassItem> {
  if (phase.source !== 'inputs') {
    for (const ref of partsOf(run, phase.source)) yield { part: ref.part, source: { ref }, weight: 1 };
    return;
  }
  let part = 0;
  const options = { chunkBytes: run.pipeline.run.chunkBytes, signal: run.signal };
  for await (const chunk of readChunks(run.files, inputsWithinMemory(run.pipeline), options)) {
    yield { part: part++, source: { chunk }, weight: chunk.fileBytes };
  }
}

/** Statistics of a part that an interrupted run left whole, features included. */
function finishedPart(spec: PassSpec, part: number): PartStatistics | undefined {
  const statistics = readJson<PartStatistics>(partFile(spec.dir, part, 'json'));
  if (statistics === undefined) return undefined;
  if (spec.audit !== undefined && statistics.audit?.key !== spec.audit.key) return undefined;
  return spec.observers.every(({ dir }) => existsSync(featureFile(dir, part))) ? statistics : undefined;
}

async function runPart(run: RunContext, spec: PassSpec, item: PassItem): Promise<PartStatistics> {
  try {
    return await run.pool.run<PartStatistics>({ kind: 'pass', spec, part: item.part, source: item.source });
  } catch (error) {
    if (!isCorpusmillError(error) || error.code !== 'WORKER_FAILED') throw error;
    // It killed two workers: it goes to quarantine as a whole, and an empty part takes its place.
    const chunk = await deadChunk(run, item.source, error.message);
    const warning = `${chunk.relativePath}: ${error.message}; the chunk is quarantined`;
    run.emit({ type: 'warning', message: error.hint === undefined ? warning : `${warning} (${error.hint})` });
    return run.pool.run<PartStatistics>({ kind: 'pass', spec, part: item.part, source: { chunk } });
  }
}

async function observeOnly(run: RunContext, phase: PassPhase, spec: PassSpec): Promise<void> {
  const over = phase.writesDocuments ? { pass: phase.id, decisions: [] } : (phase.source as DocumentsState);
  const refs = partsOf(run, over);
  const total = rowsOf(refs);
  let documents = 0;
  await forEachLimited(refs, run.pool.limit, run.signal, async (ref) => {
    if (!spec.observers.every(({ dir }) => existsSync(featureFile(dir, ref.part)))) {
      await run.pool.run({ kind: 'observe', spec, ref });
    }
    documents += ref.rows;
    run.emit({
      type: 'phase-progress',
      phase: phase.id,
      fraction: total === 0 ? 1 : documents / total,
      documents,
      bytes: 0,
    });
  });
}

/** Files that are written to while they are read give neither what they held before nor what they hold now. */
async function warnOfChanges(run: RunContext): Promise<void> {
  for (const { path, bytes, modifiedMs } of run.files) {
    const now = await stat(path).catch(() => undefined);
    if (now?.size === bytes && now.mtimeMs === modifiedMs) continue;
    const what = now === undefined ? 'was removed' : 'changed';
    run.emit({ type: 'warning', message: `${path} ${what} while it was read: the next run will read it again` });
  }
}

/** An input of which nothing could be read is hardly meant: a wrong `textField`, most often. */
function warnOfEmptyInputs(run: RunContext, { sources, badByInput }: PassResult): void {
  for (const [i, { name }] of run.pipeline.inputs.entries()) {
    const bad = badByInput[name] ?? 0;
    if (bad === 0 || sources[i] !== undefined) continue;
    run.emit({ type: 'warning', message: `input ${name}: no record became a document; quarantine.jsonl says why` });
  }
}

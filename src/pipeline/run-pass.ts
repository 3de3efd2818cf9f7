/** A pass, seen from the main thread: hands out chunks, keeps the quarantine, and knows what is already done. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CorpusmillError, isCorpusmillError } from '../core/errors.ts';
import type { ProgressEvent } from '../core/run-summary.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { readChunks, releaseChunk } from '../io/chunks.ts';
import type { BadRecord, Chunk, InputFile } from '../io/input.ts';
import { decideDir } from './barrier-task.ts';
import { addPart, emptyPassResult, type PartStatistics, type PassResult } from './part-statistics.ts';
import { featureFile, type PartRef, partFile, partRefs } from './parts.ts';
import type { PassSpec } from './pass-task.ts';
import type { Pipeline } from './pipeline.ts';
import type { BarrierPhase, DocumentsState, PassPhase, Plan } from './plan.ts';
import { forEachLimited, type WorkerPool } from './pool.ts';
import { beginPhase, finishedResult, finishPhase, type RunDirectory, readJson } from './run-directory.ts';
import { toStageRef } from './stage-ref.ts';

/** What every phase's execution needs. */
export interface RunContext {
  pipeline: Pipeline;
  plan: Plan;
  files: InputFile[];
  directory: RunDirectory;
  pool: WorkerPool;
  signal: AbortSignal;
  emit(event: ProgressEvent): void;
}

/** The parts a later phase reads: rows of the pass that wrote them, and the decisions made since. */
export function partsOf(run: RunContext, over: DocumentsState): PartRef[] {
  const pass = run.plan.phases.find((phase) => phase.id === over.pass)!;
  const result = finishedResult<PassResult>(run.directory.phase(over.pass), pass.key);
  if (result === undefined) throw new Error(`phase ${over.pass} is not finished`);
  const decisions = over.decisions
    .map((id) => decideDir(run.directory.phase(id)))
    .filter((dir) => existsSync(join(dir, 'decisions')));
  return partRefs(run.directory.phase(over.pass), result.rows, decisions);
}

function barriersOf(run: RunContext, phase: PassPhase): BarrierPhase[] {
  return phase.observers.map((id) => run.plan.phases.find((other) => other.id === id) as BarrierPhase);
}

/** Barriers that still lack features: neither decided nor completely observed. */
export function barriersToObserve(run: RunContext, phase: PassPhase): BarrierPhase[] {
  return barriersOf(run, phase).filter((barrier) => {
    const dir = run.directory.phase(barrier.id);
    const decided = finishedResult(decideDir(dir), barrier.key) !== undefined;
    return !decided && finishedResult(join(dir, 'features'), barrier.featureKey) === undefined;
  });
}

/** True when neither documents nor features of this pass have to be made. */
export function passIsFinished(run: RunContext, phase: PassPhase): boolean {
  const written = !phase.writesDocuments || finishedResult(run.directory.phase(phase.id), phase.key) !== undefined;
  return written && barriersToObserve(run, phase).length === 0;
}

/** Runs whatever of the pass is missing. */
export async function runPass(run: RunContext, phase: PassPhase): Promise<void> {
  const dir = run.directory.phase(phase.id);
  const barriers = barriersToObserve(run, phase);
  for (const barrier of barriers) {
    await beginPhase(join(run.directory.phase(barrier.id), 'features'), barrier.featureKey);
  }
  const spec: PassSpec = {
    cacheKey: [phase.key, ...barriers.map((barrier) => barrier.featureKey)].join(' '),
    dir,
    seed: run.pipeline.seed,
    baseDir: run.pipeline.baseDir,
    inputs: run.pipeline.inputs,
    maps: phase.maps.map(toStageRef),
    observers: barriers.map((barrier) => ({
      stage: toStageRef(barrier.stage),
      dir: run.directory.phase(barrier.id),
    })),
  };
  if (phase.writesDocuments && finishedResult(dir, phase.key) === undefined) await writeDocuments(run, phase, spec);
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
    if (result.badRecords > run.pipeline.run.maxBadRecords) throw tooManyBad(run, result);
  };
  try {
    await forEachLimited(passItems(run, phase), run.pool.limit, run.signal, async (item) => {
      const done = finishedPart(spec, item.part);
      const statistics = done ?? (await runPart(run, spec, item));
      // Its bytes are read no more: the next chunk may use the buffer, which V8 would let pile up.
      if ('chunk' in item.source) releaseChunk(item.source.chunk);
      take(item, statistics);
    });
  } finally {
    // Also when the run fails: the user needs to see what was bad.
    if (phase.source === 'inputs') await writeQuarantine(run, spec, result.rows.length);
  }
  await finishPhase(spec.dir, phase.key, result);
}

async function* passItems(run: RunContext, phase: PassPhase): AsyncGenerator<PassItem> {
  if (phase.source !== 'inputs') {
    for (const ref of partsOf(run, phase.source)) yield { part: ref.part, source: { ref }, weight: 1 };
    return;
  }
  let part = 0;
  const options = { chunkBytes: run.pipeline.run.chunkBytes, signal: run.signal };
  for await (const chunk of readChunks(run.files, run.pipeline.inputs, options)) {
    yield { part: part++, source: { chunk }, weight: chunk.fileBytes };
  }
}

/** Statistics of a part that an interrupted run left whole, features included. */
function finishedPart(spec: PassSpec, part: number): PartStatistics | undefined {
  const statistics = readJson<PartStatistics>(partFile(spec.dir, part, 'json'));
  if (statistics === undefined) return undefined;
  return spec.observers.every(({ dir }) => existsSync(featureFile(dir, part))) ? statistics : undefined;
}

async function runPart(run: RunContext, spec: PassSpec, item: PassItem): Promise<PartStatistics> {
  try {
    return await run.pool.run<PartStatistics>({ kind: 'pass', spec, part: item.part, source: item.source });
  } catch (error) {
    if (!isCorpusmillError(error) || error.code !== 'WORKER_FAILED' || !('chunk' in item.source)) throw error;
    // The chunk killed two workers: it goes to quarantine as a whole, and an empty part takes its place.
    const { chunk } = item.source;
    run.emit({ type: 'warning', message: `${chunk.relativePath}: ${error.message}; the chunk is quarantined` });
    const bad = chunkFailure(run, chunk, error.message);
    const placeholder: Chunk = { ...chunk, kind: 'bad', bad } as Chunk;
    return run.pool.run<PartStatistics>({ kind: 'pass', spec, part: item.part, source: { chunk: placeholder } });
  }
}

function chunkFailure(run: RunContext, chunk: Chunk, detail: string): BadRecord {
  const bytes = chunk.kind === 'bytes';
  const rows = chunk.kind === 'rows';
  return {
    input: run.pipeline.inputs[chunk.input].name,
    file: chunk.file,
    offset: bytes ? chunk.offset : rows ? chunk.rowStart : 0,
    unit: bytes ? 'byte' : rows ? 'row' : 'file',
    length: bytes ? chunk.bytes.byteLength : rows ? chunk.rowEnd - chunk.rowStart : undefined,
    reason: 'worker died',
    detail,
    excerpt: '',
  };
}

async function observeOnly(run: RunContext, phase: PassPhase, spec: PassSpec): Promise<void> {
  const over = phase.writesDocuments ? { pass: phase.id, decisions: [] } : (phase.source as DocumentsState);
  const refs = partsOf(run, over);
  const total = refs.reduce((sum, ref) => sum + ref.rows, 0);
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

/** All bad records in input order. The file is absent when there is none. */
async function writeQuarantine(run: RunContext, spec: PassSpec, parts: number): Promise<void> {
  const path = join(run.directory.root, 'quarantine.jsonl');
  const lines: string[] = [];
  for (let part = 0; part < parts; part++) {
    const statistics = readJson<PartStatistics>(partFile(spec.dir, part, 'json'));
    for (const bad of statistics?.bad ?? []) lines.push(`${JSON.stringify(bad)}\n`);
  }
  if (lines.length > 0) await writeFileAtomic(path, lines.join(''));
  else rmSync(path, { force: true });
}

function tooManyBad(run: RunContext, result: PassResult): CorpusmillError {
  const reasons = Object.entries(result.badByReason)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${count} × ${reason}`);
  return new CorpusmillError(
    'TOO_MANY_BAD_RECORDS',
    `${result.badRecords} records could not be read, more than run.maxBadRecords (${run.pipeline.run.maxBadRecords}): ${reasons.join(', ')}`,
    {
      hint: `see ${join(run.directory.root, 'quarantine.jsonl')} for file, offset and reason of each; raise run.maxBadRecords to go on without them`,
    },
  );
}

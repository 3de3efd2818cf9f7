/**
 * One document's way through a pipeline: what each map stage measures, says and changes, and what the barriers of the
 * last run decided about it.
 *
 * A drop does not end it: the later stages are shown too, on the document as it was, so that a user who is about to
 * loosen one rule sees which would be next. Nothing is written.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Document } from '../core/document.ts';
import { type MapDefinition, type MapStage, type Measurement, NOBODY, type Verdict } from '../core/stage.ts';
import { expandInputs } from '../io/files.ts';
import { type ArtifactRef, findArtifact } from './artifacts.ts';
import { type BarrierOutcome, decideDir } from './barrier-task.ts';
import type { PassResult } from './part-statistics.ts';
import { decisionFile, type PartRef, partFile, partRefs, readByOrdinal, readPartDocuments } from './parts.ts';
import type { BarrierPhase, Plan } from './phase.ts';
import type { Pipeline, StageInstance } from './pipeline.ts';
import { planPhases } from './plan.ts';
import { finishedResult } from './run-directory.ts';

export interface StageExplanation {
  name: string;
  stage: string;
  kind: 'map' | 'barrier' | 'sink' | 'train';
  /**
   * `failed`: the stage threw. `unknown`: a barrier, which needs the whole corpus, and no finished run says more.
   * `reached`: a sink, or the training on the shards of one.
   */
  outcome: 'kept' | 'changed' | 'dropped' | 'split' | 'failed' | 'unknown' | 'reached';
  /** True behind a stage that drops the document: what the stage would say if it came this far. */
  hypothetical: boolean;
  reason?: string;
  /** Every value beside its limits, those of rules behind a broken one included; where a stage does not say, the broken one. */
  measurements: Measurement[];
  /** Text before and after, where the stage changed it. */
  before?: string;
  after?: string;
  /** What the stage added to or changed in `meta`. */
  meta?: Record<string, unknown>;
  /** Ids of the pieces a document was split into; the way goes on with the first. */
  pieces?: string[];
  /** Id of the document that stands for this one, where a barrier found it to be a copy. */
  keptAs?: string;
  note?: string;
}

export interface Explanation {
  document: { id: string; source: string; bytes: number };
  stages: StageExplanation[];
  /** What becomes of it. `unknown`: that hangs on a barrier which no finished run has decided. */
  verdict: { outcome: 'kept' | 'dropped' | 'unknown'; stage?: string; reason?: string };
}

/** @param inCorpus whether the document is one of the inputs', so that the last run may have decided about it */
export async function explainDocument(pipeline: Pipeline, given: Document, inCorpus: boolean): Promise<Explanation> {
  let document = structuredClone(given);
  const last = await lastRun(pipeline);
  const run = inCorpus ? last : undefined;
  const artifacts = last === undefined ? [] : artifactsOf(last, pipeline);
  const stages: StageExplanation[] = [];
  let dropped: StageExplanation | undefined;
  let undecided: StageExplanation | undefined;
  for (const instance of pipeline.stages) {
    const hypothetical = dropped !== undefined;
    let shown: StageExplanation;
    if (instance.definition.kind === 'map') {
      const step = await explainMap(instance, instance.definition, document, pipeline, artifacts);
      shown = { ...step.explanation, hypothetical };
      document = step.document;
    } else if (instance.definition.kind === 'barrier') {
      shown = { ...(await explainBarrier(run, instance, document, hypothetical, inCorpus)), hypothetical };
    } else {
      shown = { ...plain(instance), outcome: 'reached', hypothetical };
    }
    stages.push(shown);
    if (hypothetical) continue;
    if (shown.outcome === 'dropped' || shown.outcome === 'failed') dropped = shown;
    else if (shown.outcome === 'unknown') undecided ??= shown;
  }
  if (pipeline.train !== undefined) {
    const note = `on the rows of ${pipeline.train.shards}`;
    const hypothetical = dropped !== undefined;
    stages.push({
      name: 'train',
      stage: 'train',
      kind: 'train',
      outcome: 'reached',
      hypothetical,
      measurements: [],
      note,
    });
  }
  const outcome = dropped !== undefined ? 'dropped' : undecided !== undefined ? 'unknown' : 'kept';
  const decisive = dropped ?? undecided;
  return {
    document: {
      id: given.id,
      source: String(given.meta['source'] ?? ''),
      bytes: Buffer.byteLength(given.text),
    },
    stages,
    verdict: {
      outcome,
      ...(decisive && { stage: decisive.name }),
      ...(dropped?.reason !== undefined && { reason: dropped.reason }),
    },
  };
}

type Shown = Omit<StageExplanation, 'hypothetical'>;

function plain({ name, definition }: StageInstance): Shown {
  return { name, stage: definition.name, kind: definition.kind, outcome: 'kept', measurements: [] };
}

async function explainMap(
  instance: StageInstance,
  definition: MapDefinition,
  document: Document,
  { seed, baseDir }: Pipeline,
  artifacts: readonly ArtifactRef[],
): Promise<{ explanation: Shown; document: Document }> {
  const explanation = plain(instance);
  const artifact = (role: string, by?: string): string | undefined => findArtifact(artifacts, role, by);
  for (const { role } of definition.needs ?? []) {
    if (instance.options[role] != null || artifact(role) !== undefined) continue;
    const note = `needs the ${role} that a stage before it makes: run the pipeline, then ask again`;
    return { explanation: { ...explanation, outcome: 'unknown', note }, document };
  }
  const before = structuredClone(document);
  let verdict: Verdict;
  try {
    const context = { name: instance.name, seed, baseDir, artifact };
    await definition.prepare?.(instance.options, context);
    const stage: MapStage = definition.create(instance.options, context);
    explanation.measurements = stage.explain?.(structuredClone(document)) ?? [];
    verdict = stage.process(document);
  } catch (error) {
    const note = error instanceof Error ? error.message : String(error);
    return { explanation: { ...explanation, outcome: 'failed', reason: 'stage failed', note }, document: before };
  }
  if (verdict.action === 'drop') {
    const { reason, value, threshold } = verdict;
    explanation.outcome = 'dropped';
    explanation.reason = reason;
    if (explanation.measurements.length === 0 && value !== undefined) {
      explanation.measurements = [{ rule: reason, value, ...limitOf(value, threshold), broken: true }];
    }
    return { explanation, document: before };
  }
  let next = document;
  if (verdict.action === 'split') {
    explanation.outcome = 'split';
    explanation.pieces = verdict.documents.map(({ id }) => id);
    // A document split into nothing is gone.
    if (verdict.documents.length === 0) {
      return { explanation: { ...explanation, outcome: 'dropped', reason: 'split into nothing' }, document: before };
    }
    next = verdict.documents[0];
  }
  if (next.text !== before.text) {
    if (explanation.outcome === 'kept') explanation.outcome = 'changed';
    explanation.before = before.text;
    explanation.after = next.text;
  }
  const meta = changedMembers(before.meta, next.meta);
  if (Object.keys(meta).length > 0) explanation.meta = meta;
  return { explanation, document: next };
}

/** A verdict names the limit that was broken; on which side it lies follows from the value. */
function limitOf(value: number, threshold: number | undefined): { min?: number; max?: number } {
  if (threshold === undefined) return {};
  return value < threshold ? { min: threshold } : { max: threshold };
}

function changedMembers(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(after).filter(([key, value]) => JSON.stringify(before[key]) !== JSON.stringify(value));
  return Object.fromEntries(entries);
}

// ---- barriers: what the last run decided ---------------------------------------------------------------------------

interface LastRun {
  plan: Plan;
  phaseDir(id: string): string;
}

async function lastRun(pipeline: Pipeline): Promise<LastRun | undefined> {
  if (!existsSync(join(pipeline.output, 'phases'))) return undefined;
  const files = await expandInputs(pipeline.inputs, { runDirectory: pipeline.output });
  return { plan: planPhases(pipeline, files), phaseDir: (id) => join(pipeline.output, 'phases', id) };
}

/** What finished barriers of the last run left for later stages. */
function artifactsOf(run: LastRun, { output }: Pipeline): ArtifactRef[] {
  return run.plan.phases.flatMap((phase) => {
    if (phase.kind !== 'barrier') return [];
    const outcome = finishedResult<BarrierOutcome>(decideDir(run.phaseDir(phase.id)), phase.key);
    const { name } = phase.stage;
    return Object.entries(outcome?.artifacts ?? {}).map(([role, path]) => ({
      role,
      stage: name,
      path: join(output, 'output', name, path),
    }));
  });
}

async function explainBarrier(
  run: LastRun | undefined,
  instance: StageInstance,
  document: Document,
  hypothetical: boolean,
  inCorpus: boolean,
): Promise<Shown> {
  const shown = plain(instance);
  const unknown = (note: string): Shown => ({ ...shown, outcome: 'unknown', note });
  if (!inCorpus) return unknown('needs the whole corpus, of which this document is no part');
  const phase = run?.plan.phases.find((one) => one.kind === 'barrier' && one.stage === instance) as BarrierPhase;
  if (run === undefined) return unknown('needs the whole corpus: run the pipeline, then ask again');
  if (hypothetical)
    return { ...shown, outcome: 'unknown', note: 'needs the whole corpus; the document did not reach it' };
  const decided = finishedResult<BarrierOutcome>(decideDir(run.phaseDir(phase.id)), phase.key);
  if (decided === undefined) {
    return unknown('needs the whole corpus: the run directory holds no decision for this pipeline and these inputs');
  }
  if (!decided.decided) return { ...shown, note: 'drops no documents' };
  const pass = run.plan.phases.find((one) => one.id === phase.over.pass)!;
  const result = finishedResult<PassResult>(run.phaseDir(pass.id), pass.key);
  if (result === undefined) return unknown('the pass before it is not finished');
  const refs = partRefs(run.phaseDir(pass.id), result.rows, []);
  const place = await placeOf(refs, document.id);
  if (place === undefined) return unknown('the last run did not bring the document this far');
  const { ref, row } = place;
  const bytes = await readFile(decisionFile(decideDir(run.phaseDir(phase.id)), ref.part));
  const keptAs = bytes.readUInt32LE(4 * row);
  if (keptAs === ref.firstOrdinal + row) return { ...shown, note: 'as the last run decided' };
  const note = 'as the last run decided';
  if (keptAs === NOBODY) return { ...shown, outcome: 'dropped', reason: soleReason(decided), note };
  const [standing] = await readByOrdinal(refs, [keptAs]);
  return { ...shown, outcome: 'dropped', reason: 'duplicate', keptAs: standing.id, note };
}

/** Why a document that no other stands for was dropped, where the stage gave one reason alone. */
function soleReason({ dropped }: BarrierOutcome): string {
  const reasons = Object.keys(dropped).filter((reason) => reason !== 'duplicate');
  return reasons.length === 1 ? reasons[0] : 'left out';
}

/** Part and row of a document; parts are searched for the bytes of its id before they are decoded. */
async function placeOf(refs: readonly PartRef[], id: string): Promise<{ ref: PartRef; row: number } | undefined> {
  for (const ref of refs) {
    if (ref.rows === 0) continue;
    if (!(await readFile(partFile(ref.dir, ref.part, 'arrow'))).includes(id)) continue;
    const row = (await readPartDocuments(ref)).findIndex((document) => document.id === id);
    if (row >= 0) return { ref, row };
  }
  return undefined;
}

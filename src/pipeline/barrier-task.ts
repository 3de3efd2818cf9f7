/**
 * A barrier's decision, in a worker (it may take minutes: the main thread stays free for progress and Ctrl-C). Writes one
 * decision file per part and says so, that the next phase may begin; then it gathers what people will read of it:
 * examples, dropped documents, the stage's account.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { mix32 } from '../core/random.ts';
import { type BarrierContext, type BarrierResult, type FeaturePart, NOBODY, type TextEdits } from '../core/stage.ts';
import { type DropSample, EXCERPT_CHARS, SAMPLES_PER_REASON, type Volume } from '../core/stats.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import { type AuditFiles, type AuditSpec, droppedDocument, droppedFile, isAudited, removeDropped } from './audit.ts';
import { type DroppedWriter, openDroppedWriter } from './audit-file.ts';
import { createHelp } from './barrier-help.ts';
import { forEachLimited } from './for-each-limited.ts';
import {
  decisionFile,
  editsFile,
  type PartRef,
  readAlive,
  readByOrdinal,
  readFeatures,
  readPartRows,
  readStartsByOrdinal,
  readTextsByOrdinal,
  rowsOf,
  withTextsOfPart,
} from './parts.ts';
import { definitionOf, type StageRef, stageContext } from './stage-ref.ts';

export interface BarrierTask {
  kind: 'barrier';
  stage: StageRef;
  seed: number;
  baseDir: string;
  /** Parts with the decisions of earlier barriers. */
  refs: PartRef[];
  /** Of the phase: names its files of dropped documents. */
  phase: string;
  audit?: AuditSpec | undefined;
  droppedDir: string;
  /** Folder of the barrier phase: features below it, decisions below its `decide`. */
  dir: string;
  outputDir: string;
  /** Names of the inputs. */
  inputs: string[];
  memoryBytes: number;
  /** Other workers of the pool, which may help. */
  helpers: number;
  /** Receives `BarrierMessage`s and requests for help, and gives replies to these. */
  progress: MessagePort;
}

export type BarrierMessage = { fraction: number; note?: string } | { decision: BarrierDecision };

/** What later phases go by; decisions and edits lie on disk. */
export interface BarrierDecision {
  /** True when the barrier decided on documents and left decision files. */
  decided: boolean;
  input: Volume;
  output: Volume;
  dropped: Record<string, Volume>;
  /** What was cut or marked in kept documents; the spans lie beside the decisions. */
  edits?: Pick<TextEdits, 'action' | 'documents' | 'bytesRemoved'>;
  artifacts: Record<string, string>;
}

/** A barrier's result, kept in its phase.json. */
export interface BarrierOutcome extends BarrierDecision {
  samples: Record<string, DropSample[]>;
  audit?: AuditFiles;
  details: Record<string, unknown>;
}

/** The whole thread is ended when the run is aborted. */
const NEVER = new AbortController().signal;

export function decideDir(barrierDir: string): string {
  return join(barrierDir, 'decide');
}

export async function runBarrierTask(task: BarrierTask): Promise<BarrierOutcome> {
  const definition = await definitionOf(task.stage, 'barrier');
  const parts: FeaturePart[] = [];
  const input: Volume = { documents: 0, bytes: 0 };
  for (const ref of task.refs) {
    const alive = await readAlive(ref);
    parts.push({
      part: ref.part,
      rows: ref.rows,
      firstOrdinal: ref.firstOrdinal,
      alive,
      features: (range, into) => readFeatures(task.dir, ref.part, range, into),
      rowInfo: () => readPartRows(ref),
    });
    await eachRow(ref, alive, (bytes) => {
      input.documents++;
      input.bytes += bytes;
    });
  }
  const rows = rowsOf(task.refs);
  const post = (message: BarrierMessage): void => task.progress.postMessage(message);
  mkdirSync(task.outputDir, { recursive: true });
  const workDir = join(decideDir(task.dir), 'work');
  // An interrupted decision begins again.
  rmSync(workDir, { recursive: true, force: true });
  mkdirSync(workDir, { recursive: true });
  const { help, stop } = createHelp(task.progress, { ...task, workDir });
  const context: BarrierContext = {
    ...stageContext(task.stage, task.seed, task.baseDir),
    parts,
    rows,
    inputs: task.inputs,
    outputDir: task.outputDir,
    workDir,
    memoryBytes: task.memoryBytes,
    readDocuments: (ordinals) => readByOrdinal(task.refs, ordinals),
    readTexts: (ordinals) => readTextsByOrdinal(task.refs, ordinals),
    withTexts: (part, use) => withTextsOfPart(task.refs, part, use),
    progress: (fraction, note) => post(note === undefined ? { fraction } : { fraction, note }),
    signal: NEVER,
    ...(definition.help !== undefined && { helpers: task.helpers, help }),
  };
  const result = await definition.decide(task.stage.options, context).finally(stop);
  const { decision, examples } = await writeDecision(task, parts, input, result);
  post({ decision });
  const outcome = { ...decision, ...(await account(task, parts, result, examples)) };
  rmSync(workDir, { recursive: true, force: true });
  return outcome;
}

/** Decision files under way to the disk: waiting for each by itself would be waiting for the disk. */
const FILES_AT_ONCE = 16;

/** Leaves the decision on disk. */
async function writeDecision(
  task: BarrierTask,
  parts: readonly FeaturePart[],
  input: Volume,
  result: BarrierResult,
): Promise<{ decision: BarrierDecision; examples: Record<string, Example[]> }> {
  const output: Volume = { ...input };
  const dropped: Record<string, Volume> = {};
  const examples: Record<string, Example[]> = {};
  const { keptAs } = result;
  const reasonOf = reasonsOf(result);
  if (keptAs !== undefined) {
    mkdirSync(join(decideDir(task.dir), 'decisions'), { recursive: true });
    for (const [i, ref] of task.refs.entries()) {
      await eachRow(ref, parts[i].alive, (bytes, row) => {
        const ordinal = ref.firstOrdinal + row;
        const standing = keptAs[ordinal];
        if (standing === ordinal) return;
        if (standing !== NOBODY && keptAs[standing] !== standing) {
          throw new Error(`${task.stage.stage}: document ${ordinal} was given to ${standing}, which is itself dropped`);
        }
        output.documents--;
        output.bytes -= bytes;
        const { reason } = reasonOf(ordinal);
        const volume = (dropped[reason] ??= { documents: 0, bytes: 0 });
        volume.documents++;
        volume.bytes += bytes;
        const sample = (examples[reason] ??= []);
        sample.push({ key: mix32(ordinal ^ task.seed), ordinal });
        if (sample.length > 1000) keepSmallest(sample);
      });
    }
    await forEachLimited(task.refs, FILES_AT_ONCE, NEVER, async ({ part, firstOrdinal, rows }) => {
      const own = keptAs.subarray(firstOrdinal, firstOrdinal + rows);
      const bytes = new Uint8Array(own.buffer, own.byteOffset, own.byteLength);
      await writeFileAtomic(decisionFile(decideDir(task.dir), part), bytes);
    });
  }
  const edits = await writeEdits(task, result.edits);
  if (edits !== undefined) output.bytes -= edits.bytesRemoved;
  const artifacts = result.artifacts ?? {};
  const decision = { decided: keptAs !== undefined, input, output, dropped, ...(edits && { edits }), artifacts };
  return { decision, examples };
}

/** What people read of the decision. */
async function account(
  task: BarrierTask,
  parts: readonly FeaturePart[],
  result: BarrierResult,
  examples: Record<string, Example[]>,
): Promise<Omit<BarrierOutcome, keyof BarrierDecision>> {
  const reasonOf = reasonsOf(result);
  const samples: BarrierOutcome['samples'] = {};
  for (const [reason, sample] of Object.entries(examples)) {
    keepSmallest(sample);
    samples[reason] = await dropSamples(task.refs, sample, reasonOf);
  }
  const audit = task.audit === undefined ? undefined : await writeDropped(task, task.audit, parts, result, reasonOf);
  const details = { ...result.details, ...(await result.describe?.()) };
  return { samples, ...(audit && { audit }), details };
}

/** The spans of every part that has some. */
async function writeEdits(task: BarrierTask, edits: TextEdits | undefined): Promise<BarrierOutcome['edits']> {
  if (edits === undefined) return undefined;
  const { action, documents, bytesRemoved } = edits;
  mkdirSync(join(decideDir(task.dir), 'edits'), { recursive: true });
  for (const { part } of task.refs) {
    const spans = await edits.spans(part);
    if (spans.length === 0) continue;
    const bytes = new Uint8Array(spans.buffer, spans.byteOffset, spans.byteLength);
    await writeFileAtomic(editsFile(decideDir(task.dir), part), bytes);
  }
  return { action, documents, bytesRemoved };
}

type Reason = ReturnType<NonNullable<BarrierResult['reasonOf']>>;

const DUPLICATE: Reason = { reason: 'duplicate' };

function reasonsOf(result: BarrierResult): (ordinal: number) => Reason {
  return (ordinal) => result.reasonOf?.(ordinal) ?? DUPLICATE;
}

interface Example {
  key: number;
  ordinal: number;
}

function keepSmallest(examples: Example[]): void {
  examples.sort((a, b) => a.key - b.key || a.ordinal - b.ordinal);
  examples.length = Math.min(examples.length, SAMPLES_PER_REASON);
}

async function dropSamples(
  refs: readonly PartRef[],
  examples: readonly Example[],
  reasonOf: (ordinal: number) => Reason,
): Promise<DropSample[]> {
  const ascending = [...examples].sort((a, b) => a.ordinal - b.ordinal);
  const documents = await readByOrdinal(
    refs,
    ascending.map((example) => example.ordinal),
  );
  return documents.map((document, i) => ({
    key: ascending[i].key,
    id: document.id,
    source: String(document.meta['source'] ?? ''),
    ...reasonOf(ascending[i].ordinal),
    excerpt: document.text.slice(0, EXCERPT_CHARS).toWellFormed(),
    bytes: Buffer.byteLength(document.text),
  }));
}

/** UTF-16 units of text in a file of dropped documents. */
const DROPPED_FILE_CHARS = 256 * 2 ** 20;

/**
 * Writes the dropped documents that the audit keeps, in row order: sampled by ordinal, since ids would have to be read
 * for every document. Two readings of the parts that hold them: first the ids of those that stand for them.
 */
async function writeDropped(
  task: BarrierTask,
  audit: AuditSpec,
  parts: readonly FeaturePart[],
  { keptAs, outsideIds }: BarrierResult,
  reasonOf: (ordinal: number) => Reason,
): Promise<AuditFiles> {
  removeDropped(dirname(task.droppedDir), task.phase);
  if (keptAs === undefined) return { key: audit.key, documents: 0, files: [] };
  const chosen = task.refs.map((ref, i) => {
    const { alive } = parts[i];
    const ordinals: number[] = [];
    for (let row = 0; row < ref.rows; row++) {
      const ordinal = ref.firstOrdinal + row;
      if (keptAs[ordinal] === ordinal || (alive !== undefined && alive[row] === 0)) continue;
      if (isAudited(audit, mix32(ordinal ^ task.seed))) ordinals.push(ordinal);
    }
    return ordinals;
  });
  const standing = [...new Set(chosen.flatMap((ordinals) => ordinals.map((ordinal) => keptAs[ordinal])))];
  const keptIds = await readIds(
    task.refs,
    standing.filter((ordinal) => ordinal !== NOBODY).sort((a, b) => a - b),
  );

  const read = audit.whole ? Number.POSITIVE_INFINITY : EXCERPT_CHARS;
  const files: string[] = [];
  let documents = 0;
  let writer: DroppedWriter | undefined;
  for (const ordinals of chosen) {
    if (ordinals.length === 0) continue;
    if (writer === undefined) {
      files.push(droppedFile(task.phase, files.length));
      writer = await openDroppedWriter(join(task.droppedDir, files.at(-1)!));
    }
    const outside = await outsideIds?.(ordinals);
    for (const [i, { document, bytes }] of (await readStartsByOrdinal(task.refs, ordinals, read)).entries()) {
      const ordinal = ordinals[i];
      const keptId = keptIds.get(keptAs[ordinal]) ?? outside?.get(ordinal) ?? null;
      const row = droppedDocument(audit, task.stage.name, document, document.text, bytes, reasonOf(ordinal), keptId);
      await writer.add(row);
      documents++;
    }
    if (writer.chars < DROPPED_FILE_CHARS) continue;
    await writer.close();
    writer = undefined;
  }
  await writer?.close();
  return { key: audit.key, documents, files };
}

/** Ids by ordinal, a bounded number of documents at a time. */
async function readIds(refs: readonly PartRef[], ordinals: readonly number[]): Promise<Map<number, string>> {
  const ids = new Map<number, string>();
  const step = 1000;
  for (let at = 0; at < ordinals.length; at += step) {
    const some = ordinals.slice(at, at + step);
    for (const [i, { document }] of (await readStartsByOrdinal(refs, some, 0)).entries()) ids.set(some[i], document.id);
  }
  return ids;
}

async function eachRow(
  ref: PartRef,
  alive: Uint8Array | undefined,
  visit: (bytes: number, row: number) => void,
): Promise<void> {
  const lengths = await readPartRows(ref);
  for (let row = 0; row < ref.rows; row++) {
    if (alive === undefined || alive[row] === 1) visit(lengths[2 * row], row);
  }
}

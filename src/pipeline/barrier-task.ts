/**
 * A barrier's decision, in a worker of its own (it may take minutes: the main thread stays free for progress and
 * Ctrl-C). Writes one decision file per part and returns what the report needs.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { mix32 } from '../core/random.ts';
import type { BarrierContext, BarrierResult, FeaturePart } from '../core/stage.ts';
import { type DropSample, EXCERPT_CHARS, SAMPLES_PER_REASON, type Volume } from '../core/stats.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import {
  decisionFile,
  featureFile,
  type PartRef,
  readAlive,
  readByOrdinal,
  readPartFile,
  readPartRows,
} from './parts.ts';
import { definitionOf, type StageRef, stageContext } from './stage-ref.ts';

export interface BarrierTask {
  kind: 'barrier';
  stage: StageRef;
  seed: number;
  baseDir: string;
  /** Parts with the decisions of earlier barriers. */
  refs: PartRef[];
  /** Folder of the barrier phase: features below it, decisions below its `decide`. */
  dir: string;
  outputDir: string;
  /** Receives `{ fraction, note }`. */
  progress: MessagePort;
}

/** A barrier's result, kept in its phase.json. */
export interface BarrierOutcome {
  /** True when the barrier decided on documents and left decision files. */
  decided: boolean;
  input: Volume;
  output: Volume;
  samples: DropSample[];
  artifacts: Record<string, string>;
  details: Record<string, unknown>;
}

export function decideDir(barrierDir: string): string {
  return join(barrierDir, 'decide');
}

export async function runBarrierTask(task: BarrierTask): Promise<BarrierOutcome> {
  const definition = definitionOf(task.stage, 'barrier');
  const parts: FeaturePart[] = [];
  const input: Volume = { documents: 0, bytes: 0 };
  for (const ref of task.refs) {
    const alive = await readAlive(ref);
    parts.push({
      part: ref.part,
      rows: ref.rows,
      firstOrdinal: ref.firstOrdinal,
      alive,
      features: () => readPartFile(featureFile(task.dir, ref.part)),
    });
    await eachRow(ref, alive, (bytes) => {
      input.documents++;
      input.bytes += bytes;
    });
  }
  const rows = task.refs.reduce((sum, ref) => sum + ref.rows, 0);
  mkdirSync(task.outputDir, { recursive: true });
  const context: BarrierContext = {
    ...stageContext(task.stage, task.seed, task.baseDir),
    parts,
    rows,
    outputDir: task.outputDir,
    readDocuments: (ordinals) => readByOrdinal(task.refs, ordinals),
    progress: (fraction, note) => task.progress.postMessage({ fraction, note }),
    // The whole thread is ended when the run is aborted.
    signal: new AbortController().signal,
  };
  const result = await definition.decide(task.stage.options, context);
  return finish(task, parts, input, result);
}

async function finish(
  task: BarrierTask,
  parts: readonly FeaturePart[],
  input: Volume,
  result: BarrierResult,
): Promise<BarrierOutcome> {
  const output: Volume = { ...input };
  const examples: { key: number; ordinal: number }[] = [];
  const { keptAs } = result;
  if (keptAs !== undefined) {
    mkdirSync(join(decideDir(task.dir), 'decisions'), { recursive: true });
    for (const [i, ref] of task.refs.entries()) {
      const own = keptAs.subarray(ref.firstOrdinal, ref.firstOrdinal + ref.rows);
      await eachRow(ref, parts[i].alive, (bytes, row) => {
        const ordinal = ref.firstOrdinal + row;
        if (own[row] === ordinal) return;
        if (keptAs[own[row]] !== own[row]) {
          throw new Error(`${task.stage.stage}: document ${ordinal} was given to ${own[row]}, which is itself dropped`);
        }
        output.documents--;
        output.bytes -= bytes;
        examples.push({ key: mix32(ordinal ^ task.seed), ordinal });
        if (examples.length > 1000) keepSmallest(examples);
      });
      await writeFileAtomic(
        decisionFile(decideDir(task.dir), ref.part),
        new Uint8Array(own.buffer, own.byteOffset, own.byteLength),
      );
    }
  }
  keepSmallest(examples);
  return {
    decided: keptAs !== undefined,
    input,
    output,
    samples: await dropSamples(task.refs, examples),
    artifacts: result.artifacts ?? {},
    details: result.details ?? {},
  };
}

function keepSmallest(examples: { key: number; ordinal: number }[]): void {
  examples.sort((a, b) => a.key - b.key || a.ordinal - b.ordinal);
  examples.length = Math.min(examples.length, SAMPLES_PER_REASON);
}

async function dropSamples(
  refs: readonly PartRef[],
  examples: { key: number; ordinal: number }[],
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
    reason: 'duplicate',
    excerpt: document.text.slice(0, EXCERPT_CHARS).toWellFormed(),
    bytes: Buffer.byteLength(document.text),
  }));
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

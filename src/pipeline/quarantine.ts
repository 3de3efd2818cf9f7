/**
 * The quarantine: every record that could not become a document, or that a stage or a worker failed on, with file, place
 * and reason, over all passes of the run; and the limit on how many there may be.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import type { BadChunk, BadRecord, Chunk } from '../io/input.ts';
import { chunkPlace, type PartStatistics, type PassResult } from './part-statistics.ts';
import { type PartRef, partFile, readPartRows } from './parts.ts';
import type { PassPhase } from './phase.ts';
import type { RunContext } from './run-context.ts';
import { finishedResult, readJson } from './run-directory.ts';

/** Bad records by reason and by input, over all passes. */
export interface BadRecordCounts {
  records: number;
  byReason: Record<string, number>;
  byInput: Record<string, number>;
}

/** A chunk, or a part of an earlier pass, that killed its workers, as one bad record. */
export async function deadChunk(
  run: RunContext,
  source: { chunk: Chunk } | { ref: PartRef },
  detail: string,
): Promise<BadChunk> {
  const common = { reason: 'worker died', detail, excerpt: '' };
  const chunk = 'chunk' in source ? source.chunk : await chunkOfPart(run, source.ref);
  const { input, file, relativePath, fileBytes } = chunk;
  const bad: BadRecord = { input: run.pipeline.inputs[input].name, file, ...chunkPlace(chunk), ...common };
  return { kind: 'bad', input, file, relativePath, fileBytes, bad };
}

/** A part's documents are all of one input, as its chunk was. */
async function chunkOfPart(run: RunContext, ref: PartRef): Promise<Chunk> {
  const file = partFile(ref.dir, ref.part, 'arrow');
  const rows = await readPartRows(ref);
  const relativePath = file.slice(run.directory.root.length + 1);
  const input = rows[1] ?? 0;
  return { kind: 'rows', format: 'arrow', input, file, relativePath, fileBytes: 0, rowStart: 0, rowEnd: ref.rows };
}

/** Results of the passes up to `last` (default: all); `current` stands for a pass that is not finished. */
function passResults(run: RunContext, last?: PassPhase, current?: PassResult): [PassPhase, PassResult][] {
  const results: [PassPhase, PassResult][] = [];
  for (const phase of run.plan.phases) {
    if (phase.kind !== 'pass' || !phase.writesDocuments) continue;
    const own = phase === last ? current : undefined;
    const result = own ?? finishedResult<PassResult>(run.directory.phase(phase.id), phase.key);
    if (result !== undefined) results.push([phase, result]);
    if (phase === last) break;
  }
  return results;
}

/** Sums over all finished passes. */
export function countBadRecords(run: RunContext, last?: PassPhase, current?: PassResult): BadRecordCounts {
  const counts: BadRecordCounts = { records: 0, byReason: {}, byInput: {} };
  for (const [, result] of passResults(run, last, current)) {
    counts.records += result.badRecords;
    add(counts.byReason, result.badByReason);
    add(counts.byInput, result.badByInput);
  }
  return counts;
}

function add(into: Record<string, number>, from: Record<string, number>): void {
  for (const [name, count] of Object.entries(from)) into[name] = (into[name] ?? 0) + count;
}

/** Throws TOO_MANY_BAD_RECORDS when the passes up to `phase` have more than the pipeline allows. */
export function refuseTooManyBad(run: RunContext, phase: PassPhase, current?: PassResult): void {
  const { maxBadRecords } = run.pipeline.run;
  if (current !== undefined && current.badRecords === 0) return;
  const counts = countBadRecords(run, phase, current);
  if (counts.records <= maxBadRecords) return;
  const reasons = Object.entries(counts.byReason)
    .sort(([, a], [, b]) => b - a)
    .map(([reason, count]) => `${count} × ${reason}`);
  throw new CorpusmillError(
    'TOO_MANY_BAD_RECORDS',
    `${counts.records} bad ${counts.records === 1 ? 'record' : 'records'}, more than run.maxBadRecords (${maxBadRecords}): ${reasons.join(', ')}`,
    {
      hint: `see ${quarantineFile(run)} for file, offset and reason of each; raise run.maxBadRecords to go on without them`,
    },
  );
}

function quarantineFile(run: RunContext): string {
  return join(run.directory.root, 'quarantine.jsonl');
}

/** All bad records of the passes up to `phase`, in input order. The file is absent when there is none. */
export async function writeQuarantine(run: RunContext, phase?: PassPhase, current?: PassResult): Promise<void> {
  const lines: string[] = [];
  for (const [{ id }, { badParts }] of passResults(run, phase, current)) {
    for (const part of [...badParts].sort((a, b) => a - b)) {
      const statistics = readJson<PartStatistics>(partFile(run.directory.phase(id), part, 'json'));
      for (const bad of statistics?.bad ?? []) lines.push(`${JSON.stringify(bad)}\n`);
    }
  }
  if (lines.length > 0) await writeFileAtomic(quarantineFile(run), lines.join(''));
  else rmSync(quarantineFile(run), { force: true });
}

/** Where all passes were finished before, the file may have been removed since. */
export async function restoreQuarantine(run: RunContext): Promise<void> {
  if (!existsSync(quarantineFile(run))) await writeQuarantine(run);
}

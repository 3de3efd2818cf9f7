/** What a worker reports of one part of a pass, and how parts add up to the pass's result. */

import type { StageStats, Volume } from '../core/stats.ts';
import { addVolume, mergeSizes, mergeStageStats, type SizeHistogram, sizeHistogram } from '../core/stats.ts';
import type { BadRecord, Chunk, ReadCounters } from '../io/input.ts';
import type { AuditFiles } from './audit.ts';

/** Stored as `parts/NNNNN.json`. */
export interface PartStatistics {
  rows: number;
  /** Documents and bytes that entered the first stage, and that left the last. */
  read: Volume;
  kept: Volume;
  stages: StageStats[];
  lengths: SizeHistogram;
  /** Documents read, by input index. */
  sources: Record<number, Volume>;
  bad: BadRecord[];
  counters: ReadCounters;
  /** Milliseconds per stage, in stage order, preceded by parsing and followed by encoding the part's files. */
  milliseconds: number[];
  /** Dropped documents written beside the part, where the pipeline keeps them. */
  audit?: { key: string; documents: number; bytes: number };
}

/** A pass's result, kept in its phase.json. */
export interface PassResult {
  rows: number[];
  read: Volume;
  kept: Volume;
  stages: StageStats[];
  lengths: SizeHistogram;
  sources: Record<number, Volume>;
  badRecords: number;
  badByReason: Record<string, number>;
  badByInput: Record<string, number>;
  /** Parts with bad records, in no order: the quarantine file is written from their statistics. */
  badParts: number[];
  counters: ReadCounters;
  /** The parts with dropped documents, and the bytes of their files. */
  auditParts?: [part: number, bytes: number][];
  /** What was merged of them. */
  audit?: AuditFiles;
}

export function emptyPassResult(): PassResult {
  return {
    rows: [],
    read: { documents: 0, bytes: 0 },
    kept: { documents: 0, bytes: 0 },
    stages: [],
    lengths: sizeHistogram(),
    sources: {},
    badRecords: 0,
    badByReason: {},
    badByInput: {},
    badParts: [],
    counters: { invalidUtf8: 0, loneSurrogates: 0, numericIds: 0 },
  };
}

/** Adds part `part`; parts may arrive in any order. */
export function addPart(result: PassResult, part: number, statistics: PartStatistics): void {
  result.rows[part] = statistics.rows;
  addVolume(result.read, statistics.read);
  addVolume(result.kept, statistics.kept);
  mergeSizes(result.lengths, statistics.lengths);
  if (result.stages.length === 0) result.stages = statistics.stages;
  else statistics.stages.forEach((stage, i) => mergeStageStats(result.stages[i], stage));
  for (const [input, volume] of Object.entries(statistics.sources)) {
    result.sources[Number(input)] ??= { documents: 0, bytes: 0 };
    addVolume(result.sources[Number(input)], volume);
  }
  if (statistics.audit !== undefined && statistics.audit.documents > 0) {
    (result.auditParts ??= []).push([part, statistics.audit.bytes]);
  }
  if (statistics.bad.length > 0) result.badParts.push(part);
  for (const bad of statistics.bad) {
    result.badRecords++;
    result.badByReason[bad.reason] = (result.badByReason[bad.reason] ?? 0) + 1;
    result.badByInput[bad.input] = (result.badByInput[bad.input] ?? 0) + 1;
  }
  for (const name of ['invalidUtf8', 'loneSurrogates', 'numericIds'] as const) {
    result.counters[name] += statistics.counters[name];
  }
  for (const [why, records] of Object.entries(statistics.counters.skipped ?? {})) {
    result.counters.skipped ??= {};
    result.counters.skipped[why] = (result.counters.skipped[why] ?? 0) + records;
  }
}

/** Where a whole chunk stands, for a bad record. */
export function chunkPlace(chunk: Chunk): Pick<BadRecord, 'offset' | 'unit' | 'length'> {
  if (chunk.kind === 'bytes') return { offset: chunk.offset, unit: 'byte', length: chunk.bytes.byteLength };
  if (chunk.kind === 'rows') return { offset: chunk.rowStart, unit: 'row', length: chunk.rowEnd - chunk.rowStart };
  return { offset: 0, unit: 'file', length: chunk.fileBytes };
}

/**
 * The audit: dropped documents, findable again with the stage, the rule and the value that broke its limit.
 *
 * A run leaves them as Parquet under `dropped/`, one or more files for each phase that drops. A worker writes its part's
 * dropped documents beside the part (JSON lines, only where there are any); when the pass is through they are merged in
 * part order, so that the files do not depend on the number of workers. A barrier writes its own at once.
 *
 * `sampled` keeps those whose hash of id and seed is among the lowest `auditFraction`, so the examples of the report,
 * which have the lowest hashes of all, are found there again.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Document } from '../core/document.ts';
import { hashJson } from '../core/hash.ts';
import { EXCERPT_CHARS } from '../core/stats.ts';
import type { RunOptions } from './pipeline.ts';

export const AUDIT_MODES = ['off', 'sampled', 'full'] as const;
export type AuditMode = (typeof AUDIT_MODES)[number];

/** What to keep of dropped documents; plain data. */
export interface AuditSpec {
  /** Changes with what is kept. */
  key: string;
  /** In (0, 1]. */
  fraction: number;
  /** The whole text, or its start. */
  whole: boolean;
}

/** One row of a `dropped/` file. */
export interface DroppedDocument {
  id: string;
  source: string;
  /** The stage's name in the pipeline. */
  stage: string;
  reason: string;
  /** What was measured, and the limit it broke, where the rule measures. */
  value: number | null;
  threshold: number | null;
  /** Id of the document that stands for this one. */
  keptAs: string | null;
  text: string;
  /** UTF-8 bytes of the whole text. */
  bytes: number;
  /** JSON. */
  meta: string;
}

/** The files of one phase, kept in its result. */
export interface AuditFiles {
  /** Of the AuditSpec. */
  key: string;
  documents: number;
  /** Names under `dropped/`. */
  files: string[];
}

/** Undefined when nothing is to be kept. */
export function auditSpec({
  audit = 'off',
  auditFraction = 1,
  auditText = 'excerpt',
}: RunOptions): AuditSpec | undefined {
  if (audit === 'off') return undefined;
  const kept = { fraction: audit === 'full' ? 1 : auditFraction, whole: auditText === 'whole' };
  return { key: hashJson(kept), ...kept };
}

/** Whether a document is in the sample; `key` is a uint32 hash of its id. */
export function isAudited({ fraction }: AuditSpec, key: number): boolean {
  return key < fraction * 2 ** 32;
}

/** The row of a document that `stage` dropped; `text` is what it was when it came to the stage. */
export function droppedDocument(
  { whole }: AuditSpec,
  stage: string,
  document: Document,
  text: string,
  bytes: number,
  verdict: { reason: string; value?: number | undefined; threshold?: number | undefined },
  keptAs: string | null = null,
): DroppedDocument {
  const { source, ...meta } = document.meta;
  return {
    id: document.id,
    source: String(source ?? ''),
    stage,
    reason: verdict.reason,
    value: finite(verdict.value),
    threshold: finite(verdict.threshold),
    keptAs,
    text: whole ? text : text.slice(0, EXCERPT_CHARS).toWellFormed(),
    bytes,
    meta: JSON.stringify(meta),
  };
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

export function droppedDir(root: string): string {
  return join(root, 'dropped');
}

/** File `index` of a phase. */
export function droppedFile(phaseId: string, index: number): string {
  return `${phaseId}-${String(index).padStart(5, '0')}.parquet`;
}

/** True when the phase has left what the pipeline asks for, and it still lies there. */
export function auditIsWhole(root: string, run: RunOptions, files: AuditFiles | undefined): boolean {
  const spec = auditSpec(run);
  if (spec === undefined) return true;
  return files?.key === spec.key && files.files.every((name) => existsSync(join(droppedDir(root), name)));
}

/** Removes the files of a phase that is made again. */
export function removeDropped(root: string, phaseId: string): void {
  sweepDropped(
    root,
    (name) => !name.startsWith(`${phaseId}-`) || !/^\d+\.parquet$/.test(name.slice(phaseId.length + 1)),
  );
}

/** Removes the files that are not to be kept. */
export function sweepDropped(root: string, keep: (name: string) => boolean): void {
  const dir = droppedDir(root);
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) if (!keep(name)) rmSync(join(dir, name), { force: true });
}

/** Removes the folder when it is empty: at the end, since phases write into it side by side. */
export function removeEmptyDropped(root: string): void {
  const dir = droppedDir(root);
  if (existsSync(dir) && readdirSync(dir).length === 0) rmSync(dir, { recursive: true });
}

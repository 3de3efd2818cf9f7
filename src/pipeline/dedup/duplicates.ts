/**
 * Which documents a finished run found to be copies of which, over all its dedup stages together: a document that
 * `dedup.exact` gave to another, which `dedup.minhash` gave to a third, is a copy of the third.
 *
 * Read from the decisions in the run directory, so that it holds for reused phases too. 5 bytes a document; texts are
 * read only for fingerprints, those of members of clusters alone.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Document } from '../../core/document.ts';
import { xxh64 } from '../../core/hash.ts';
import { fieldValue } from '../../core/meta-field.ts';
import { NOBODY } from '../../core/stage.ts';
import { expandInputs } from '../../io/files.ts';
import type { InputFile } from '../../io/input.ts';
import { decideDir } from '../barrier-task.ts';
import type { PassResult } from '../part-statistics.ts';
import { decisionFile, type PartRef, partRefs, readByOrdinal, readPartFile } from '../parts.ts';
import type { Pipeline } from '../pipeline.ts';
import { type BarrierPhase, planPhases } from '../plan.ts';
import { finishedResult } from '../run-directory.ts';

export interface Duplicates {
  /** The parts that the first pass wrote, without decisions: every document that was read. */
  refs: PartRef[];
  files: InputFile[];
  /** By ordinal the document that is kept for it: itself where it is kept, `NOBODY` where none is. */
  standing: Uint32Array;
  /** By ordinal 1 + the index in `stages` of the stage that dropped it, 0 where it is kept. */
  droppedBy: Uint8Array;
  /** Instance names of the dedup stages. */
  stages: string[];
  /** Documents for which another stands. */
  count: number;
}

/** Reads what the finished run of `pipeline`, whose map stages drop nothing, decided. */
export async function readDuplicates(pipeline: Pipeline): Promise<Duplicates> {
  const files = await expandInputs(pipeline.inputs, { runDirectory: pipeline.output });
  const { phases } = planPhases(pipeline, files);
  const phaseDir = (id: string): string => join(pipeline.output, 'phases', id);
  const [pass] = phases;
  const result = finishedResult<PassResult>(phaseDir(pass.id), pass.key);
  if (result === undefined) throw new Error(`the run in ${pipeline.output} is not finished`);
  const refs = partRefs(phaseDir(pass.id), result.rows, []);
  const rows = result.rows.reduce((sum, each) => sum + each, 0);
  const standing = Uint32Array.from({ length: rows }, (_, ordinal) => ordinal);
  const droppedBy = new Uint8Array(rows);
  const barriers = phases.filter(
    (phase): phase is BarrierPhase => phase.kind === 'barrier' && phase.over.pass === pass.id,
  );
  for (const [i, { id }] of barriers.entries()) {
    const dir = decideDir(phaseDir(id));
    if (!existsSync(join(dir, 'decisions'))) continue;
    for (const ref of refs) {
      if (ref.rows === 0) continue;
      const bytes = await readPartFile(decisionFile(dir, ref.part));
      for (let row = 0; row < ref.rows; row++) {
        const ordinal = ref.firstOrdinal + row;
        const keptAs = bytes.readUInt32LE(4 * row);
        if (keptAs === ordinal || droppedBy[ordinal] !== 0) continue;
        standing[ordinal] = keptAs;
        droppedBy[ordinal] = i + 1;
      }
    }
  }
  return { refs, files, standing, droppedBy, stages: barriers.map(({ stage }) => stage.name), count: resolve(standing) };
}

/** Lets every document point to the one that is kept at the end; returns how many point to another. */
function resolve(standing: Uint32Array): number {
  let count = 0;
  for (let ordinal = 0; ordinal < standing.length; ordinal++) {
    let last = ordinal;
    while (last !== NOBODY && standing[last] !== last) last = standing[last];
    // What is pointed along is pointed to the end, so that a chain is walked once.
    for (let at = ordinal; at !== last; ) {
      const next = standing[at];
      standing[at] = last;
      at = next;
    }
    if (last !== ordinal && last !== NOBODY) count++;
  }
  return count;
}

/** By ordinal 1 for members of clusters: documents that stand for another or for which another stands. */
export function clustered({ standing }: Duplicates): Uint8Array {
  const members = new Uint8Array(standing.length);
  for (let ordinal = 0; ordinal < standing.length; ordinal++) {
    const kept = standing[ordinal];
    if (kept === ordinal || kept === NOBODY) continue;
    members[ordinal] = 1;
    members[kept] = 1;
  }
  return members;
}

/** Bits of a fingerprint: a number that fits a double, six bytes in a report. */
export const FINGERPRINT_BITS = 48;

/**
 * Fingerprints of the members of clusters, in the order of their ordinals: 48 bits of the xxHash64 of the text, or of
 * the field that is compared. Among a million documents about one in 300 million is taken for another.
 */
export async function fingerprintsOf(
  { refs }: Duplicates,
  members: Uint8Array,
  by: string,
): Promise<{ ordinals: Uint32Array; values: Float64Array }> {
  let count = 0;
  for (const member of members) count += member;
  const ordinals = new Uint32Array(count);
  const values = new Float64Array(count);
  const compared = comparedValue(by);
  let at = 0;
  for (const ref of refs) {
    const wanted: number[] = [];
    for (let row = 0; row < ref.rows; row++) {
      if (members[ref.firstOrdinal + row] === 1) wanted.push(ref.firstOrdinal + row);
    }
    if (wanted.length === 0) continue;
    const documents = await readByOrdinal([ref], wanted);
    for (const [i, document] of documents.entries()) {
      ordinals[at] = wanted[i];
      values[at++] = fingerprint(compared(document));
    }
  }
  return { ordinals, values };
}

const encoder = new TextEncoder();

function fingerprint(value: string): number {
  return Number(BigInt.asUintN(FINGERPRINT_BITS, xxh64(encoder.encode(value))));
}

/** What makes a document the same in the next run: the field that is compared, else the text. */
function comparedValue(by: string): (document: Document) => string {
  if (by === 'text') return ({ text }) => text;
  if (by === 'id') return ({ id }) => id;
  const path = by.split('.');
  return ({ text, meta }) => {
    const value = fieldValue(meta, path);
    if (value === undefined || value === null || value === '') return text;
    return typeof value === 'string' ? value : JSON.stringify(value);
  };
}

/**
 * Which documents a finished run found to be copies of which, over all its dedup stages together: a document that
 * `dedup.exact` gave to another, which `dedup.minhash` gave to a third, is a copy of the third.
 *
 * Read from the decisions in the run directory, so that it holds for reused phases too. 5 bytes a document.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NOBODY } from '../../core/stage.ts';
import { expandInputs } from '../../io/files.ts';
import type { InputFile } from '../../io/input.ts';
import { decideDir } from '../barrier-task.ts';
import type { PassResult } from '../part-statistics.ts';
import { decisionFile, type PartRef, partRefs, readPartFile } from '../parts.ts';
import type { BarrierPhase } from '../phase.ts';
import type { Pipeline, StageInstance } from '../pipeline.ts';
import { planPhases } from '../plan.ts';
import { finishedResult } from '../run-directory.ts';

export interface Duplicates {
  /** The parts that the first pass wrote, without decisions: every document that was read. */
  refs: PartRef[];
  files: InputFile[];
  /** By ordinal the document that is kept for it: itself where it is kept, `NOBODY` where none is. */
  standing: Uint32Array;
  /** By ordinal 1 + the index in `stages` of the stage that dropped it, 0 where it is kept. */
  droppedBy: Uint8Array;
  /** The dedup stages in their order. */
  stages: { instance: StageInstance; dir: string }[];
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
  return {
    refs,
    files,
    standing,
    droppedBy,
    stages: barriers.map(({ stage, id }) => ({ instance: stage, dir: phaseDir(id) })),
    count: resolve(standing),
  };
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

/** Copies in the order of their ordinals, and for each the document that is kept for it. */
export interface Copies {
  ordinals: Uint32Array;
  of: Uint32Array;
}

/** All documents for which another is kept. */
export function copiesOf({ standing, count }: Duplicates): Copies {
  const copies = { ordinals: new Uint32Array(count), of: new Uint32Array(count) };
  let at = 0;
  for (let ordinal = 0; ordinal < standing.length; ordinal++) {
    if (standing[ordinal] === ordinal || standing[ordinal] === NOBODY) continue;
    copies.ordinals[at] = ordinal;
    copies.of[at++] = standing[ordinal];
  }
  return copies;
}

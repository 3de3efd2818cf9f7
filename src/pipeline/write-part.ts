/** The files of a part (parts.ts), as a pass's task leaves them. */
import type { Observer } from '../core/stage.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import type { DocumentPieces } from '../io/document-batch.ts';
import type { DroppedDocument } from './audit.ts';
import type { PartStatistics } from './part-statistics.ts';
import { featureFile, partDroppedFile, partFile } from './parts.ts';
import type { PassSpec } from './pass-spec.ts';

/** Documents and what lies beside them: for every row the UTF-8 bytes of its text and the index of its input. */
export async function writeDocuments(
  { dir }: PassSpec,
  part: number,
  { pieces, release }: DocumentPieces,
  rowInfo: Uint32Array<ArrayBuffer>,
): Promise<void> {
  if (rowInfo.length > 0) {
    await Promise.all([
      writeFileAtomic(partFile(dir, part, 'arrow'), pieces),
      writeFileAtomic(partFile(dir, part, 'rows'), Buffer.from(rowInfo.buffer)),
    ]);
  }
  release();
}

/** What is kept of dropped documents; the bytes written. */
export async function writeDropped(spec: PassSpec, part: number, dropped: readonly DroppedDocument[]): Promise<number> {
  if (dropped.length === 0) return 0;
  const lines = Buffer.from(`${dropped.map((row) => JSON.stringify(row)).join('\n')}\n`);
  await writeFileAtomic(partDroppedFile(spec.dir, part), lines);
  return lines.length;
}

/** What the observers leave of the part. */
export async function writeFeatures(spec: PassSpec, part: number, observers: readonly Observer[]): Promise<void> {
  await Promise.all(
    observers.map((observer, i) => writeFileAtomic(featureFile(spec.observers[i].dir, part), observer.finish())),
  );
}

/** Written last: the part is whole then. */
export function writeStatistics({ dir }: PassSpec, part: number, statistics: PartStatistics): Promise<void> {
  return writeFileAtomic(partFile(dir, part, 'json'), JSON.stringify(statistics));
}

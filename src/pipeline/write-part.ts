/** The files of a part (parts.ts), as a pass's task leaves them. */
import type { Observer } from '../core/stage.ts';
import { type FileContent, writeFilesAtomic } from '../io/atomic.ts';
import type { DocumentPieces } from '../io/document-batch.ts';
import type { DroppedDocument } from './audit.ts';
import type { PartStatistics } from './part-statistics.ts';
import { featureFile, partDroppedFile, partFile } from './parts.ts';
import type { PassSpec } from './pass-spec.ts';

/** What a task leaves of a part. */
export interface PartContent {
  documents: DocumentPieces;
  /** For every row the UTF-8 bytes of its text and the index of its input. */
  rowInfo: Uint32Array<ArrayBuffer>;
  dropped: readonly DroppedDocument[];
  observers: readonly Observer[];
  /** The rest of it, written last: the part is whole then. `droppedBytes`: those of the file of dropped documents. */
  statistics(droppedBytes: number): PartStatistics;
}

/** Writes a part and gives its statistics back. */
export async function writePart(
  spec: PassSpec,
  part: number,
  { documents, rowInfo, dropped, observers, statistics }: PartContent,
): Promise<PartStatistics> {
  const { dir } = spec;
  const files: FileContent[] = [];
  if (rowInfo.length > 0) {
    files.push({ path: partFile(dir, part, 'arrow'), content: documents.pieces });
    files.push({ path: partFile(dir, part, 'rows'), content: Buffer.from(rowInfo.buffer) });
  }
  files.push(...featuresOf(spec, part, observers));
  const lines = Buffer.from(dropped.map((row) => `${JSON.stringify(row)}\n`).join(''));
  if (lines.length > 0) files.push({ path: partDroppedFile(dir, part), content: lines });
  const written = statistics(lines.length);
  files.push({ path: partFile(dir, part, 'json'), content: JSON.stringify(written) });
  await writeFilesAtomic(files);
  documents.release();
  return written;
}

/** Writes what the observers leave of a part. */
export function writeFeatures(spec: PassSpec, part: number, observers: readonly Observer[]): Promise<void> {
  return writeFilesAtomic(featuresOf(spec, part, observers));
}

function featuresOf(spec: PassSpec, part: number, observers: readonly Observer[]): FileContent[] {
  return observers.map((observer, i) => ({
    path: featureFile(spec.observers[i].dir, part),
    content: observer.finish(),
  }));
}

/** Copies with their ids, sources and places in the input files, for notes on those files. */
import type { Document } from '../../core/document.ts';
import { readByOrdinal } from '../parts.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Copies, Duplicates } from './duplicates.ts';
import { placesOf, type RecordPlace } from './places.ts';

export interface LocatedDocument extends RecordPlace {
  id: string;
  source: string;
}

export interface LocatedCopy extends LocatedDocument {
  /** Instance name of the stage that dropped it. */
  stage: string;
  /** The same text or field, or a near copy. */
  method: 'exact' | 'near';
  of: LocatedDocument;
}

/** The first `limit` of the copies. Cost: reading the inputs up to the last of them. */
export async function locateCopies(
  pipeline: Pipeline,
  duplicates: Duplicates,
  copies: Copies,
  limit: number,
): Promise<LocatedCopy[]> {
  const { refs, files, droppedBy, stages } = duplicates;
  const ordinals = [...copies.ordinals.subarray(0, limit)];
  const of = [...copies.of.subarray(0, limit)];
  const wanted = [...new Set([...ordinals, ...of])].sort((a, b) => a - b);
  const places = await placesOf(pipeline, files, refs, wanted);
  const documents = new Map<number, Pick<Document, 'id'> & { source: string }>();
  for (const [i, { id, meta }] of (await readByOrdinal(refs, wanted)).entries()) {
    documents.set(wanted[i], { id, source: String(meta['source'] ?? '') });
  }
  const located = (ordinal: number): LocatedDocument => ({ ...documents.get(ordinal)!, ...places.get(ordinal)! });
  return ordinals.map((ordinal, i) => {
    const { name, definition } = stages[droppedBy[ordinal] - 1].instance;
    const method = definition.name === 'dedup.exact' ? 'exact' : 'near';
    return { ...located(ordinal), stage: name, method, of: located(of[i]) };
  });
}

/** Consecutive parts that one task of dealing or routing holds in memory together. */
import type { EncodedCorpus } from './encode-step.ts';
import { tokenBytes } from './shard-rows.ts';

/** Bytes that a document takes besides its tokens: its records, its id, and their sorting. */
const DOCUMENT_BYTES = 160;

export interface PartGroup {
  group: number;
  /** The group's parts and the documents of each. */
  parts: { part: number; documents: number }[];
  /** Index of the group's first part in `EncodedCorpus.parts`. */
  firstPart: number;
}

/** Groups of parts whose tokens and documents take at most `memoryBytes`, or of single parts that take more. */
export function partGroups({ parts, type }: EncodedCorpus, memoryBytes: number): PartGroup[] {
  const groups: PartGroup[] = [];
  let bytes = Number.POSITIVE_INFINITY;
  parts.forEach(({ part, documents, tokens }, i) => {
    const size = tokens * tokenBytes(type) + documents * DOCUMENT_BYTES;
    if (bytes + size > memoryBytes) {
      groups.push({ group: groups.length, parts: [], firstPart: i });
      bytes = 0;
    }
    groups[groups.length - 1].parts.push({ part, documents });
    bytes += size;
  });
  return groups;
}

/** What the encode step does with a part's documents: texts, rearranged texts or conversations, and what is kept of them. */
import type { Document } from '../core/document.ts';
import { encodeConversations } from './conversation-tokens.ts';
import type { DocumentFacts, EncodedDocuments } from './encoded-part.ts';
import { type EncodeDocuments, encodeWithFim } from './fill-in-the-middle.ts';
import { type Encoding, isSplit, type ShardOptions } from './options.ts';
import { splitKey } from './split.ts';

export interface PartCounts {
  /** Documents that fill-in-the-middle rearranged. */
  rearranged: number;
  /** Conversations that were cut to a row, and those left out. */
  truncated: number;
  dropped: number;
}

/** The documents of a part as tokens, with what later steps need to know of each. */
export async function encodePart(
  documents: readonly Document[],
  options: ShardOptions,
  encoding: Encoding,
  seed: number,
  encode: EncodeDocuments,
): Promise<{ encoded: EncodedDocuments; facts: DocumentFacts; counts: PartCounts }> {
  const counts: PartCounts = { rearranged: 0, truncated: 0, dropped: 0 };
  const { contextLength, fillInTheMiddle, conversations } = options;
  let kept: readonly Document[] = documents;
  let encoded: EncodedDocuments;
  let trained: Uint8Array | undefined;
  if (conversations !== undefined) {
    const { type, conversation } = encoding;
    const result = encodeConversations(documents, conversation!, { contextLength, type, ...conversations });
    ({ encoded, trained, kept } = result);
    Object.assign(counts, { truncated: result.truncated, dropped: result.dropped });
  } else if (fillInTheMiddle !== undefined && encoding.fim !== null) {
    const result = encodeWithFim(documents, encoding, encoding.fim, { ...fillInTheMiddle, seed }, encode);
    ({ encoded } = result);
    counts.rearranged = result.rearranged;
  } else encoded = encode(documents, encoding);
  const facts: DocumentFacts = {
    sources: kept.map(({ meta }) => (typeof meta['source'] === 'string' ? meta['source'] : '')),
    splitKeys: isSplit(options) ? Float64Array.from(kept, ({ text }) => splitKey(text)) : undefined,
    trained,
  };
  return { encoded, facts, counts };
}

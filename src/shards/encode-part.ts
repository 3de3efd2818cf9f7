/** What the encode step does with a part's documents: texts, rearranged texts or conversations, and what is kept of them. */
import type { Document, DocumentColumns } from '../core/document.ts';
import { borrowBytes, returnBytes } from '../core/reused-bytes.ts';
import type { Utf8Column } from '../core/utf8-column.ts';
import { encodeConversations } from './conversation-tokens.ts';
import type { DocumentFacts, EncodedDocuments } from './encoded-part.ts';
import type { Encoding } from './encoding.ts';
import { type EncodeDocuments, encodeWithFim } from './fill-in-the-middle.ts';
import { isSplit, type ShardOptions } from './options.ts';
import { splitKey } from './split.ts';

export interface PartCounts {
  /** Documents that fill-in-the-middle rearranged. */
  rearranged: number;
  /** Conversations that were cut to a row, and those left out. */
  truncated: number;
  dropped: number;
}

/** A part's tokens, and what later steps need to know of each document. */
export interface EncodedPartFacts {
  encoded: EncodedDocuments;
  facts: DocumentFacts;
  counts: PartCounts;
}

/** Whether more of a document is needed than its columns give. */
export function needsDocuments({ conversations, fillInTheMiddle }: ShardOptions): boolean {
  return conversations !== undefined || fillInTheMiddle !== undefined;
}

/** The texts of a part as tokens, which lie in borrowed memory until `release` is called. */
export function encodeColumns(
  { ids, texts, sources }: DocumentColumns,
  options: ShardOptions,
  encoding: Encoding,
): EncodedPartFacts & { release(): void } {
  let borrowed: Buffer<ArrayBuffer> | undefined;
  const memory = (bytes: number): Uint8Array => {
    borrowed = borrowBytes(bytes);
    return borrowed;
  };
  const encoded = { ids, ...encodeTexts(texts, encoding, memory) };
  let splitKeys: Float64Array | undefined;
  if (isSplit(options)) {
    const { bytes, offsets } = texts;
    splitKeys = new Float64Array(encoded.lengths.length);
    for (let d = 0; d < splitKeys.length; d++) {
      splitKeys[d] = splitKey(bytes.subarray(offsets[d], offsets[d + 1]));
    }
  }
  return {
    encoded,
    facts: { sources, splitKeys },
    counts: { rearranged: 0, truncated: 0, dropped: 0 },
    release() {
      if (borrowed !== undefined) returnBytes(borrowed);
      borrowed = undefined;
    },
  };
}

/** Tokens of texts end to end, bos and eos around each, and how many there are of each. */
export function encodeTexts(
  texts: readonly string[] | Utf8Column,
  { tokenizer, bos, eos, type }: Pick<Encoding, 'type' | 'bos' | 'eos'> & { tokenizer: BatchEncoder },
  memory?: (bytes: number) => Uint8Array,
): Pick<EncodedDocuments, 'lengths' | 'tokens'> {
  const { ids, offsets } = tokenizer.encodeBatch(texts, {
    before: bos?.id,
    after: eos?.id,
    narrow: type === 'uint16',
    memory,
  });
  const lengths = new Uint32Array(offsets.length - 1);
  for (let d = 0; d < lengths.length; d++) lengths[d] = offsets[d + 1] - offsets[d];
  return { lengths, tokens: ids };
}

/** What is needed of a tokenizer to encode texts. */
export type BatchEncoder = Pick<Encoding['tokenizer'], 'encodeBatch'>;

/** The documents of a part as tokens, some rearranged, or conversations. */
export function encodePart(
  documents: readonly Document[],
  options: ShardOptions,
  encoding: Encoding,
  seed: number,
  encode: EncodeDocuments,
): EncodedPartFacts {
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

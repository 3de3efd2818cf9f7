/**
 * Conversations as tokens and where a loss is taken. One that is longer than a row is cut to the row's length (its first
 * turns) or left out, so that packing never cuts: a piece that begins in the middle of a conversation would train on
 * answers without their questions.
 */
import type { Document } from '../core/document.ts';
import { CorpusmillError } from '../core/errors.ts';
import type { EncodedDocuments } from './encoded-part.ts';
import { NO_LABEL, type TokenType, tokenArray } from './shard-rows.ts';

/** Ids of a record's conversation, and labels: the id or -100. `where` names the record in errors. */
export type ConversationEncoder = (record: unknown, where: string) => { ids: Uint32Array; labels: Int32Array };

export interface EncodedConversations {
  encoded: EncodedDocuments;
  /** [tokens]: 1 where a loss is taken. */
  trained: Uint8Array;
  /** Documents that are in it. */
  kept: Document[];
  truncated: number;
  dropped: number;
}

/** Encodes what the documents' `meta` holds. Throws what the encoder throws. */
export function encodeConversations(
  documents: readonly Document[],
  encode: ConversationEncoder,
  settings: { contextLength: number; type: TokenType; tooLong: 'truncate' | 'drop' },
): EncodedConversations {
  const { contextLength, type, tooLong } = settings;
  const kept: Document[] = [];
  const pieces: ReturnType<ConversationEncoder>[] = [];
  let tokens = 0;
  let truncated = 0;
  let dropped = 0;
  for (const document of documents) {
    const { ids, labels } = encode(document.meta, document.id);
    if (ids.length > contextLength) {
      if (tooLong === 'drop') {
        dropped++;
        continue;
      }
      truncated++;
    }
    const length = Math.min(ids.length, contextLength);
    kept.push(document);
    pieces.push({ ids: ids.subarray(0, length), labels: labels.subarray(0, length) });
    tokens += length;
  }
  const all = tokenArray(type, tokens);
  const trained = new Uint8Array(tokens);
  let end = 0;
  pieces.forEach(({ ids, labels }, d) => {
    all.set(ids, end);
    for (let i = 0; i < ids.length; i++) {
      if (labels[i] === NO_LABEL) continue;
      // What is kept is whether a loss is taken: what is predicted is the token itself.
      if (labels[i] !== ids[i]) throw unlike(kept[d].id, labels[i], ids[i]);
      trained[end + i] = 1;
    }
    end += ids.length;
  });
  const lengths = Uint32Array.from(pieces, ({ ids }) => ids.length);
  return { encoded: { lengths, ids: kept.map(({ id }) => id), tokens: all }, trained, kept, truncated, dropped };
}

function unlike(where: string, label: number, id: number): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `encoding the conversation ${where}: label ${label} at the token ${id}`);
}

/**
 * First step of the shards sink: each part's documents become token ids on disk (encoded-part.ts), part by part, in any
 * order. Text that looks like a special token is encoded as text; only the options' bos and eos are added.
 */
import { join } from 'node:path';
import type { Document } from '../core/document.ts';
import type { SinkStep } from '../core/stage.ts';
import { encodedPartName, writeEncodedPart } from './encoded-part.ts';
import { type Encoding, loadEncoding, type ShardOptions, type SpecialToken } from './options.ts';
import type { TokenType } from './shard-rows.ts';

/** What the later steps need to know of the encoded corpus. */
export interface EncodedCorpus {
  type: TokenType;
  vocabSize: number;
  bos: SpecialToken | null;
  eos: SpecialToken | null;
  pad: SpecialToken;
  /** Parts with documents, in order. */
  parts: { part: number; documents: number }[];
  documents: number;
  tokens: number;
  /** UTF-8 bytes of all texts and of all document ids. */
  textBytes: number;
  idBytes: number;
}

interface EncodeTask {
  part: number;
}

interface EncodeResult {
  part: number;
  documents: number;
  tokens: number;
  idBytes: number;
}

export const encodeStep = {
  name: 'encode',

  async plan(options, context): Promise<EncodeTask[]> {
    // A missing tokenizer or token is found before any worker starts.
    await loadEncoding(options, context);
    return context.parts.filter((part) => part.documents > 0).map(({ part }) => ({ part }));
  },

  async run(options, task: EncodeTask, context): Promise<EncodeResult> {
    const encoding = await loadEncoding(options, context);
    const documents = await context.readPart(task.part);
    const encoded = encodeDocuments(documents, encoding);
    const written = await writeEncodedPart(join(context.workDir, encodedPartName(task.part)), encoded);
    return { part: task.part, ...written };
  },

  async merge(options, results: EncodeResult[], context): Promise<EncodedCorpus> {
    const { tokenizer, type, bos, eos, pad } = await loadEncoding(options, context);
    return {
      type,
      vocabSize: tokenizer.vocabSize,
      bos,
      eos,
      pad,
      parts: results.map(({ part, documents }) => ({ part, documents })),
      documents: sum(results, (result) => result.documents),
      tokens: sum(results, (result) => result.tokens),
      textBytes: sum(context.parts, (part) => part.bytes),
      idBytes: sum(results, (result) => result.idBytes),
    };
  },
} satisfies SinkStep<ShardOptions>;

/** Ids of all documents, end to end. */
export function encodeDocuments(
  documents: readonly Document[],
  encoding: Pick<Encoding, 'type' | 'bos' | 'eos'> & { tokenizer: Pick<Encoding['tokenizer'], 'encodeBatch'> },
): Parameters<typeof writeEncodedPart>[1] {
  const { ids, offsets } = encoding.tokenizer.encodeBatch(
    documents.map(({ text }) => text),
    { before: encoding.bos?.id, after: encoding.eos?.id, narrow: encoding.type === 'uint16' },
  );
  const lengths = new Uint32Array(documents.length);
  for (let d = 0; d < lengths.length; d++) lengths[d] = offsets[d + 1] - offsets[d];
  return { lengths, ids: documents.map(({ id }) => id), tokens: ids };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

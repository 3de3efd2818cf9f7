/**
 * First step of the shards sink: each part's documents become token ids on disk (encoded-part.ts), part by part, in any
 * order. Text that looks like a special token is encoded as text; only the options' bos and eos are added.
 */
import { join } from 'node:path';
import type { Document } from '../core/document.ts';
import type { SinkStep } from '../core/stage.ts';
import {
  type BatchEncoder,
  type EncodedPartFacts,
  encodeColumns,
  encodePart,
  encodeTexts,
  needsDocuments,
  type PartCounts,
} from './encode-part.ts';
import { type EncodedDocuments, encodedPartName, writeEncodedPart } from './encoded-part.ts';
import { type Encoding, type FimTokens, loadEncoding, type SpecialToken } from './encoding.ts';
import { checkOptions, keptBytes, type ShardOptions } from './options.ts';
import { isKept } from './scratch-file.ts';
import type { TokenType } from './shard-rows.ts';

/** What the later steps need to know of the encoded corpus. */
export interface EncodedCorpus {
  type: TokenType;
  vocabSize: number;
  bos: SpecialToken | null;
  eos: SpecialToken | null;
  pad: SpecialToken;
  fim: FimTokens | null;
  /** Parts with documents, in order. */
  parts: { part: number; documents: number; tokens: number }[];
  documents: number;
  tokens: number;
  counts: PartCounts;
  /** UTF-8 bytes of all texts. */
  textBytes: number;
}

interface EncodeTask {
  part: number;
}

interface EncodeResult extends PartCounts {
  part: number;
  documents: number;
  tokens: number;
  /** Whether its tokens are in memory, and gone with the process. */
  kept: boolean;
}

export const encodeStep = {
  name: 'encode',
  // A part is a few MB: while one is written and synced, 10 to 20 ms, the next is encoded, 40 ms.
  tasksPerWorker: 2,

  async plan(options, context): Promise<EncodeTask[]> {
    // A missing tokenizer or token is found before any worker starts.
    checkOptions(options, context.name);
    await loadEncoding(options, context);
    return context.parts.filter((part) => part.documents > 0).map(({ part }) => ({ part }));
  },

  async run(options, task: EncodeTask, context): Promise<EncodeResult> {
    const encoding = await loadEncoding(options, context);
    const path = join(context.workDir, encodedPartName(task.part));
    const write = async ({ encoded, facts, counts }: EncodedPartFacts): Promise<EncodeResult> => {
      return { part: task.part, ...(await writeEncodedPart(path, encoded, facts, keptBytes(options))), ...counts };
    };
    if (needsDocuments(options)) {
      const documents = await context.readPart(task.part);
      return write(encodePart(documents, options, encoding, context.seed, encodeDocuments));
    }
    return context.withColumns(task.part, async (columns) => {
      const encoded = encodeColumns(columns, options, encoding);
      try {
        return await write(encoded);
      } finally {
        encoded.release();
      }
    });
  },

  isThere: (_options, { part, kept }: EncodeResult, { workDir }) =>
    !kept || isKept(join(workDir, encodedPartName(part))),

  async merge(options, results: EncodeResult[], context): Promise<EncodedCorpus> {
    const { tokenizer, type, bos, eos, pad, fim } = await loadEncoding(options, context);
    return {
      type,
      vocabSize: tokenizer.vocabSize,
      bos,
      eos,
      pad,
      fim,
      parts: results.map(({ part, documents, tokens }) => ({ part, documents, tokens })),
      documents: sum(results, (result) => result.documents),
      tokens: sum(results, (result) => result.tokens),
      counts: {
        rearranged: sum(results, (result) => result.rearranged),
        truncated: sum(results, (result) => result.truncated),
        dropped: sum(results, (result) => result.dropped),
      },
      textBytes: sum(context.parts, (part) => part.bytes),
    };
  },
} satisfies SinkStep<ShardOptions>;

/** Ids of all documents, end to end. */
export function encodeDocuments(
  documents: readonly Document[],
  encoding: Pick<Encoding, 'type' | 'bos' | 'eos'> & { tokenizer: BatchEncoder },
): EncodedDocuments {
  const texts = documents.map(({ text }) => text);
  return { ids: documents.map(({ id }) => id), ...encodeTexts(texts, encoding) };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

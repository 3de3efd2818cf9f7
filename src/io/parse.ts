/**
 * A chunk to documents: the worker's half of reading. JSONL, CSV and WARC run synchronously inside; Parquet, Arrow, text and
 * HTML files are read here, by path. A format's reader is loaded when a chunk of it is met. No bad input throws: what
 * cannot become a document goes to `onBad`.
 */
import type { Document } from '../core/document.ts';
import type { BatchEncoder } from './document-batch.ts';
import type { BadRecord, Chunk, InputSpec, ReadCounters } from './input.ts';
import { parseJsonl, parseJsonlColumns } from './jsonl.ts';
import type { ReadContext } from './record.ts';

/**
 * Parses a chunk of readChunks. Documents come in the chunk's order, each record exactly once as a document, a bad
 * record, or left out by `sample`. Texts may lie together in memory of the chunk's size until a string is made of them: who
 * keeps documents, and not their strings, keeps that.
 */
export async function parseChunk(
  chunk: Chunk,
  specs: InputSpec[],
  onDocument: (document: Document) => void,
  onBad: (bad: BadRecord) => void,
): Promise<ReadCounters> {
  const context = contextOf(chunk, specs, onDocument, onBad);
  await parseInto(context);
  return context.counters;
}

/** The same into the columns of `encoder`, and where the format allows it without a document in between. */
export async function parseChunkColumns(
  chunk: Chunk,
  specs: InputSpec[],
  encoder: BatchEncoder,
  onBad: (bad: BadRecord) => void,
): Promise<ReadCounters> {
  const context = contextOf(chunk, specs, encoder.add, onBad);
  if (chunk.kind === 'bytes' && chunk.format === 'jsonl') parseJsonlColumns(chunk, context, encoder);
  else await parseInto(context);
  return context.counters;
}

function contextOf(
  chunk: Chunk,
  specs: InputSpec[],
  onDocument: (document: Document) => void,
  onBad: (bad: BadRecord) => void,
): ReadContext {
  const counters: ReadCounters = { invalidUtf8: 0, loneSurrogates: 0, numericIds: 0 };
  return { spec: specs[chunk.input], chunk, counters, onDocument, onBad };
}

async function parseInto(context: ReadContext): Promise<void> {
  const { chunk, onBad } = context;
  switch (chunk.kind) {
    case 'bad':
      onBad(chunk.bad);
      break;
    case 'files':
      await (await import('./text-files.ts')).parseTextFiles(chunk, context);
      break;
    case 'bytes':
      if (chunk.format === 'jsonl') parseJsonl(chunk, context);
      else if (chunk.format === 'warc') (await import('./warc-documents.ts')).parseWarc(chunk, context);
      else (await import('./csv-documents.ts')).parseCsv(chunk, context);
      break;
    case 'rows':
      if (chunk.format === 'parquet') await (await import('./parquet.ts')).parseParquet(chunk, context);
      else await (await import('./arrow.ts')).parseArrow(chunk, context);
      break;
  }
}

/**
 * A chunk to documents: the worker's half of reading. JSONL, CSV and WARC run synchronously inside; Parquet, Arrow, text and
 * HTML files are read here, by path. A format's reader is loaded when a chunk of it is met. No bad input throws: what
 * cannot become a document goes to `onBad`.
 */
import type { Document } from '../core/document.ts';
import type { BadRecord, Chunk, InputSpec, ReadCounters } from './input.ts';
import { parseJsonl } from './jsonl.ts';
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
  const counters: ReadCounters = { invalidUtf8: 0, loneSurrogates: 0, numericIds: 0 };
  const context: ReadContext = { spec: specs[chunk.input], chunk, counters, onDocument, onBad };
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
  return counters;
}

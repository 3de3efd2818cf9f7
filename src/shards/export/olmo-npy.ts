/**
 * What OLMo-core and dolma read: `part-00000.npy`, which has no header in spite of its name: uint16 or uint32 tokens of
 * documents end to end, for numpy.memmap; and `part-00000.csv.gz` with a line a document: first token and the one behind
 * its last within the part, id, source, number of the document. A part ends before the document that would pass the size
 * limit.
 */
import { createGzip, type Gzip } from 'node:zlib';
import type { AtomicFile } from '../../io/atomic.ts';
import { bytesOf } from '../positioned-read.ts';
import type { DocumentGroup } from './documents.ts';
import type { OutputFolder } from './output-folder.ts';

interface Part {
  npy: AtomicFile;
  csv: AtomicFile;
  gzip: Gzip;
  /** Ends when the compressed lines have been written. */
  written: Promise<void>;
  tokens: number;
}

/** Writes the documents of `groups` as parts in the folder `prefix` ('' or `train/`). */
export async function writeOlmoNpy(
  output: OutputFolder,
  prefix: string,
  groups: AsyncIterable<DocumentGroup>,
  sizeLimit: number,
): Promise<{ documents: number; tokens: number }> {
  let part: Part | undefined;
  let parts = 0;
  const total = { documents: 0, tokens: 0 };
  for await (const { tokens, lengths, ids, sources } of groups) {
    let from = 0;
    let lines = '';
    const flush = async (to: number): Promise<void> => {
      if (part === undefined || to === from) return;
      await part.npy.write(bytesOf(tokens.subarray(from, to)));
      await writeLines(part, lines);
      lines = '';
      from = to;
    };
    let at = 0;
    for (let i = 0; i < lengths.length; i++) {
      const end = at + lengths[i];
      const bytes = ((part?.tokens ?? 0) + lengths[i]) * tokens.BYTES_PER_ELEMENT;
      if (part !== undefined && part.tokens > 0 && bytes > sizeLimit) {
        await flush(at);
        await finishPart(part);
        part = undefined;
      }
      part ??= await openPart(output, `${prefix}part-${String(parts++).padStart(5, '0')}`);
      const fields = [part.tokens, part.tokens + lengths[i], quoted(ids[i]), quoted(sources[i]), total.documents];
      lines += `${fields.join(',')}\n`;
      part.tokens += lengths[i];
      total.documents++;
      at = end;
    }
    await flush(at);
    total.tokens += tokens.length;
  }
  if (part !== undefined) await finishPart(part);
  return total;
}

async function openPart(output: OutputFolder, name: string): Promise<Part> {
  const npy = await output.create(`${name}.npy`);
  const csv = await output.create(`${name}.csv.gz`);
  const gzip = createGzip();
  const written = (async () => {
    for await (const chunk of gzip) await csv.write(chunk as Uint8Array);
  })();
  written.catch(() => undefined);
  return { npy, csv, gzip, written, tokens: 0 };
}

async function writeLines({ gzip, written }: Part, lines: string): Promise<void> {
  if (gzip.write(lines)) return;
  // A failed write of the file ends the reading of the gzip, which then never drains.
  await Promise.race([new Promise((resolve) => gzip.once('drain', resolve)), written]);
}

async function finishPart({ npy, csv, gzip, written }: Part): Promise<void> {
  gzip.end();
  await written;
  await npy.commit();
  await csv.commit();
}

/** A field of a CSV line (RFC 4180). */
function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}

/**
 * Text and HTML files, each one document; compressed ones are decompressed. Read by the worker, a group at a time. Plain
 * text is UTF-8; a page's encoding is found as a browser would (charset.ts), and its document holds the page's source.
 */
import { BrokenInput } from './broken-input.ts';
import type { Allowance } from './byte-chunks.ts';
import { decodePage } from './charset.ts';
import { openByteSource } from './codecs.ts';
import type { FilesChunk, InputFile, InputSpec } from './input.ts';
import { badRecord, CLEAN, deliverRecord, type ReadContext, tooLong } from './record.ts';
import { bomBytes, excerptOf, isUtf8Range, textBuffer } from './text-bytes.ts';

/** A group ends at `chunkBytes` or at this many files, whichever comes first. */
const MAX_FILES = 1000;

/** Groups text files of one input, in their order. */
export function* textChunks(
  files: InputFile[],
  _spec: InputSpec,
  chunkBytes: number,
  allowance: Allowance,
): Generator<FilesChunk> {
  let group: InputFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (allowance.left <= 0) break;
    allowance.left--;
    if (group.length > 0 && (bytes + file.bytes > chunkBytes || group.length === MAX_FILES)) {
      yield chunkOf(group, bytes);
      group = [];
      bytes = 0;
    }
    group.push(file);
    bytes += file.bytes;
  }
  if (group.length > 0) yield chunkOf(group, bytes);
}

function chunkOf(files: InputFile[], bytes: number): FilesChunk {
  return {
    kind: 'files',
    format: files[0].format as 'text' | 'html',
    input: files[0].input,
    file: files[0].path,
    relativePath: files[0].relativePath,
    fileBytes: bytes,
    files: files.map(({ path, relativePath, bytes }) => ({ path, relativePath, bytes })),
  };
}

/** Reads every file of the group into a document whose id is `<input>/<relative path>`; an empty file is none. */
export async function parseTextFiles(chunk: FilesChunk, context: ReadContext): Promise<void> {
  const { spec } = context;
  for (const file of chunk.files) {
    const here: ReadContext = { ...context, chunk: { ...chunk, file: file.path, relativePath: file.relativePath } };
    const place = { offset: 0, unit: 'file' as const, length: file.bytes };
    let bytes: Buffer;
    try {
      bytes = await readWhole(file.path, file.bytes, spec);
    } catch (error) {
      if (!(error instanceof BrokenInput)) throw error;
      context.onBad(badRecord(here, place, { reason: error.reason, detail: error.message }, ''));
      continue;
    }
    if (bytes.length > spec.maxRecordBytes) {
      const excerpt = excerptOf(bytes, 0, bytes.length);
      context.onBad(badRecord(here, place, tooLong(bytes.length, spec.maxRecordBytes), excerpt));
      continue;
    }
    const begin = bomBytes(bytes);
    if (bytes.length === begin) continue;
    const { text, replaced } =
      chunk.format === 'html' ? decodePage(bytes, undefined, true) : plainText(bytes.subarray(begin));
    const record = { [spec.textField]: text, [ID]: `${spec.name}/${file.relativePath}` };
    const named: ReadContext = { ...here, spec: { ...spec, idField: ID, metaFields: 'none' } };
    deliverRecord(record, place, replaced ? { invalidUtf8: true, surrogates: false } : CLEAN, named);
  }
}

function plainText(bytes: Uint8Array): { text: string; replaced: boolean } {
  const replaced = !isUtf8Range(bytes, 0, bytes.length);
  return { text: textBuffer(bytes).utf8Slice(0, bytes.length), replaced };
}

/** A field name that no `textField` can be. */
const ID = '\0id';

/** A whole file after decompression, or one byte more than `maxRecordBytes` of it. */
export async function readWhole(path: string, expectedBytes: number, spec: InputSpec): Promise<Buffer> {
  const source = await openByteSource(path, spec.maxExpansionRatio);
  try {
    let buffer = Buffer.alloc(Math.min(expectedBytes, spec.maxRecordBytes) + 1);
    for (let filled = 0; ; ) {
      const read = await source.read(buffer.subarray(filled));
      filled += read;
      if (read === 0 || filled > spec.maxRecordBytes) return buffer.subarray(0, filled);
      if (filled === buffer.length) {
        const grown = Buffer.alloc(Math.min(buffer.length * 2, spec.maxRecordBytes + 1));
        buffer.copy(grown);
        buffer = grown;
      }
    }
  } finally {
    await source.close();
  }
}

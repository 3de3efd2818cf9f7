/**
 * A comparison over files of any format and size: chunks are read, parsed and measured one after another, and given back.
 */
import type { Document } from '../../core/document.ts';
import { CorpusmillError } from '../../core/errors.ts';
import { fieldValue } from '../../core/meta-field.ts';
import { DEFAULT_CHUNK_BYTES, readChunks, releaseChunk } from '../../io/chunks.ts';
import { expandInputs } from '../../io/files.ts';
import type { BadRecord, InputSpec } from '../../io/input.ts';
import { parseChunk } from '../../io/parse.ts';
import type { Comparison } from './comparison.ts';

export interface CompareFilesOptions {
  /** Documents looked at, over all inputs; undefined: all. */
  limit: number | undefined;
  /** Records that may be unreadable before it is an error. */
  maxBadRecords: number;
  /** Path into `meta` of the documents' source; undefined: the input's name. */
  sourceField: string | undefined;
  languageOf(document: Document): string | null;
  onProgress?: (documents: number) => void;
}

export interface FilesCompared {
  documents: number;
  badRecords: number;
  /** Of the first record that could not be read. */
  firstBad: BadRecord | undefined;
}

/**
 * Adds every document of `specs` to `comparison`. Throws what expandInputs throws, TOO_MANY_BAD_RECORDS, and
 * INPUT_UNREADABLE where not one document could be read.
 */
export async function compareFiles(
  specs: InputSpec[],
  comparison: Comparison,
  { limit = Number.POSITIVE_INFINITY, maxBadRecords, sourceField, languageOf, onProgress }: CompareFilesOptions,
): Promise<FilesCompared> {
  const files = await expandInputs(specs);
  const sourcePath = sourceField?.split('.');
  const done: FilesCompared = { documents: 0, badRecords: 0, firstBad: undefined };
  for await (const chunk of readChunks(files, specs, { chunkBytes: DEFAULT_CHUNK_BYTES })) {
    await parseChunk(
      chunk,
      specs,
      (document) => {
        if (done.documents >= limit) return;
        done.documents++;
        const { id, text, meta } = document;
        const source = nameOf(sourcePath === undefined ? meta['source'] : fieldValue(meta, sourcePath));
        comparison.add({ id, text, language: languageOf(document), source });
      },
      (bad) => {
        done.badRecords++;
        done.firstBad ??= bad;
      },
    );
    releaseChunk(chunk);
    onProgress?.(done.documents);
    if (done.documents >= limit) break;
    if (done.badRecords > maxBadRecords) throw badRecords('TOO_MANY_BAD_RECORDS', done, maxBadRecords);
  }
  if (done.documents === 0) {
    if (done.badRecords > 0) throw badRecords('INPUT_UNREADABLE', done, maxBadRecords);
    throw new CorpusmillError('INPUT_UNREADABLE', 'the inputs hold no document', {
      hint: 'name files with texts by --on',
    });
  }
  return done;
}

/** The value of a document's field as the name of a group: null for one that is not there. */
export function nameOf(value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null;
  return (typeof value === 'string' ? value : JSON.stringify(value)).slice(0, 200).toWellFormed();
}

function badRecords(
  code: 'TOO_MANY_BAD_RECORDS' | 'INPUT_UNREADABLE',
  { badRecords, firstBad }: FilesCompared,
  most: number,
): CorpusmillError {
  const { file, offset, unit, reason, detail } = firstBad!;
  return new CorpusmillError(
    code,
    `${badRecords} records could not be read${code === 'TOO_MANY_BAD_RECORDS' ? `, more than ${most}` : ''}; the first, ${file} at ${unit} ${offset}: ${reason}: ${detail}`,
    { hint: 'is --text-field the field that holds the text?' },
  );
}

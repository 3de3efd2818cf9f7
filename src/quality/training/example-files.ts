/** Labelled texts of files, read in order in the thread that asks. */
import { basename, resolve } from 'node:path';
import type { Document } from '../../core/document.ts';
import { CorpusmillError } from '../../core/errors.ts';
import { readChunks, releaseChunk } from '../../io/chunks.ts';
import { expandInputs } from '../../io/files.ts';
import type { BadRecord, InputSpec } from '../../io/input.ts';
import { parseChunk } from '../../io/parse.ts';
import { type ExampleSource, type LabelledSource, pathsOf } from './example-source.ts';

const CHUNK_BYTES = 4 * 1024 * 1024;

/**
 * The documents of a source's files. Throws INPUT_NOT_FOUND, and INPUT_CORRUPT at the first record that cannot be read: what a
 * model learns from should be whole.
 */
export async function* readExampleFiles(
  source: ExampleSource | LabelledSource,
  baseDir: string,
): AsyncGenerator<Document> {
  const paths = pathsOf(source).map((path) => resolve(baseDir, path));
  if (paths.length === 0) return;
  const spec: InputSpec = {
    name: basename(paths[0]).replace(/\..*$/, ''),
    paths,
    format: 'auto',
    textField: source.textField,
    idField: source.idField,
    metaFields: 'all',
    limit: undefined,
    sample: undefined,
    seed: 0,
    maxRecordBytes: 128 * 2 ** 20,
    maxExpansionRatio: 200,
  };
  const files = await expandInputs([spec]);
  for await (const chunk of readChunks(files, [spec], { chunkBytes: CHUNK_BYTES })) {
    const documents: Document[] = [];
    let bad: BadRecord | undefined;
    await parseChunk(
      chunk,
      [spec],
      (document) => documents.push(document),
      (record) => {
        bad ??= record;
      },
    );
    releaseChunk(chunk);
    if (bad !== undefined) throw unreadable(bad);
    yield* documents;
  }
}

function unreadable({ file, unit, offset, reason, detail }: BadRecord): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `examples in ${file}, ${unit} ${offset}: ${reason} (${detail})`, {
    hint: 'mend or remove the record; textField and idField say which fields are read',
  });
}

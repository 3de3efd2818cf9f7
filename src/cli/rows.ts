/** Rows of the user's files, as they are: for `inspect`, and for the guesses of `init`. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { InputFormat } from '../io/input.ts';
import { inspectFile, readRows } from '../io/inspect.ts';

export interface FileRow {
  file: string;
  /** Number of the row within its file. */
  row: number;
  record: Record<string, unknown>;
}

/** The files of a folder that hold rows, sorted by name, or the path itself. A manifest is about rows and holds none. */
export async function filesWithRows(path: string): Promise<string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.filter((e) => e.isFile() && e.name !== 'manifest.json' && !e.name.startsWith('.'));
  return names.map(({ name }) => join(path, name)).sort();
}

/** Rows [offset, offset + limit) of files, one after another. Files that know their number of rows are skipped unread. */
export async function* rowsOf(
  files: readonly string[],
  { limit, offset, format }: { limit: number; offset: number; format: InputFormat | 'auto' },
): AsyncGenerator<FileRow> {
  let skip = offset;
  let left = limit;
  for (const file of files) {
    if (left === 0) return;
    const { rows } = await inspectFile(file, format);
    if (rows !== undefined && rows <= skip) {
      skip -= rows;
      continue;
    }
    // Where the number of rows is unknown, the rows to skip have to be counted.
    let row = rows === undefined ? 0 : skip;
    for await (const record of readRows(file, { offset: row, limit: skip + left - row }, format)) {
      if (row >= skip) {
        yield { file, row, record };
        left--;
      }
      row++;
    }
    skip = Math.max(0, skip - row);
  }
}

/**
 * Up to `limit` records of the first file that a path or glob names; undefined for plain text, pages and web
 * archives, whose fields nobody chooses.
 * Throws what the readers throw.
 */
export async function sampleRecords(path: string, limit: number): Promise<Record<string, unknown>[] | undefined> {
  const { format } = await inspectFile(path);
  if (format === 'text' || format === 'html' || format === 'warc') return undefined;
  const records: Record<string, unknown>[] = [];
  for await (const record of readRows(path, { offset: 0, limit })) records.push(record);
  return records;
}

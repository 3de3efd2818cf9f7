/**
 * List files that options name: word lists, block lists, one entry a line, UTF-8, plain or gzip. Read whole, when a
 * stage is made.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { CorpusmillError, systemCode } from '../core/errors.ts';

/** Largest list, unpacked: UT1's list of 4.6 million adult hosts is 90 MB. */
export const MAX_LIST_BYTES = 1 << 30;

/** Which file, and for whom: `option` leads the message, where the check of a pipeline file looks for the place. */
export interface ListFile {
  path: string;
  /** Folder of the pipeline file. */
  baseDir: string;
  /** `domainLists.0`. */
  option: string;
}

/** The file's bytes, unpacked, without a byte order mark. CONFIG_INVALID when it cannot be read. */
export function readListBytes({ path, baseDir, option }: ListFile): Buffer {
  const absolute = isAbsolute(path) ? path : resolve(baseDir, path);
  let bytes: Buffer;
  try {
    bytes = readFileSync(absolute);
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes, { maxOutputLength: MAX_LIST_BYTES });
  } catch (error) {
    const found = systemCode(error) === 'ENOENT' ? 'does not exist' : `cannot be read (${(error as Error).message})`;
    throw new CorpusmillError('CONFIG_INVALID', `${option}: the file ${path} ${found}`, {
      hint: 'Paths in a pipeline file are relative to that file; the file is UTF-8 text or gzip of it.',
      cause: error,
    });
  }
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return hasMark ? bytes.subarray(3) : bytes;
}

/** The entries: lines without white space at their ends, except empty ones and those that start with `#`. */
export function readListFile(file: ListFile): string[] {
  return readListBytes(file)
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

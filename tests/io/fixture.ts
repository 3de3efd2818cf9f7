/** Folders, inputs and peers for the tests of src/io. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Document } from '../../src/core/document.ts';
import { stringsOf } from '../../src/core/utf8-column.ts';
import { readChunks } from '../../src/io/chunks.ts';
import { createDocumentEncoder } from '../../src/io/document-batch.ts';
import { expandInputs } from '../../src/io/files.ts';
import type { BadRecord, Chunk, InputSpec, ReadCounters } from '../../src/io/input.ts';
import { parseChunk, parseChunkColumns } from '../../src/io/parse.ts';

export function inputSpec(paths: string | string[], changes: Partial<InputSpec> = {}): InputSpec {
  return {
    name: 'web',
    paths: [paths].flat(),
    format: 'auto',
    textField: 'text',
    idField: 'id',
    metaFields: 'all',
    limit: undefined,
    sample: undefined,
    seed: 1,
    maxRecordBytes: 64 * 1024 * 1024,
    maxExpansionRatio: 1000,
    ...changes,
  };
}

export interface ReadResult {
  documents: Document[];
  bad: BadRecord[];
  chunks: Chunk[];
  counters: ReadCounters;
}

/** Reads an input as the engine does: expand, cut, parse. */
export async function readInput(spec: InputSpec | InputSpec[], chunkBytes = 4 * 1024 * 1024): Promise<ReadResult> {
  const specs = [spec].flat();
  const result: ReadResult = {
    documents: [],
    bad: [],
    chunks: [],
    counters: { invalidUtf8: 0, loneSurrogates: 0, numericIds: 0 },
  };
  for await (const chunk of readChunks(await expandInputs(specs), specs, { chunkBytes })) {
    result.chunks.push(chunk);
    const [documents, bad]: [Document[], BadRecord[]] = [[], []];
    const counters = await parseChunk(
      chunk,
      specs,
      (document) => documents.push(document),
      (record) => bad.push(record),
    );
    await expectSameColumns(chunk, specs, { documents, bad, counters });
    for (const document of documents) result.documents.push(document);
    result.bad.push(...bad);
    for (const key of ['invalidUtf8', 'loneSurrogates', 'numericIds'] as const) result.counters[key] += counters[key];
    for (const [why, count] of Object.entries(counters.skipped ?? {})) {
      result.counters.skipped ??= {};
      result.counters.skipped[why] = (result.counters.skipped[why] ?? 0) + count;
    }
  }
  return result;
}

/** Straight to columns, a chunk gives what its documents give. */
async function expectSameColumns(
  chunk: Chunk,
  specs: InputSpec[],
  { documents, bad, counters }: Omit<ReadResult, 'chunks'>,
): Promise<void> {
  const [encoder, expected] = [createDocumentEncoder(), createDocumentEncoder()];
  const badOfColumns: BadRecord[] = [];
  const countersOfColumns = await parseChunkColumns(chunk, specs, encoder, (record) => badOfColumns.push(record));
  for (const document of documents) expected.add(document);
  for (const name of ['ids', 'texts', 'metas'] as const) {
    const [found, wanted] = [encoder[name], expected[name]];
    const [column, wantedColumn] = [found.column(), wanted.column()];
    if (Buffer.compare(column.bytes, wantedColumn.bytes) !== 0)
      expect(stringsOf(column)).toEqual(stringsOf(wantedColumn));
    expect(column.offsets.every((end, row) => end === wantedColumn.offsets[row])).toBe(true);
    found.release();
    wanted.release();
  }
  expect(badOfColumns).toEqual(bad);
  expect(countersOfColumns).toEqual(counters);
}

const peerPython = join(process.env['CORPUSMILL_PEERS'] ?? join(homedir(), '.cache/corpusmill/peers'), 'bin/python');

/** `describe` for tests that need the Python peers (bench/peers/setup.sh); skipped, and said, where they are absent. */
export const describeWithPeers = hasPeers()
  ? describe
  : (name: string, body: () => void) => describe.skip(`${name} (skipped: no Python peers; bench/peers/setup.sh)`, body);

function hasPeers(): boolean {
  if (!existsSync(peerPython)) return false;
  try {
    execFileSync(peerPython, ['-c', 'import pyarrow, duckdb, polars'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Runs a Python program with the peers; returns what it prints. */
export function python(program: string, ...args: string[]): string {
  return execFileSync(peerPython, ['-c', program, ...args], { encoding: 'utf8' });
}

/** The program's output, or undefined where it is not installed. */
export function tool(program: string, args: string[], input?: Uint8Array): Buffer | undefined {
  try {
    return execFileSync(program, args, { input, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'ignore'] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

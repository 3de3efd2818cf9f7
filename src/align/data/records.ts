/**
 * Records of data files, one after another: every format that corpusmill reads (JSONL, CSV, Parquet, Arrow, gzip and zstd), and
 * besides those `.json` files that are one array of records, as LLaMA-Factory and FastChat have them, and trees of messages.
 */

import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { CorpusmillError } from '../../core/errors.ts';
import { BrokenInput } from '../../io/broken-input.ts';
import { decompress, decompressedHead } from '../../io/codecs.ts';
import { expandInputs } from '../../io/files.ts';
import { readRows } from '../../io/inspect.ts';
import {
  isTree,
  isTreeMessage,
  readTree,
  recordsOfTree,
  type TreeForm,
  type TreeMessage,
  treesOf,
} from './message-trees.ts';

/** A record and where it stands, for messages: `pairs.jsonl, record 12`. */
export interface SourceRecord {
  readonly record: Record<string, unknown>;
  readonly where: string;
}

/** Why a record cannot be used: a short stable reason, for counting, and what was found. */
export interface Unusable {
  readonly reason: string;
  readonly detail: string;
}

const JSON_FILE = /\.json(\.gz|\.zst)?$/i;

/**
 * All records of files, folders and globs, in the order of their names; trees of messages as the records that `form` makes of them, those
 * given message by message at the end of their file. What is no record goes to `onUnusable`. Throws
 * INPUT_NOT_FOUND, INPUT_UNREADABLE and INPUT_CORRUPT for files.
 */
export async function* readRecords(
  paths: readonly string[],
  form: TreeForm,
  onUnusable: (where: string, why: Unusable) => void,
): AsyncGenerator<SourceRecord, void, void> {
  for (const path of paths) {
    for (const file of await filesOf(path)) {
      let number = 0;
      const loose: Record<string, unknown>[] = [];
      const rows = JSON_FILE.test(file) && (await isArray(file)) ? await readArray(file) : undefined;
      for await (const row of rows ?? readRows(file, { limit: Number.POSITIVE_INFINITY, offset: 0 })) {
        const where = `${basename(file)}, record ${++number}`;
        if (typeof row !== 'object' || row === null || Array.isArray(row)) {
          onUnusable(where, { reason: 'not a JSON object', detail: `found ${JSON.stringify(row)?.slice(0, 60)}` });
        } else if (Object.hasOwn(row, '<bad>')) {
          const { '<bad>': reason, '<raw>': raw } = row as Record<string, unknown>;
          onUnusable(where, { reason: 'broken record', detail: `${String(reason)}: ${String(raw).slice(0, 120)}` });
        } else yield* branches(row as Record<string, unknown>, where, form, loose, onUnusable);
      }
      if (loose.length > 0) yield* looseBranches(loose, basename(file), form, onUnusable);
    }
  }
}

/** A record as it is, or those that the tree in it becomes; single messages of trees are put into `loose`. */
function* branches(
  record: Record<string, unknown>,
  where: string,
  form: TreeForm,
  loose: Record<string, unknown>[],
  onUnusable: (where: string, why: Unusable) => void,
): Generator<SourceRecord, void, void> {
  if (isTreeMessage(record)) loose.push(record);
  else if (!isTree(record)) yield { record, where };
  else {
    const tree = readTree(record);
    if ('problem' in tree) onUnusable(where, { reason: 'broken tree', detail: tree.problem });
    else yield* branchesOf(tree, where, form, onUnusable);
  }
}

function* looseBranches(
  loose: readonly Record<string, unknown>[],
  file: string,
  form: TreeForm,
  onUnusable: (where: string, why: Unusable) => void,
): Generator<SourceRecord, void, void> {
  const { roots, orphans } = treesOf(loose);
  for (const [i, root] of roots.entries()) yield* branchesOf(root, `${file}, tree ${i + 1}`, form, onUnusable);
  for (let i = 0; i < orphans; i++) {
    onUnusable(file, { reason: 'message without a tree', detail: 'its parent is missing, deleted or not readable' });
  }
}

function* branchesOf(
  tree: TreeMessage,
  where: string,
  form: TreeForm,
  onUnusable: (where: string, why: Unusable) => void,
): Generator<SourceRecord, void, void> {
  const records = recordsOfTree(tree, form);
  if (records.length === 0) {
    const nothing: Unusable =
      form === 'comparisons'
        ? { reason: 'no ranked answers', detail: 'no question of the tree has two answers with ranks' }
        : { reason: 'no answer', detail: 'no question of the tree has an answer' };
    onUnusable(where, nothing);
  }
  for (const [i, record] of records.entries()) yield { record, where: `${where}, branch ${i + 1}` };
}

/** The files that a path, folder or pattern stands for. Throws INPUT_NOT_FOUND and INPUT_UNREADABLE. */
export async function filesOf(path: string): Promise<string[]> {
  if (JSON_FILE.test(path) && !/[*?[{]/.test(path)) return [path];
  const spec = {
    name: basename(path),
    paths: [path],
    format: 'auto' as const,
    textField: 'text',
    idField: undefined,
    metaFields: 'all' as const,
    limit: undefined,
    sample: undefined,
    seed: 0,
    maxRecordBytes: 256 * 1024 * 1024,
    maxExpansionRatio: 1000,
  };
  return (await expandInputs([spec])).map((file) => file.path);
}

async function isArray(file: string): Promise<boolean> {
  try {
    const head = Buffer.from(await decompressedHead(file, 256)).toString('latin1');
    return head.trimStart().startsWith('[');
  } catch (error) {
    if (!(error instanceof BrokenInput)) throw error;
    throw new CorpusmillError('INPUT_UNREADABLE', `reading ${file}: ${error.message}`, { cause: error });
  }
}

async function readArray(file: string): Promise<unknown[]> {
  const text = new TextDecoder().decode(await decompress(await readFile(file)));
  try {
    return JSON.parse(text) as unknown[];
  } catch (error) {
    throw new CorpusmillError('INPUT_CORRUPT', `reading ${file}: ${(error as Error).message}`, {
      hint: 'It begins as a JSON array; records one a line (JSONL) are read too, and can be broken one by one.',
      cause: error,
    });
  }
}

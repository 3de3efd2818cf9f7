/**
 * Checks a shard folder against its manifest: every file is there with its size, checksum, rows and tokens, every row's
 * lengths and labels agree, the table of pieces says of each row what the shard says, and no shard lies there that the
 * manifest does not list. Of a split both sides are checked, and that no document is in both. Reads each byte once or
 * twice.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isCorpusmillError } from '../core/errors.ts';
import { readManifest, type ShardEntry, type ShardManifest } from './manifest.ts';
import type { PieceColumns } from './piece-records.ts';
import { openShardFile, type ShardFile } from './shard-file.ts';
import { NO_LABEL, tokenArray } from './shard-rows.ts';
import { shardFolders } from './shard-set.ts';

export interface ShardProblem {
  /** Relative to the folder that was verified. */
  file: string;
  /**
   * What was compared: `file`, `bytes`, `sha256`, `format`, `rows`, `tokens`, `row lengths`, `token ids`, `labels`,
   * `pieces` (the table beside the shard), `listing`, `totals`, `split`.
   */
  check: string;
  expected: string;
  found: string;
}

export interface ShardVerification {
  ok: boolean;
  shards: number;
  rows: number;
  tokens: number;
  bytes: number;
  problems: ShardProblem[];
}

/**
 * Verifies a folder, the folder of a manifest, or a folder with the two sides of a split; throws only when there is no
 * readable manifest.
 */
export async function verifyShards(path: string): Promise<ShardVerification> {
  const total: ShardVerification = { ok: true, shards: 0, rows: 0, tokens: 0, bytes: 0, problems: [] };
  const heldOut = new Set<string>();
  // The held-out side first: its ids are few, and the other side's are looked up as they pass.
  for (const { folder, name } of (await shardFolders(path)).reverse()) {
    let both: string | undefined;
    const onDocument = {
      '': () => {},
      validation: (id: string) => heldOut.add(id),
      train: (id: string) => {
        if (heldOut.has(id)) both ??= id;
      },
    }[name];
    const found = await verifySet(folder, onDocument);
    for (const key of ['shards', 'rows', 'tokens', 'bytes'] as const) total[key] += found[key];
    const inside = (file: string) => (name === '' ? file : `${name}/${file}`);
    total.problems.push(...found.problems.map((problem) => ({ ...problem, file: inside(problem.file) })));
    if (both === undefined) continue;
    const expected = 'documents of one side alone';
    total.problems.push({ file: inside('manifest.json'), check: 'split', expected, found: `${both} in both` });
  }
  return { ...total, ok: total.problems.length === 0 };
}

/** Called with the document of each piece. */
type OnDocument = (id: string) => void;

async function verifySet(path: string, onDocument: OnDocument): Promise<Omit<ShardVerification, 'ok'>> {
  const { dir, manifest } = await readManifest(path);
  const problems: ShardProblem[] = [];
  let firstRow = 0;
  for (const entry of manifest.shards) {
    const shard = await verifyShard(dir, manifest, entry, firstRow, onDocument);
    problems.push(...shard.problems);
    firstRow += shard.rows;
  }
  problems.push(...(await verifyFile(dir, manifest.tokenizer.file, undefined, manifest.tokenizer.sha256)));

  const listed = new Set(manifest.shards.flatMap(({ file, pieces }) => [file, pieces?.file]));
  for (const file of (await readdir(dir)).sort()) {
    if (/\.(arrow|parquet)$/.test(file) && !listed.has(file)) {
      problems.push({ file, check: 'listing', expected: 'no shard beside those of the manifest', found: 'this file' });
    }
  }
  const sum = (of: (entry: ShardEntry) => number) => manifest.shards.reduce((total, entry) => total + of(entry), 0);
  const totals = { shards: manifest.shards.length, rows: sum((e) => e.rows), tokens: sum((e) => e.tokens) };
  const wrong = (expected: string, found: string) =>
    problems.push({ file: 'manifest.json', check: 'totals', expected, found });
  for (const name of ['rows', 'tokens'] as const) {
    if (totals[name] !== manifest[name]) wrong(`${manifest[name]} ${name}`, `${totals[name]} over all shards`);
  }
  const places = manifest.rows * manifest.contextLength - manifest.tokens;
  if (manifest.padding.tokens !== places) wrong(`${places} places of padding`, `${manifest.padding.tokens}`);
  for (const name of ['documents', 'tokens'] as const) {
    const ofSources = manifest.sources.reduce((total, source) => total + source[name], 0);
    if (ofSources !== manifest[name]) wrong(`${manifest[name]} ${name}`, `${ofSources} over all sources`);
  }
  return { ...totals, bytes: sum((e) => e.bytes + (e.pieces?.bytes ?? 0)), problems };
}

async function verifyShard(
  dir: string,
  manifest: ShardManifest,
  entry: ShardEntry,
  firstRow: number,
  onDocument: OnDocument,
): Promise<{ problems: ShardProblem[]; rows: number }> {
  const problems = await verifyFile(dir, entry.file, entry.bytes, entry.sha256);
  const isThere = problems.every(({ check }) => check !== 'file');
  const wrong = (check: string, expected: string | number, found: string | number) =>
    problems.push({ file: entry.file, check, expected: String(expected), found: String(found) });
  let table: PieceTable | undefined;
  if (entry.pieces !== null) {
    const { file, bytes, sha256 } = entry.pieces;
    const ofTable = await verifyFile(dir, file, bytes, sha256);
    problems.push(...ofTable);
    // What the Parquet library makes of damaged bytes says no more than the checksum.
    if (ofTable.length === 0) {
      const { readPieces } = await import('./pieces-table.ts');
      try {
        const columns = await readPieces(join(dir, file));
        for (const id of columns.documentId) onDocument(id);
        table = { file, columns, next: 0 };
      } catch (error) {
        if (!isCorpusmillError(error)) throw error;
        problems.push({ file, check: 'format', expected: 'a table of pieces', found: error.message });
      }
    }
  }
  let { rows } = entry;
  if (!isThere) return { problems, rows };
  try {
    const shard = await openShardFile(join(dir, entry.file));
    try {
      const kind = (length: number, type: string, labels: boolean) =>
        `${length} ${type} a row${labels ? ' with labels' : ''}`;
      const expected = kind(manifest.contextLength, manifest.dtype, 'labels' in manifest.columns);
      const found = kind(shard.contextLength, shard.type, shard.hasLabels);
      if (found !== expected) wrong('format', expected, found);
      ({ rows } = shard);
      if (rows !== entry.rows) wrong('rows', entry.rows, rows);
      const { tokens, problem } = await verifyRows(shard, manifest, entry.file, firstRow, table);
      if (problem !== undefined) problems.push(problem);
      else if (tokens !== entry.tokens) wrong('tokens', entry.tokens, tokens);
    } finally {
      await shard.close();
    }
  } catch (error) {
    // Damaged positions and lengths end in errors of Node's own; those of the system are another matter.
    if ((error as NodeJS.ErrnoException).errno !== undefined) throw error;
    wrong('format', 'an Arrow stream of token rows', (error as Error).message);
  }
  return { problems, rows };
}

/** A table of pieces, and the piece that is compared next. */
interface PieceTable {
  file: string;
  columns: PieceColumns;
  next: number;
}

/** Tokens of all rows, or the first thing that is wrong with one. */
async function verifyRows(
  shard: ShardFile,
  manifest: ShardManifest,
  file: string,
  firstRow: number,
  table: PieceTable | undefined,
): Promise<{ tokens: number; problem?: ShardProblem }> {
  const { contextLength } = shard;
  let tokens = 0;
  for (let b = 0; b < shard.batches; b++) {
    const pieces = await shard.readPieces(b);
    const inputIds = tokenArray(shard.type, pieces.rows * contextLength);
    await shard.readTokens(pieces.firstRow, pieces.rows, inputIds, 0);
    const labels = shard.hasLabels ? new Int32Array(inputIds.length) : undefined;
    if (labels !== undefined) await shard.readLabels(pieces.firstRow, pieces.rows, labels, 0);
    for (let r = 0; r < pieces.rows; r++) {
      const row = pieces.firstRow + r;
      const problem = (check: string, expected: string, found: string, where = file) => ({
        tokens,
        problem: { file: where, check, expected: `${expected} in row ${row}`, found },
      });
      const lengths = pieces.seqLengths.subarray(pieces.seqOffsets[r], pieces.seqOffsets[r + 1]);
      const sum = lengths.reduce((total, length) => total + length, 0);
      const padding = pieces.padding[r];
      if (sum !== contextLength || lengths.some((length) => length <= 0)) {
        return problem('row lengths', `${contextLength} places`, `lengths ${shorten(lengths)}: ${sum}`);
      }
      if (padding !== 0 && padding !== lengths[lengths.length - 1]) {
        return problem('row lengths', `padding ${padding} as the last length`, String(lengths[lengths.length - 1]));
      }
      const end = contextLength - padding;
      tokens += end;
      const at = r * contextLength;
      const ids = inputIds.subarray(at, at + contextLength);
      const strange = ids.findIndex((id, i) => (i < end ? id >= manifest.tokenizer.vocabSize : id !== manifest.pad.id));
      if (strange !== -1) {
        const expected = strange < end ? `ids below ${manifest.tokenizer.vocabSize}` : `padding ${manifest.pad.id}`;
        return problem('token ids', expected, `${ids[strange]} at place ${strange}`);
      }
      const unlike = labels?.subarray(at, at + contextLength).findIndex((label, i) => {
        return label !== NO_LABEL && (i >= end || label !== ids[i]);
      });
      if (unlike !== undefined && unlike !== -1) {
        const expected = unlike < end ? `${NO_LABEL} or the token ${ids[unlike]}` : `${NO_LABEL} on padding`;
        return problem('labels', expected, `${labels?.[at + unlike]} at place ${unlike}`);
      }
      const entries = lengths.subarray(0, padding > 0 ? -1 : undefined);
      const other = table === undefined ? undefined : compareRow(table, firstRow + row, entries);
      if (table !== undefined && other !== undefined) return problem('pieces', other.expected, other.found, table.file);
    }
  }
  if (table !== undefined && table.next < table.columns.row.length) {
    const found = `${table.columns.row.length} pieces`;
    return { tokens, problem: { file: table.file, check: 'pieces', expected: `${table.next} pieces`, found } };
  }
  return { tokens };
}

/** What differs between a row's lengths and the table's next pieces; undefined where they agree. */
function compareRow(
  table: PieceTable,
  row: number,
  lengths: Int32Array,
): { expected: string; found: string } | undefined {
  const { columns } = table;
  const from = table.next;
  while (table.next < columns.row.length && columns.row[table.next] === row) table.next++;
  const own = columns.tokens.subarray(from, table.next);
  if (
    own.length === lengths.length &&
    own.every((length, i) => length === lengths[i] && columns.piece[from + i] === i)
  ) {
    return undefined;
  }
  return { expected: `pieces of ${shorten(lengths)} tokens`, found: `row ${row} has ${shorten(own)}` };
}

function shorten(numbers: Int32Array): string {
  const shown = [...numbers.subarray(0, 8)].join(' + ');
  return numbers.length > 8 ? `${shown} + … (${numbers.length})` : shown || 'none';
}

async function verifyFile(
  dir: string,
  file: string,
  bytes: number | undefined,
  sha256: string,
): Promise<ShardProblem[]> {
  const path = join(dir, file);
  const problems: ShardProblem[] = [];
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return [{ file, check: 'file', expected: 'a file', found: 'nothing' }];
  if (bytes !== undefined && found.size !== bytes) {
    problems.push({ file, check: 'bytes', expected: String(bytes), found: String(found.size) });
  }
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  const digest = hash.digest('hex');
  if (digest !== sha256) problems.push({ file, check: 'sha256', expected: sha256, found: digest });
  return problems;
}

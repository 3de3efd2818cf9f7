/**
 * Gathers one shard from the routed files: tokens into their rows, and what the table of pieces says of them.
 *
 * Pieces come group by group, and in a group as their tokens lie on disk: beside them where they travelled along, else in
 * the encoded parts, each opened once. A part of which the shard wants many pieces is read in one go; otherwise each piece is
 * read straight into its row. Memory is the shard itself and one group's share of it.
 */
import { readSync } from 'node:fs';
import { join } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { withLargePages } from '../core/large-pages.ts';
import { borrowBytes, returnBytes } from '../core/reused-bytes.ts';
import { type Bucket, readBucket } from './bucket-file.ts';
import { encodedPartName, openEncodedPart } from './encoded-part.ts';
import type { PieceRecords } from './pieces-table.ts';
import { readBytes } from './positioned-read.ts';
import { ROUTED, ROUTED_BYTES, routedName } from './route-step.ts';
import { NO_LABEL, type ShardRows, type TokenArray, type TokenType, tokenArray, tokenBytes } from './shard-rows.ts';

/**
 * A part is read whole (from the first to the last token wanted) when that is less than so many bytes for each piece: a
 * read of one piece takes 3 µs, in which memory that is there already takes in 12 kB.
 */
const WHOLE_BYTES_A_PIECE = 12 * 1024;

const FEW_PIECES = 32;

export interface ShardSettings {
  /** Number of the shard among those of all sets, and the number within the set of its first row. */
  shard: number;
  firstRow: number;
  rows: number;
  groups: number;
  sources: readonly string[];
  contextLength: number;
  type: TokenType;
  paddingId: number;
  hasLabels: boolean;
}

/** The rows of a shard; places that no piece fills hold `paddingId`. */
export async function gatherShard(
  settings: ShardSettings,
  workDir: string,
): Promise<{ rows: ShardRows; pieces: PieceRecords }> {
  const { rows, contextLength, type, hasLabels } = settings;
  const inputIds = withLargePages(tokenArray(type, rows * contextLength));
  // Whether a loss is taken, until the labels are made of it.
  const trained = hasLabels ? Buffer.alloc(inputIds.length) : undefined;
  const shares: Uint32Array[] = [];
  const ids: Uint8Array[] = [];
  for (let group = 0; group < settings.groups; group++) {
    const bucket = await readBucket(join(workDir, routedName(group)), settings.shard);
    const { words } = bucket;
    if (bucket.bytes.length > ROUTED_BYTES.tokens) takeAlong(bucket, contextLength, bufferOf(inputIds), trained);
    else await fetchTokens(words, workDir, settings, bufferOf(inputIds), trained);
    shares.push(words);
    ids.push(bucket.bytes[ROUTED_BYTES.ids]);
  }
  return inRows(joined(shares), Buffer.concat(ids), settings, inputIds, trained);
}

/** Puts tokens that lie beside their pieces into the rows. */
function takeAlong({ words, bytes }: Bucket, contextLength: number, out: Buffer, trained: Buffer | undefined): void {
  // Buffers copy from here to there without a view of either, and there are a million pieces.
  const tokens = bufferOf(bytes[ROUTED_BYTES.tokens]);
  const marks = trained && bufferOf(bytes[ROUTED_BYTES.trained]);
  let length = 0;
  for (let i = 0; i < words.length; i += ROUTED.words) length += words[i + ROUTED.length];
  const width = length === 0 ? 1 : tokens.length / length;
  for (let i = 0, from = 0; i < words.length; i += ROUTED.words) {
    const to = from + words[i + ROUTED.length];
    const at = words[i + ROUTED.row] * contextLength + words[i + ROUTED.at];
    tokens.copy(out, at * width, from * width, to * width);
    if (trained) marks?.copy(trained, at, from, to);
    from = to;
  }
}

/** Reads the tokens of pieces, which are sorted by part and token, from the encoded parts. */
async function fetchTokens(
  words: Uint32Array,
  workDir: string,
  { contextLength, type }: ShardSettings,
  out: Buffer,
  trained: Buffer | undefined,
): Promise<void> {
  const width = tokenBytes(type);
  for (let from = 0; from < words.length; ) {
    const part = words[from + ROUTED.part];
    let to = from;
    while (to < words.length && words[to + ROUTED.part] === part) to += ROUTED.words;
    const pieces = words.subarray(from, to);
    const encoded = await openEncodedPart(join(workDir, encodedPartName(part)));
    try {
      const { path, bytesPerToken, tokensAt, trainedAt } = encoded;
      if (bytesPerToken !== width) {
        throw new CorpusmillError('INPUT_CORRUPT', `${path} holds tokens of ${bytesPerToken} bytes, not of ${width}`);
      }
      await fetchStretch(encoded.file, path, pieces, { position: tokensAt, width, contextLength }, out);
      if (trained !== undefined) {
        const marks = { position: trainedAt, width: 1, contextLength };
        await fetchStretch(encoded.file, path, pieces, marks, trained);
      }
    } finally {
      await encoded.close();
    }
    from = to;
  }
}

async function fetchStretch(
  file: Awaited<ReturnType<typeof openEncodedPart>>['file'],
  path: string,
  pieces: Uint32Array,
  { position, width, contextLength }: { position: number; width: number; contextLength: number },
  out: Buffer,
): Promise<void> {
  const last = pieces.length - ROUTED.words;
  const first = pieces[ROUTED.token];
  const stretch = pieces[last + ROUTED.token] + pieces[last + ROUTED.length] - first;
  const isWhole = stretch * width <= (pieces.length / ROUTED.words) * WHOLE_BYTES_A_PIECE;
  const whole = isWhole ? borrowBytes(stretch * width) : undefined;
  try {
    if (whole) await readBytes(file, path, position + first * width, whole.subarray(0, stretch * width));
    for (let i = 0; i < pieces.length; i += ROUTED.words) {
      const token = pieces[i + ROUTED.token];
      const bytes = pieces[i + ROUTED.length] * width;
      const at = (pieces[i + ROUTED.row] * contextLength + pieces[i + ROUTED.at]) * width;
      if (whole) whole.copy(out, at, (token - first) * width, (token - first) * width + bytes);
      else readInto(file.fd, path, position + token * width, out, at, bytes);
    }
  } finally {
    if (whole) returnBytes(whole);
  }
}

/** A blocking positioned read: 3 µs against 30 for a promise, and there are some 60,000 a shard. */
function readInto(fd: number, path: string, position: number, out: Buffer, at: number, bytes: number): void {
  for (let filled = 0; filled < bytes; ) {
    const read = readSync(fd, out, at + filled, bytes - filled, position + filled);
    if (read === 0) throw new CorpusmillError('INPUT_CORRUPT', `reading tokens: ${path} ends before byte ${position}`);
    filled += read;
  }
}

/** The columns of a shard from its pieces in any order. */
function inRows(
  words: Uint32Array,
  ids: Uint8Array,
  settings: ShardSettings,
  inputIds: ShardRows['inputIds'],
  trained: Uint8Array | undefined,
): { rows: ShardRows; pieces: PieceRecords } {
  const { rows, contextLength, firstRow, sources } = settings;
  const order = byRow(words, rows);
  const seqOffsets = new Int32Array(rows + 1);
  const seqLengths = new Int32Array(order.length + rows);
  const padding = new Int32Array(rows);
  const idEnds = new Float64Array(order.length);
  for (let i = 0, end = 0; i < order.length; i++) {
    end += words[i * ROUTED.words + ROUTED.idBytes];
    idEnds[i] = end;
  }
  const pieces: PieceRecords = {
    row: new Int32Array(order.length),
    piece: new Int32Array(order.length),
    ids,
    idStart: new Float64Array(order.length),
    idEnd: new Float64Array(order.length),
    source: new Uint32Array(order.length),
    sources,
    start: new Int32Array(order.length),
    tokens: new Int32Array(order.length),
  };
  let sequences = 0;
  for (let row = 0, i = 0; row < rows; row++) {
    let filled = 0;
    for (let piece = 0; i < order.length; piece++, i++) {
      const from = order[i] * ROUTED.words;
      if (words[from + ROUTED.row] !== row) break;
      const length = words[from + ROUTED.length];
      pieces.row[i] = firstRow + row;
      pieces.piece[i] = piece;
      pieces.idEnd[i] = idEnds[order[i]];
      pieces.idStart[i] = pieces.idEnd[i] - words[from + ROUTED.idBytes];
      pieces.source[i] = words[from + ROUTED.source];
      pieces.start[i] = words[from + ROUTED.start];
      pieces.tokens[i] = length;
      seqLengths[sequences++] = length;
      filled += length;
    }
    padding[row] = contextLength - filled;
    if (padding[row] > 0) {
      seqLengths[sequences++] = padding[row];
      const end = (row + 1) * contextLength;
      inputIds.fill(settings.paddingId, end - padding[row], end);
    }
    seqOffsets[row + 1] = sequences;
  }
  let labels: Int32Array | undefined;
  if (trained !== undefined) {
    labels = new Int32Array(inputIds.length);
    for (let i = 0; i < labels.length; i++) labels[i] = trained[i] === 0 ? NO_LABEL : inputIds[i];
  }
  const columns = { inputIds, seqOffsets, seqLengths: seqLengths.subarray(0, sequences), padding, labels };
  return { rows: { contextLength, rows, ...columns }, pieces };
}

/** Numbers of pieces by row and place in the row. */
function byRow(words: Uint32Array, rows: number): Uint32Array {
  const count = words.length / ROUTED.words;
  const next = new Uint32Array(rows + 1);
  for (let i = 0; i < count; i++) next[words[ROUTED.words * i + ROUTED.row] + 1]++;
  for (let row = 0; row < rows; row++) next[row + 1] += next[row];
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[next[words[ROUTED.words * i + ROUTED.row]]++] = i;
  const place = (i: number) => words[ROUTED.words * i + ROUTED.at];
  for (let row = 0, from = 0; row < rows; row++) {
    const to = next[row];
    if (to - from > FEW_PIECES) order.subarray(from, to).sort((a, b) => place(a) - place(b));
    else {
      // By insertion: a view for every row would cost more than the sorting.
      for (let i = from + 1; i < to; i++) {
        const piece = order[i];
        let at = i;
        for (; at > from && place(order[at - 1]) > place(piece); at--) order[at] = order[at - 1];
        order[at] = piece;
      }
    }
    from = to;
  }
  return order;
}

function bufferOf(array: Uint8Array | TokenArray): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

function joined(shares: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(shares.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const share of shares) {
    all.set(share, at);
    at += share.length;
  }
  return all;
}

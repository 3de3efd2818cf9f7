/**
 * Gathers one shard from the routed files: what makes up its rows, and what the table of pieces says of them; the tokens
 * follow batch by batch (row-tokens.ts). Memory is about 100 bytes a piece, and the shard's tokens where these travelled along.
 */
import { join } from 'node:path';
import { readBucket } from './bucket-file.ts';
import type { PieceRecords } from './piece-records.ts';
import { ROUTED, ROUTED_BYTES, routedName } from './route-step.ts';
import { rowTokensReader, type TokenPlaces } from './row-tokens.ts';
import type { Shard, TokenType } from './shard-rows.ts';

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

/** A shard, open; `close` it. Places that no piece fills hold `paddingId`. */
export function gatherShard(
  settings: ShardSettings,
  workDir: string,
): { shard: Shard; pieces: PieceRecords; close(): void } {
  const shares: Uint32Array[] = [];
  const ids: Uint8Array[] = [];
  const bundles: TokenPlaces['bundles'][number][] = [];
  for (let group = 0; group < settings.groups; group++) {
    const { words, bytes } = readBucket(join(workDir, routedName(group)), settings.shard);
    shares.push(words);
    ids.push(bytes[ROUTED_BYTES.ids]);
    if (bytes.length <= ROUTED_BYTES.tokens) continue;
    // The group takes the part's place, and a piece's tokens begin where those of the one before end.
    for (let i = 0, token = 0; i < words.length; i += ROUTED.words) {
      words[i + ROUTED.part] = bundles.length;
      words[i + ROUTED.token] = token;
      token += words[i + ROUTED.length];
    }
    bundles.push({ tokens: bytes[ROUTED_BYTES.tokens], trained: bytes[ROUTED_BYTES.trained] });
  }
  return inRows(joined(shares), Buffer.concat(ids), settings, workDir, bundles);
}

/** The columns of a shard from its pieces in any order. */
function inRows(
  words: Uint32Array,
  ids: Uint8Array,
  settings: ShardSettings,
  workDir: string,
  bundles: TokenPlaces['bundles'],
): ReturnType<typeof gatherShard> {
  const { rows, contextLength, type, hasLabels, firstRow, sources, paddingId } = settings;
  const { order, firstPiece } = byRow(words, rows);
  const count = order.length;
  const seqOffsets = new Int32Array(rows + 1);
  const seqLengths = new Int32Array(count + rows);
  const padding = new Int32Array(rows);
  const idEnds = new Float64Array(count);
  for (let i = 0, end = 0; i < count; i++) {
    end += words[i * ROUTED.words + ROUTED.idBytes];
    idEnds[i] = end;
  }
  const pieces: PieceRecords = {
    row: new Int32Array(count),
    piece: new Int32Array(count),
    ids,
    idStart: new Float64Array(count),
    idEnd: new Float64Array(count),
    source: new Uint32Array(count),
    sources,
    start: new Int32Array(count),
    tokens: new Int32Array(count),
  };
  const column = () => new Uint32Array(count);
  const places = { at: column(), length: column(), part: column(), token: column() };
  let sequences = 0;
  for (let row = 0; row < rows; row++) {
    let filled = 0;
    for (let i = firstPiece[row]; i < firstPiece[row + 1]; i++) {
      const from = order[i] * ROUTED.words;
      const length = words[from + ROUTED.length];
      pieces.row[i] = firstRow + row;
      pieces.piece[i] = i - firstPiece[row];
      pieces.idEnd[i] = idEnds[order[i]];
      pieces.idStart[i] = pieces.idEnd[i] - words[from + ROUTED.idBytes];
      pieces.source[i] = words[from + ROUTED.source];
      pieces.start[i] = words[from + ROUTED.start];
      pieces.tokens[i] = length;
      places.at[i] = words[from + ROUTED.at];
      places.length[i] = length;
      places.part[i] = words[from + ROUTED.part];
      places.token[i] = words[from + ROUTED.token];
      seqLengths[sequences++] = length;
      filled += length;
    }
    padding[row] = contextLength - filled;
    if (padding[row] > 0) seqLengths[sequences++] = padding[row];
    seqOffsets[row + 1] = sequences;
  }
  const about = { contextLength, type, hasLabels, padding };
  const tokens = rowTokensReader({ ...about, ...places, paddingId, workDir, firstPiece, bundles });
  return {
    shard: { ...about, rows, seqOffsets, seqLengths: seqLengths.subarray(0, sequences), readRows: tokens.readRows },
    pieces,
    close: tokens.close,
  };
}

/** Numbers of pieces by row and place in the row, and the first of each row among them. */
function byRow(words: Uint32Array, rows: number): { order: Uint32Array; firstPiece: Uint32Array } {
  const count = words.length / ROUTED.words;
  const next = new Uint32Array(rows + 1);
  for (let i = 0; i < count; i++) next[words[ROUTED.words * i + ROUTED.row] + 1]++;
  for (let row = 0; row < rows; row++) next[row + 1] += next[row];
  const firstPiece = next.slice();
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
  return { order, firstPiece };
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

/**
 * Gathers one shard from the routed files: what makes up its rows, and what the table of pieces says of them; the tokens
 * follow batch by batch (row-tokens.ts). Memory is about 100 bytes a piece, and the shard's tokens where these travelled along.
 */
import { join } from 'node:path';
import { native } from '../core/native.ts';
import { readBucket } from './bucket-file.ts';
import { ROUTED } from './kernels/route-pieces.ts';
import { rowColumns } from './kernels/row-columns.ts';
import type { PieceRecords } from './piece-records.ts';
import { ROUTED_BYTES, routedName } from './route-step.ts';
import { rowTokensReader, type TokenPlaces } from './row-tokens.ts';
import type { Shard, TokenType } from './shard-rows.ts';

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
  const { rows, contextLength, type, hasLabels, sources, paddingId } = settings;
  const columns = rowColumns(words, settings, native);
  const { firstPiece, seqOffsets, seqLengths, padding } = columns;
  const { row, piece, idStart, idEnd, source, start, tokens: length, at, part, token } = columns;
  const pieces: PieceRecords = { row, piece, ids, idStart, idEnd, source, sources, start, tokens: length };
  const places = { at, length, part, token };
  const about = { contextLength, type, hasLabels, padding };
  const tokens = rowTokensReader({ ...about, ...places, paddingId, workDir, firstPiece, bundles });
  return {
    shard: { ...about, rows, seqOffsets, seqLengths, readRows: tokens.readRows },
    pieces,
    close: tokens.close,
  };
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

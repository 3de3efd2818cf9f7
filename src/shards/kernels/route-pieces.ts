/** Pieces to the shards that hold their rows: the loops of the `route` step, by the add-on or here. */
import type { NativeAddon } from '../../core/native-addon.ts';
import { type EvenParts, evenPartsWords, evenPlaces } from './even-parts.ts';
import { PACKED_WORDS } from './group-pieces.ts';

/**
 * Words of a routed piece: its row within the shard, its place in the row, its tokens, its first token in the document,
 * its part, its first token in the part, its source, the bytes of its document's id. Pieces lie as their tokens do.
 */
export const ROUTED = {
  row: 0,
  at: 1,
  length: 2,
  start: 3,
  part: 4,
  token: 5,
  source: 6,
  idBytes: 7,
  words: 8,
} as const;

/** Pieces of a group in the order of its documents. */
export interface PlacedPieces {
  /** As packed, but the row is the one within the shard. */
  words: Uint32Array;
  shard: Uint32Array;
}

/** The documents of a group, one after another. */
export interface GroupDocuments {
  /** [documents]: part, first token within the part, source as in the task's names. */
  part: Uint32Array;
  tokenAt: Uint32Array;
  source: Uint32Array;
  /** [documents + 1] */
  idEnds: Float64Array;
  ids: Uint8Array;
}

/**
 * Puts the packed pieces of a window where those of their documents go: `next` is the number of the next piece of each
 * document, and goes along. Rows of the window are those of `rows` from `firstRow` on.
 */
export function placePieces(
  packed: Uint32Array,
  next: Uint32Array,
  rows: EvenParts,
  firstRow: number,
  placed: PlacedPieces,
  addon: NativeAddon | undefined,
): void {
  if (addon !== undefined) {
    addon.placePieces(packed, next, evenPartsWords(rows), firstRow, placed.words, placed.shard);
    return;
  }
  const placeOf = evenPlaces(rows);
  for (let i = 0; i < packed.length; i += PACKED_WORDS) {
    const piece = next[packed[i]]++;
    const { part, place } = placeOf(firstRow + packed[i + 3]);
    placed.shard[piece] = part;
    const to = PACKED_WORDS * piece;
    for (let k = 0; k < PACKED_WORDS; k++) placed.words[to + k] = packed[i + k];
    placed.words[to + 3] = place;
  }
}

/** Pieces of each shard. */
export function countByShard(shard: Uint32Array, shards: number): Uint32Array {
  const counts = new Uint32Array(shards);
  for (let i = 0; i < shard.length; i++) counts[shard[i]]++;
  return counts;
}

/** Routed pieces: the ids of their documents lie end to end in the same order. */
export interface RoutedPieces {
  words: Uint32Array;
  ids: Uint8Array;
  /** [shards]: bytes of the ids of each. */
  idBytes: Float64Array;
}

/** The records of pieces sorted by shard, within a shard by document; `starts` are the first piece of each, and go along. */
export function routePieces(
  pieces: PlacedPieces,
  group: GroupDocuments,
  starts: Float64Array,
  addon: NativeAddon | undefined,
): RoutedPieces {
  const words = new Uint32Array(ROUTED.words * pieces.shard.length);
  const documents = new Uint32Array(pieces.shard.length);
  const idBytes = new Float64Array(starts.length);
  const { part, tokenAt, source, idEnds, ids } = group;
  if (addon === undefined) routeTwin(pieces, group, starts, words, documents, idBytes);
  else {
    addon.routePieces(
      ...([pieces.words, pieces.shard, part, tokenAt, source, idEnds] as const),
      ...([starts, words, documents, idBytes] as const),
    );
  }
  const routed = new Uint8Array(idBytes.reduce((sum, bytes) => sum + bytes, 0));
  if (addon === undefined) joinIdsTwin(documents, group, routed);
  else addon.joinIds(documents, idEnds, ids, routed);
  return { words, ids: routed, idBytes };
}

function routeTwin(
  pieces: PlacedPieces,
  { part, tokenAt, source, idEnds }: GroupDocuments,
  starts: Float64Array,
  words: Uint32Array,
  documents: Uint32Array,
  idBytes: Float64Array,
): void {
  for (let i = 0; i < pieces.shard.length; i++) {
    const piece = starts[pieces.shard[i]]++;
    const document = pieces.words[PACKED_WORDS * i];
    const start = pieces.words[PACKED_WORDS * i + 1];
    const bytes = idEnds[document + 1] - idEnds[document];
    const to = ROUTED.words * piece;
    words[to + ROUTED.row] = pieces.words[PACKED_WORDS * i + 3];
    words[to + ROUTED.at] = pieces.words[PACKED_WORDS * i + 4];
    words[to + ROUTED.length] = pieces.words[PACKED_WORDS * i + 2];
    words[to + ROUTED.start] = start;
    words[to + ROUTED.part] = part[document];
    words[to + ROUTED.token] = tokenAt[document] + start;
    words[to + ROUTED.source] = source[document];
    words[to + ROUTED.idBytes] = bytes;
    documents[piece] = document;
    idBytes[pieces.shard[i]] += bytes;
  }
}

/** The ids of documents end to end. */
function joinIdsTwin(documents: Uint32Array, { idEnds, ids }: GroupDocuments, out: Uint8Array): void {
  for (let piece = 0, to = 0; piece < documents.length; piece++) {
    const end = idEnds[documents[piece] + 1];
    for (let i = idEnds[documents[piece]]; i < end; i++) out[to++] = ids[i];
  }
}

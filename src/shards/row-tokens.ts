/**
 * The tokens of a shard's rows, read batch by batch from where the routing left them: beside their pieces, in memory then, or
 * in the encoded parts. Each piece is read straight into its place, a batch in one call of the add-on, 2 µs a piece of
 * 4 kB; a batch's memory is used for the next one, so that it stays in the processor's cache.
 */
import { join } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { borrowBytes, returnBytes } from '../core/reused-bytes.ts';
import { type EncodedPart, encodedPartName, openEncodedPart } from './encoded-part.ts';
import { readRangesInto } from './loader/read-ranges.ts';
import { NO_LABEL, type RowTokens, type TokenArray, type TokenType, tokenBytes, tokensOver } from './shard-rows.ts';

/** Parts that a shard keeps open between batches: 4 GB of tokens, and far below what systems allow. */
export const MOST_OPEN_PARTS = 1024;

/** Where a shard's tokens are; pieces row by row, in a row by place. */
export interface TokenPlaces {
  contextLength: number;
  type: TokenType;
  hasLabels: boolean;
  paddingId: number;
  workDir: string;
  /** [rows + 1] */
  firstPiece: Uint32Array;
  /** [rows] */
  padding: Int32Array;
  /** [pieces]: place of the piece's first token in its row, and its tokens. */
  at: Uint32Array;
  length: Int32Array;
  /** [pieces]: its part and its first token there, or its bundle and its first token in that. */
  part: Uint32Array;
  token: Uint32Array;
  /** Tokens that travelled along, and whether a loss is taken at each; none where they lie in the parts. */
  bundles: readonly { tokens: Uint8Array; trained: Uint8Array | undefined }[];
}

export interface RowTokensReader {
  /** The tokens of rows [from, to), good until the call after the next. Throws CorpusmillError('INPUT_CORRUPT'). */
  readRows(from: number, to: number): RowTokens;
  close(): void;
}

export function rowTokensReader(places: TokenPlaces): RowTokensReader {
  const { contextLength, type, hasLabels, firstPiece, bundles } = places;
  const width = tokenBytes(type);
  const parts = new OpenParts(places.workDir, width);
  /** In turns: what is written is left alone while the next rows are read. */
  const rooms = [borrowBytes(1), borrowBytes(1)];
  const labelRooms = [new Int32Array(), new Int32Array()];
  let turn = 0;
  let trained = new Uint8Array();

  /** Copies bytes of pieces [first, last) to their places among the rows from `firstRow` on. */
  function fill(into: Uint8Array, first: number, last: number, firstRow: number, column: 'tokens' | 'trained'): void {
    const size = column === 'tokens' ? width : 1;
    if (bundles.length > 0) {
      copyPieces(
        places,
        first,
        last,
        firstRow,
        size,
        bundles.map((bundle) => bufferOf(bundle[column])),
        into,
      );
      return;
    }
    const ranges = rangesOf(places, first, last, firstRow, size, parts, column);
    readRangesInto(ranges, into, (range) => parts.get(places.part[first + range])?.path ?? '');
  }

  return {
    readRows(from, to) {
      const count = (to - from) * contextLength;
      turn = 1 - turn;
      if (rooms[turn].length < count * width) {
        const larger = borrowBytes(count * width);
        returnBytes(rooms[turn]);
        rooms[turn] = larger;
      }
      const inputIds = tokensOver(rooms[turn], type, count);
      const [first, last] = [firstPiece[from], firstPiece[to]];
      if (bundles.length === 0) parts.openAll(places.part.subarray(first, last));
      fill(rooms[turn], first, last, from, 'tokens');
      fillPadding(places, from, to, inputIds);
      if (!hasLabels) {
        parts.closeSome();
        return { inputIds, labels: undefined };
      }
      if (trained.length < count) trained = new Uint8Array(count);
      else trained.fill(0);
      if (labelRooms[turn].length < count) labelRooms[turn] = new Int32Array(count);
      const labels = labelRooms[turn].subarray(0, count);
      fill(trained, first, last, from, 'trained');
      fillLabels(inputIds, trained, labels);
      parts.closeSome();
      return { inputIds, labels };
    },
    close() {
      for (const room of rooms) returnBytes(room);
      parts.closeSome(0);
    },
  };
}

/** Reads of pieces [first, last), `size` bytes a token, as `readRangesInto` takes them. */
function rangesOf(
  { contextLength, firstPiece, at, length, part, token }: TokenPlaces,
  first: number,
  last: number,
  firstRow: number,
  size: number,
  parts: OpenParts,
  column: 'tokens' | 'trained',
): Float64Array {
  const ranges = new Float64Array(4 * (last - first));
  for (let piece = first, row = firstRow; piece < last; piece++) {
    while (piece >= firstPiece[row + 1]) row++;
    const { fd, tokensAt, trainedAt } = parts.get(part[piece])!;
    const range = 4 * (piece - first);
    ranges[range] = fd;
    ranges[range + 1] = (column === 'tokens' ? tokensAt : trainedAt) + token[piece] * size;
    ranges[range + 2] = length[piece] * size;
    ranges[range + 3] = ((row - firstRow) * contextLength + at[piece]) * size;
  }
  return ranges;
}

/** The same from memory: Buffers copy from here to there without a view of either. */
function copyPieces(
  { contextLength, firstPiece, at, length, part, token }: TokenPlaces,
  first: number,
  last: number,
  firstRow: number,
  size: number,
  bundles: readonly Buffer[],
  into: Uint8Array,
): void {
  for (let piece = first, row = firstRow; piece < last; piece++) {
    while (piece >= firstPiece[row + 1]) row++;
    const from = token[piece] * size;
    const to = ((row - firstRow) * contextLength + at[piece]) * size;
    bundles[part[piece]].copy(into, to, from, from + length[piece] * size);
  }
}

function fillPadding(
  { contextLength, padding, paddingId }: TokenPlaces,
  from: number,
  to: number,
  inputIds: TokenArray,
): void {
  for (let row = from; row < to; row++) {
    const end = (row - from + 1) * contextLength;
    if (padding[row] > 0) inputIds.fill(paddingId, end - padding[row], end);
  }
}

function fillLabels(inputIds: TokenArray, trained: Uint8Array, labels: Int32Array): void {
  for (let i = 0; i < inputIds.length; i++) labels[i] = trained[i] === 0 ? NO_LABEL : inputIds[i];
}

/** Open encoded parts, those used last at the end. */
class OpenParts {
  readonly #workDir: string;
  readonly #width: number;
  readonly #open = new Map<number, EncodedPart>();

  constructor(workDir: string, width: number) {
    this.#workDir = workDir;
    this.#width = width;
  }

  get(part: number): EncodedPart | undefined {
    return this.#open.get(part);
  }

  openAll(parts: Uint32Array): void {
    for (let closed = this.#nextClosed(parts, 0); closed < parts.length; closed = this.#nextClosed(parts, closed + 1)) {
      this.#add(parts[closed]);
    }
  }

  #nextClosed(parts: Uint32Array, from: number): number {
    let i = from;
    while (i < parts.length && this.#open.has(parts[i])) i++;
    return i;
  }

  #add(part: number): void {
    const opened = openEncodedPart(join(this.#workDir, encodedPartName(part)));
    this.#open.set(part, opened);
    const { path, bytesPerToken } = opened;
    if (bytesPerToken === this.#width) return;
    throw new CorpusmillError('INPUT_CORRUPT', `${path} holds tokens of ${bytesPerToken} bytes, not of ${this.#width}`);
  }

  /** Between batches: a batch may need more of them at once. */
  closeSome(most = MOST_OPEN_PARTS): void {
    for (const [part, opened] of this.#open) {
      if (this.#open.size <= most) return;
      this.#open.delete(part);
      opened.close();
    }
  }
}

function bufferOf(bytes: Uint8Array | undefined): Buffer {
  if (bytes === undefined) throw new RangeError('tokens without what is trained on');
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Gathers the tokens and document ids of one shard's rows from the encoded part files.
 *
 * Pieces are fetched in the order they lie on disk: part by part, ascending within the part, each part opened once.
 * A part of which the shard wants most is read in one piece; otherwise each piece is read straight into its row.
 * Memory is the shard itself (tokens and ids) and one part at a time. About .5 GB/s from the page cache.
 */
import { readSync } from 'node:fs';
import { join } from 'node:path';
import { CorpusmillError } from '../core/errors.ts';
import { type EncodedPart, encodedPartName, openEncodedPart } from './encoded-part.ts';
import type { LayoutSlice, Span } from './layout.ts';
import { readBytes } from './positioned-read.ts';
import { type ShardRows, type TokenArray, type TokenType, tokenArray } from './shard-rows.ts';

/** A part is read whole (from the first to the last token wanted) when at least this share of that stretch is wanted. */
const READ_WHOLE_SHARE = 0.5;

/** Where the pieces of a shard go, in row order over all its layout slices. */
interface Target {
  inputIds: TokenArray;
  /** [pieces]: index of the piece's first token in `inputIds`. */
  tokenAt: Uint32Array;
  ids: IdArena;
}

/** The rows of `slices`, one after another; places that no piece fills hold `paddingId`. */
export async function gatherRows(
  slices: readonly LayoutSlice[],
  workDir: string,
  settings: { contextLength: number; type: TokenType; paddingId: number },
): Promise<ShardRows> {
  const { contextLength } = settings;
  const rows = slices.reduce((sum, slice) => sum + slice.rows, 0);
  const pieces = slices.reduce((sum, slice) => sum + slice.length.length, 0);
  const inputIds = tokenArray(settings.type, rows * contextLength);
  const seqOffsets = new Int32Array(rows + 1);
  const seqLengths = new Int32Array(pieces + rows);
  const documentOffsets = new Int32Array(rows + 1);
  const target: Target = { inputIds, tokenAt: new Uint32Array(pieces), ids: new IdArena(pieces) };

  let row = 0;
  let piece = 0;
  let sequences = 0;
  for (const slice of slices) {
    for (let r = 0; r < slice.rows; r++, row++) {
      let at = row * contextLength;
      const end = at + contextLength;
      for (let i = slice.rowStart[r]; i < slice.rowStart[r + 1]; i++) {
        seqLengths[sequences++] = slice.length[i];
        target.tokenAt[piece++] = at;
        at += slice.length[i];
      }
      if (at < end) {
        inputIds.fill(settings.paddingId, at, end);
        seqLengths[sequences++] = end - at;
      }
      seqOffsets[row + 1] = sequences;
      documentOffsets[row + 1] = piece;
    }
  }

  let firstPiece = 0;
  for (const slice of slices) {
    await gatherSlice(slice, firstPiece, workDir, target);
    firstPiece += slice.length.length;
  }
  const { offsets, bytes } = target.ids.inOrder();
  return {
    contextLength,
    rows,
    inputIds,
    seqOffsets,
    seqLengths: seqLengths.subarray(0, sequences),
    documentOffsets,
    documentIdOffsets: offsets,
    documentIdBytes: bytes,
  };
}

async function gatherSlice(slice: LayoutSlice, firstPiece: number, workDir: string, target: Target): Promise<void> {
  const order = byPlace(slice);
  let done = 0;
  let spanStart = 0;
  for (const span of slice.spans) {
    const spanEnd = spanStart + span.documents;
    let end = done;
    while (end < order.length && slice.document[order[end]] < spanEnd) end++;
    if (end > done) {
      const path = join(workDir, encodedPartName(span.part));
      const part = await openEncodedPart(path);
      try {
        await gatherPart(part, path, slice, order.subarray(done, end), { span, spanStart, firstPiece }, target);
      } finally {
        await part.close();
      }
    }
    done = end;
    spanStart = spanEnd;
  }
}

/** Fetches the pieces numbered `order` (as they lie on disk) from one part. */
async function gatherPart(
  part: EncodedPart,
  path: string,
  slice: LayoutSlice,
  order: Uint32Array,
  where: { span: Span; spanStart: number; firstPiece: number },
  target: Target,
): Promise<void> {
  const { bytesPerToken } = part;
  if (bytesPerToken !== target.inputIds.BYTES_PER_ELEMENT) {
    throw new CorpusmillError('INPUT_CORRUPT', `${path} holds tokens of ${bytesPerToken} bytes, not of the run's type`);
  }
  const lengths = await part.lengths();
  const firstToken = new Uint32Array(lengths.length);
  for (let d = 1; d < lengths.length; d++) firstToken[d] = firstToken[d - 1] + lengths[d - 1];
  const ids = await part.ids();

  let wanted = 0;
  for (const i of order) wanted += slice.length[i];
  const tokenOf = (i: number) => firstToken[slice.document[i] - where.spanStart + where.span.from] + slice.start[i];
  const first = tokenOf(order[0]);
  const last = order[order.length - 1];
  const stretch = tokenOf(last) + slice.length[last] - first;
  const whole = wanted >= stretch * READ_WHOLE_SHARE ? new Uint8Array(stretch * bytesPerToken) : undefined;
  if (whole) await readBytes(part.file, path, part.tokensAt + first * bytesPerToken, whole);

  const { inputIds, tokenAt } = target;
  const out = new Uint8Array(inputIds.buffer, inputIds.byteOffset, inputIds.byteLength);
  for (const i of order) {
    const token = tokenOf(i);
    const at = tokenAt[where.firstPiece + i] * bytesPerToken;
    const bytes = slice.length[i] * bytesPerToken;
    if (whole) {
      const from = (token - first) * bytesPerToken;
      out.set(whole.subarray(from, from + bytes), at);
    } else {
      readInto(part.file.fd, path, part.tokensAt + token * bytesPerToken, out, at, bytes);
    }
    const document = slice.document[i] - where.spanStart + where.span.from;
    target.ids.add(where.firstPiece + i, ids.bytes, document === 0 ? 0 : ids.ends[document - 1], ids.ends[document]);
  }
}

/** A blocking positioned read: 3 µs against 30 for a promise, and there are some 60,000 a shard. */
function readInto(fd: number, path: string, position: number, out: Uint8Array, at: number, bytes: number): void {
  for (let filled = 0; filled < bytes; ) {
    const read = readSync(fd, out, at + filled, bytes - filled, position + filled);
    if (read === 0) throw new CorpusmillError('INPUT_CORRUPT', `reading tokens: ${path} ends before byte ${position}`);
    filled += read;
  }
}

/** Piece numbers by ascending document and, within one, by start: the order in which they lie on disk. */
function byPlace({ document, start }: LayoutSlice): Uint32Array {
  const pieces = document.length;
  const keys = new Float64Array(pieces);
  for (let i = 0; i < pieces; i++) keys[i] = document[i] * pieces + i;
  keys.sort();
  const order = Uint32Array.from(keys, (key) => key % pieces);
  // Rows were shuffled, so pieces of one document may stand in any order; there are few of them.
  for (let from = 0; from < pieces; ) {
    let to = from + 1;
    while (to < pieces && document[order[to]] === document[order[from]]) to++;
    if (to - from > 1) order.subarray(from, to).sort((a, b) => start[a] - start[b]);
    from = to;
  }
  return order;
}

/** Document ids, added in any order, read back in piece order. */
class IdArena {
  private bytes = new Uint8Array(1 << 16);
  private used = 0;
  private readonly at: Uint32Array;
  private readonly length: Uint32Array;

  constructor(pieces: number) {
    this.at = new Uint32Array(pieces);
    this.length = new Uint32Array(pieces);
  }

  add(piece: number, from: Uint8Array, start: number, end: number): void {
    const bytes = end - start;
    if (this.used + bytes > this.bytes.length) {
      const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.used + bytes));
      grown.set(this.bytes.subarray(0, this.used));
      this.bytes = grown;
    }
    for (let i = 0; i < bytes; i++) this.bytes[this.used + i] = from[start + i];
    this.at[piece] = this.used;
    this.length[piece] = bytes;
    this.used += bytes;
  }

  inOrder(): { offsets: Int32Array; bytes: Uint8Array } {
    const pieces = this.at.length;
    const offsets = new Int32Array(pieces + 1);
    const bytes = new Uint8Array(this.used);
    for (let p = 0, end = 0; p < pieces; p++) {
      for (let i = 0; i < this.length[p]; i++) bytes[end + i] = this.bytes[this.at[p] + i];
      end += this.length[p];
      offsets[p + 1] = end;
    }
    return { offsets, bytes };
  }
}

/** The pieces of a shard row by row: the loops of its gathering, by the add-on or here. */
import type { NativeAddon } from '../../core/native-addon.ts';
import { ROUTED } from './route-pieces.ts';

/** A shard's pieces row by row, in a row by place. */
export interface RowColumns {
  /** [rows + 1] */
  firstPiece: Uint32Array;
  /** [pieces]: row of the set, number within the row, source, first token in the document, tokens. */
  row: Int32Array;
  piece: Int32Array;
  source: Uint32Array;
  start: Int32Array;
  tokens: Int32Array;
  /** [pieces]: place in the row, part, first token there. */
  at: Uint32Array;
  part: Uint32Array;
  token: Uint32Array;
  /** [pieces]: where the id of its document begins and ends among those that come with the pieces. */
  idStart: Float64Array;
  idEnd: Float64Array;
  /** [rows + 1]: row r's entries of `seqLengths`: its pieces, and its padding where it has any. */
  seqOffsets: Int32Array;
  seqLengths: Int32Array;
  /** [rows] */
  padding: Int32Array;
}

/**
 * The columns of `rows` rows of `contextLength` tokens from routed pieces in any order, `firstRow` the number of the first of
 * them in the set. Throws RangeError for a row that is none of them, or one with more tokens than that.
 */
export function rowColumns(
  words: Uint32Array,
  { rows, firstRow, contextLength }: { rows: number; firstRow: number; contextLength: number },
  addon: NativeAddon | undefined,
): RowColumns {
  const count = words.length / ROUTED.words;
  // One piece of memory for the columns that are as long.
  const block = new ArrayBuffer(count * (2 * 8 + 8 * 4));
  const doubles = (k: number) => new Float64Array(block, 8 * k * count, count);
  const signed = (k: number) => new Int32Array(block, (16 + 4 * k) * count, count);
  const unsigned = (k: number) => new Uint32Array(block, (16 + 4 * k) * count, count);
  const columns: RowColumns = {
    firstPiece: new Uint32Array(rows + 1),
    idStart: doubles(0),
    idEnd: doubles(1),
    row: signed(0),
    piece: signed(1),
    start: signed(2),
    tokens: signed(3),
    source: unsigned(4),
    at: unsigned(5),
    part: unsigned(6),
    token: unsigned(7),
    seqOffsets: new Int32Array(rows + 1),
    seqLengths: new Int32Array(count + rows),
    padding: new Int32Array(rows),
  };
  const { firstPiece, idStart, idEnd, seqOffsets, seqLengths, padding } = columns;
  if (addon === undefined) rowsTwin(words, firstRow, contextLength, columns);
  else {
    addon.rowColumns(
      ...([words, firstRow, contextLength, firstPiece, idStart, idEnd] as const),
      ...([new Uint32Array(block, 16 * count, 8 * count), seqOffsets, seqLengths, padding] as const),
    );
  }
  return { ...columns, seqLengths: seqLengths.subarray(0, seqOffsets[rows]) };
}

function rowsTwin(words: Uint32Array, firstRow: number, contextLength: number, columns: RowColumns): void {
  const { firstPiece, row, piece, source, start, tokens, at, part, token, idStart, idEnd } = columns;
  const { seqOffsets, seqLengths, padding } = columns;
  const rows = padding.length;
  const order = orderByRow(words, firstPiece);
  const idEnds = new Float64Array(order.length);
  for (let i = 0, end = 0; i < order.length; i++) {
    end += words[i * ROUTED.words + ROUTED.idBytes];
    idEnds[i] = end;
  }
  let sequences = 0;
  for (let r = 0; r < rows; r++) {
    let filled = 0;
    for (let i = firstPiece[r]; i < firstPiece[r + 1]; i++) {
      const from = order[i] * ROUTED.words;
      const length = words[from + ROUTED.length];
      row[i] = firstRow + r;
      piece[i] = i - firstPiece[r];
      idEnd[i] = idEnds[order[i]];
      idStart[i] = idEnd[i] - words[from + ROUTED.idBytes];
      source[i] = words[from + ROUTED.source];
      start[i] = words[from + ROUTED.start];
      tokens[i] = length;
      at[i] = words[from + ROUTED.at];
      part[i] = words[from + ROUTED.part];
      token[i] = words[from + ROUTED.token];
      seqLengths[sequences++] = length;
      filled += length;
    }
    if (filled > contextLength) throw new RangeError(`row ${firstRow + r} has ${filled} tokens`);
    padding[r] = contextLength - filled;
    if (padding[r] > 0) seqLengths[sequences++] = padding[r];
    seqOffsets[r + 1] = sequences;
  }
}

const FEW_PIECES = 32;

/** Numbers of pieces by row and place in the row; fills in the first of each row among them. */
function orderByRow(words: Uint32Array, firstPiece: Uint32Array): Uint32Array {
  const rows = firstPiece.length - 1;
  const count = words.length / ROUTED.words;
  for (let i = 0; i < count; i++) {
    const row = words[ROUTED.words * i + ROUTED.row];
    if (row >= rows) throw new RangeError(`a piece lies in row ${row} of ${rows}`);
    firstPiece[row + 1]++;
  }
  for (let row = 0; row < rows; row++) firstPiece[row + 1] += firstPiece[row];
  const next = firstPiece.slice();
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

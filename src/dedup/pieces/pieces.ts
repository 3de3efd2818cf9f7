/**
 * The pieces of a text that repeat from document to document:
 *
 * - `line`: what stands between newlines, unless it is white space;
 * - `paragraph`: lines up to the next blank one. CCNet's and dolma's paragraphs are what is called lines here;
 * - `sentence`: by the rules of src/text/sentences.ts. A newline ends a sentence too, since titles, menus and list items have
 *   no full stop.
 *
 * A piece has a body, which has no white space at its ends and is what is compared, and an extent, which is what leaves
 * the text with it: whole lines with the blank ones behind them, or a sentence with the space behind it. Extents follow
 * each other without gaps, from the first piece to the end of the text.
 */
import { skipSpace, trimSpace } from '../../text/char-class.ts';
import { sentenceStarts } from '../../text/sentences.ts';
import { type TextView, textView } from '../../text/view.ts';

export type PieceKind = 'line' | 'paragraph' | 'sentence';

/** Arrays of `count` entries, reused from text to text. Offsets in UTF-16 units. */
export interface Pieces {
  count: number;
  /** Where the extent begins; it ends where the next begins, the last with the text. */
  extents: Uint32Array;
  starts: Uint32Array;
  ends: Uint32Array;
  /** STARTS_LINE, ENDS_LINE. */
  flags: Uint8Array;
}

/** The body is the first of its line, the last of its line. */
export const STARTS_LINE = 1;
export const ENDS_LINE = 2;

/** Cuts texts into pieces; the object that it returns is the same each time. */
export function createPieceCutter(kind: PieceKind): (text: string) => Pieces {
  const pieces = emptyPieces(1024);
  const starts: number[] = [];
  return (text) => {
    const view = textView(text);
    pieces.count = 0;
    if (kind === 'line') cutLines(view, pieces);
    else if (kind === 'paragraph') cutParagraphs(view, pieces);
    else cutSentences(view, pieces, starts);
    return pieces;
  };
}

/** Arrays that one huge text made longer are given back. */
const RETAINED = 1 << 18;

function emptyPieces(capacity: number): Pieces {
  return {
    count: 0,
    extents: new Uint32Array(capacity),
    starts: new Uint32Array(capacity),
    ends: new Uint32Array(capacity),
    flags: new Uint8Array(capacity),
  };
}

function reserve(pieces: Pieces, count: number): void {
  const capacity = pieces.extents.length;
  if (count <= capacity && (capacity <= RETAINED || count > RETAINED)) return;
  const old = pieces.count;
  const { extents, starts, ends, flags } = pieces;
  Object.assign(pieces, emptyPieces(2 ** Math.ceil(Math.log2(Math.max(1024, count)))), { count: old });
  pieces.extents.set(extents.subarray(0, old));
  pieces.starts.set(starts.subarray(0, old));
  pieces.ends.set(ends.subarray(0, old));
  pieces.flags.set(flags.subarray(0, old));
}

function cutLines({ units, newlineLines }: TextView, pieces: Pieces): void {
  reserve(pieces, newlineLines.count);
  const { extents, starts, ends, flags } = pieces;
  let count = 0;
  for (let line = 0; line < newlineLines.count; line++) {
    const end = trimSpace(units, newlineLines.starts[line], newlineLines.ends[line]);
    const start = skipSpace(units, newlineLines.starts[line], end);
    if (start === end) continue;
    extents[count] = newlineLines.starts[line];
    starts[count] = start;
    ends[count] = end;
    flags[count++] = STARTS_LINE | ENDS_LINE;
  }
  pieces.count = count;
}

function cutParagraphs({ units, newlineLines }: TextView, pieces: Pieces): void {
  reserve(pieces, newlineLines.count);
  const { extents, starts, ends, flags } = pieces;
  let count = 0;
  let isOpen = false;
  for (let line = 0; line < newlineLines.count; line++) {
    const end = trimSpace(units, newlineLines.starts[line], newlineLines.ends[line]);
    const start = skipSpace(units, newlineLines.starts[line], end);
    if (start === end) {
      isOpen = false;
      continue;
    }
    if (!isOpen) {
      extents[count] = newlineLines.starts[line];
      starts[count] = start;
      flags[count++] = STARTS_LINE | ENDS_LINE;
      isOpen = true;
    }
    ends[count - 1] = end;
  }
  pieces.count = count;
}

function cutSentences({ text, units, newlineLines }: TextView, pieces: Pieces, found: number[]): void {
  for (let line = 0; line < newlineLines.count; line++) {
    const end = trimSpace(units, newlineLines.starts[line], newlineLines.ends[line]);
    const start = skipSpace(units, newlineLines.starts[line], end);
    if (start === end) continue;
    sentenceStarts(text.slice(start, end), found);
    reserve(pieces, pieces.count + found.length);
    const { extents, starts, ends, flags } = pieces;
    const first = pieces.count;
    for (let i = 0; i < found.length; i++) {
      // White space may stand at a start, and be all there is.
      const from = skipSpace(units, start + found[i], end);
      const to = trimSpace(units, from, i + 1 < found.length ? start + found[i + 1] : end);
      if (from >= to) continue;
      const count = pieces.count++;
      extents[count] = count === first ? newlineLines.starts[line] : from;
      starts[count] = from;
      ends[count] = to;
      flags[count] = 0;
    }
    flags[first] |= STARTS_LINE;
    flags[pieces.count - 1] |= ENDS_LINE;
  }
}

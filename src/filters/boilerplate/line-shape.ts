/** The shape of a line: its width in characters, and the short pieces that bars, arrows or spaces divide it into. */

export interface LineShape {
  /** Characters, a run of Latin letters or digits being two: a menu holds words. */
  width: number;
  /** Pieces if every piece but one in ten is a short one (Chinese, at most six characters), else 1. */
  pieces: number;
}

const BAR = flagsOf('|｜/\\·•>»›＞┊丨');
const PIECE_CHARS = 6;

/** One pass over the line. Spaces divide only between Chinese, since Latin words stand between spaces anyway. */
export function splitLine(line: string): LineShape {
  let width = 0;
  let pieces = 0;
  let long = 0;
  let bars = 0;
  let piece = 0;
  let isLatin = false;
  let latinPieces = 0;
  const endPiece = (): void => {
    if (piece === 0) return;
    pieces++;
    if (piece > PIECE_CHARS) long++;
    if (isLatin) latinPieces++;
    piece = 0;
  };
  let inWord = false;
  // "首页-新闻-体育-财经-…": so many hyphens are bars.
  const hyphen = countHyphens(line) >= MENU_HYPHENS ? 0x2d : -1;
  for (let i = 0; i < line.length; i++) {
    const unit = line.charCodeAt(i);
    if (unit === 0x20 || unit === 0x3000 || unit === 0xa0 || unit === 0x09) {
      if (!isLatin) endPiece();
      inWord = false;
    } else if (BAR[unit] === 1 || unit === hyphen) {
      bars++;
      endPiece();
      isLatin = false;
      inWord = false;
    } else if (unit < 0x2e80) {
      if (piece === 0) isLatin = true;
      if (!inWord) {
        width += 2;
        piece += 2;
      }
      inWord = true;
    } else {
      if (piece === 0) isLatin = false;
      width++;
      piece++;
      inWord = false;
    }
  }
  endPiece();
  const isMenu = pieces > 1 && long * 10 <= pieces && (bars >= pieces - 1 || (bars === 0 && latinPieces * 3 <= pieces));
  return { width, pieces: isMenu ? pieces : 1 };
}

const MENU_HYPHENS = 5;

/** Hyphens that stand alone: not Markdown's rules. */
function countHyphens(line: string): number {
  let count = 0;
  for (let i = 1; i < line.length; i++) if (line.charCodeAt(i) === 0x2d && line.charCodeAt(i - 1) !== 0x2d) count++;
  return count;
}

function flagsOf(characters: string): Uint8Array {
  const table = new Uint8Array(0x10000);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

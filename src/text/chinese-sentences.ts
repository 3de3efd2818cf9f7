/**
 * Chinese sentence ends: 。！？ and …… with the closing quotes and brackets behind them (GB/T 15834), which need no space to
 * follow.
 */

const CLOSERS = '”’」』）】》〉"\')';
const closers = flags(CLOSERS);
/** Marks that end a sentence; ；does so in lists, ASCII marks in carelessly typed text. */
const ends = flags('。！？…；．｡!?.;');
/** Marks that show that a line is made of sentences: those and the comma, pause mark and colon. */
export const sentenceMarks = flags('。！？…；，、：．｡!?;,');
const full = flags('。！？…｡');

function flags(characters: string): Uint8Array {
  const table = new Uint8Array(0x10000);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

/**
 * True when `units[start, end)`, which has no white space at its end, ends in sentence punctuation; closing quotes and one remark
 * in brackets, such as a source, may follow.
 */
export function endsChineseSentence(units: Uint16Array, start: number, end: number): boolean {
  if (endsWithMark(units, start, end)) return true;
  const last = end > start ? units[end - 1] : 0;
  if (last !== 0xff09 && last !== 0x29) return false;
  const least = Math.max(start, end - MAX_REMARK);
  for (let at = end - 1; at > least; at--) {
    if (units[at] === 0xff08 || units[at] === 0x28) return endsWithMark(units, start, at);
  }
  return false;
}

/** Longest remark in brackets, in UTF-16 units. */
const MAX_REMARK = 40;

function endsWithMark(units: Uint16Array, start: number, end: number): boolean {
  let at = end;
  while (at > start && closers[units[at - 1]] === 1) at--;
  return at > start && ends[units[at - 1]] === 1;
}

/**
 * Calls `piece(start, end)` for each stretch of `text` up to and with a Chinese sentence end (its closers included), and for what
 * is left. Stops when `piece` returns false.
 */
export function splitAtChineseEnds(text: string, piece: (start: number, end: number) => boolean): void {
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (full[text.charCodeAt(i)] === 0) continue;
    let end = i + 1;
    while (end < text.length && full[text.charCodeAt(end)] === 1) end++;
    while (end < text.length && closers[text.charCodeAt(end)] === 1) end++;
    if (!piece(start, end)) return;
    start = end;
    i = end - 1;
  }
  if (start < text.length) piece(start, text.length);
}

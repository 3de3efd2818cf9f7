/**
 * What Chinese filters ask of a text, from one walk over its units: kinds of characters, and for each line its length and
 * whether it ends like a sentence. Characters are code points without white space.
 */
import { charFlags, SPACE, skipSpace, trimSpace } from './char-class.ts';
import { endsChineseSentence, sentenceMarks } from './chinese-sentences.ts';
import { markProperty, TABLE_CODE_POINTS } from './code-points.ts';
import { hanLevels, NOT_HAN, RARE_HAN } from './han.ts';
import { defineFeature, type TextView } from './view.ts';

export interface ChineseCounts {
  /** All but white space. */
  characters: number;
  han: number;
  /** Han that neither GB 2312 nor level 1 of Big5 has. */
  rareHan: number;
  digits: number;
  punctuation: number;
  /** Units of lines of which at least one in twenty characters is Han, and of all lines. */
  hanLineUnits: number;
  lineUnits: number;
  /** U+FFFD, private use, C1 controls, and accented Latin letters in runs of four. */
  broken: number;
  lines: ChineseLines;
}

/** Lines with anything but white space, between newlines. Arrays are reused. */
export interface ChineseLines {
  count: number;
  /** Code units without white space at the ends. */
  lengths: Uint32Array;
  /** 1: ends in sentence punctuation. */
  ended: Uint8Array;
  /** 1: has a mark that sentences have, or is as long as a line of a wrapped paragraph. */
  marked: Uint8Array;
  /** 1: has Han and is no list item: a line that may be judged by its punctuation. */
  prose: Uint8Array;
}

const HAN = 1;
const RARE = 2;
const DIGIT = 4;
const PUNCT = 8;
const BROKEN = 16;
const MARK = 32;
const HIGH_LATIN = 64;

/** Titles in link lists are shorter than this. */
const WRAPPED_UNITS = 45;

let kinds: Uint8Array | undefined;

function kindTable(): Uint8Array {
  if (kinds !== undefined) return kinds;
  const table = new Uint8Array(TABLE_CODE_POINTS);
  markProperty(table, /\p{Nd}+/gu, (old) => old | DIGIT);
  markProperty(table, /[\p{P}\p{S}]+/gu, (old) => old | PUNCT);
  markProperty(table, /[\p{Co}\x80-\x9f\ufffd]+/gu, () => BROKEN);
  const levels = hanLevels();
  for (let c = 0; c < 0x10000; c++) {
    if (levels[c] !== NOT_HAN) table[c] = HAN | (levels[c] === RARE_HAN ? RARE : 0);
    if (sentenceMarks[c] === 1) table[c] |= MARK;
  }
  for (let c = 0xa1; c < 0x180; c++) table[c] |= HIGH_LATIN;
  kinds = table;
  return table;
}

const counts: ChineseCounts = {
  characters: 0,
  han: 0,
  rareHan: 0,
  digits: 0,
  punctuation: 0,
  broken: 0,
  hanLineUnits: 0,
  lineUnits: 0,
  lines: {
    count: 0,
    lengths: new Uint32Array(1024),
    ended: new Uint8Array(1024),
    marked: new Uint8Array(1024),
    prose: new Uint8Array(1024),
  },
};

/** The object is the same for every text: read it before the view turns to the next. */
export const chineseCounts = defineFeature((view: TextView): ChineseCounts => {
  const { units, newlineLines } = view;
  const table = kindTable();
  const lines = reserve(newlineLines.count);
  counts.characters = counts.han = counts.rareHan = counts.digits = counts.punctuation = counts.broken = 0;
  counts.hanLineUnits = counts.lineUnits = 0;
  lines.count = 0;
  for (let k = 0; k < newlineLines.count; k++) {
    const end = trimSpace(units, newlineLines.starts[k], newlineLines.ends[k]);
    const start = skipSpace(units, newlineLines.starts[k], end);
    if (start === end) continue;
    let marked = 0;
    const hanBefore = counts.han;
    let highRun = 0;
    for (let i = start; i < end; i++) {
      const unit = units[i];
      const kind = table[unit];
      if (kind === 0) {
        highRun = 0;
        if ((charFlags[unit] & SPACE) !== 0) continue;
        if ((unit & 0xfc00) === 0xdc00) {
          // Low surrogate: counted with its high one. Planes 2 and 3 are Han, and rare.
          const high = units[i - 1];
          if (high >= 0xd840 && high <= 0xd88d) {
            counts.han++;
            counts.rareHan++;
          }
          continue;
        }
        counts.characters++;
        continue;
      }
      counts.characters++;
      if ((kind & HAN) !== 0) counts.han++;
      if ((kind & RARE) !== 0) counts.rareHan++;
      if ((kind & DIGIT) !== 0) counts.digits++;
      if ((kind & PUNCT) !== 0) counts.punctuation++;
      if ((kind & BROKEN) !== 0) counts.broken++;
      marked |= kind & MARK;
      highRun = (kind & HIGH_LATIN) !== 0 ? highRun + 1 : 0;
      if (highRun >= 4) counts.broken += highRun === 4 ? 4 : 1;
    }
    counts.lineUnits += end - start;
    if ((counts.han - hanBefore) * 20 >= end - start) counts.hanLineUnits += end - start;
    lines.lengths[lines.count] = end - start;
    lines.ended[lines.count] = endsChineseSentence(units, start, end) ? 1 : 0;
    lines.marked[lines.count] = marked !== 0 || end - start >= WRAPPED_UNITS ? 1 : 0;
    lines.prose[lines.count] = counts.han > hanBefore && !isListItem(units, start, end) ? 1 : 0;
    lines.count++;
  }
  return counts;
});

/** `- x`, `* x`, `+ x`, `1. x`, `| x |`: items and table rows end without a mark. */
function isListItem(units: Uint16Array, start: number, end: number): boolean {
  const first = units[start];
  if (first === 0x7c) return true;
  if (first === 0x2d || first === 0x2a || first === 0x2b) return start + 1 < end && units[start + 1] === 0x20;
  let at = start;
  while (at < end && units[at] >= 0x30 && units[at] <= 0x39) at++;
  return at > start && at - start < 3 && at < end && (units[at] === 0x2e || units[at] === 0x29 || units[at] === 0x3001);
}

function reserve(lines: number): ChineseLines {
  if (counts.lines.lengths.length < lines) {
    const capacity = 2 ** Math.ceil(Math.log2(lines));
    counts.lines = {
      count: 0,
      lengths: new Uint32Array(capacity),
      ended: new Uint8Array(capacity),
      marked: new Uint8Array(capacity),
      prose: new Uint8Array(capacity),
    };
  }
  return counts.lines;
}

/**
 * Which words of a near-copy are not in the document that stands for it, so that a reader sees why two texts are
 * copies and where they part. Longest common subsequence over words (Chinese and Japanese: over characters),
 * by dynamic programming: excerpts have a few hundred units, so the square is small (600 × 600: 2.5 ms).
 */
import { matches } from './lcs.ts';

export interface DiffRun {
  text: string;
  /** Not found in the other text at this place. */
  differs: boolean;
}

/** Past this share of differing units, marking everything tells nothing. */
const MAX_MARKED_SHARE = 0.6;

/**
 * The runs of `text` against `base`, which joined give `text` again. Where both are excerpts that were cut off
 * (`cut`), the tail after the last common unit is not marked: it may be in the other text past its cut.
 */
export function diffAgainst(base: string, text: string, cut: boolean): DiffRun[] {
  const a = unitsOf(base);
  const b = unitsOf(text);
  const common = commonUnits(a, b);
  let end = b.length;
  if (cut) while (end > 0 && !common[end - 1]) end--;
  const marked = common.reduce((total, isCommon, i) => total + (i < end && !isCommon && b[i].trim() !== '' ? 1 : 0), 0);
  const markable = b.reduce((total, unit) => total + (unit.trim() === '' ? 0 : 1), 0);
  if (marked > MAX_MARKED_SHARE * markable) return [{ text, differs: false }];
  const runs: DiffRun[] = [];
  for (let i = 0; i < b.length; i++) {
    // White space alone is never marked, but it joins two marked words into one mark.
    const isSpace = b[i].trim() === '';
    const differs = i < end && (isSpace ? i > 0 && i + 1 < end && !common[i - 1] && !common[i + 1] : !common[i]);
    const last = runs.at(-1);
    if (last !== undefined && last.differs === differs) last.text += b[i];
    else runs.push({ text: b[i], differs });
  }
  return runs;
}

const UNIT =
  /\s+|[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]|(?:(?![\p{sc=Han}\p{sc=Hira}\p{sc=Kana}])[\p{L}\p{M}\p{N}_])+|[\s\S]/gu;

/** Words, single CJK characters, other signs, and runs of white space; joined they are the text. */
export function unitsOf(text: string): string[] {
  return text.match(UNIT) ?? [];
}

/** For each unit of `b`, whether it lies on a longest common subsequence with `a`. */
function commonUnits(a: readonly string[], b: readonly string[]): boolean[] {
  const common = new Array<boolean>(b.length).fill(false);
  for (const [, inB] of matches(a, b)) common[inB] = true;
  return common;
}

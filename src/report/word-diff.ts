/**
 * Where two near-copies part, word by word, so that a reader sees why two texts are copies and what is different.
 * Longest common subsequence over words (Chinese and Japanese: over characters), by dynamic programming: excerpts have a
 * few hundred units, so the square is small (600 × 600: 2.5 ms).
 *
 * The page of the HTML report runs these functions too, from their source (html/cluster-script.ts): they use nothing
 * but each other and the two constants, which `DIFF_PARTS` lists.
 */

export interface DiffRun {
  text: string;
  /** Not found in the other text at this place. */
  differs: boolean;
}

/** The runs of two texts, which joined give the texts again. */
export interface DiffPair {
  base: DiffRun[];
  text: DiffRun[];
}

/** Past this share of differing units, marking everything tells nothing. */
const MAX_MARKED_SHARE = 0.6;

const UNIT =
  /\s+|[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}]|(?:(?![\p{sc=Han}\p{sc=Hira}\p{sc=Kana}])[\p{L}\p{M}\p{N}_])+|[\s\S]/gu;

/**
 * What differs between two texts. Where both are excerpts that were cut off (`cut`), the tails after the last common
 * unit are not marked: they may be in the other text past its cut.
 */
export function diffPair(base: string, text: string, cut: boolean): DiffPair {
  const a = unitsOf(base);
  const b = unitsOf(text);
  const commonA = new Array<boolean>(a.length).fill(false);
  const commonB = new Array<boolean>(b.length).fill(false);
  for (const [inA, inB] of matches(a, b)) {
    commonA[inA] = true;
    commonB[inB] = true;
  }
  const runsA = markedRuns(a, commonA, cut);
  const runsB = markedRuns(b, commonB, cut);
  if (runsB === undefined) return { base: [{ text: base, differs: false }], text: [{ text, differs: false }] };
  return { base: runsA ?? [{ text: base, differs: false }], text: runsB };
}

/** Undefined where too much differs for marks to tell anything. */
function markedRuns(units: readonly string[], common: readonly boolean[], cut: boolean): DiffRun[] | undefined {
  let end = units.length;
  if (cut) while (end > 0 && !common[end - 1]) end--;
  let marked = 0;
  let markable = 0;
  for (let i = 0; i < units.length; i++) {
    if (units[i].trim() === '') continue;
    markable++;
    if (i < end && !common[i]) marked++;
  }
  if (marked > MAX_MARKED_SHARE * markable) return undefined;
  const runs: DiffRun[] = [];
  for (let i = 0; i < units.length; i++) {
    // White space alone is never marked, but it joins two marked words into one mark.
    const isSpace = units[i].trim() === '';
    const differs = i < end && (isSpace ? i > 0 && i + 1 < end && !common[i - 1] && !common[i + 1] : !common[i]);
    const last = runs.at(-1);
    if (last !== undefined && last.differs === differs) last.text += units[i];
    else runs.push({ text: units[i], differs });
  }
  return runs;
}

/** Words, single CJK characters, other signs, and runs of white space; joined they are the text. */
export function unitsOf(text: string): string[] {
  return text.match(UNIT) ?? [];
}

/**
 * Places (in `a`, in `b`) of the units of a longest common subsequence, ascending; of several the one that skips `a`
 * first. Time and memory: |a| × |b|, so callers bound them.
 */
export function matches(a: readonly string[], b: readonly string[]): [number, number][] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i++;
    else j++;
  }
  return pairs;
}

/** `diffPair` and all that it uses, for a page that is to run it. */
export const DIFF_PARTS = {
  constants: { MAX_MARKED_SHARE, UNIT },
  functions: [diffPair, markedRuns, unitsOf, matches],
};

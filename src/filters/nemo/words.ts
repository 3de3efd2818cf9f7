/** NeMo's measures of words, which are what stands between white space. NaN where a text has none. */
import { codePointAt } from '../../text/char-class.ts';
import { type SplitWords, splitWords } from '../../text/split-words.ts';
import type { TextView } from '../../text/view.ts';
import { hashWord } from '../../text/words.ts';

/** Words whose lower-case forms show that a text is English and not in capitals. */
export const COMMON_ENGLISH_WORDS: readonly string[] = ['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with'];

export const wordCount = (view: TextView): number => view.get(splitWords).count;
export const longestWord = (view: TextView): number => view.get(splitWords).longest;

export function meanWordLength(view: TextView): number {
  const { chars, count } = view.get(splitWords);
  return chars / count;
}

/** Share of words with an alphabetic character. */
export function alphabeticWordShare(view: TextView): number {
  const { alphabetic, count } = view.get(splitWords);
  return alphabetic / count;
}

const HASH = 0x23;
const ELLIPSES: ReadonlySet<string> = new Set(['...', '[...]', '…', '(...)', '[…]', '-»']);
/** First units of words that may be symbols. */
const maySymbol = new Uint8Array(0x10000);
for (const mark of ['#', ...ELLIPSES]) maySymbol[mark.charCodeAt(0)] = 1;

/** Share of words that are an ellipsis or that runs of hash signs make up: more runs than half the word's characters. */
export function symbolWordShare(view: TextView): number {
  const { starts, ends, count } = view.get(splitWords);
  const { units, text } = view;
  let found = 0;
  for (let i = 0; i < count; i++) {
    const start = starts[i];
    if (maySymbol[units[start]] === 0) continue;
    if (units[start] === HASH ? isHashes(units, start, ends[i]) : isEllipsis(text, start, ends[i])) found++;
  }
  return found / count;
}

const isEllipsis = (text: string, start: number, end: number): boolean =>
  end - start <= 5 && ELLIPSES.has(text.slice(start, end));

/** More runs than half the characters: that is so only when hash signs and other characters take turns, hash signs first and last. */
function isHashes(units: Uint16Array, start: number, end: number): boolean {
  let wantsHash = true;
  for (let i = start; i < end; wantsHash = !wantsHash) {
    if ((units[i] === HASH) !== wantsHash) return false;
    i += codePointAt(units, i, end) > 0xffff ? 2 : 1;
  }
  return !wantsHash;
}

/** Counts words of a list, each occurrence, as written; stops at `enough`, as the peer does. */
export function commonWordCounter(list: readonly string[], enough: number): (view: TextView) => number {
  const hashes = list.map(hashWord);
  const mayBe = new Uint8Array(256);
  for (const { low } of hashes) mayBe[low & 255] = 1;
  const isCommon = ({ low, high }: SplitWords, i: number): boolean =>
    hashes.some((hash) => hash.low === low[i] && hash.high === high[i]);
  return (view) => {
    const words = view.get(splitWords);
    let found = 0;
    for (let i = 0; i < words.count && found < enough; i++) {
      if (mayBe[words.low[i] & 255] !== 0 && isCommon(words, i)) found++;
    }
    return found;
  };
}

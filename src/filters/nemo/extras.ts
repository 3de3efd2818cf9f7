/** NeMo's filters outside its English pipeline: a required substring, and a character histogram of trusted text. */
import { readListBytes } from '../../io/list-file.ts';
import { codePointAt, skipSpace, trimSpace } from '../../text/char-class.ts';
import type { TextView } from '../../text/view.ts';
import type { Rule } from '../rules.ts';

/** 1 when the text has `substring` at the position, else 0; without a limit when there is no substring. */
export function substringRule(substring: string | null, position: 'any' | 'prefix' | 'suffix'): Rule {
  const wanted = substring ?? '';
  const isThere = {
    any: (text: string): boolean => text.includes(wanted),
    prefix: (text: string): boolean => text.startsWith(wanted),
    suffix: (text: string): boolean => text.endsWith(wanted),
  }[position];
  const measure = ({ text }: TextView): number => (isThere(text) ? 1 : 0);
  return { reason: 'substring', measure, min: substring === null ? null : 1 };
}

/**
 * Share of the text's characters that the histogram lists, white space at its ends counting as not listed; a cheap
 * language identification (NLLB, arXiv:2207.04672). Throws CONFIG_INVALID when the file cannot be read.
 */
export function histogramRule(path: string | null, threshold: number, baseDir: string): Rule {
  const reason = 'histogram';
  if (path === null) return { reason, measure: () => Number.NaN };
  const listed = readHistogram(readListBytes({ path, baseDir, option: 'histogramFile' }).toString('utf8'));
  const measure = (view: TextView): number => {
    const { units } = view;
    const end = trimSpace(units, 0, view.text.length);
    let found = 0;
    for (let i = skipSpace(units, 0, end); i < end; i++) {
      const codePoint = codePointAt(units, i, end);
      found += listed[codePoint];
      if (codePoint > 0xffff) i++;
    }
    return found / view.charCount;
  };
  // The peer keeps what is over the threshold: the smallest share to keep is the number after it.
  return { reason, measure, min: Math.max(threshold * (1 + Number.EPSILON), Number.MIN_VALUE) };
}

/** By code point: 1 for the first character of a line before the one that starts with "]". */
function readHistogram(text: string): Uint8Array {
  const listed = new Uint8Array(0x110000);
  for (const line of text.split('\n')) {
    if (line.startsWith(']')) break;
    listed[line.codePointAt(0) ?? 0x0a] = 1;
  }
  return listed;
}

/**
 * Normalization: one spelling for each character and line end, nothing invisible.
 *
 * In this order: line ends (CRLF and CR, on request NEL, LS and PS, become a newline), control characters go (C0 but tab and
 * newline, DEL, C1), zero-width characters go, Unicode normalization (UAX #15; NFC changes no meaning, NFKC also flattens
 * ligatures and full-width forms), white space at line ends goes on request. ZWJ and ZWNJ stay: emoji and Indic scripts need
 * them. A text with nothing to do is found by one search and passes as it is, mostly as bytes. Guarded by bench/filters.ts.
 */
import { z } from 'zod';
import { native } from '../core/native.ts';
import { defineMap, drop, KEEP } from '../core/stage.ts';
import { type TextSource, textOf } from '../core/stored-text.ts';

const options = z.strictObject({
  unicode: z
    .enum(['NFC', 'NFKC', 'none'])
    .default('NFC')
    .describe('Unicode normalization form (UAX #15); NFKC loses distinctions such as superscripts'),
  lineEnds: z.boolean().default(true).describe('Turn CRLF and CR into a newline'),
  unicodeLineEnds: z
    .boolean()
    .default(true)
    .describe('Turn NEL (U+0085), LINE SEPARATOR (U+2028) and PARAGRAPH SEPARATOR (U+2029) into a newline'),
  controls: z
    .boolean()
    .default(true)
    .describe('Remove control characters (U+0000–001F except tab and newline, U+007F–009F)'),
  zeroWidth: z
    .enum(['keep', 'bom', 'all'])
    .default('bom')
    .describe(
      'Remove the byte order mark (bom), or also zero width space, word joiner, invisible operators, soft hyphen and ' +
        'Mongolian vowel separator (all); ZWJ and ZWNJ always stay',
    ),
  trimLines: z.boolean().default(false).describe('Remove spaces and tabs at line ends'),
});

export type NormalizeOptions = z.output<typeof options>;

export const normalize = defineMap({
  kind: 'map',
  name: 'normalize',
  summary: 'Normalize Unicode and line ends, remove control and zero-width characters.',
  source: 'Unicode Standard Annex #15; C0 and C1 controls after ECMA-48',
  version: 1,
  options,
  reasons: { empty: 'nothing but white space is left' },
  create(given) {
    const change = createNormalizer(given);
    const mayLeaveNormal = given.unicode !== 'NFKC' && given.zeroWidth !== 'all' && !given.trimLines;
    return {
      process(document) {
        if (mayLeaveNormal && isNormal(textOf(document))) return KEEP;
        const text = change(document.text);
        if (text !== document.text) document.text = text;
        return NOT_BLANK.test(text) ? KEEP : drop('empty', 0, 1);
      },
    };
  },
});

/** Whether a text that lies as UTF-8 is surely left as it is, and no string of it needed; most are. */
function isNormal(text: TextSource): boolean {
  return typeof text !== 'string' && native !== undefined && native.isNormalText(text.bytes, text.start, text.end);
}

const NOT_BLANK = /\S/;
/** Below U+0300 every text is in NFC. */
const BEYOND_LATIN = /[\u0300-\uffff]/;
const ASCII_ONLY = /^[\x00-\x7f]*$/;

/** A function that normalizes a text by the options; it gives back the same string when there is nothing to do. */
export function createNormalizer(given: NormalizeOptions): (text: string) => string {
  const zeroWidth = { keep: '', bom: '\\ufeff', all: '\\ufeff\\u200b\\u2060-\\u2064\\u00ad\\u180e' }[given.zeroWidth];
  const removed = (given.controls ? '\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f' : '') + zeroWidth;
  // A CR or NEL that is not turned into a newline is a control character like the others.
  const stray = given.controls ? (given.lineEnds ? '' : '\\r') + (given.unicodeLineEnds ? '' : '\\x85') : '';
  const lineEnds = [given.lineEnds ? '\\r\\n?' : '', given.unicodeLineEnds ? '[\\x85\\u2028\\u2029]' : ''].filter(
    Boolean,
  );
  const removal = removed + stray === '' ? undefined : new RegExp(`[${removed}${stray}]+`, 'g');
  const lineEnd = lineEnds.length === 0 ? undefined : new RegExp(lineEnds.join('|'), 'g');
  // One class holds all that may have to go, so that most texts cost one scan.
  const suspect = new RegExp(`[\\r\\x85\\u2028\\u2029${removed}]`);
  const form = given.unicode;

  return (text) => {
    // The order matters: removing first could bring a CR and a newline together.
    if (suspect.test(text)) {
      if (lineEnd !== undefined) text = text.replace(lineEnd, '\n');
      if (removal !== undefined) text = text.replace(removal, '');
    }
    if (form === 'NFC' && BEYOND_LATIN.test(text)) text = text.normalize('NFC');
    if (form === 'NFKC' && !ASCII_ONLY.test(text)) text = text.normalize('NFKC');
    return given.trimLines ? trimLineEnds(text) : text;
  };
}

/** Not `/[ \t]+$/gm`, whose cost grows with the square of a long run of spaces inside a line. */
function trimLineEnds(text: string): string {
  if (!/[ \t](?:\n|$)/.test(text)) return text;
  return text
    .split('\n')
    .map((line) => {
      let end = line.length;
      while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--;
      return line.slice(0, end);
    })
    .join('\n');
}

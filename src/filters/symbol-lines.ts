/**
 * Removes lines of symbols alone: rules, bullets without text, the borders of tables drawn in characters.
 *
 * Source: datatrove's SymbolLinesFormatter. A line is removed when every character is a space or in datatrove's
 * PUNCTUATION_SET and one is not white space; lines are Python's `splitlines()`. `replacement` stands once for a run of
 * removed lines. Difference: a text without such lines stays as it is, where datatrove rewrites its line breaks.
 */
import { z } from 'zod';
import { defineMap, KEEP } from '../core/stage.ts';
import { charFlags, codePointAt, flagsOf, SPACE, SYMBOL } from '../text/char-class.ts';
import { type TextView, textView } from '../text/view.ts';

const options = z.strictObject({
  replacement: z
    .string()
    .default('')
    .describe('What stands for a run of removed lines, as a line of its own; "" for nothing (datatrove: "")'),
});

export const symbolLines = defineMap({
  kind: 'map',
  name: 'clean.symbol-lines',
  summary: 'Remove lines that consist of symbols alone.',
  source: 'datatrove SymbolLinesFormatter',
  version: 1,
  options,
  create: ({ replacement }) => ({
    process(document) {
      document.text = removeSymbolLines(textView(document.text), replacement);
      return KEEP;
    },
  }),
});

function removeSymbolLines(view: TextView, replacement: string): string {
  const { text, units, lines } = view;
  const { starts, ends, count } = lines;
  let kept: string[] | undefined;
  let isRemoved = false;
  for (let i = 0; i < count; i++) {
    if (isSymbolLine(units, starts[i], ends[i])) {
      kept ??= Array.from({ length: i }, (_, line) => text.slice(starts[line], ends[line]));
      if (!isRemoved && replacement !== '') kept.push(replacement);
      isRemoved = true;
    } else {
      isRemoved = false;
      kept?.push(text.slice(starts[i], ends[i]));
    }
  }
  return kept === undefined ? text : kept.join('\n');
}

function isSymbolLine(units: Uint16Array, start: number, end: number): boolean {
  let hasMark = false;
  for (let i = start; i < end; i++) {
    const unit = units[i];
    if (unit === 0x20) continue;
    const codePoint = codePointAt(units, i, end);
    if ((flagsOf(codePoint) & SYMBOL) === 0) return false;
    if (codePoint > 0xffff) i++;
    if ((charFlags[unit] & SPACE) === 0) hasMark = true;
  }
  return hasMark;
}

/**
 * The words around a number, which make it a telephone, card or social security number. A placeholder that an earlier run
 * left is no such word, and what lies beyond it does not count: it stood farther away before a find was shortened to its
 * placeholder. So in a text that was redacted once, no number comes to have such words.
 */
import { PLACEHOLDERS } from './kinds.ts';

export interface Context {
  /** True when `words` match in the `reach` UTF-16 units before `start`, behind the last placeholder there. */
  before(words: RegExp, text: string, start: number, reach: number): boolean;
  /** True when `words` match in the `reach` UTF-16 units from `end` on, before the next placeholder there. */
  after(words: RegExp, text: string, end: number, reach: number): boolean;
}

/** `placeholders`: those that may stand in a text beside the default ones. */
export function createContext(placeholders: readonly string[]): Context {
  const known = [...new Set([...Object.values(PLACEHOLDERS), ...placeholders])].filter((text) => text !== '');
  // One that begins or ends outside the words' reach still counts for the part within.
  const longest = Math.max(...known.map((placeholder) => placeholder.length));
  return {
    before(words, text, start, reach) {
      const first = Math.max(0, start - reach);
      // Mostly there are none, and placeholders need not be looked for.
      if (!words.test(text.slice(first, start))) return false;
      const from = Math.max(0, first - longest + 1);
      const around = text.slice(from, start);
      let cut = first - from;
      for (const placeholder of known) {
        const at = around.lastIndexOf(placeholder);
        if (at >= 0) cut = Math.max(cut, at + placeholder.length);
      }
      return words.test(around.slice(cut));
    },
    after(words, text, end, reach) {
      if (!words.test(text.slice(end, end + reach))) return false;
      const around = text.slice(end, end + reach + longest - 1);
      const cuts = known.map((placeholder) => around.indexOf(placeholder)).filter((at) => at >= 0);
      return words.test(around.slice(0, Math.min(reach, ...cuts)));
    },
  };
}

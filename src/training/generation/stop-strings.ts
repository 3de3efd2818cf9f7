/**
 * The end of a text at certain strings. Text that may be the beginning of one is held back until it is known whether it
 * is, so that what was passed on never has to be taken back.
 */

export interface StopStrings {
  /** Takes the next piece of text; returns what may be passed on. `stopped` is set once a string was found. */
  push(text: string): string;
  /** The end of the text: what was held back. */
  end(): string;
  /** True once a string was found; the text ended before it. */
  readonly stopped: boolean;
}

/** Watches for any of `strings`, none of them empty; the earliest place counts. */
export function createStopStrings(strings: readonly string[]): StopStrings {
  let held = '';
  let stopped = false;
  return {
    push(text) {
      if (stopped) return '';
      held += text;
      const places = strings.map((string) => held.indexOf(string)).filter((at) => at >= 0);
      if (places.length > 0) {
        const out = held.slice(0, Math.min(...places));
        stopped = true;
        held = '';
        return out;
      }
      const keep = Math.max(0, ...strings.map((string) => startLength(held, string)));
      const out = held.slice(0, held.length - keep);
      held = held.slice(held.length - keep);
      return out;
    },
    end() {
      const out = held;
      held = '';
      return out;
    },
    get stopped() {
      return stopped;
    },
  };
}

/** How many characters at the end of `text` are a beginning of `string`, short of all of it. */
function startLength(text: string, string: string): number {
  for (let length = Math.min(text.length, string.length - 1); length > 0; length--) {
    if (text.endsWith(string.slice(0, length))) return length;
  }
  return 0;
}

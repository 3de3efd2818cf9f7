/**
 * A value in a document's `meta`, found by a path of names with dots. Names may hold dots themselves
 * (`annotate.redpajama-v2`): at each level the longest name that is there wins.
 */

/** The value at a path of names that may themselves hold dots, or undefined. */
export function fieldValue(value: unknown, path: readonly string[], from = 0): unknown {
  if (from === path.length) return scoreOf(value);
  if (typeof value !== 'object' || value === null) return undefined;
  for (let to = path.length; to > from; to--) {
    const name = to === from + 1 ? path[from] : path.slice(from, to).join('.');
    if (!Object.hasOwn(value, name)) continue;
    const found = fieldValue((value as Record<string, unknown>)[name], path, to);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The score of `[[start, end, score]]`; anything else as it is. */
function scoreOf(value: unknown): unknown {
  if (!Array.isArray(value) || value.length !== 1 || !Array.isArray(value[0]) || value[0].length !== 3) return value;
  return value[0][2] as unknown;
}

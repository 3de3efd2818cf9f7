/**
 * Tables by code point, filled from the engine's own `\p{…}` properties, so that they follow the Unicode version of the
 * running Node. They cover planes 0 and 1, where all but rare ideographs and tags lie. About 1 ms a property.
 */

/** Code points that a table covers. */
export const TABLE_CODE_POINTS = 0x20000;

interface Plane {
  text: string;
  first: number;
  unitsPerCharacter: number;
}

const planes: readonly Plane[] = [plane(0, 0xd800), plane(0xe000, 0x10000), plane(0x10000, TABLE_CODE_POINTS)];

/** First and end code points of each run that a property matches. Most tables ask for letters, numbers or white space again. */
const runsOf = new Map<string, Int32Array>();

/**
 * Replaces `table[c]` by `apply(table[c])` for each code point that `property` matches: a global, Unicode-mode
 * expression for a run of characters, such as `/\p{L}+/gu`.
 */
export function markProperty(table: Uint8Array, property: RegExp, apply: (old: number) => number): void {
  const runs = findRuns(property);
  for (let i = 0; i < runs.length; i += 2) {
    for (let c = runs[i]; c < runs[i + 1]; c++) table[c] = apply(table[c]);
  }
}

/** Sets `table[c]` for each code point that `property` matches; the quick form, for large runs. */
export function fillProperty(table: Uint8Array, property: RegExp, value: number): void {
  const runs = findRuns(property);
  for (let i = 0; i < runs.length; i += 2) table.fill(value, runs[i], runs[i + 1]);
}

function findRuns(property: RegExp): Int32Array {
  const known = runsOf.get(property.source);
  if (known !== undefined) return known;
  const found: number[] = [];
  for (const { text, first, unitsPerCharacter } of planes) {
    for (const match of text.matchAll(property)) {
      const start = first + match.index / unitsPerCharacter;
      found.push(start, start + match[0].length / unitsPerCharacter);
    }
  }
  const runs = Int32Array.from(found);
  runsOf.set(property.source, runs);
  return runs;
}

function plane(first: number, end: number): Plane {
  const unitsPerCharacter = first >= 0x10000 ? 2 : 1;
  const units = new Uint16Array((end - first) * unitsPerCharacter);
  for (let i = 0, c = first; c < end; c++) {
    if (c < 0x10000) {
      units[i++] = c;
    } else {
      units[i++] = 0xd800 + ((c - 0x10000) >> 10);
      units[i++] = 0xdc00 + (c & 0x3ff);
    }
  }
  return { text: Buffer.from(units.buffer).toString('utf16le'), first, unitsPerCharacter };
}

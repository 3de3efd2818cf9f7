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

/**
 * Replaces `table[c]` by `apply(table[c])` for each code point that `property` matches: a global, Unicode-mode
 * expression for a run of characters, such as `/\p{L}+/gu`.
 */
export function markProperty(table: Uint8Array, property: RegExp, apply: (old: number) => number): void {
  for (const { text, first, unitsPerCharacter } of planes) {
    for (const match of text.matchAll(property)) {
      const start = first + match.index / unitsPerCharacter;
      const end = start + match[0].length / unitsPerCharacter;
      for (let c = start; c < end; c++) table[c] = apply(table[c]);
    }
  }
}

/** Sets `table[c]` for each code point that `property` matches; the quick form, for large runs. */
export function fillProperty(table: Uint8Array, property: RegExp, value: number): void {
  for (const { text, first, unitsPerCharacter } of planes) {
    for (const match of text.matchAll(property)) {
      const start = first + match.index / unitsPerCharacter;
      table.fill(value, start, start + match[0].length / unitsPerCharacter);
    }
  }
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

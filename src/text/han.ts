/**
 * How common a Chinese character is, without a frequency list: the standards' own levels, read from the engine's decoders.
 * Level 1 of GB 2312 (3,755 simplified characters) and of Big5 (5,401 traditional ones) were chosen by frequency of use; level 2
 * of GB 2312 (3,008) are rarer ones in use. All others are names, dialects, antiquity — or mojibake, whose
 * characters are spread evenly over an encoding's table. Built once, about 10 ms.
 */

/** Not Han (in planes 0 and 1). */
export const NOT_HAN = 0;
/** A Han character of neither standard's lists below. */
export const RARE_HAN = 1;
/** GB 2312 level 2. */
export const KNOWN_HAN = 2;
/** GB 2312 level 1 or Big5 level 1. */
export const COMMON_HAN = 3;

let table: Uint8Array | undefined;

/** `levels[unit]` for every UTF-16 unit. Han: the URO, extension A and compatibility ideographs, and 〇. */
export function hanLevels(): Uint8Array {
  if (table !== undefined) return table;
  const levels = new Uint8Array(0x10000);
  levels.fill(RARE_HAN, 0x3400, 0x4dc0);
  levels.fill(RARE_HAN, 0x4e00, 0xa000);
  levels.fill(RARE_HAN, 0xf900, 0xfb00);
  levels[0x3007] = COMMON_HAN;
  const mark = (encoding: string, level: number, leads: [number, number], trails: [number, number][]): void => {
    const decoder = new TextDecoder(encoding);
    const pair = new Uint8Array(2);
    for (let lead = leads[0]; lead <= leads[1]; lead++) {
      for (const [from, to] of trails) {
        for (let trail = from; trail <= to; trail++) {
          pair[0] = lead;
          pair[1] = trail;
          const character = decoder.decode(pair);
          if (character.length !== 1) continue;
          const unit = character.charCodeAt(0);
          if (levels[unit] !== NOT_HAN && levels[unit] < level) levels[unit] = level;
        }
      }
    }
  };
  mark('gbk', KNOWN_HAN, [0xd8, 0xf7], [[0xa1, 0xfe]]);
  mark('gbk', COMMON_HAN, [0xb0, 0xd7], [[0xa1, 0xfe]]);
  mark(
    'big5',
    COMMON_HAN,
    [0xa4, 0xc6],
    [
      [0x40, 0x7e],
      [0xa1, 0xfe],
    ],
  );
  table = levels;
  return levels;
}

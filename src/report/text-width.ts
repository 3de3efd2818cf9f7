/**
 * How many terminal columns a text takes: 2 for East Asian wide and fullwidth characters and emoji (Unicode UAX #11),
 * 0 for combining marks and joiners, 1 else. Text from data may hold escape sequences and line ends, which would
 * command the terminal: `printable` replaces them before anything is printed.
 */

/** One line without control characters or direction overrides, whatever the text. */
export function printable(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069\u200e\u200f]/gu, '\ufffd');
}

export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

function characterWidth(character: string): 0 | 1 | 2 {
  const code = character.codePointAt(0)!;
  if (code < 0x300) return 1;
  if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(character)) return 0;
  return isWide(code) || /\p{Emoji_Presentation}/u.test(character) ? 2 : 1;
}

/** Ranges of UAX #11 `W` and `F` that text is likely to hold; Hangul jamo, CJK, kana, Yi, fullwidth forms. */
function isWide(code: number): boolean {
  return (
    (code >= 0x1100 && code <= 0x115f) ||
    (code >= 0x2e80 && code <= 0x303e) ||
    (code >= 0x3041 && code <= 0xa4cf) ||
    (code >= 0xa960 && code <= 0xa97f) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff) ||
    (code >= 0xfe30 && code <= 0xfe6f) ||
    (code >= 0xff01 && code <= 0xff60) ||
    (code >= 0xffe0 && code <= 0xffe6) ||
    (code >= 0x17000 && code <= 0x18cff) ||
    (code >= 0x1b000 && code <= 0x1b2ff) ||
    (code >= 0x20000 && code <= 0x3fffd)
  );
}

/** Cut to at most `width` columns, the last one `…` where something was cut. */
export function cutToWidth(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let used = 0;
  let cut = '';
  for (const character of text) {
    const next = characterWidth(character);
    if (used + next > width - 1) break;
    used += next;
    cut += character;
  }
  return width > 0 ? `${cut}…` : '';
}

/** Cut in its middle to at most `width` columns: names that begin alike, as dotted fields do, stay apart. */
export function cutMiddleToWidth(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  const start = cutToWidth(text, Math.ceil(width / 2));
  const characters = [...text];
  let room = width - textWidth(start);
  let from = characters.length;
  while (from > 0 && characterWidth(characters[from - 1]) <= room) room -= characterWidth(characters[--from]);
  return start + characters.slice(from).join('');
}

/** Cut or padded with spaces on the right to exactly `width` columns. */
export function padEndToWidth(text: string, width: number): string {
  const cut = cutToWidth(text, width);
  return cut + ' '.repeat(Math.max(width - textWidth(cut), 0));
}

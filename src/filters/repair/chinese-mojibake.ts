/**
 * Chinese mojibake in both directions.
 *
 * - UTF-8 read as GBK: "涓枃" for 中文. Line by line: the characters' GBK bytes must be valid UTF-8 throughout (an odd last
 *   byte, lost to "?" or U+FFFD, becomes U+FFFD) and decode to common characters, where the line itself has rare ones. Three
 *   characters of real Chinese pass the first test about once in ten thousand times, the second then hardly ever.
 * - GBK read as Latin-1 or Windows-1252: "ÖÐÎÄ" for 中文. Over the whole text: runs of high Latin characters, taken in pairs,
 *   must be common Chinese. Capitals of Cyrillic mojibake or an alphabet (ÀÁÂÃ) lack the bytes below 0xC0 that a third of
 *   Chinese text consists of.
 * - 锟斤拷 is U+FFFD twice, read as GBK: what stood there is lost, and U+FFFD says so.
 */
import { COMMON_HAN, hanLevels, KNOWN_HAN } from '../../text/han.ts';
import { bytesOfEncoding, gbkBytes } from './encodings.ts';

/** EF BF BD in a row, and what it does to a byte before or behind it: 锟缴 (… BD C9), 憋拷 (B1 EF …). */
const LOST = /(?:锟[\u4e00-\u9fff]?|[\u4e00-\u9fff]?拷)+/g;
const SURELY_LOST = '锟斤拷';

/** The repaired text and the number of places repaired. */
export function repairUtf8AsGbk(text: string): { text: string; runs: number } {
  let runs = 0;
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    const decoded = line.includes(SURELY_LOST) ? line.replace(LOST, '\ufffd') : decodeLine(line);
    if (decoded === undefined) continue;
    lines[i] = decoded;
    runs++;
  }
  return { text: runs === 0 ? text : lines.join('\n'), runs };
}

const QUESTION = 0x3f;
const REPLACEMENT = 0xfffd;

/** Undefined when the line is what it should be, or beyond repair. */
function decodeLine(line: string): string | undefined {
  const table = gbkBytes();
  const levels = hanLevels();
  const units: number[] = [];
  let pending = 0;
  let size = 0;
  let codePoint = 0;
  let rare = 0;
  let wide = 0;
  let common = 0;
  let decoded = 0;
  const push = (byte: number): boolean => {
    if (pending > 0) {
      if ((byte & 0xc0) !== 0x80) return false;
      codePoint = (codePoint << 6) | (byte & 0x3f);
      if (--pending > 0) return true;
      if (codePoint < (size === 2 ? 0x80 : size === 3 ? 0x800 : 0x10000) || codePoint > 0x10ffff) return false;
      if (codePoint >= 0xd800 && codePoint < 0xe000) return false;
      units.push(codePoint);
      decoded++;
      if (isCommon(codePoint)) common++;
      return true;
    }
    if (byte < 0x80) {
      units.push(byte);
      return true;
    }
    if (byte < 0xc2 || byte > 0xf4) return false;
    size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    pending = size - 1;
    codePoint = byte & (0x7f >> size);
    return true;
  };
  for (let i = 0; i < line.length; i++) {
    const unit = line.charCodeAt(i);
    if (unit === REPLACEMENT || (unit === QUESTION && pending > 0)) {
      // A byte went lost here, and with it the character that it ended.
      units.push(REPLACEMENT);
      pending = 0;
    } else if (unit < 0x80) {
      if (!push(unit)) return undefined;
    } else {
      const bytes = table[unit];
      if (bytes === 0) return undefined;
      wide++;
      if (levels[unit] < COMMON_HAN) rare++;
      if (bytes > 0xff && !push(bytes >> 8)) return undefined;
      if (!push(bytes & 0xff)) return undefined;
    }
  }
  if (pending > 0) units.push(REPLACEMENT);
  if (decoded < 2 || common < decoded * 0.9 || rare * 5 < wide) return undefined;
  return String.fromCodePoint(...units.slice(0, 50_000));
}

/** Common Chinese, its punctuation, kana, general punctuation, Latin with accents, and Cyrillic. */
function isCommon(c: number): boolean {
  if (c >= 0x4e00 && c < 0xa000) return hanLevels()[c] >= KNOWN_HAN;
  return (
    (c >= 0x2010 && c < 0x2030) ||
    (c >= 0x3000 && c < 0x3100) ||
    (c >= 0xff01 && c < 0xff5f) ||
    (c >= 0xa0 && c < 0x180) ||
    (c >= 0x410 && c < 0x450)
  );
}

/** At least so many pairs must stand in a text. */
const MIN_PAIRS = 3;

/** The repaired text and the number of runs replaced. */
export function repairGbkAsLatin(text: string): { text: string; runs: number } {
  const table = bytesOfEncoding('windows-1252');
  const levels = hanLevels();
  const decoder = new TextDecoder('gbk');
  let pairs = 0;
  let common = 0;
  let low = 0;
  const runs: { start: number; end: number; decoded: string }[] = [];
  for (const match of text.matchAll(HIGH_RUN)) {
    const bytes = Uint8Array.from(match[0], (character) => table[character.charCodeAt(0)]);
    if (bytes.length % 2 !== 0 || bytes.includes(0)) continue;
    const decoded = decoder.decode(bytes);
    for (let i = 0; i < decoded.length; i++) {
      const unit = decoded.charCodeAt(i);
      if (levels[unit] === COMMON_HAN || (unit >= 0x3000 && unit < 0x3018) || (unit >= 0xff01 && unit < 0xff5f))
        common++;
    }
    for (const byte of bytes) if (byte < 0xc0) low++;
    pairs += bytes.length / 2;
    runs.push({ start: match.index, end: match.index + match[0].length, decoded });
  }
  if (pairs < MIN_PAIRS || common < pairs * 0.85 || low < pairs * 0.3) return { text, runs: 0 };
  let result = '';
  let from = 0;
  for (const run of runs) {
    result += text.slice(from, run.start) + run.decoded;
    from = run.end;
  }
  return { text: result + text.slice(from), runs: runs.length };
}

/** Latin-1 from U+00A1 on: GB 2312 uses no byte below. Two pairs at least, so that German or French words give none. */
const HIGH_RUN = /[\u00a1-\u00ff]{4,}/g;

/**
 * UTF-8 that was read in a single-byte encoding: "humanitÃ©", "â€œquotedâ€", "ä¸­æ–‡", "РїСЂРёРІРµС‚".
 *
 * Idea (Speer, ftfy: "Heuristics for detecting mojibake"): UTF-8 is so regular that characters which happen to spell valid
 * UTF-8 in the wrong encoding were hardly meant; what is left to decide is how unlikely they are. Here each sequence (a lead byte with
 * its continuation bytes) gives evidence: by its length, by what it decodes to (a common script speaks for it, an unused
 * one against) and by its neighbours ("CAFÉ»" is French). A run of sequences is replaced when its evidence reaches the
 * encoding's limit, and weaker runs when the text has a strong one beside them. Undoes one reading; the caller repeats.
 *
 * Cost: one pass over the units of a text that holds a lead character at all.
 */
import { bytesOfEncoding, type SingleByteEncoding } from './encodings.ts';

/** Evidence of a run that is enough by itself. */
const STRONG = 2;
/** Evidence of all weak runs of a text that is enough together. */
const WEAK_TOGETHER = 4;

interface Run {
  start: number;
  end: number;
  decoded: string;
  evidence: number;
}

/** The repaired text and the number of runs replaced; the same string where there is nothing to repair. */
export function repairSingleByte(text: string, encoding: SingleByteEncoding): { text: string; runs: number } {
  const runs = findRuns(text, encoding);
  if (runs.length === 0) return { text, runs: 0 };
  const strong = encoding === 'windows-1251' ? STRONG + 1 : STRONG;
  let hasStrong = false;
  let weak = 0;
  for (const { evidence } of runs) {
    if (evidence >= strong) hasStrong = true;
    else weak += evidence;
  }
  const least = hasStrong || weak >= WEAK_TOGETHER ? 1 : strong;
  let result = '';
  let from = 0;
  let replaced = 0;
  for (const run of runs) {
    if (run.evidence < least) continue;
    result += text.slice(from, run.start) + run.decoded;
    from = run.end;
    replaced++;
  }
  if (replaced === 0) return { text, runs: 0 };
  result += text.slice(from);
  // Beside repaired runs, "Â" on its own is what is left of a no-break space.
  if (encoding === 'windows-1252') result = result.replace(LONE_NBSP, '');
  return { text: result, runs: replaced };
}

const LONE_NBSP = /(?<=^|\s)Â(?=\s|$)/gm;

const LEAD_NBSP = 0xc3;
const SPACE = 0x20;

function findRuns(text: string, encoding: SingleByteEncoding): Run[] {
  const table = bytesOfEncoding(encoding);
  const runs: Run[] = [];
  const length = text.length;
  let run: Run | undefined;
  for (let i = 0; i < length; i++) {
    const lead = table[text.charCodeAt(i)];
    if (lead < 0xc2 || lead > 0xf4) continue;
    const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    let codePoint = lead & (0x7f >> size);
    let k = 1;
    for (; k < size && i + k < length; k++) {
      const byte = table[text.charCodeAt(i + k)];
      if ((byte & 0xc0) !== 0x80) break;
      codePoint = (codePoint << 6) | (byte & 0x3f);
    }
    let end = i + size;
    if (k < size) {
      // "Ã la": the continuation byte A0 was a no-break space, and has become a space.
      if (!isLostNbsp(text, i, lead, encoding)) continue;
      codePoint = 0xe0;
      end = i + 1;
    }
    const evidence = evidenceOf(text, i, end, size, codePoint, encoding);
    if (evidence < 0) continue;
    if (run === undefined || run.end !== i) {
      run = { start: i, end: i, decoded: '', evidence: 0 };
      runs.push(run);
    }
    run.decoded += String.fromCodePoint(codePoint);
    run.evidence += evidence;
    run.end = end;
    // The space after "Ã" stays unless a second one shows that it was the no-break space.
    if (k < size && text.charCodeAt(i + 2) === SPACE) run.end = i + 2;
    i = run.end - 1;
  }
  return runs;
}

/** "Ã" alone before a space and a small letter, as nothing but a mangled "à" stands. */
function isLostNbsp(text: string, at: number, lead: number, encoding: SingleByteEncoding): boolean {
  if (lead !== LEAD_NBSP || encoding !== 'windows-1252' || text.charCodeAt(at + 1) !== SPACE) return false;
  const before = at === 0 ? SPACE : text.charCodeAt(at - 1);
  return (before === SPACE || before === 0x0a) && /^ {1,2}[a-z]/.test(text.slice(at + 1, at + 4));
}

/** How much one sequence speaks for mojibake; negative when what it decodes to speaks against. */
function evidenceOf(
  text: string,
  start: number,
  end: number,
  size: number,
  codePoint: number,
  encoding: SingleByteEncoding,
): number {
  if (encoding === 'windows-1251') return cyrillicEvidence(size, codePoint);
  if (size === 4) return (codePoint >= 0x1f000 && codePoint < 0x1fb00) || codePoint >> 16 === 2 ? 4 : -1;
  if (size === 3) return isCommonBeyondLatin(codePoint) ? 3 : -1;
  if (codePoint < 0x80) return -1;
  const family = codePoint < 0x100 ? 2 : isCommonTwoByte(codePoint) ? 1 : -1;
  if (family < 0) return -1;
  // A capital before the lead and a mark behind it are the end of a word in capitals: MAÇÃ», CAFÉ™, «ÉTÉ».
  const before = start > 0 ? text.charCodeAt(start - 1) : SPACE;
  if (isCapital(before) && CLOSING.includes(text[end - 1])) return -1;
  return family;
}

const CLOSING = '»”’›…™®°ºª·•–—“«';

function isCapital(unit: number): boolean {
  return (unit >= 0x41 && unit <= 0x5a) || (unit >= 0xc0 && unit <= 0xde);
}

/** Latin Extended-A, ƒ, ș and ț, modifier letters in use, Greek, Cyrillic, Hebrew, Arabic. */
function isCommonTwoByte(c: number): boolean {
  return (
    c < 0x180 ||
    c === 0x192 ||
    (c >= 0x218 && c <= 0x21b) ||
    c === 0x259 ||
    c === 0x2c6 ||
    c === 0x2dc ||
    (c >= 0x386 && c <= 0x3ce) ||
    (c >= 0x401 && c <= 0x45f) ||
    (c >= 0x5d0 && c <= 0x5ea) ||
    (c >= 0x60c && c <= 0x6d2)
  );
}

/** Scripts and symbols in wide use that take three bytes. Left out: those that "voilà »" and the like would decode to. */
function isCommonBeyondLatin(c: number): boolean {
  return (
    (c >= 0x900 && c < 0xe80) ||
    (c >= 0x10a0 && c < 0x1200) ||
    (c >= 0x1e00 && c < 0x2070) ||
    (c >= 0x2074 && c < 0x23ff) ||
    (c >= 0x2460 && c < 0x2800) ||
    (c >= 0x2e80 && c < 0xa000) ||
    (c >= 0xac00 && c < 0xd7a4) ||
    (c >= 0xf900 && c < 0xfb07) ||
    (c >= 0xfe0e && c < 0xfe50) ||
    (c >= 0xfeff && c <= 0xfffd)
  );
}

/** In Cyrillic text most of windows-1251 is at home, so only Russian letters and the dashes and quotes of U+20xx count. */
function cyrillicEvidence(size: number, codePoint: number): number {
  if (size === 2)
    return (codePoint >= 0x410 && codePoint <= 0x44f) || codePoint === 0x401 || codePoint === 0x451 ? 1 : -1;
  return size === 3 && codePoint >= 0x2000 && codePoint < 0x2040 ? 3 : -1;
}

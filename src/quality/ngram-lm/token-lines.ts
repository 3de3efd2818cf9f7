/**
 * A text as lines of tokens in UTF-8: one sentence a line, tokens divided by a space. It is the form in which KenLM's tools
 * read text, so what goes into a model here can be given to them as it is.
 *
 * Sentence: a line of the text (newline ends it; the last may go without). Token: see `tokens` in options.ts. White space
 * (Unicode's) and control characters divide tokens and are in none; `whitespace` alone divides where lmplz does, at space, tab,
 * carriage return and NUL, and takes everything else as it comes. Half a surrogate pair becomes U+FFFD.
 * Cost: bench/ngram-lm.ts.
 */
import { charFlags, SPACE, skipSpace } from '../../text/char-class.ts';
import { TextView } from '../../text/view.ts';
import { ccnetNormalize } from './ccnet-normalize.ts';
import type { TokenForm } from './options.ts';

const NEWLINE = 0x0a;
const BLANK = 0x20;
/** Room is given back after a text that needed more. */
const RETAINED_BYTES = 1 << 22;

/** The lines of one text after another, in a buffer that is reused. */
export interface TokenLines {
  /** Of the last text: `read` returned how many bytes. */
  readonly bytes: Uint8Array;
  /** Cuts a text; returns the bytes of its lines, each ended by a newline. */
  read(text: string): number;
}

/** Cuts texts as `form` says. */
export function createTokenLines(form: TokenForm): TokenLines {
  const prepare = form.normalize === 'ccnet' ? ccnetNormalize : (text: string) => text;
  const view = new TextView();
  let bytes = Buffer.alloc(1 << 16);

  const reserve = (size: number): void => {
    if (bytes.length < size) bytes = Buffer.alloc(2 ** Math.ceil(Math.log2(size)));
    else if (bytes.length > RETAINED_BYTES && size <= RETAINED_BYTES) bytes = Buffer.alloc(RETAINED_BYTES);
  };
  return {
    get bytes() {
      return bytes;
    },
    read(raw) {
      const text = prepare(raw);
      if (text.length === 0) return 0;
      if (form.tokens === 'whitespace') {
        reserve(3 * text.length + 1);
        const length = bytes.write(text, 0, 'utf8');
        if (bytes[length - 1] === NEWLINE) return length;
        bytes[length] = NEWLINE;
        return length + 1;
      }
      view.reset(form.tokens === 'words' ? text.toLowerCase() : text);
      // A unit makes three bytes at most, and a space behind it; two newlines may be added.
      reserve(4 * view.text.length + 2);
      return form.tokens === 'words' ? writeWords(view, bytes) : writeCharacters(view.units, view.text.length, bytes);
    },
  };
}

function writeWords(view: TextView, bytes: Uint8Array): number {
  const { units } = view;
  const { starts, ends, count } = view.words('characters');
  const lines = view.newlineLines;
  // What follows the last newline is a line only if something is there.
  const lineCount = lines.starts[lines.count - 1] === view.text.length ? lines.count - 1 : lines.count;
  let at = 0;
  let word = 0;
  for (let line = 0; line < lineCount; line++) {
    const end = lines.ends[line];
    const lineStart = at;
    for (; word < count && starts[word] < end; word++) {
      if (isControl(units[starts[word]])) continue;
      // A space is part of a word where a combining mark follows it.
      at = writeUtf8(units, skipSpace(units, starts[word], ends[word]), ends[word], bytes, at);
      bytes[at++] = BLANK;
    }
    if (at > lineStart) at--;
    bytes[at++] = NEWLINE;
  }
  return at;
}

function writeCharacters(units: Uint16Array, length: number, bytes: Uint8Array): number {
  let at = 0;
  let lineStart = 0;
  for (let i = 0; i < length; ) {
    const unit = units[i];
    if (unit === NEWLINE) {
      if (at > lineStart) at--;
      bytes[at++] = NEWLINE;
      lineStart = at;
      i++;
      continue;
    }
    const next = (unit & 0xfc00) === 0xd800 && i + 1 < length && (units[i + 1] & 0xfc00) === 0xdc00 ? i + 2 : i + 1;
    if (!isControl(unit) && (charFlags[unit] & SPACE) === 0) {
      at = writeUtf8(units, i, next, bytes, at);
      bytes[at++] = BLANK;
    }
    i = next;
  }
  if (units[length - 1] === NEWLINE) return at;
  if (at > lineStart) at--;
  bytes[at++] = NEWLINE;
  return at;
}

function isControl(unit: number): boolean {
  return unit < 0x20 || (unit >= 0x7f && unit < 0xa0);
}

/** Writes units as UTF-8 from `at` on; returns the end. */
function writeUtf8(units: Uint16Array, start: number, end: number, bytes: Uint8Array, at: number): number {
  for (let i = start; i < end; i++) {
    let code = units[i];
    if (code < 0x80) {
      bytes[at++] = code;
      continue;
    }
    if (code < 0x800) {
      bytes[at++] = 0xc0 | (code >> 6);
      bytes[at++] = 0x80 | (code & 0x3f);
      continue;
    }
    if ((code & 0xf800) === 0xd800) {
      const low = i + 1 < end ? units[i + 1] : 0;
      if (code < 0xdc00 && (low & 0xfc00) === 0xdc00) {
        code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
        i++;
        bytes[at++] = 0xf0 | (code >> 18);
        bytes[at++] = 0x80 | ((code >> 12) & 0x3f);
        bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
        bytes[at++] = 0x80 | (code & 0x3f);
        continue;
      }
      code = 0xfffd;
    }
    bytes[at++] = 0xe0 | (code >> 12);
    bytes[at++] = 0x80 | ((code >> 6) & 0x3f);
    bytes[at++] = 0x80 | (code & 0x3f);
  }
  return at;
}

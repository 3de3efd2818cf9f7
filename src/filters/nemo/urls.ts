/**
 * NeMo's URLs: `http://` or `https://` (lower case) and the run of URL characters behind it, at least one; a percent sign
 * only before two hexadecimal digits. Found by a search for "http", so that a text without links costs next to nothing.
 */
import { defineFeature, type TextView } from '../../text/view.ts';
import { addBound, type Bounds, createBounds } from '../../text/word-break.ts';

const urls = createBounds(16);

/** The URLs of a text. */
export const textUrls = defineFeature((view): Bounds => {
  const { text } = view;
  urls.count = 0;
  for (let at = text.indexOf('http'); at !== -1; ) {
    const end = urlEnd(text, at);
    if (end > at) addBound(urls, at, end);
    at = text.indexOf('http', Math.max(end, at + 4));
  }
  return urls;
});

/** Share of the text's characters that lie in URLs; 1 for the empty text. */
export function urlShare(view: TextView): number {
  if (view.charCount === 0) return 1;
  const { starts, ends, count } = view.get(textUrls);
  let chars = 0;
  for (let i = 0; i < count; i++) chars += ends[i] - starts[i];
  return chars / view.charCount;
}

/** 1 when a URL of the text holds "porn", else 0. */
export function hasPornographicUrl(view: TextView): number {
  const { starts, ends, count } = view.get(textUrls);
  for (let i = 0; i < count; i++) if (view.text.slice(starts[i], ends[i]).includes('porn')) return 1;
  return 0;
}

const URL_CHARACTERS = characterSet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$-_@.&+/:=?#~!*(),');
const HEX_DIGITS = characterSet('0123456789ABCDEFabcdef');
const PERCENT = 0x25;

/** The end of the URL that begins at `at`, where "http" stands; `at` when there is none. */
function urlEnd(text: string, at: number): number {
  const marks = text.startsWith('s', at + 4) ? at + 5 : at + 4;
  if (!text.startsWith('://', marks)) return at;
  const start = marks + 3;
  let end = start;
  for (; end < text.length; end++) {
    const unit = text.charCodeAt(end);
    if (unit === PERCENT && isIn(HEX_DIGITS, text, end + 1) && isIn(HEX_DIGITS, text, end + 2)) end += 2;
    else if (!isIn(URL_CHARACTERS, text, end)) break;
  }
  return end > start ? end : at;
}

function isIn(set: Uint8Array, text: string, at: number): boolean {
  if (at >= text.length) return false;
  const unit = text.charCodeAt(at);
  return unit < 0x80 && set[unit] === 1;
}

function characterSet(characters: string): Uint8Array {
  const set = new Uint8Array(0x80);
  for (let i = 0; i < characters.length; i++) set[characters.charCodeAt(i)] = 1;
  return set;
}

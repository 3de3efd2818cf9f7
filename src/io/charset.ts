/**
 * Bytes of a web page to text: which encoding, and the decoding.
 *
 * Order of belief: a byte order mark; UTF-8 that is valid and not ASCII (no other encoding's text passes for it); the
 * HTTP header; the `meta` of the page's first 4 kB (WHATWG HTML, 13.2.3.2 looks at 1024; pages with long heads exist); a
 * guess from the bytes with the page's `lang` as a hint. A label that the bytes contradict by many errors is given up for
 * the guess. Labels and decoders are those of the WHATWG Encoding Standard, as TextDecoder has them (gb2312 means GBK,
 * iso-8859-1 means windows-1252).
 */
import { TextDecoder } from 'node:util';
import { bomBytes, isUtf8Range, textBuffer } from './text-bytes.ts';

export interface DecodedText {
  text: string;
  /** Name in the Encoding Standard, in lower case. */
  charset: string;
  /** U+FFFD had to stand for bytes that the encoding does not have. */
  replaced: boolean;
}

const PRESCAN_BYTES = 4096;

/** Decodes a page or plain text. `label`: the charset that its HTTP header names; `html`: look for `meta` too. */
export function decodePage(bytes: Uint8Array, label: string | undefined, html: boolean): DecodedText {
  const bom = byteOrderMark(bytes);
  if (bom !== undefined) return decode(bytes.subarray(bom.bytes), bom.charset);
  const head = textBuffer(bytes).latin1Slice(0, Math.min(bytes.length, PRESCAN_BYTES));
  const declared = knownLabel(label) ?? (html ? knownLabel(metaCharset(head)) : undefined);
  if (isUtf8Range(bytes, 0, bytes.length)) {
    // ISO-2022-JP and UTF-16 without a mark also pass for ASCII; the first says so.
    if (declared !== 'iso-2022-jp') return { text: utf8(bytes), charset: 'utf-8', replaced: false };
  }
  if (declared !== undefined && declared !== 'utf-8') {
    const text = decode(bytes, declared);
    if (!text.replaced || errorShare(text.text) < MAX_ERROR_SHARE) return text;
  }
  if (declared === 'utf-8') {
    // Valid but for a few bytes: cut off in a character, or an old template's line.
    const text = decode(bytes, 'utf-8');
    if (errorShare(text.text) < MAX_ERROR_SHARE) return text;
  }
  // A meta that the HTTP header contradicts is the better witness where the header fails.
  const second = html ? knownLabel(metaCharset(head)) : undefined;
  if (second !== undefined && second !== declared) {
    const text = decode(bytes, second);
    if (!text.replaced) return text;
  }
  return decode(bytes, guess(bytes, html ? pageLanguage(head) : undefined));
}

/** Share of replacement characters above which a declared encoding is not believed. */
const MAX_ERROR_SHARE = 0.005;

function errorShare(text: string): number {
  let errors = 0;
  for (let at = text.indexOf('\ufffd'); at !== -1; at = text.indexOf('\ufffd', at + 1)) errors++;
  return text.length === 0 ? 0 : errors / text.length;
}

function byteOrderMark(bytes: Uint8Array): { bytes: number; charset: string } | undefined {
  if (bomBytes(bytes) === 3) return { bytes: 3, charset: 'utf-8' };
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { bytes: 2, charset: 'utf-16le' };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { bytes: 2, charset: 'utf-16be' };
  return undefined;
}

function utf8(bytes: Uint8Array): string {
  return textBuffer(bytes).utf8Slice(0, bytes.length);
}

/** Node's TextDecoder reads windows-1252 as Latin-1 (nodejs/node#56542): C1 controls where curly quotes belong. */
function windows1252(bytes: Uint8Array): string {
  const text = textBuffer(bytes).latin1Slice(0, bytes.length);
  return text.replace(/[\x80-\x9f]/g, (character) => WINDOWS_1252[character.charCodeAt(0) - 0x80]);
}

const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';

const decoders = new Map<string, TextDecoder>();

function decode(bytes: Uint8Array, charset: string): DecodedText {
  if (charset === 'utf-8' && isUtf8Range(bytes, 0, bytes.length))
    return { text: utf8(bytes), charset, replaced: false };
  if (charset === 'windows-1252') return { text: windows1252(bytes), charset, replaced: false };
  let decoder = decoders.get(charset);
  if (decoder === undefined) {
    decoder = new TextDecoder(charset, { ignoreBOM: true });
    decoders.set(charset, decoder);
  }
  // TextDecoder refuses views of shared memory.
  const own = bytes.buffer instanceof SharedArrayBuffer ? bytes.slice() : bytes;
  const text = decoder.decode(own).toWellFormed();
  return { text, charset, replaced: text.includes('\ufffd') };
}

/** The standard's name of a label, or undefined for one that is not known. */
function knownLabel(label: string | undefined): string | undefined {
  if (label === undefined) return undefined;
  const name = label
    .trim()
    .replace(/^["']|["']$/g, '')
    .toLowerCase();
  if (name === '') return undefined;
  try {
    const { encoding } = new TextDecoder(ALIASES[name] ?? name);
    return encoding === 'replacement' ? undefined : encoding;
  } catch {
    return undefined;
  }
}

/** Labels seen in the wild that the standard does not have. */
const ALIASES: Record<string, string> = {
  utf: 'utf-8',
  'utf-8;': 'utf-8',
  cp936: 'gbk',
  gb18030: 'gb18030',
  sjis: 'shift_jis',
  cp1252: 'windows-1252',
};

/** The charset of a Content-Type value. */
export function charsetOf(contentType: string | undefined): string | undefined {
  return /;\s*charset\s*=\s*("[^"]*"|'[^']*'|[^\s;,]+)/i.exec(contentType ?? '')?.[1];
}

/** What the first `meta` (or XML declaration) with a charset says. Comments are looked past. */
function metaCharset(head: string): string | undefined {
  const page = head.replace(/<!--[\s\S]*?-->/g, '');
  const xml = /^\s*<\?xml[^>]*\bencoding\s*=\s*["']([^"'>]+)["']/i.exec(page)?.[1];
  if (xml !== undefined) return xml;
  for (const [tag] of page.matchAll(/<meta\b[^>]*>/gi)) {
    const direct = /\bcharset\s*=\s*["']?\s*([^\s"'/>;]+)/i.exec(tag)?.[1];
    if (direct !== undefined) {
      // A page cannot be in UTF-16 if this could be read (HTML, 13.2.3.2).
      return /^utf-?16/i.test(direct) ? 'utf-8' : direct;
    }
  }
  return undefined;
}

function pageLanguage(head: string): string | undefined {
  return /<html\b[^>]*\blang\s*=\s*["']?([a-zA-Z]+(?:-[a-zA-Z]+)*)/i.exec(head)?.[1].toLowerCase();
}

/** Single-byte encodings by language, for pages that declare none. */
const BY_LANGUAGE: Record<string, string> = {
  ru: 'windows-1251',
  uk: 'windows-1251',
  bg: 'windows-1251',
  be: 'windows-1251',
  sr: 'windows-1251',
  pl: 'windows-1250',
  cs: 'windows-1250',
  sk: 'windows-1250',
  hu: 'windows-1250',
  sl: 'windows-1250',
  hr: 'windows-1250',
  ro: 'windows-1250',
  el: 'windows-1253',
  tr: 'windows-1254',
  he: 'windows-1255',
  ar: 'windows-1256',
  fa: 'windows-1256',
  lt: 'windows-1257',
  lv: 'windows-1257',
  et: 'windows-1257',
  vi: 'windows-1258',
  th: 'windows-874',
  'zh-tw': 'big5',
  'zh-hk': 'big5',
  'zh-hant': 'big5',
  zh: 'gb18030',
  ja: 'shift_jis',
  ko: 'euc-kr',
};

/**
 * An encoding for bytes that say nothing and are not UTF-8. East Asian encodings are told by how well their two-byte
 * characters fall into the rows that common text uses; otherwise the language's single-byte encoding, windows-1252 last.
 */
function guess(bytes: Uint8Array, language: string | undefined): string {
  const hinted = language === undefined ? undefined : (BY_LANGUAGE[language] ?? BY_LANGUAGE[language.split('-')[0]]);
  const sample = bytes.subarray(0, 64 * 1024);
  let best = hinted ?? 'windows-1252';
  let bestShare = 0.7;
  for (const [charset, common] of EAST_ASIAN) {
    const share = commonShare(sample, charset, common) + (charset === hinted ? 0.15 : 0);
    if (share > bestShare) {
      best = charset;
      bestShare = share;
    }
  }
  return best;
}

/** Characters that running text of each encoding is mostly made of. */
const EAST_ASIAN: readonly (readonly [string, RegExp])[] = [
  [
    'gb18030',
    /[的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头面公同三已老从动两长、。,]/g,
  ],
  [
    'big5',
    /[的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可裡後小麼心多天而能好都然沒日於起還發成事只作當想看文無開手十用主行方又如前所本見經頭面公同三已老從動兩長、。,]/g,
  ],
  ['shift_jis', /[\u3040-\u30ff、。]/g],
  ['euc-jp', /[\u3040-\u30ff、。]/g],
  ['euc-kr', /[\uac00-\ud7a3]/g],
];

/** How well the decoded sample looks like text of the encoding, in [0, 1]; 0 where it has errors. */
function commonShare(sample: Uint8Array, charset: string, common: RegExp): number {
  const { text } = decode(sample, charset);
  const beyond = text.match(/[\u0080-\uffff]/g)?.length ?? 0;
  if (beyond < 8 || errorShare(text) > 0.002) return 0;
  const share = (text.match(common)?.length ?? 0) / beyond;
  // The commonest 110 characters make up a third of Chinese; kana, half of Japanese; hangul, nearly all of Korean.
  const expected = charset === 'euc-kr' ? 0.9 : charset === 'gb18030' || charset === 'big5' ? 0.25 : 0.4;
  return Math.min(1, share / expected);
}

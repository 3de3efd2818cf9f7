/**
 * What a vocabulary consists of: each token's kind by the script of its letters, whether it is UTF-8 on its own, how many
 * characters it has. Read once per tokenizer; a vocabulary of 150,000 takes a third of a second.
 */
import type { JudgedTokenizer } from './judged-tokenizer.ts';

/** Kinds in the order that reports list them. A leading space says nothing about a token's kind. */
export const TOKEN_KINDS = [
  'ASCII letters',
  'other Latin',
  'Han',
  'Kana',
  'Hangul',
  'Cyrillic',
  'Greek',
  'Arabic',
  'Hebrew',
  'Thai',
  'Devanagari',
  'other scripts',
  'several scripts',
  'digits',
  'letters and digits',
  'white space',
  'punctuation and symbols',
  'partial UTF-8',
  'added',
] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

/** Not valid UTF-8 on its own: part of a character, or characters with a part of another. */
export const PARTIAL = 1;
/** One byte of a longer character: what a tokenizer falls back to for characters it does not know. */
export const LONE_BYTE = 2;

export interface VocabularyTable {
  /** By id. */
  kinds: Uint8Array;
  /** By id: PARTIAL, LONE_BYTE. */
  flags: Uint8Array;
  /** By id: bytes of the token. */
  byteLengths: Uint32Array;
  /** By id: the token as text; undefined for partial UTF-8 and ids without a token. */
  texts: (string | undefined)[];
  /** Ids that have a token. */
  tokens: number;
  /** Of these, tokens that texts are encoded as: all but the added ones. */
  regular: number;
}

const KIND_OF_SCRIPT: readonly [TokenKind, RegExp][] = [
  ['ASCII letters', /^[A-Za-z]+$/],
  ['other Latin', /^\p{Script=Latin}+$/u],
  ['Han', /^\p{Script=Han}+$/u],
  // The mark of long vowels belongs to no script.
  ['Kana', /^[\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Han}ー]+$/u],
  ['Hangul', /^\p{Script=Hangul}+$/u],
  ['Cyrillic', /^\p{Script=Cyrillic}+$/u],
  ['Greek', /^\p{Script=Greek}+$/u],
  ['Arabic', /^\p{Script=Arabic}+$/u],
  ['Hebrew', /^\p{Script=Hebrew}+$/u],
  ['Thai', /^\p{Script=Thai}+$/u],
  ['Devanagari', /^\p{Script=Devanagari}+$/u],
];

/** A letter of a script with its marks; what is in no list is told from a mixture by its first letter's block alone. */
const LISTED =
  /[\p{Script=Latin}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Thai}\p{Script=Devanagari}]/u;

/** The kind of a token's text. */
export function kindOfText(text: string): TokenKind {
  if (/^\s+$/u.test(text)) return 'white space';
  const letters = text.replace(/[^\p{L}\p{M}]+/gu, '').replace(/\p{M}+/gu, '');
  const hasDigit = /\p{N}/u.test(text);
  if (letters === '') {
    if (hasDigit) return 'digits';
    // Marks alone: part of a script that writes with them.
    return /\p{M}/u.test(text) ? 'other scripts' : 'punctuation and symbols';
  }
  if (hasDigit) return 'letters and digits';
  for (const [kind, pattern] of KIND_OF_SCRIPT) if (pattern.test(letters)) return kind;
  return LISTED.test(letters) ? 'several scripts' : 'other scripts';
}

/** Reads a tokenizer's whole vocabulary. */
export function readVocabulary(tokenizer: JudgedTokenizer): VocabularyTable {
  const { vocabSize } = tokenizer;
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const table: VocabularyTable = {
    kinds: new Uint8Array(vocabSize),
    flags: new Uint8Array(vocabSize),
    byteLengths: new Uint32Array(vocabSize),
    texts: new Array<string | undefined>(vocabSize).fill(undefined),
    tokens: 0,
    regular: 0,
  };
  for (let id = 0; id < vocabSize; id++) {
    const bytes = tokenizer.tokenBytes(id);
    if (bytes === undefined) continue;
    table.tokens++;
    table.byteLengths[id] = bytes.length;
    let kind: TokenKind;
    try {
      const text = strict.decode(bytes);
      table.texts[id] = text;
      kind = kindOfText(text);
    } catch {
      kind = 'partial UTF-8';
      table.flags[id] = bytes.length === 1 ? PARTIAL | LONE_BYTE : PARTIAL;
    }
    if (tokenizer.isAdded(id)) kind = 'added';
    else table.regular++;
    table.kinds[id] = TOKEN_KINDS.indexOf(kind);
  }
  return table;
}

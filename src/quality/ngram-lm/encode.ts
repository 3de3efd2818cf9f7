/**
 * Lines of tokens (token-lines.ts) as sentences of word numbers: `<s>`, the words, `</s>`.
 *
 * Tokens are divided by space, tab, carriage return and NUL, as lmplz divides them. `<s>`, `</s>`, `<unk>` and `<UNK>` in a
 * text are taken for white space (lmplz: --skip_symbols), so that no text can end a sentence but by a newline.
 */
import { native } from '../../core/native.ts';
import { findWord, SENTENCE_END, SENTENCE_START, SPECIAL_WORDS, UNKNOWN, type Vocabulary } from './vocabulary.ts';

const NEWLINE = 0x0a;
const LESS_THAN = 0x3c;
const RESERVED = [...SPECIAL_WORDS, '<UNK>'].map((word) => Buffer.from(word));

/** Word numbers in [0, length) of an array that grows. */
export interface WordNumbers {
  ids: Uint32Array;
  length: number;
}

/** What encoding may write before it looks for room again: a token and both ends of a sentence. */
const ROOM = 3;

/** How encoding came to a halt. */
const DONE = 0;
const NEW_WORD = 1;
const FULL = 2;

/**
 * Appends the sentences of bytes [0, length) to `numbers`. Words that are not in `vocabulary` are added to it if `isOpen`, and
 * UNKNOWN otherwise. `keepEmpty`: lines without a token are sentences too. The last line ends with a newline.
 */
export function encodeLines(
  vocabulary: Vocabulary,
  bytes: Uint8Array,
  length: number,
  numbers: WordNumbers,
  isOpen: boolean,
  keepEmpty: boolean,
): void {
  const encode = native?.ngramLm.encode ?? encodeTwin;
  state[0] = 0;
  state[1] = numbers.length;
  state[2] = numbers.length;
  for (;;) {
    const { slots, starts, bytes: wordBytes, size } = vocabulary;
    const open = isOpen ? 1 : 0;
    const keep = keepEmpty ? 1 : 0;
    const halt = encode(bytes, length, slots, starts, wordBytes, size, open, keep, numbers.ids, state);
    if (halt === DONE) break;
    if (halt === NEW_WORD) {
      vocabulary.add(bytes, state[0], tokenEnd(bytes, state[0], length));
    } else {
      const larger = new Uint32Array(Math.max(2 * numbers.ids.length, 1 << 12));
      larger.set(numbers.ids.subarray(0, state[1]));
      numbers.ids = larger;
    }
  }
  numbers.length = state[1];
}

/** Bytes read, numbers written, and those at the beginning of the sentence at hand. */
const state = new Uint32Array(3);

/**
 * The twin of encode in native/ngram_lm_words.cc: goes on from `state` and returns DONE, NEW_WORD in front of a token that is
 * not known (of an open vocabulary), or FULL.
 */
export function encodeTwin(
  bytes: Uint8Array,
  length: number,
  slots: Uint32Array,
  starts: Uint32Array,
  wordBytes: Uint8Array,
  wordCount: number,
  isOpen: 0 | 1,
  keepEmpty: 0 | 1,
  ids: Uint32Array,
  state: Uint32Array,
): number {
  let [position, at, start] = state;
  let halt = DONE;
  while (position < length) {
    const byte = bytes[position];
    if (ids.length - at < ROOM) {
      halt = FULL;
      break;
    }
    if (byte === NEWLINE) {
      // Nothing is written of a sentence before its first token.
      if (at > start || keepEmpty === 1) {
        if (at === start) ids[at++] = SENTENCE_START;
        ids[at++] = SENTENCE_END;
      }
      start = at;
      position++;
      continue;
    }
    if (isDelimiter(byte)) {
      position++;
      continue;
    }
    const end = tokenEnd(bytes, position, length);
    if (byte !== LESS_THAN || !isReserved(bytes, position, end)) {
      const id = findWord(slots, starts, wordBytes, wordCount, bytes, position, end);
      if (id < 0 && isOpen === 1) {
        halt = NEW_WORD;
        break;
      }
      if (at === start) ids[at++] = SENTENCE_START;
      ids[at++] = id < 0 ? UNKNOWN : id;
    }
    position = end;
  }
  state[0] = position;
  state[1] = at;
  state[2] = start;
  return halt;
}

function tokenEnd(bytes: Uint8Array, start: number, length: number): number {
  let end = start + 1;
  while (end < length && bytes[end] !== NEWLINE && !isDelimiter(bytes[end])) end++;
  return end;
}

function isDelimiter(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === 0;
}

function isReserved(bytes: Uint8Array, start: number, end: number): boolean {
  return RESERVED.some((word) => word.length === end - start && word.compare(bytes, start, end) === 0);
}

/**
 * TextView: what filters read of a text, each part found once, when first asked for, and shared by all filters of a
 * chain — a further filter must not add a pass.
 *
 * One view serves a worker: `textView` turns it to the text it is given and gives the same view for the same text, so nothing is
 * allocated per document. Whoever holds a view must not keep it, nor the arrays in it, past its own turn.
 * Offsets are in UTF-16 units of `text`; lengths called chars are in code points.
 */
import { type Duplicates, findDuplicates } from './duplicates.ts';
import {
  lineRuns,
  linesBetweenNewlines,
  mayHaveOtherBreaks,
  newlineLines,
  newlineLinesOfLatin1,
  paragraphs,
  universalLines,
} from './lines.ts';
import { countCodePoints } from './unicode.ts';
import { type Bounds, breakWords, createBounds, type UnspacedWords } from './word-break.ts';
import { createWordFeatures, readWords, type WordFeatures } from './words.ts';

/** Arrays longer than this are given back after the text that needed them. */
const RETAINED_UNITS = 1 << 20;

/** A further thing to find in a text, once per text: what `TextView.get` computes at most once. */
export interface Feature<T> {
  slot: number;
  compute(view: TextView): T;
}

let features = 0;

/**
 * Declares a feature that several filters may read (`export const alnumChars = defineFeature((view) => …)`, at the top
 * level of a module). `compute` may read other features; a value that is an object may be reused for the next text.
 */
export function defineFeature<T>(compute: (view: TextView) => T): Feature<T> {
  return { slot: features++, compute };
}

const UNITS = 1;
const NEWLINE_LINES = 2;
const UNIVERSAL_LINES = 4;
const WORDS = 8;
const FEATURES = 16;
const PARAGRAPHS = 32;
const LINE_RUNS = 64;

export class TextView {
  #text = '';
  #done = 0;
  #bytes = Buffer.alloc(1 << 17);
  #units = new Uint16Array(this.#bytes.buffer, this.#bytes.byteOffset, 1 << 16);
  #isLatin1 = false;
  #hasSurrogates = false;
  #charCount = 0;
  #unspaced: UnspacedWords = 'characters';
  #newline = createBounds();
  #universal = createBounds();
  /** Lines of a text without line breaks but newlines: in the arrays of `#newline`. */
  #plain = createBounds(1);
  #lines = this.#universal;
  #words = createBounds();
  #features = createWordFeatures();
  #paragraphs = createBounds(256);
  #lineRuns = createBounds(256);
  /** Values of defined features, and the generation of the text they were computed for. */
  #values: unknown[] = [];
  #computedFor: number[] = [];
  #generation = 1;

  get text(): string {
    return this.#text;
  }

  /** Turns the view to another text. */
  reset(text: string): void {
    this.#text = text;
    this.#done = 0;
    this.#generation++;
    if (this.#units.length > RETAINED_UNITS && text.length <= RETAINED_UNITS) this.#release();
  }

  /** The text's UTF-16 units from 0 to `text.length`; entries after that are left from other texts. */
  get units(): Uint16Array {
    if ((this.#done & UNITS) === 0) this.#readUnits();
    return this.#units;
  }

  /** Code points: Python's `len(text)`. */
  get charCount(): number {
    if ((this.#done & UNITS) === 0) this.#readUnits();
    return this.#charCount;
  }

  /** True when characters beyond U+FFFF may occur. */
  get hasSurrogates(): boolean {
    if ((this.#done & UNITS) === 0) this.#readUnits();
    return this.#hasSurrogates;
  }

  /** Pieces between newlines: `text.split("\n")`. */
  get newlineLines(): Bounds {
    if ((this.#done & NEWLINE_LINES) === 0) {
      const units = this.units;
      if (this.#isLatin1) newlineLinesOfLatin1(this.#text, this.#newline);
      else newlineLines(units, this.#text.length, this.#newline);
      this.#done |= NEWLINE_LINES;
    }
    return this.#newline;
  }

  /** Newlines in the text. */
  get newlineCount(): number {
    return this.newlineLines.count - 1;
  }

  /** Python's `text.splitlines()`. */
  get lines(): Bounds {
    if ((this.#done & UNIVERSAL_LINES) === 0) {
      const units = this.units;
      if (mayHaveOtherBreaks(this.#text, this.#isLatin1)) {
        universalLines(units, this.#text.length, this.#universal);
        this.#lines = this.#universal;
      } else {
        linesBetweenNewlines(this.newlineLines, this.#plain);
        this.#lines = this.#plain;
      }
      this.#done |= UNIVERSAL_LINES;
    }
    return this.#lines;
  }

  /** Pieces between runs of newlines: `re.split("\n+", text)`. */
  get lineRuns(): Bounds {
    if ((this.#done & LINE_RUNS) === 0) {
      lineRuns(this.newlineLines, this.#lineRuns);
      this.#done |= LINE_RUNS;
    }
    return this.#lineRuns;
  }

  /** Pieces between empty lines: `re.split("\n{2,}", text.strip())`. */
  get paragraphs(): Bounds {
    if ((this.#done & PARAGRAPHS) === 0) {
      paragraphs(this.units, this.#text.length, this.newlineLines, this.#paragraphs);
      this.#done |= PARAGRAPHS;
    }
    return this.#paragraphs;
  }

  /**
   * Words: UAX #29 segments that are not white space. Filters of one chain should agree on `unspaced`: words are kept for
   * the one asked last.
   */
  words(unspaced: UnspacedWords): Bounds {
    if (unspaced !== this.#unspaced) {
      this.#unspaced = unspaced;
      this.#done &= ~(WORDS | FEATURES);
    }
    if ((this.#done & WORDS) === 0) {
      breakWords(this.#text, this.units, this.#text.length, this.#words, unspaced);
      this.#done |= WORDS;
    }
    return this.#words;
  }

  /** Hashes, lengths and kinds of the words. */
  wordFeatures(unspaced: UnspacedWords): WordFeatures {
    const words = this.words(unspaced);
    if ((this.#done & FEATURES) === 0) {
      readWords(this.units, words, this.#features, this.#hasSurrogates);
      this.#done |= FEATURES;
    }
    return this.#features;
  }

  /** The value of a feature of this text. */
  get<T>(feature: Feature<T>): T {
    const { slot } = feature;
    if (this.#computedFor[slot] !== this.#generation) {
      this.#values[slot] = feature.compute(this);
      this.#computedFor[slot] = this.#generation;
    }
    return this.#values[slot] as T;
  }

  /** Second and later occurrences among pieces of the text. */
  duplicates(pieces: Bounds): Duplicates {
    return findDuplicates(this.units, pieces, this.#hasSurrogates);
  }

  #readUnits(): void {
    const text = this.#text;
    if (this.#units.length < text.length) {
      const capacity = 2 ** Math.ceil(Math.log2(text.length));
      this.#bytes = Buffer.alloc(capacity * 2);
      this.#units = new Uint16Array(this.#bytes.buffer, this.#bytes.byteOffset, capacity);
    }
    this.#bytes.write(text, 0, 'utf16le');
    const units = this.#units;
    this.#isLatin1 = !BEYOND_LATIN_1.test(text);
    this.#hasSurrogates = !this.#isLatin1 && hasLowSurrogate(units, text.length);
    this.#charCount = this.#hasSurrogates ? countCodePoints(units, 0, text.length) : text.length;
    this.#done |= UNITS;
  }

  #release(): void {
    this.#bytes = Buffer.alloc(1 << 17);
    this.#units = new Uint16Array(this.#bytes.buffer, this.#bytes.byteOffset, 1 << 16);
    this.#newline = createBounds();
    this.#universal = createBounds();
    this.#plain = createBounds(1);
    this.#lines = this.#universal;
    this.#words = createBounds();
    this.#features = createWordFeatures();
    this.#paragraphs = createBounds(256);
    this.#lineRuns = createBounds(256);
  }
}

/** Costs nothing on a string that V8 stores as bytes: the expression is compiled for those to fail at once. */
const BEYOND_LATIN_1 = /[^\0-\xff]/;

function hasLowSurrogate(units: Uint16Array, length: number): boolean {
  for (let i = 0; i < length; i++) if ((units[i] & 0xfc00) === 0xdc00) return true;
  return false;
}

const shared = new TextView();

/** The worker's view, turned to `text`. The same text gives the same view with all that was found so far. */
export function textView(text: string): TextView {
  if (text !== shared.text) shared.reset(text);
  return shared;
}

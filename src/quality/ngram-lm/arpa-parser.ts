/**
 * Parses the lines of an ARPA file into a model's vocabulary and tables (see arpa-reader.ts for what is taken). Its counts in
 * `\data\` decide how large the tables are; n-grams of each order go into them in batches.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { FORM_PREFIX } from './arpa-writer.ts';
import type { LanguageModelData } from './model.ts';
import { MAX_ORDER, parseTokenForm, type TokenForm } from './options.ts';
import { createTables, insertNgrams, type NgramBatch, type NgramTables } from './tables.ts';
import { SENTENCE_END, SENTENCE_START, SPECIAL_WORDS, UNKNOWN, Vocabulary } from './vocabulary.ts';

const NEWLINE = 0x0a;
const MINUS = 0x2d;
const POINT = 0x2e;
/** Characters of a header line that are looked at, and shown in an error. */
const MOST_HEADER = 1000;
const SHOWN = 80;
/** n-grams of a batch. */
const BATCH = 4096;
/** KenLM's log10 p of unknown words where a model has none. */
const NO_UNKNOWN = -100;

/** INPUT_CORRUPT at a line of a model's file. */
export function corruptModel(path: string, line: number, found: string): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `reading the language model ${path}: line ${line}: found ${found}`, {
    hint: 'is it an ARPA file, and whole?',
  });
}

export class ArpaParser {
  /** The line at hand, from 1. */
  line = 0;
  /** The line of an n-gram that cannot be told from an earlier one, once there is one; 0 before. */
  repeatedAt = 0;
  readonly #path: string;
  readonly #seed: number;
  readonly #mostBytes: number;
  #form: TokenForm | undefined;
  #state: 'preamble' | 'sizes' | 'ngrams' | 'end' = 'preamble';
  readonly #sizes: number[] = [];
  /** Order of the section at hand, 0 before the first, and n-grams to come in it. */
  #order = 0;
  #left = 0;
  #tables: NgramTables | undefined;
  readonly #vocabulary = new Vocabulary();
  readonly #hasSpecial = SPECIAL_WORDS.map(() => false);
  readonly #batch: NgramBatch = {
    ids: new Uint32Array(MAX_ORDER * BATCH),
    values: new Float32Array(2 * BATCH),
    count: 0,
  };
  #batchLine = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** A parser for the file at `path` (errors name it), which has no more than `mostBytes`, with a seed of hashes. */
  constructor(path: string, seed: number, mostBytes: number) {
    this.#path = path;
    this.#seed = seed;
    this.#mostBytes = mostBytes;
  }

  /** Parses the whole lines in bytes [0, length) and returns where the rest begins. Throws INPUT_CORRUPT. */
  take(bytes: Buffer, length: number): number {
    this.#bytes = bytes;
    let start = 0;
    while (this.repeatedAt === 0) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end < 0 || end >= length) break;
      this.line++;
      if (this.#left > 0) this.#parseNgram(start, end);
      else this.#parseHeader(bytes.toString('utf8', start, Math.min(end, start + MOST_HEADER)).trim());
      start = end + 1;
    }
    return start;
  }

  /** The model, when all is taken. Throws INPUT_CORRUPT when something is missing, or stands twice. */
  finish(): Omit<LanguageModelData, 'form'> & { form: TokenForm | undefined } {
    if (this.repeatedAt > 0) throw this.#corrupt('an n-gram that stands in the file already', this.repeatedAt);
    if (this.#state === 'preamble') throw this.#corrupt('the end of the file, and no \\data\\ before it');
    if (this.#state !== 'end' || this.#tables === undefined) throw this.#corrupt('the end of the file before \\end\\');
    for (const id of [SENTENCE_START, SENTENCE_END]) {
      if (!this.#hasSpecial[id]) throw this.#corrupt(`no unigram ${SPECIAL_WORDS[id]}`);
    }
    if (!this.#hasSpecial[UNKNOWN]) this.#tables.unigrams[2 * UNKNOWN] = NO_UNKNOWN;
    return { form: this.#form, vocabulary: this.#vocabulary, tables: this.#tables };
  }

  #corrupt(found: string, line = this.line): CorpusmillError {
    return corruptModel(this.#path, line, found);
  }

  #parseHeader(line: string): void {
    if (this.#state === 'preamble') {
      if (line.startsWith(FORM_PREFIX)) this.#form = this.#parseForm(line.slice(FORM_PREFIX.length));
      if (line === '\\data\\') this.#state = 'sizes';
      return;
    }
    if (line === '') return;
    const size = /^ngram\s+(\d+)\s*=\s*(\d+)$/.exec(line);
    if (size !== null && this.#state === 'sizes') {
      if (Number(size[1]) !== this.#sizes.length + 1) throw this.#corrupt(`${line}, out of order`);
      if (this.#sizes.length === MAX_ORDER) throw this.#corrupt(`n-grams of more than ${MAX_ORDER} words`);
      this.#sizes.push(Number(size[2]));
    } else if (line === `\\${this.#order + 1}-grams:` && this.#order < this.#sizes.length) {
      this.#state = 'ngrams';
      this.#tables ??= this.#createTables();
      this.#left = this.#sizes[this.#order++];
    } else if (line === '\\end\\' && this.#order > 0 && this.#order === this.#sizes.length) {
      this.#state = 'end';
    } else {
      throw this.#corrupt(JSON.stringify(line.slice(0, SHOWN)));
    }
  }

  #createTables(): NgramTables {
    // A digit, and each word with what divides it: no line is shorter. Before tables of any size are made.
    const least = this.#sizes.reduce((sum, size, k) => sum + size * (2 * (k + 1) + 2), 0);
    if (least > this.#mostBytes)
      throw this.#corrupt(`the header's ${this.#sizes.join(', ')} n-grams in a smaller file`);
    return createTables(this.#sizes, this.#sizes[0] + SPECIAL_WORDS.length, this.#seed);
  }

  #parseForm(json: string): TokenForm {
    try {
      return parseTokenForm(JSON.parse(json));
    } catch {
      throw this.#corrupt(`${JSON.stringify(json.slice(0, SHOWN))}, which is no form of tokens`);
    }
  }

  #parseNgram(start: number, end: number): void {
    const order = this.#order;
    const { ids, values } = this.#batch;
    const i = this.#batch.count++;
    if (i === 0) this.#batchLine = this.line;
    this.#at = start;
    const logProbability = this.#parseNumber(end);
    if (logProbability > 0) throw this.#corrupt(`the log10 of a probability of ${logProbability}`);
    for (let word = 0; word < order; word++) ids[order * i + word] = this.#parseWord(end, order === 1);
    this.#skipBlanks(end);
    values[2 * i] = logProbability;
    values[2 * i + 1] = this.#at < end ? this.#parseNumber(end) : 0;
    this.#skipBlanks(end);
    if (this.#at < end) throw this.#corrupt('something behind the back-off weight');
    this.#left--;
    if (this.#batch.count === BATCH || this.#left === 0) this.#insertBatch();
  }

  #insertBatch(): void {
    const { ids, values, count } = this.#batch;
    const tables = this.#tables!;
    if (this.#order === 1) {
      for (let i = 0; i < count; i++) tables.unigrams.set(values.subarray(2 * i, 2 * i + 2), 2 * ids[i]);
    } else {
      const done = insertNgrams(tables, this.#order, this.#batch, false);
      if (done < count) this.repeatedAt = this.#batchLine + done;
    }
    this.#batch.count = 0;
  }

  #skipBlanks(end: number): void {
    while (this.#at < end && isBlank(this.#bytes[this.#at])) this.#at++;
  }

  /** The number of the word at hand, which is new if it `isUnigram`. */
  #parseWord(end: number, isUnigram: boolean): number {
    const bytes = this.#bytes;
    this.#skipBlanks(end);
    const start = this.#at;
    let stop = start;
    while (stop < end && !isBlank(bytes[stop])) stop++;
    if (start === stop) throw this.#corrupt('the end of the line where a word should be');
    this.#at = stop;
    let id = isUnigram ? -1 : this.#vocabulary.find(bytes, start, stop);
    if (id >= 0) return id;
    const text = (): string => Buffer.from(bytes.subarray(start, Math.min(stop, start + SHOWN))).toString('utf8');
    const size = this.#vocabulary.size;
    if (stop - start === 5 && text() === '<UNK>') id = UNKNOWN;
    else if (!isUnigram) throw this.#corrupt(`${JSON.stringify(text())}, which is no unigram`);
    else id = this.#vocabulary.add(bytes, start, stop);
    if (isUnigram) {
      if (id < SPECIAL_WORDS.length ? this.#hasSpecial[id] : id < size)
        throw this.#corrupt(`${text()} for the second time`);
      if (id < SPECIAL_WORDS.length) this.#hasSpecial[id] = true;
    }
    return id;
  }

  #parseNumber(end: number): number {
    const bytes = this.#bytes;
    this.#skipBlanks(end);
    const start = this.#at;
    let at = start;
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    let digits = 0;
    let point = -1;
    let mantissa = 0;
    for (; at < end; at++) {
      const byte = bytes[at];
      if (byte === POINT && point < 0) point = digits;
      else if (byte >= 0x30 && byte <= 0x39) {
        mantissa = mantissa * 10 + (byte - 0x30);
        digits++;
      } else break;
    }
    if (digits > 0 && digits <= 15 && (at === end || isBlank(bytes[at]))) {
      this.#at = at;
      // Both are whole numbers that a float64 holds exactly, so that the quotient is the nearest one.
      const value = point < 0 ? mantissa : mantissa / 10 ** (digits - point);
      return isNegative ? -value : value;
    }
    while (at < end && !isBlank(bytes[at])) at++;
    this.#at = at;
    const text = Buffer.from(bytes.subarray(start, at)).toString('latin1');
    const value = Number(text);
    if (text === '') throw this.#corrupt('the end of the line where a number should be');
    if (!Number.isFinite(value)) {
      throw this.#corrupt(`${JSON.stringify(text.slice(0, SHOWN))} where a number should be`);
    }
    return value;
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

/**
 * A byte-level BPE tokenizer: text to ids and back, exactly as HF `tokenizers` and tiktoken do for the same vocabulary.
 *
 *   text → NFC (where the file says so) → UTF-8 → pieces (pre-tokenizer) → merges → ids
 *
 * Unless told otherwise, `encode` treats the whole text as text: special tokens are neither added nor recognised, so a document that contains
 * the characters `<|im_end|>` cannot forge a border (Qwen's tokenization note, "injection attack prevention").
 */
import { readFile } from 'node:fs/promises';
import { CorpusmillError } from '../core/errors.ts';
import { sha256Hex } from '../core/sha256.ts';
import type { Utf8Column } from '../core/utf8-column.ts';
import { createTokenMatcher, type TokenMatcher } from './chat/token-matcher.ts';
import { createIdWriter } from './create-id-writer.ts';
import { type HfFile, readHfFile } from './hf-file.ts';
import { type AddedToken, type BpeTables, readHfTokenizer } from './hf-json.ts';
import type { IdWriter } from './id-writer.ts';
import { nativeBpe } from './native-bpe.ts';
import { normalizeText } from './normalization.ts';
import { createStreamDecoder, type StreamDecoder } from './stream-decoder.ts';
import { type OffsetEncoding, offsetsOf } from './token-offsets.ts';

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The text of a tokenizer.json as corpusmill writes it; its SHA-256 is the tokenizer's `hash`. */
export function tokenizerJsonText(json: object): string {
  return `${JSON.stringify(json, null, 1)}\n`;
}

/** What becomes of the characters of a special token in a text. */
export type SpecialPolicy = 'text' | 'allowed' | 'forbidden';

export type TokenIds = Uint16Array | Uint32Array;

export interface BatchOptions {
  /** Id before and behind every text; -1: none. */
  before?: number;
  after?: number;
  /** Gives memory for so many bytes, or more, of which the ids then are a view: to use the same again. Else they get their own. */
  memory?(bytes: number): Uint8Array;
}

export interface EncodedBatch<Ids extends TokenIds> {
  ids: Ids;
  /** One more than there are texts, from 0 to `ids.length`. */
  offsets: Uint32Array;
}

/** Room for ids, of 16 bits where they are narrow. */
export function idArray(count: number, isNarrow: boolean, memory: BatchOptions['memory']): TokenIds {
  if (memory === undefined) return isNarrow ? new Uint16Array(count) : new Uint32Array(count);
  const { buffer, byteOffset } = memory(count * (isNarrow ? 2 : 4));
  return isNarrow ? new Uint16Array(buffer, byteOffset, count) : new Uint32Array(buffer, byteOffset, count);
}

export class Tokenizer {
  /** Largest id + 1, special tokens included. */
  readonly vocabSize: number;
  /** SHA-256 in hexadecimal of the bytes of tokenizer.json. */
  readonly hash: string;
  /** The pre-tokenizer's regular expression. */
  readonly pattern: string;

  readonly #json: () => unknown;
  readonly #tables: BpeTables;
  readonly #writer: IdWriter;
  readonly #specials: Set<number>;
  /** Made when a text is first searched for special tokens. */
  #matcher: TokenMatcher | undefined;

  private constructor(json: () => unknown, tables: BpeTables, hash: string) {
    this.#json = json;
    this.#tables = tables;
    this.vocabSize = tables.vocabSize;
    this.hash = hash;
    this.pattern = tables.pattern;
    this.#writer = createIdWriter(tables);
    this.#specials = new Set(tables.added.filter((token) => token.special).map((token) => token.id));
  }

  /** Reads an HF tokenizer.json. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE or INPUT_CORRUPT. */
  static async fromFile(path: string): Promise<Tokenizer> {
    let bytes: Uint8Array;
    try {
      bytes = await readFile(path);
    } catch (error) {
      const missing = (error as { code?: unknown }).code === 'ENOENT';
      throw new CorpusmillError(
        missing ? 'INPUT_NOT_FOUND' : 'INPUT_UNREADABLE',
        `reading the tokenizer ${path}: ${missing ? 'there is no such file' : (error as Error).message}`,
        { hint: 'Give the path of a tokenizer.json file.', cause: error },
      );
    }
    let file: HfFile;
    try {
      file = readHfFile(bytes, nativeBpe);
    } catch (error) {
      throw new CorpusmillError('INPUT_CORRUPT', `reading the tokenizer ${path}: ${(error as Error).message}`, {
        hint: 'It must be an HF tokenizer.json (uncompressed).',
        cause: error,
      });
    }
    return Tokenizer.fromHfFile(file, path, sha256Hex(bytes));
  }

  /** The same from a file's content; `source` names it in messages, the hash is that of its bytes. */
  static fromHfFile(file: HfFile, source: string, hash: string): Tokenizer {
    return new Tokenizer(file.whole, file.readTables(source), hash);
  }

  /** The same from parsed JSON; the hash, unless given, is that of the file corpusmill would write for it. */
  static fromJson(json: unknown, hash?: string): Tokenizer {
    const tables = readHfTokenizer(json, 'given as JSON');
    return new Tokenizer(() => json, tables, hash ?? sha256Hex(utf8.encode(tokenizerJsonText(json as object))));
  }

  /**
   * Ids of a text; lone surrogates are encoded as U+FFFD. `special` says what becomes of the characters of an added token
   * such as `<|im_end|>`: they are text ('text', the default), the token ('allowed'), or an error, INPUT_CORRUPT, that names
   * token and position ('forbidden').
   */
  encode(text: string, options: { special?: SpecialPolicy } = {}): Uint32Array {
    this.#append(text, options.special ?? 'text');
    return this.#taken();
  }

  /**
   * Appends the ids of a text to `out` from `at` and returns the new end. Throws RangeError when they do not fit (what
   * was written from `at` on is then undefined). At most `text.length * 3` ids; twice that where the tokenizer
   * normalizes to NFC, which lengthens a few characters.
   */
  encodeInto(text: string, out: Uint32Array, at: number): number {
    this.#append(text, 'text');
    const end = at + this.#writer.size();
    this.#writer.take(out, at);
    return end;
  }

  /**
   * Ids of many texts end to end: text i has `ids[offsets[i], offsets[i + 1])`. Texts are strings or, without a string being
   * made, a column of UTF-8 as Arrow has it; `before` and `after` are ids to put around each (-1, the default: none). As in
   * `encode` by default, special tokens in a text are text. Throws INPUT_CORRUPT for bytes that are not UTF-8. `ids` is of 16
   * bits when `narrow` says so and the vocabulary allows.
   */
  encodeBatch(
    texts: readonly string[] | Utf8Column,
    options?: BatchOptions & { narrow?: false },
  ): EncodedBatch<Uint32Array>;
  encodeBatch(
    texts: readonly string[] | Utf8Column,
    options: BatchOptions & { narrow: boolean },
  ): EncodedBatch<TokenIds>;
  encodeBatch(
    texts: readonly string[] | Utf8Column,
    options: BatchOptions & { narrow?: boolean } = {},
  ): EncodedBatch<TokenIds> {
    const { before = -1, after = -1, narrow = false } = options;
    const writer = this.#writer;
    const count = 'offsets' in texts ? texts.offsets.length - 1 : texts.length;
    const offsets = new Uint32Array(Math.max(count, 0) + 1);
    const ends = offsets.subarray(1);
    try {
      if ('offsets' in texts) {
        if (count > 0) writer.appendColumn(texts, before, after, ends);
      } else {
        for (let i = 0; i < count; i++) {
          if (before >= 0) writer.appendId(before);
          writer.appendText(texts[i]);
          if (after >= 0) writer.appendId(after);
          ends[i] = writer.size();
        }
      }
    } catch (error) {
      writer.clear();
      throw error;
    }
    const ids = idArray(writer.size(), narrow && this.vocabSize <= 0x10000, options.memory);
    writer.take(ids, 0);
    return { ids, offsets };
  }

  /**
   * Ids of a text and where each begins, in bytes and in UTF-16 units of `text` of the result: the text as it was encoded,
   * which is the given one after normalization. See token-offsets.ts.
   */
  encodeWithOffsets(text: string, options: { special?: SpecialPolicy } = {}): OffsetEncoding {
    const ids = this.encode(text, options);
    return offsetsOf(ids, this.#normalized(text, options.special ?? 'text'), (id) => this.tokenBytes(id));
  }

  /**
   * Text of ids; byte sequences that are not UTF-8 become U+FFFD. `skipSpecial` leaves control tokens out.
   * Throws INPUT_CORRUPT for an id without a token.
   */
  decode(ids: ArrayLike<number>, options: { skipSpecial?: boolean } = {}): string {
    const skip = options.skipSpecial === true;
    const tokens = this.#tables.tokens;
    let length = 0;
    for (let i = 0; i < ids.length; i++) length += (tokens[ids[i]] ?? this.#noToken(ids[i], i)).length;
    const bytes = new Uint8Array(length);
    let end = 0;
    for (let i = 0; i < ids.length; i++) {
      if (skip && this.#specials.has(ids[i])) continue;
      const token = tokens[ids[i]]!;
      bytes.set(token, end);
      end += token.length;
    }
    return fromUtf8.decode(bytes.subarray(0, end));
  }

  /** Text of ids that come one at a time: see `StreamDecoder`. */
  decoder(options: { skipSpecial?: boolean } = {}): StreamDecoder {
    return createStreamDecoder((id) =>
      options.skipSpecial === true && this.#specials.has(id) ? undefined : this.tokenBytes(id),
    );
  }

  /** Bytes of one token; do not write into them. Throws INPUT_CORRUPT for an id without a token. */
  tokenBytes(id: number): Uint8Array {
    return this.#tables.tokens[id] ?? this.#noToken(id, undefined);
  }

  /** Control tokens and other words that are matched as a whole, in the order of the file. */
  get addedTokens(): readonly AddedToken[] {
    return this.#tables.added;
  }

  /** Id of an added token such as `<|endoftext|>`, or undefined. */
  specialId(token: string): number | undefined {
    return this.#tables.added.find((added) => added.content === token)?.id;
  }

  /** The tokenizer as HF tokenizer.json; equal to what it was read from. */
  toJson(): object {
    return this.#json() as object;
  }

  #append(text: string, special: SpecialPolicy): void {
    try {
      if (special === 'text') {
        this.#writer.appendText(text);
        return;
      }
      let from = 0;
      for (const { token, start, end } of this.#matches(text)) {
        if (special === 'forbidden') this.#forbidden(token, text, start);
        this.#writer.appendText(text.slice(from, start));
        this.#writer.appendId(token.id);
        from = end;
      }
      this.#writer.appendText(text.slice(from));
    } catch (error) {
      this.#writer.clear();
      throw error;
    }
  }

  #matches(text: string): ReturnType<TokenMatcher['matches']> {
    this.#matcher ??= createTokenMatcher(this.#tables.added);
    return this.#matcher.matches(text);
  }

  #forbidden(token: AddedToken, text: string, at: number): never {
    const start = text.indexOf(token.content, at);
    throw new CorpusmillError(
      'INPUT_CORRUPT',
      `encoding a text: it holds the special token ${token.content} at character ${start}`,
      { hint: "Encode with special: 'text' to take the characters as text, or 'allowed' to get the token." },
    );
  }

  /** The text whose UTF-8 the ids spell. */
  #normalized(text: string, special: SpecialPolicy): string {
    const normal = (part: string): string => normalizeText(part, this.#tables.normalization).toWellFormed();
    if (special !== 'allowed') return normal(text);
    let out = '';
    let from = 0;
    for (const { token, start, end } of this.#matches(text)) {
      out += normal(text.slice(from, start)) + token.content;
      from = end;
    }
    return out + normal(text.slice(from));
  }

  #taken(): Uint32Array {
    const ids = new Uint32Array(this.#writer.size());
    this.#writer.take(ids, 0);
    return ids;
  }

  #noToken(id: number, index: number | undefined): never {
    const where = index === undefined ? '' : ` at position ${index}`;
    throw new CorpusmillError('INPUT_CORRUPT', `decoding ids: there is no token ${id}${where}`, {
      hint: `The vocabulary ends at ${this.vocabSize - 1}; were the ids made with another tokenizer?`,
    });
  }
}

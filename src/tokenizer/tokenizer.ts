/**
 * A byte-level BPE tokenizer: text to ids and back, exactly as HF `tokenizers` and tiktoken do for the same vocabulary.
 *
 *   text → NFC (where the file says so) → UTF-8 → pieces (pre-tokenizer) → merges → ids
 *
 * `encode` treats the whole text as text: special tokens are neither added nor recognised, so a document that contains
 * the characters `<|im_end|>` cannot forge a border (Qwen's tokenization note, "injection attack prevention").
 */
import { readFile } from 'node:fs/promises';
import { CorpusmillError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import { createPieceMerger, type PieceMerger } from './bpe-merge-piece.ts';
import { createMergeTable } from './bpe-merges.ts';
import { type AddedToken, type BpeTables, readHfTokenizer } from './hf-json.ts';
import { createPieceEncoder, type PieceEncoder } from './piece-encoder.ts';
import { createSegmenter, type PieceSink, type Segmenter } from './segmenter.ts';

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Scratch for longer texts is given back after use. */
const MAX_KEPT_IDS = 1 << 21;

/** The text of a tokenizer.json as corpusmill writes it; its SHA-256 is the tokenizer's `hash`. */
export function tokenizerJsonText(json: object): string {
  return `${JSON.stringify(json, null, 1)}\n`;
}

export class Tokenizer {
  /** Largest id + 1, special tokens included. */
  readonly vocabSize: number;
  /** SHA-256 in hexadecimal of the bytes of tokenizer.json. */
  readonly hash: string;
  /** The pre-tokenizer's regular expression. */
  readonly pattern: string;

  readonly #json: unknown;
  readonly #tables: BpeTables;
  readonly #segmenter: Segmenter;
  readonly #sink: IdSink;
  readonly #specials: Set<number>;
  #scratch: Uint32Array = new Uint32Array(1 << 16);

  private constructor(json: unknown, tables: BpeTables, hash: string) {
    this.#json = json;
    this.#tables = tables;
    this.vocabSize = tables.vocabSize;
    this.hash = hash;
    this.pattern = tables.pattern;
    this.#segmenter = createSegmenter(tables.pattern, tables.normalization);
    this.#sink = new IdSink(createPieceEncoder(createMerger(tables)), this.#scratch);
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
    let json: unknown;
    try {
      json = JSON.parse(fromUtf8.decode(bytes));
    } catch (error) {
      throw new CorpusmillError('INPUT_CORRUPT', `reading the tokenizer ${path}: ${(error as Error).message}`, {
        hint: 'It must be an HF tokenizer.json (uncompressed).',
        cause: error,
      });
    }
    return new Tokenizer(json, readHfTokenizer(json, path), sha256Hex(bytes));
  }

  /** The same from parsed JSON; the hash is that of the file corpusmill would write for it. */
  static fromJson(json: unknown): Tokenizer {
    const tables = readHfTokenizer(json, 'given as JSON');
    return new Tokenizer(json, tables, sha256Hex(utf8.encode(tokenizerJsonText(json as object))));
  }

  /** Ids of a text. Lone surrogates are encoded as U+FFFD. */
  encode(text: string): Uint32Array {
    const sink = this.#sink;
    sink.at = 0;
    sink.mayGrow = true;
    sink.out = this.#scratch;
    this.#segmenter.segment(text, sink);
    if (sink.out.length <= MAX_KEPT_IDS) this.#scratch = sink.out;
    return sink.out.slice(0, sink.at);
  }

  /**
   * Appends the ids of a text to `out` from `at` and returns the new end. Throws RangeError when they do not fit (what
   * was written from `at` on is then undefined). At most `text.length * 3` ids; twice that where the tokenizer
   * normalizes to NFC, which lengthens a few characters.
   */
  encodeInto(text: string, out: Uint32Array, at: number): number {
    const sink = this.#sink;
    sink.at = at;
    sink.mayGrow = false;
    sink.out = out;
    this.#segmenter.segment(text, sink);
    sink.out = this.#scratch;
    return sink.at;
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
    return this.#json as object;
  }

  #noToken(id: number, index: number | undefined): never {
    const where = index === undefined ? '' : ` at position ${index}`;
    throw new CorpusmillError('INPUT_CORRUPT', `decoding ids: there is no token ${id}${where}`, {
      hint: `The vocabulary ends at ${this.vocabSize - 1}; were the ids made with another tokenizer?`,
    });
  }
}

/** Where pieces go when encoding: their ids are appended to `out`. */
class IdSink implements PieceSink {
  readonly #encoder: PieceEncoder;
  out: Uint32Array;
  at = 0;
  /** Whether `out` may be replaced by a larger array. */
  mayGrow = false;

  constructor(encoder: PieceEncoder, out: Uint32Array) {
    this.#encoder = encoder;
    this.out = out;
  }

  pieces(bytes: Uint8Array, start: number, ends: Uint32Array, count: number): void {
    // One id stands for at least one byte.
    const room = this.at + ends[count - 1] - start;
    if (this.mayGrow && room > this.out.length) {
      const larger = new Uint32Array(Math.max(room, this.out.length * 2));
      larger.set(this.out.subarray(0, this.at));
      this.out = larger;
    }
    this.at = this.#encoder.encodePieces(bytes, start, ends, count, this.out, this.at);
  }
}

/** The merger of a model, with the whole-piece rule of Llama 3 where the file asks for it. */
function createMerger(tables: BpeTables): PieceMerger {
  const byteIds = new Int32Array(256).fill(-1);
  const added = new Set(tables.added.map((token) => token.id));
  tables.tokens.forEach((token, id) => {
    if (token?.length === 1 && !added.has(id)) byteIds[token[0]] = id;
  });
  const table = createMergeTable(tables.lefts, tables.rights, tables.products);
  const merger = createPieceMerger(table, tables.tokens, byteIds, (byte) => {
    throw new CorpusmillError(
      'INPUT_CORRUPT',
      `encoding a text: the vocabulary has no token for the byte 0x${byte.toString(16).padStart(2, '0')}`,
      { hint: 'Train the tokenizer with the full byte alphabet (corpusmill always does).' },
    );
  });
  if (!tables.ignoreMerges) return merger;
  const whole = new Map<string, number>();
  tables.tokens.forEach((token, id) => {
    if (token !== undefined && !added.has(id)) whole.set(latin1(token, 0, token.length), id);
  });
  return {
    merge(bytes, start, end, out, at) {
      const id = whole.get(latin1(bytes, start, end));
      if (id === undefined) return merger.merge(bytes, start, end, out, at);
      out[at] = id;
      return at + 1;
    },
  };
}

/** Bytes as a string of equal length, for use as a key. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
}

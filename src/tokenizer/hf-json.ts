/**
 * HF `tokenizer.json` (byte-level BPE) to and from the flat form that encoding uses.
 *
 * Read: Qwen2/2.5/3, GPT-2, Llama 3, DeepSeek, StarCoder and kin, and everything written here. Parts that would change ids and are not
 * implemented (other normalizers, dropout, prefixes) are refused by name, never passed over.
 * Source: huggingface/tokenizers, `tokenizers/src/models/bpe/serialization.rs` and `pre_tokenizers/`.
 */
import { CorpusmillError } from '../core/errors.ts';
import { alphabetToBytesInto, bytesToAlphabet } from './byte-alphabet.ts';
import { NORMAL_FORMS, type Normalization } from './normalization.ts';
import { joinPatterns, PATTERNS, splitPatterns } from './pre-tokenizer.ts';

export type { Normalization };

export interface AddedToken {
  id: number;
  content: string;
  /** Control token: left out by `decode` with `skipSpecial`. */
  special: boolean;
  /** Where tokens are matched in a text, this one takes the white space before or behind it along. */
  lstrip?: boolean;
  rstrip?: boolean;
}

/** A byte-level BPE tokenizer as flat tables. */
export interface BpeTables {
  /** Largest id + 1. */
  vocabSize: number;
  /** By id: the token's bytes; undefined where no token has the id. Added tokens hold the UTF-8 of their content. */
  tokens: (Uint8Array | undefined)[];
  /** By rank: the ids joined, and the id they become. */
  lefts: Int32Array;
  rights: Int32Array;
  products: Int32Array;
  added: AddedToken[];
  normalization: Normalization;
  /** Regular expression of the pre-tokenizer. */
  pattern: string;
  /** A piece that is a token as a whole is not merged (Llama 3). */
  ignoreMerges: boolean;
}

/** What a file says besides its vocabulary and merges. */
export type HfHead = Pick<BpeTables, 'added' | 'normalization' | 'pattern' | 'ignoreMerges'>;

/** Throws what is wrong with a file. */
export type Fail = (what: string) => never;

/** Names `source` in what it throws: CorpusmillError INPUT_CORRUPT. */
export function failsFor(source: string): Fail {
  return (what) => {
    throw new CorpusmillError('INPUT_CORRUPT', `reading the tokenizer ${source}: ${what}`, {
      hint: 'It must be an HF tokenizer.json with a byte-level BPE model, as Qwen, GPT-2 and Llama 3 have.',
    });
  };
}

/** Reads parsed JSON. `source` names it in messages. */
export function readHfTokenizer(json: unknown, source: string): BpeTables {
  const fail: Fail = failsFor(source);
  const head = readHfHead(json, fail);
  const model = object(object(json)?.['model']);
  const vocab = object(model?.['vocab']) ?? fail('it has no "model.vocab"');
  const { tokens, idOf } = readVocab(vocab, new Set(head.added.map((token) => token.content)), fail);
  const utf8 = new TextEncoder();
  for (const token of head.added) tokens[token.id] = utf8.encode(token.content);
  const merges = Array.isArray(model?.['merges']) ? model['merges'] : fail('it has no "model.merges"');
  return { vocabSize: tokens.length, tokens, ...readMerges(merges, idOf, fail), ...head };
}

/** The rest of parsed JSON; does not look at vocabulary and merges. */
export function readHfHead(json: unknown, fail: Fail): HfHead {
  const root = object(json) ?? fail('it is not a JSON object');
  const model = object(root['model']) ?? fail('it has no "model"');
  const type = model['type'] ?? 'BPE';
  if (type !== 'BPE') fail(`the model type is ${JSON.stringify(type)}, expected "BPE"`);
  for (const key of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix']) {
    if (model[key]) fail(`model.${key} is ${JSON.stringify(model[key])}, which is not supported`);
  }
  const addedList = Array.isArray(root['added_tokens']) ? root['added_tokens'] : [];
  const added = addedList.map((entry: unknown, index): AddedToken => {
    const token = object(entry);
    const id = token?.['id'];
    const content = token?.['content'];
    if (!isId(id) || typeof content !== 'string') return fail(`added_tokens[${index}] has no id or content`);
    return {
      id,
      content,
      special: token?.['special'] === true,
      ...(token?.['lstrip'] === true && { lstrip: true }),
      ...(token?.['rstrip'] === true && { rstrip: true }),
    };
  });
  return {
    added,
    normalization: readNormalizer(root['normalizer'], fail),
    pattern: readPattern(root['pre_tokenizer'], fail),
    ignoreMerges: model['ignore_merges'] === true,
  };
}

/** Bytes of each token, all in one piece of memory: every worker of a run reads a vocabulary, and waits for it. */
function readVocab(
  vocab: Record<string, unknown>,
  added: ReadonlySet<string>,
  fail: Fail,
): { tokens: (Uint8Array | undefined)[]; idOf: Map<string, number> } {
  const words = Object.keys(vocab);
  const memory = new Uint8Array(words.reduce((sum, word) => sum + word.length, 0));
  const tokens: (Uint8Array | undefined)[] = [];
  const idOf = new Map<string, number>();
  let end = 0;
  for (const word of words) {
    const id = vocab[word];
    if (!isId(id)) return fail(`the id of ${JSON.stringify(word)} is ${JSON.stringify(id)}`);
    const start = end;
    end = alphabetToBytesInto(word, memory, start);
    if (end < 0 && !added.has(word)) {
      fail(outsideAlphabet(word));
    }
    tokens[id] = end < 0 ? undefined : memory.subarray(start, end);
    end = Math.max(start, end);
    idOf.set(word, id);
  }
  return { tokens, idOf };
}

/** What is wrong with a word that is no added token. */
export function outsideAlphabet(word: string): string {
  return `the token ${JSON.stringify(word)} has characters outside the byte alphabet, so it is not byte-level`;
}

function readMerges(
  merges: readonly unknown[],
  idOf: ReadonlyMap<string, number>,
  fail: Fail,
): Pick<BpeTables, 'lefts' | 'rights' | 'products'> {
  const lefts = new Int32Array(merges.length);
  const rights = new Int32Array(merges.length);
  const products = new Int32Array(merges.length);
  for (let rank = 0; rank < merges.length; rank++) {
    const merge = merges[rank];
    let left: unknown;
    let right: unknown;
    if (typeof merge === 'string') {
      const space = merge.indexOf(' ');
      if (space < 0 || merge.indexOf(' ', space + 1) >= 0) fail(`merge ${rank} is ${JSON.stringify(merge)}`);
      left = merge.slice(0, space);
      right = merge.slice(space + 1);
    } else {
      if (!Array.isArray(merge) || merge.length !== 2) return fail(`merge ${rank} is ${JSON.stringify(merge)}`);
      [left, right] = merge;
    }
    const joined = (left as string) + (right as string);
    const [leftId, rightId, product] = [idOf.get(left as string), idOf.get(right as string), idOf.get(joined)];
    if (leftId === undefined || rightId === undefined || product === undefined) {
      const missing = leftId === undefined ? left : rightId === undefined ? right : joined;
      return fail(`merge ${rank} needs the token ${JSON.stringify(missing)}`);
    }
    lefts[rank] = leftId;
    rights[rank] = rightId;
    products[rank] = product;
  }
  return { lefts, rights, products };
}

function readNormalizer(json: unknown, fail: Fail): Normalization {
  if (json === null || json === undefined) return 'none';
  const normalizer = object(json);
  const type = normalizer?.['type'];
  const form = NORMAL_FORMS.find((name) => name.toUpperCase() === type);
  if (form !== undefined) return form;
  if (type === 'Sequence' && Array.isArray(normalizer?.['normalizers'])) {
    const all = normalizer['normalizers'].map((inner) => readNormalizer(inner, fail));
    const [first = 'none', ...others] = new Set(all.filter((one) => one !== 'none'));
    if (others.length > 0) fail(`the normalizers ${all.join(' and ')} after one another are not supported`);
    return first;
  }
  return fail(`the normalizer ${JSON.stringify(type)} is not supported; NFC, NFKC, NFD, NFKD and none are`);
}

/** Split, Digits and ByteLevel, each cutting the pieces of the one before. */
function readPattern(json: unknown, fail: Fail): string {
  const patterns: string[] = [];
  let byteLevel = false;
  for (const step of preTokenizers(json)) {
    if (byteLevel) fail('a pre-tokenizer after ByteLevel is not supported');
    if (step?.['type'] === 'Split') patterns.push(splitPattern(step, fail));
    else if (step?.['type'] === 'Digits') patterns.push(step['individual_digits'] === true ? '\\p{N}' : '\\p{N}+');
    else if (step?.['type'] === 'ByteLevel') {
      byteLevel = true;
      if (step['add_prefix_space'] === true) fail('add_prefix_space is not supported');
      if (step['use_regex'] !== false) patterns.push(PATTERNS.gpt2);
    } else
      fail(`the pre-tokenizer ${JSON.stringify(step?.['type'])} is not supported; Split, Digits and ByteLevel are`);
  }
  if (!byteLevel) fail('its pre-tokenizer has no ByteLevel step');
  // Without any split the whole text is one piece.
  return patterns.length === 0 ? '[^]+' : joinPatterns(patterns);
}

function preTokenizers(json: unknown): (Record<string, unknown> | undefined)[] {
  const root = object(json);
  if (root?.['type'] !== 'Sequence' || !Array.isArray(root['pretokenizers'])) return [root];
  return root['pretokenizers'].flatMap(preTokenizers);
}

function splitPattern(step: Record<string, unknown>, fail: Fail): string {
  const pattern = object(step['pattern']);
  if (step['behavior'] !== 'Isolated' || step['invert'] === true) fail('a Split that is not Isolated is not supported');
  const regex = pattern?.['Regex'];
  if (typeof regex === 'string') return regex;
  const text = pattern?.['String'];
  return typeof text === 'string'
    ? text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    : fail('a Split by anything but a Regex or a String is not supported');
}

/** The JSON of a tokenizer, in the layout and key order of Qwen2.5's own file. */
export function writeHfTokenizer(tables: BpeTables): object {
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  const addedIds = new Set(tables.added.map((token) => token.id));
  const words: string[] = [];
  tables.tokens.forEach((bytes, id) => {
    if (bytes !== undefined && !addedIds.has(id)) words[id] = bytesToAlphabet(bytes);
  });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: tables.added.map(({ id, content, special, lstrip = false, rstrip = false }) => ({
      id,
      content,
      single_word: false,
      lstrip,
      rstrip,
      normalized: false,
      special,
    })),
    normalizer: tables.normalization === 'none' ? null : { type: tables.normalization.toUpperCase() },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        ...splitPatterns(tables.pattern).map((regex) => ({
          type: 'Split',
          pattern: { Regex: regex },
          behavior: 'Isolated',
          invert: false,
        })),
        byteLevel,
      ],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ...(tables.ignoreMerges ? { ignore_merges: true } : {}),
      // Not by assignment: code corpora make a token of `__proto__`. flatMap passes over ids without a word.
      vocab: Object.fromEntries(words.flatMap((word, id) => [[word, id] as const])),
      // Strings, which every version of HF's loader reads; byte-level words hold no space.
      merges: Array.from(tables.lefts, (left, rank) => `${words[left]} ${words[tables.rights[rank]]}`),
    },
  };
}

function object(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
}

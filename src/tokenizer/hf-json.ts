/**
 * HF `tokenizer.json` (byte-level BPE) to and from the flat form that encoding uses.
 *
 * Read: Qwen2/2.5/3, GPT-2, Llama 3 and kin, and everything written here. Parts that would change ids and are not
 * implemented (other normalizers, several splits, dropout, prefixes) are refused by name, never passed over.
 * Source: huggingface/tokenizers, `tokenizers/src/models/bpe/serialization.rs` and `pre_tokenizers/`.
 */
import { CorpusmillError } from '../core/errors.ts';
import { alphabetToBytes, bytesToAlphabet } from './byte-alphabet.ts';
import { PATTERNS } from './pre-tokenizer.ts';

export type Normalization = 'nfc' | 'none';

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

/** Reads parsed JSON. `source` names it in messages. */
export function readHfTokenizer(json: unknown, source: string): BpeTables {
  const fail = (what: string): never => {
    throw new CorpusmillError('INPUT_CORRUPT', `reading the tokenizer ${source}: ${what}`, {
      hint: 'It must be an HF tokenizer.json with a byte-level BPE model, as Qwen, GPT-2 and Llama 3 have.',
    });
  };
  const root = object(json) ?? fail('it is not a JSON object');
  const model = object(root['model']) ?? fail('it has no "model"');
  const type = model['type'] ?? 'BPE';
  if (type !== 'BPE') fail(`the model type is ${JSON.stringify(type)}, expected "BPE"`);
  for (const key of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix']) {
    if (model[key]) fail(`model.${key} is ${JSON.stringify(model[key])}, which is not supported`);
  }
  const vocab = object(model['vocab']) ?? fail('it has no "model.vocab"');
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

  const tokens: (Uint8Array | undefined)[] = [];
  const idOf = new Map<string, number>();
  const addedContents = new Set(added.map((token) => token.content));
  for (const [word, id] of Object.entries(vocab)) {
    if (!isId(id)) fail(`the id of ${JSON.stringify(word)} is ${JSON.stringify(id)}`);
    const bytes = alphabetToBytes(word);
    if (bytes === undefined && !addedContents.has(word)) {
      fail(`the token ${JSON.stringify(word)} has characters outside the byte alphabet, so it is not byte-level`);
    }
    tokens[id as number] = bytes;
    idOf.set(word, id as number);
  }
  const utf8 = new TextEncoder();
  for (const token of added) tokens[token.id] = utf8.encode(token.content);

  const merges = Array.isArray(model['merges']) ? model['merges'] : fail('it has no "model.merges"');
  const lefts = new Int32Array(merges.length);
  const rights = new Int32Array(merges.length);
  const products = new Int32Array(merges.length);
  merges.forEach((merge: unknown, rank: number) => {
    const parts = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(parts) || parts.length !== 2) fail(`merge ${rank} is ${JSON.stringify(merge)}`);
    const [left, right] = parts as [string, string];
    const ids = [idOf.get(left), idOf.get(right), idOf.get(left + right)];
    const missing = ids.indexOf(undefined);
    if (missing >= 0) fail(`merge ${rank} needs the token ${JSON.stringify([left, right, left + right][missing])}`);
    lefts[rank] = ids[0]!;
    rights[rank] = ids[1]!;
    products[rank] = ids[2]!;
  });
  return {
    vocabSize: tokens.length,
    tokens,
    lefts,
    rights,
    products,
    added,
    normalization: readNormalizer(root['normalizer'], fail),
    pattern: readPattern(root['pre_tokenizer'], fail),
    ignoreMerges: model['ignore_merges'] === true,
  };
}

type Fail = (what: string) => never;

function readNormalizer(json: unknown, fail: Fail): Normalization {
  if (json === null || json === undefined) return 'none';
  const normalizer = object(json);
  if (normalizer?.['type'] === 'NFC') return 'nfc';
  if (normalizer?.['type'] === 'Sequence' && Array.isArray(normalizer['normalizers'])) {
    const all = normalizer['normalizers'].map((inner) => readNormalizer(inner, fail));
    return all.includes('nfc') ? 'nfc' : 'none';
  }
  return fail(`the normalizer ${JSON.stringify(normalizer?.['type'])} is not supported; NFC and none are`);
}

function readPattern(json: unknown, fail: Fail): string {
  const root = object(json);
  const steps: unknown[] =
    root?.['type'] === 'Sequence' && Array.isArray(root['pretokenizers']) ? root['pretokenizers'] : [root];
  let pattern: string | undefined;
  let byteLevel = false;
  for (const entry of steps) {
    const step = object(entry);
    if (byteLevel) fail('a pre-tokenizer after ByteLevel is not supported');
    if (step?.['type'] === 'Split') {
      const regex = object(step['pattern'])?.['Regex'];
      if (pattern !== undefined) fail('more than one Split is not supported');
      if (typeof regex !== 'string') fail('a Split by anything but a Regex is not supported');
      if (step['behavior'] !== 'Isolated' || step['invert'] === true)
        fail('a Split that is not Isolated is not supported');
      pattern = regex as string;
    } else if (step?.['type'] === 'ByteLevel') {
      byteLevel = true;
      if (step['add_prefix_space'] === true) fail('add_prefix_space is not supported');
      if (step['use_regex'] !== false) {
        if (pattern !== undefined) fail('a Split before a ByteLevel that splits again is not supported');
        pattern = PATTERNS.gpt2;
      }
    } else fail(`the pre-tokenizer ${JSON.stringify(step?.['type'])} is not supported; Split and ByteLevel are`);
  }
  if (!byteLevel) fail('its pre-tokenizer has no ByteLevel step');
  // Without any split the whole text is one piece.
  return pattern ?? '[^]+';
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
    normalizer: tables.normalization === 'nfc' ? { type: 'NFC' } : null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: tables.pattern }, behavior: 'Isolated', invert: false },
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

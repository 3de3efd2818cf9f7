/**
 * BPE of SentencePiece's kind in an HF `tokenizer.json`, as Llama 2, Mistral and Gemma have it: pieces of characters, ▁
 * for a space (by normalizers or by Metaspace), unknown characters as bytes.
 *
 * What would change ids and is not implemented is refused by name. WordPiece and unigram files are not read from JSON:
 * a unigram model's `.model` is.
 * Source: huggingface/tokenizers, `normalizers/prepend.rs`, `replace.rs`, `pre_tokenizers/metaspace.rs`, `models/bpe`.
 */
import { CorpusmillError } from '../../core/errors.ts';
import type { AddedToken } from '../hf-json.ts';
import { createPairTable } from './pair-table.ts';
import { byteIdsOf, PIECE_TYPE, type PieceModel, SPACE_SYMBOL } from './piece-model.ts';
import { createSymbolBpe } from './symbol-bpe.ts';

type Json = Record<string, unknown>;
type Step = (text: string, isStart: boolean) => string;
type Fail = (what: string) => never;

/** Whether parsed JSON is BPE over characters and not over bytes. */
export function isSentencePieceJson(json: unknown): boolean {
  const root = json as { model?: Json; normalizer?: unknown; pre_tokenizer?: unknown } | null;
  if ((root?.model?.['type'] ?? 'BPE') !== 'BPE') return false;
  if (root?.model?.['byte_fallback'] === true) return true;
  return JSON.stringify([root?.normalizer, root?.pre_tokenizer]).includes(SPACE_SYMBOL);
}

/** Reads parsed JSON; `source` names it in messages. Throws INPUT_CORRUPT. */
export function readSentencePieceJson(json: unknown, source: string): PieceModel {
  const fail: Fail = (what) => {
    throw new CorpusmillError('INPUT_CORRUPT', `reading the tokenizer ${source}: ${what}`, {
      hint: 'Of tokenizers with spaces as ▁, BPE as in the files of Llama 2, Mistral and Gemma can be read.',
    });
  };
  const root = json as Json;
  const model = root['model'] as Json;
  for (const key of ['dropout', 'continuing_subword_prefix', 'end_of_word_suffix', 'ignore_merges']) {
    if (model[key]) fail(`model.${key} is ${JSON.stringify(model[key])}, which is not supported`);
  }
  const vocab = model['vocab'];
  if (typeof vocab !== 'object' || vocab === null) return fail('it has no "model.vocab"');
  if (!Array.isArray(model['merges'])) return fail('it has no "model.merges"');
  const pieces: string[] = [];
  const idOf = new Map<string, number>();
  for (const [piece, id] of Object.entries(vocab)) {
    if (!Number.isInteger(id) || id < 0 || id > MAX_ID)
      fail(`the id of ${JSON.stringify(piece)} is ${JSON.stringify(id)}`);
    pieces[id] = piece;
    idOf.set(piece, id);
  }
  const added = readAdded(root['added_tokens'], fail);
  for (const { id, content } of added) pieces[id] = content;
  const byteIds = model['byte_fallback'] === true ? byteIdsOf((piece) => idOf.get(piece)) : undefined;
  if (byteIds?.includes(-1)) fail('it has byte_fallback, but not all 256 tokens of bytes');
  const unknown = model['unk_token'];
  const { steps, cut } = readSteps(root, fail);
  return {
    pieces,
    types: typesOf(pieces.length, added, byteIds),
    normalize: (text, isStart) => steps.reduce((done, step) => step(done, isStart), text.toWellFormed()),
    segment: segmentation(model['merges'], idOf, pieces, cut, fail),
    unknownId: typeof unknown === 'string' ? idOf.get(unknown) : undefined,
    fuseUnknown: model['fuse_unk'] === true,
    unknownSurface: undefined,
    byteIds,
    strippedSpaces: stripsSpace(root['decoder']) ? 'one' : 'none',
    added,
  };
}

/** Far beyond every vocabulary; guards against arrays made of holes. */
const MAX_ID = 1 << 24;

function readAdded(list: unknown, fail: Fail): AddedToken[] {
  return (Array.isArray(list) ? list : []).map((token: Json, i) => {
    const { id, content } = token as { id: unknown; content: unknown };
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > MAX_ID || typeof content !== 'string') {
      return fail(`added_tokens[${i}] has no id or content`);
    }
    return {
      id,
      content,
      special: token['special'] === true,
      ...(token['lstrip'] === true && { lstrip: true }),
      ...(token['rstrip'] === true && { rstrip: true }),
    };
  });
}

function typesOf(count: number, added: readonly AddedToken[], byteIds: Int32Array | undefined): Uint8Array {
  const types = new Uint8Array(count).fill(PIECE_TYPE.normal);
  for (const id of byteIds ?? []) types[id] = PIECE_TYPE.byte;
  for (const { id, special } of added) types[id] = special ? PIECE_TYPE.control : PIECE_TYPE.userDefined;
  return types;
}

function segmentation(
  list: readonly unknown[],
  idOf: ReadonlyMap<string, number>,
  pieces: readonly string[],
  cut: 'at-spaces' | undefined,
  fail: Fail,
): PieceModel['segment'] {
  const merges = createPairTable(list.length);
  const products = new Int32Array(list.length);
  let crossesWords = false;
  list.forEach((merge, rank) => {
    const parts: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(parts) || parts.length !== 2) fail(`merge ${rank} is ${JSON.stringify(merge)}`);
    const [left, right] = parts as [string, string];
    const ids = [left, right, left + right].map((piece) => idOf.get(piece));
    const missing = ids.indexOf(undefined);
    if (missing >= 0) fail(`merge ${rank} needs the token ${JSON.stringify([left, right, left + right][missing])}`);
    merges.set(ids[0]!, ids[1]!, rank);
    products[rank] = ids[2]!;
    crossesWords ||= WORD_BORDER.test(left + right);
  });
  const symbolOf = new Map([...idOf].filter(([piece]) => piece.length <= 2 && [...piece].length === 1));
  return createSymbolBpe({
    symbolOf,
    merges,
    products,
    cut: cut ?? (crossesWords ? 'never' : 'before-spaces'),
    vocabSize: pieces.length,
    strangers: [],
  });
}

const WORD_BORDER = new RegExp(`[^${SPACE_SYMBOL}]${SPACE_SYMBOL}`);

/** Normalizers and pre-tokenizer as steps on the whole text; `cut`: Metaspace cuts before every ▁. */
function readSteps(root: Json, fail: Fail): { steps: Step[]; cut: 'at-spaces' | undefined } {
  const steps: Step[] = [];
  let cut: 'at-spaces' | undefined;
  let escapes = false;
  for (const { type, step } of flat(root['normalizer'], 'normalizers')) {
    if (type === 'Prepend' && step['prepend'] === SPACE_SYMBOL) steps.push(prepended);
    else if (type === 'Replace' && (step['pattern'] as Json)?.['String'] === ' ' && step['content'] === SPACE_SYMBOL) {
      steps.push(escaped);
      escapes = true;
    } else if (type === 'NFC' || type === 'NFKC' || type === 'NFD' || type === 'NFKD') {
      steps.push((text) => text.normalize(type));
    } else fail(`the normalizer ${JSON.stringify(step)} is not supported`);
  }
  for (const { type, step } of flat(root['pre_tokenizer'], 'pretokenizers')) {
    if (type === 'Metaspace' && (step['replacement'] ?? SPACE_SYMBOL) === SPACE_SYMBOL) {
      const scheme = step['prepend_scheme'] ?? (step['add_prefix_space'] === false ? 'never' : 'always');
      steps.push(escaped);
      if (scheme !== 'never') {
        steps.push((text, isStart) => (text.startsWith(SPACE_SYMBOL) ? text : prepended(text, isStart)));
      }
      if (step['split'] !== false) cut = 'at-spaces';
    } else if (!(type === 'Split' && (step['pattern'] as Json)?.['String'] === ' ' && escapes)) {
      // A split at spaces where none are left cuts nothing (Gemma has it).
      fail(`the pre-tokenizer ${JSON.stringify(step)} is not supported`);
    }
  }
  return { steps, cut };
}

const escaped: Step = (text) => text.replaceAll(' ', SPACE_SYMBOL);
const prepended: Step = (text, isStart) => (isStart && text !== '' ? SPACE_SYMBOL + text : text);

/** A step, the steps of a Sequence, or none. */
function flat(json: unknown, members: string): { type: unknown; step: Json }[] {
  if (typeof json !== 'object' || json === null) return [];
  const step = json as Json;
  if (step['type'] !== 'Sequence') return [{ type: step['type'], step }];
  return (step[members] as unknown[]).flatMap((inner) => flat(inner, members));
}

/** Whether decoding takes one space away from the beginning. */
function stripsSpace(decoder: unknown): boolean {
  return flat(decoder, 'decoders').some(({ type, step }) => {
    if (type === 'Metaspace') return step['prepend_scheme'] !== 'never' && step['add_prefix_space'] !== false;
    return type === 'Strip' && step['content'] === ' ' && step['start'] === 1;
  });
}

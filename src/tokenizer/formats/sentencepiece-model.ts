/**
 * SentencePiece's `.model` file, for encoding and decoding: a Protocol Buffers message of pieces with scores, trainer
 * and normalizer settings. BPE and unigram; byte fallback, dummy prefix, white space escaping, compiled normalizers.
 * Source: sentencepiece `sentencepiece_model.proto`, `model_interface.cc`, `bpe_model.cc`.
 */
import { CorpusmillError } from '../../core/errors.ts';
import type { AddedToken } from '../hf-json.ts';
import { createNormalizer, type NormalizerSpec } from './charsmap.ts';
import { createPairTable } from './pair-table.ts';
import { byteIdsOf, PIECE_TYPE, type PieceModel, type Segmentation, SPACE_SYMBOL } from './piece-model.ts';
import { wireFields } from './protobuf.ts';
import { createSymbolBpe } from './symbol-bpe.ts';
import { createUnigram } from './unigram.ts';
import { createWholeMatcher, type WholeMatcher } from './user-pieces.ts';

/** What of the message matters here. */
interface ModelProto {
  pieces: string[];
  scores: number[];
  types: number[];
  modelType: number;
  byteFallback: boolean;
  unknownSurface: string;
  normalizer: NormalizerSpec;
  hasDenormalizer: boolean;
}

const MODEL_TYPE = { unigram: 1, bpe: 2 } as const;
const MODEL_TYPES = ['', 'unigram', 'bpe', 'word', 'char'];

/** Whether bytes begin with a piece of text, a score and so on: the first field of every model. */
export function looksLikeSentencePiece(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x0a) return false;
  try {
    for (const { number, value } of wireFields(bytes)) {
      if (number !== 1 || typeof value === 'number') return false;
      const [first] = wireFields(value);
      return first?.number === 1 && typeof first.value !== 'number';
    }
  } catch {
    // Not a message.
  }
  return false;
}

/** Reads the bytes of a file; `source` names it in messages. Throws INPUT_CORRUPT. */
export function readSentencePieceModel(bytes: Uint8Array, source: string): PieceModel {
  const fail = (what: string): never => {
    throw new CorpusmillError('INPUT_CORRUPT', `reading the SentencePiece model ${source}: ${what}`, {
      hint: 'It must be a whole .model file of the type bpe or unigram.',
    });
  };
  let proto: ModelProto;
  try {
    proto = readProto(bytes);
  } catch (error) {
    return fail((error as Error).message);
  }
  const { pieces, modelType, normalizer } = proto;
  if (modelType !== MODEL_TYPE.bpe && modelType !== MODEL_TYPE.unigram) {
    fail(`its type is ${MODEL_TYPES[modelType] ?? modelType}; bpe and unigram can be read`);
  }
  if (proto.hasDenormalizer) fail('it has a denormalizer, which cannot be read');
  const types = Uint8Array.from(proto.types);
  const scores = Float32Array.from(proto.scores);
  const idOf = new Map<string, number>();
  pieces.forEach((piece, id) => {
    if (idOf.has(piece)) fail(`the piece ${JSON.stringify(piece)} stands in it twice (${idOf.get(piece)}, ${id})`);
    idOf.set(piece, id);
  });
  const whole = createWholeMatcher(
    pieces.flatMap((piece, id) => (types[id] === PIECE_TYPE.userDefined ? [[piece, id] as const] : [])),
  );
  const unknownId = types.indexOf(PIECE_TYPE.unknown);
  if (unknownId < 0) fail('it has no unknown piece');
  const byteIds = proto.byteFallback ? byteIdsOf((piece) => idOf.get(piece)) : undefined;
  if (byteIds?.includes(-1)) fail('it has byte_fallback, but not all 256 pieces of bytes');
  let normalize: PieceModel['normalize'];
  try {
    normalize = createNormalizer(normalizer, (text, at) => whole?.(text, at)?.length ?? 0);
  } catch (error) {
    return fail((error as Error).message);
  }
  return {
    pieces,
    types,
    normalize,
    segment:
      modelType === MODEL_TYPE.unigram
        ? createUnigram(pieces, types, scores, whole)
        : createBpe(pieces, types, scores, whole),
    unknownId,
    fuseUnknown: true,
    unknownSurface: proto.unknownSurface,
    byteIds,
    strippedSpaces: normalizer.removeExtraWhitespaces ? 'all' : normalizer.addDummyPrefix ? 'one' : 'none',
    added: addedTokens(pieces, types),
  };
}

function addedTokens(pieces: readonly string[], types: Uint8Array): AddedToken[] {
  return pieces.flatMap((content, id) => {
    const special = types[id] === PIECE_TYPE.control || types[id] === PIECE_TYPE.unknown;
    return special || types[id] === PIECE_TYPE.userDefined ? [{ id, content, special }] : [];
  });
}

/** Every way to make a piece of two parts is a merge, and its rank is the place of the piece's score among all. */
function createBpe(
  pieces: readonly string[],
  types: Uint8Array,
  scores: Float32Array,
  whole: WholeMatcher | undefined,
): Segmentation {
  const isPart = (id: number): boolean =>
    types[id] === PIECE_TYPE.normal || types[id] === PIECE_TYPE.userDefined || types[id] === PIECE_TYPE.unused;
  const symbolOf = new Map<string, number>();
  const idOf = new Map<string, number>();
  const strangers: number[] = [];
  pieces.forEach((piece, id) => {
    if (isPart(id)) idOf.set(piece, id);
  });
  for (const [piece, id] of idOf) {
    for (const char of piece) {
      if (symbolOf.has(char)) continue;
      const own = char === piece ? id : idOf.get(char);
      symbolOf.set(char, own ?? pieces.length + strangers.push(char.codePointAt(0)!) - 1);
    }
  }
  const order = [...new Set(scores)].sort((a, b) => b - a);
  const rankOf = new Map(order.map((score, rank) => [score, rank]));
  const merges = createPairTable(pieces.length * 4);
  const products: number[] = [];
  const ranks: number[] = [];
  for (const [piece, id] of idOf) {
    for (let i = 1; i < piece.length; i++) {
      const left = idOf.get(piece.slice(0, i)) ?? symbolOf.get(piece.slice(0, i));
      const right = left === undefined ? undefined : (idOf.get(piece.slice(i)) ?? symbolOf.get(piece.slice(i)));
      if (left === undefined || right === undefined) continue;
      ranks.push(rankOf.get(scores[id])!);
      merges.set(left, right, products.push(id) - 1);
    }
  }
  const unused = new Set([...idOf.values()].filter((id) => types[id] === PIECE_TYPE.unused));
  const wordBorder = new RegExp(`[^${SPACE_SYMBOL}]${SPACE_SYMBOL}`);
  return createSymbolBpe({
    symbolOf,
    merges,
    products: Int32Array.from(products),
    ranks: Int32Array.from(ranks),
    cut: [...idOf.keys()].some((piece) => wordBorder.test(piece)) ? 'never' : 'before-spaces',
    ...(whole !== undefined && { whole }),
    ...(unused.size > 0 && { unused }),
    vocabSize: pieces.length,
    strangers,
  });
}

/** Defaults are the schema's. */
function readProto(bytes: Uint8Array): ModelProto {
  const proto: ModelProto = {
    pieces: [],
    scores: [],
    types: [],
    modelType: MODEL_TYPE.unigram,
    byteFallback: false,
    unknownSurface: ' \u2047 ',
    normalizer: {
      charsmap: new Uint8Array(),
      addDummyPrefix: true,
      removeExtraWhitespaces: true,
      escapeWhitespaces: true,
      whitespaceAsSuffix: false,
    },
    hasDenormalizer: false,
  };
  for (const { number, value } of wireFields(bytes)) {
    if (typeof value === 'number') continue;
    if (number === 1) readPiece(value, proto);
    else if (number === 2) readTrainerSpec(value, proto);
    else if (number === 3) readNormalizerSpec(value, proto.normalizer);
    else if (number === 5) {
      for (const field of wireFields(value)) {
        if (field.number === 2 && typeof field.value !== 'number') proto.hasDenormalizer = field.value.length > 0;
      }
    }
  }
  if (proto.pieces.length === 0) throw new RangeError('it has no pieces');
  return proto;
}

function readPiece(bytes: Uint8Array, { pieces, scores, types }: ModelProto): void {
  let piece = '';
  let score = 0;
  let type: number = PIECE_TYPE.normal;
  for (const field of wireFields(bytes)) {
    if (field.number === 1) piece = textOf(field.value);
    else if (field.number === 2) score = field.float;
    else if (field.number === 3) type = Number(field.value);
  }
  pieces.push(piece);
  scores.push(score);
  types.push(type);
}

function readTrainerSpec(bytes: Uint8Array, proto: ModelProto): void {
  for (const { number, value } of wireFields(bytes)) {
    if (number === 3) proto.modelType = Number(value);
    else if (number === 24) proto.normalizer.whitespaceAsSuffix = value === 1;
    else if (number === 35) proto.byteFallback = value === 1;
    else if (number === 44) proto.unknownSurface = textOf(value);
  }
}

function readNormalizerSpec(bytes: Uint8Array, spec: NormalizerSpec): void {
  for (const { number, value } of wireFields(bytes)) {
    if (number === 2 && typeof value !== 'number') spec.charsmap = value;
    else if (number === 3) spec.addDummyPrefix = value === 1;
    else if (number === 4) spec.removeExtraWhitespaces = value === 1;
    else if (number === 5) spec.escapeWhitespaces = value === 1;
  }
}

function textOf(value: number | Uint8Array): string {
  if (typeof value === 'number') throw new RangeError('a number where a text belongs');
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(value);
}

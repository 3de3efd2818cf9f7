/**
 * A tokenizer of a `PieceModel`: normalize, segment, and write what has no piece as bytes or as the unknown token.
 * Source: sentencepiece `sentencepiece_processor.cc` (PopulateSentencePieceText, Decode).
 */
import { CorpusmillError } from '../../core/errors.ts';
import { stringsOf } from '../../core/utf8-column.ts';
import type { AddedToken } from '../hf-json.ts';
import type { TextTokenizer } from '../text-tokenizer.ts';
import { idArray } from '../tokenizer.ts';
import { PIECE_TYPE, type PieceModel, SPACE_SYMBOL } from './piece-model.ts';

/** `further`: tokens that a tokenizer_config.json adds behind the model's own. */
export function createSentencePieceTokenizer(
  model: PieceModel,
  hash: string,
  further: readonly AddedToken[] = [],
): TextTokenizer {
  const utf8 = new TextEncoder();
  const pieces = [...model.pieces];
  const types = [...model.types];
  const addedTokens = [...model.added];
  for (const token of further) {
    if (pieces[token.id] !== undefined || addedTokens.some(({ content }) => content === token.content)) continue;
    pieces[token.id] = token.content;
    types[token.id] = token.special ? PIECE_TYPE.control : PIECE_TYPE.userDefined;
    addedTokens.push(token);
  }
  const idOfSpecial = new Map(addedTokens.map(({ content, id }) => [content, id]));
  const { byteIds, unknownId } = model;

  const encode = (text: string, isStart: boolean): Uint32Array => {
    const found: number[] = [];
    model.segment(model.normalize(text, isStart), found);
    const ids: number[] = [];
    let wasUnknown = false;
    for (const id of found) {
      const isUnknown = id < 0 || id === unknownId;
      if (!isUnknown) ids.push(id);
      else if (byteIds !== undefined && id < 0) {
        for (const byte of utf8.encode(String.fromCodePoint(-1 - id))) ids.push(byteIds[byte]);
      } else if (unknownId === undefined) throw noPiece(-1 - id);
      else if (!wasUnknown || !model.fuseUnknown) ids.push(unknownId);
      wasUnknown = isUnknown;
    }
    return Uint32Array.from(ids);
  };

  const pieceOf = (id: number, index?: number): string => {
    const piece = pieces[id];
    if (piece !== undefined) return piece;
    const where = index === undefined ? '' : ` at position ${index}`;
    throw new CorpusmillError('INPUT_CORRUPT', `decoding ids: there is no token ${id}${where}`, {
      hint: `The vocabulary ends at ${pieces.length - 1}; were the ids made with another tokenizer?`,
    });
  };

  return {
    vocabSize: pieces.length,
    hash,
    addedTokens,
    encode: (text) => encode(text, true),
    encodeContinuation: (text) => encode(text, false),
    encodeBatch(texts, { before = -1, after = -1, narrow, memory }) {
      const all = ('offsets' in texts ? stringsOf(texts) : texts).map((text) => encode(text, true));
      const around = Number(before >= 0) + Number(after >= 0);
      const length = all.reduce((sum, ids) => sum + ids.length + around, 0);
      const ids = idArray(length, narrow && pieces.length <= 0x10000, memory);
      const offsets = new Uint32Array(all.length + 1);
      let at = 0;
      all.forEach((own, i) => {
        if (before >= 0) ids[at++] = before;
        ids.set(own, at);
        at += own.length;
        if (after >= 0) ids[at++] = after;
        offsets[i + 1] = at;
      });
      return { ids, offsets };
    },
    encodeInto(text, out, at) {
      const ids = encode(text, true);
      if (at + ids.length > out.length)
        throw new RangeError(`the ids do not fit into the ${out.length} places of the output`);
      out.set(ids, at);
      return at + ids.length;
    },
    decode(ids, { skipSpecial = false } = {}) {
      let text = '';
      let pending: number[] = [];
      // Spaces before the text's first character are the dummy prefix, or what normalization would take away.
      let atStart = model.strippedSpaces !== 'none';
      const flush = (): void => {
        if (pending.length === 0) return;
        text += decodeBytes(Uint8Array.from(pending));
        pending = [];
        atStart = false;
      };
      for (let i = 0; i < ids.length; i++) {
        const id = ids[i];
        const piece = pieceOf(id, i);
        if (types[id] === PIECE_TYPE.byte) {
          pending.push(Number.parseInt(piece.slice(1, -1), 16));
          continue;
        }
        flush();
        if (types[id] === PIECE_TYPE.control) {
          if (!skipSpecial) text += piece;
          continue;
        }
        let said = piece.replaceAll(SPACE_SYMBOL, ' ');
        if (id === unknownId) {
          said = model.unknownSurface ?? piece;
          atStart = false;
        } else if (atStart) {
          const stripped = said.replace(model.strippedSpaces === 'one' ? /^ / : /^ +/, '');
          if (stripped !== '' || model.strippedSpaces === 'one') atStart = false;
          said = stripped;
        }
        text += said;
      }
      flush();
      return text;
    },
    tokenBytes(id) {
      const piece = pieceOf(id);
      if (types[id] === PIECE_TYPE.byte) return Uint8Array.of(Number.parseInt(piece.slice(1, -1), 16));
      return utf8.encode(piece.replaceAll(SPACE_SYMBOL, ' '));
    },
    specialId: (token) => idOfSpecial.get(token),
  };
}

function noPiece(code: number): CorpusmillError {
  const char = String.fromCodePoint(code);
  return new CorpusmillError(
    'INPUT_CORRUPT',
    `encoding a text: the vocabulary has no piece for ${JSON.stringify(char)}`,
    {
      hint: 'It has neither byte fallback nor an unknown token.',
    },
  );
}

/** UTF-8 as text; each byte that is part of no character becomes U+FFFD. */
function decodeBytes(bytes: Uint8Array): string {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at];
    const width = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    let char = '\ufffd';
    let used = 1;
    try {
      char = strict.decode(bytes.subarray(at, at + width));
      used = Math.min(width, bytes.length - at);
    } catch {
      // Not a character.
    }
    text += char;
    at += used;
  }
  return text;
}

/** A tokenizer for tests whose cuts can be worked out by hand: at each place the longest listed token, else a byte. */
import type { JudgedTokenizer } from '../../../src/tokenizer/compare/judged-tokenizer.ts';

/**
 * Ids 0 to 255 are the bytes, the listed tokens follow, `<end>` is added as the last one. `before`: put in front of every
 * text when encoding, and taken away in decoding, as SentencePiece does with a space.
 */
export function listedTokenizer(name: string, listed: readonly string[], { before = '' } = {}): JudgedTokenizer {
  const utf8 = new TextEncoder();
  const tokens = [
    ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
    ...listed.map((text) => utf8.encode(text)),
    utf8.encode('<end>'),
  ];
  const added = tokens.length - 1;
  return {
    name,
    hash: '0'.repeat(64),
    vocabSize: tokens.length,
    pattern: null,
    encode(text) {
      const bytes = utf8.encode(before + text);
      const ids: number[] = [];
      for (let at = 0; at < bytes.length; at += tokens[ids.at(-1)!].length) {
        let best = bytes[at];
        for (let id = 256; id < added; id++) {
          const fits = tokens[id].every((byte, i) => bytes[at + i] === byte);
          if (fits && tokens[id].length > tokens[best].length) best = id;
        }
        ids.push(best);
      }
      return ids;
    },
    decode: (ids) => {
      const text = Buffer.concat(Array.from(ids, (id) => tokens[id])).toString('utf8');
      return text.startsWith(before) ? text.slice(before.length) : text;
    },
    tokenBytes: (id) => tokens[id],
    isAdded: (id) => id === added,
    unknownId: undefined,
  };
}

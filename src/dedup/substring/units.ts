/**
 * A document as a sequence of symbols that are compared one by one: folded tokens, code points or bytes of UTF-8.
 *
 * Symbols are 32-bit hashes with full avalanche. Those of bytes and code points are a bijection; two different tokens share
 * one with probability 2^-32, which matters only where everything else in a repeat is the same.
 */
import { mix32 } from '../../core/random.ts';
import { createTokenizer, fits, roomFor } from '../../text/folded-tokens.ts';
import { createPlacedTokenizer } from '../../text/token-spans.ts';

/** `tokens`: words, and single characters of scripts without spaces (src/text/folded-tokens.ts). */
export type Unit = 'tokens' | 'characters' | 'bytes';

/** Reads one document after another into buffers that are reused. */
export interface SymbolReader {
  /** Of the last document: entries [0, count). */
  readonly symbols: Int32Array;
  /** Fills `symbols` and returns their number. */
  read(text: string): number;
}

export interface PlacedSymbolReader extends SymbolReader {
  /**
   * Symbols [a, b) are text.slice(starts[a], ends[b - 1]). Of bytes that begin or end within a character, what is left after
   * leaving that character out: nothing where the start is not before the end.
   */
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

export function createSymbolReader(unit: Unit): SymbolReader {
  if (unit === 'characters') return createCharacterReader();
  if (unit === 'bytes') return createByteReader();
  const tokenizer = createTokenizer();
  return {
    get symbols() {
      return tokenizer.tokens;
    },
    read: tokenizer.tokenize,
  };
}

export function createPlacedSymbolReader(unit: Unit): PlacedSymbolReader {
  if (unit === 'tokens') {
    const tokenizer = createPlacedTokenizer();
    return {
      get symbols() {
        return tokenizer.tokens;
      },
      get starts() {
        return tokenizer.starts;
      },
      get ends() {
        return tokenizer.ends;
      },
      read: tokenizer.tokenize,
    };
  }
  const reader = unit === 'bytes' ? createByteReader() : createCharacterReader();
  const place = unit === 'bytes' ? placeBytes : placeCharacters;
  let starts = new Uint32Array(0);
  let ends = new Uint32Array(0);
  return {
    get symbols() {
      return reader.symbols;
    },
    get starts() {
      return starts;
    },
    get ends() {
      return ends;
    },
    read(text) {
      const count = reader.read(text);
      if (!fits(count, starts.length)) {
        starts = new Uint32Array(roomFor(count));
        ends = new Uint32Array(starts.length);
      }
      place(text, starts, ends);
      return count;
    },
  };
}

function createByteReader(): SymbolReader {
  const symbolOf = Int32Array.from({ length: 256 }, (_, byte) => mix32(byte + 1));
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(0);
  let symbols = new Int32Array(0);
  return {
    get symbols() {
      return symbols;
    },
    read(text) {
      // A UTF-16 unit takes at most three bytes.
      const most = 3 * text.length;
      if (!fits(most, bytes.length)) bytes = new Uint8Array(roomFor(most));
      const { written } = encoder.encodeInto(text, bytes);
      if (!fits(written, symbols.length)) symbols = new Int32Array(roomFor(written));
      for (let i = 0; i < written; i++) symbols[i] = symbolOf[bytes[i]];
      return written;
    },
  };
}

function createCharacterReader(): SymbolReader {
  let symbols = new Int32Array(0);
  return {
    get symbols() {
      return symbols;
    },
    read(text) {
      if (!fits(text.length, symbols.length)) symbols = new Int32Array(roomFor(text.length));
      let count = 0;
      for (let i = 0; i < text.length; ) {
        const codePoint = text.codePointAt(i)!;
        symbols[count++] = mix32(codePoint + 1);
        i += codePoint > 0xffff ? 2 : 1;
      }
      return count;
    },
  };
}

function placeCharacters(text: string, starts: Uint32Array, ends: Uint32Array): void {
  let count = 0;
  for (let i = 0; i < text.length; ) {
    starts[count] = i;
    i += text.codePointAt(i)! > 0xffff ? 2 : 1;
    ends[count++] = i;
  }
}

function placeBytes(text: string, starts: Uint32Array, ends: Uint32Array): void {
  let count = 0;
  for (let i = 0; i < text.length; ) {
    const codePoint = text.codePointAt(i)!;
    const next = i + (codePoint > 0xffff ? 2 : 1);
    const bytes = codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
    // Within the character a start moves behind it and an end before it.
    for (let byte = 0; byte < bytes; byte++) {
      starts[count] = byte === 0 ? i : next;
      ends[count++] = byte === bytes - 1 ? next : i;
    }
    i = next;
  }
}

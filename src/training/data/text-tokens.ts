/**
 * Experiments' tokenizers: one id a character of a text, or one a byte. Both are byte-level BPE tokenizers without merges over
 * more than a character, so that a checkpoint trained with them has a tokenizer.json that other programs open.
 *
 * `characters`: ids in the order of code points, as nanoGPT's prepare.py has them. A character beyond ASCII is several bytes in
 * the form that tokenizers have; the bytes that make it up get ids behind the characters, and are never used.
 */
import type { BpeTables } from '../../tokenizer/hf-json.ts';

/** Every character is a piece of its own, which no merge leaves. */
const EACH_CHARACTER = '[\\s\\S]';

const utf8 = new TextEncoder();

/** 256 ids, one a byte. */
export function byteTables(): BpeTables {
  const tokens = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
  return tablesOf(tokens, []);
}

/** A tokenizer for the characters of `text`. */
export function characterTables(text: string): BpeTables {
  const characters = [...new Set(text)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const tokens = characters.map((character) => utf8.encode(character));
  const idOf = new Map(tokens.map((bytes, id) => [bytes.join(), id]));
  const need = (bytes: Uint8Array<ArrayBuffer>): number => {
    const key = bytes.join();
    const known = idOf.get(key);
    if (known !== undefined) return known;
    tokens.push(bytes);
    idOf.set(key, tokens.length - 1);
    return tokens.length - 1;
  };
  const merges = new Map<string, [number, number, number]>();
  for (const character of characters) {
    const bytes = utf8.encode(character);
    for (let length = 2; length <= bytes.length; length++) {
      const left = need(bytes.subarray(0, length - 1));
      const right = need(bytes.subarray(length - 1, length));
      merges.set(`${left} ${right}`, [left, right, need(bytes.subarray(0, length))]);
    }
  }
  return tablesOf(tokens, [...merges.values()]);
}

/** The ids of a text under `characterTables(text)`: a lookup a character. */
export function characterIds(text: string): Uint32Array {
  const characters = [...new Set(text)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  const idOf = new Map(characters.map((character, id) => [character, id]));
  return Uint32Array.from(text, (character) => idOf.get(character)!);
}

function tablesOf(tokens: Uint8Array[], merges: readonly (readonly [number, number, number])[]): BpeTables {
  return {
    vocabSize: tokens.length,
    tokens,
    lefts: Int32Array.from(merges, ([left]) => left),
    rights: Int32Array.from(merges, ([, right]) => right),
    products: Int32Array.from(merges, ([, , product]) => product),
    added: [],
    normalization: 'none' as BpeTables['normalization'],
    pattern: EACH_CHARACTER,
    ignoreMerges: false,
  };
}

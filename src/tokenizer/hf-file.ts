/**
 * The bytes of an HF `tokenizer.json`. Its vocabulary and merges, nearly all of it, are read by the add-on, without a string
 * for any word; the rest is parsed. JSON.parse makes a hundred thousand strings of them, which every thread of a run then looks
 * up three times a merge: 210 ms for 32,000 words, a second for Qwen's 151,000.
 */
import type { NativeAddon } from '../core/native-addon.ts';
import { tablesOfFlat, withTokens } from './flat-tokens.ts';
import { type BpeTables, type Fail, failsFor, outsideAlphabet, readHfHead, readHfTokenizer } from './hf-json.ts';

export interface HfFile {
  /** The JSON; without the words and merges where the add-on reads these. */
  readonly head: unknown;
  /** All of it: parsed when first asked for. */
  whole(): unknown;
  /** The tables of a byte-level BPE tokenizer. `source` names it in messages. Throws INPUT_CORRUPT. */
  readTables(source: string): BpeTables;
}

/** Reads a file. Throws SyntaxError for what is no JSON. */
export function readHfFile(bytes: Uint8Array, addon: NativeAddon | undefined): HfFile {
  const utf8 = new TextDecoder();
  const places = new Uint32Array(4);
  let parsed: { json: unknown } | undefined;
  const whole = (): unknown => {
    parsed ??= { json: JSON.parse(utf8.decode(bytes)) };
    return parsed.json;
  };
  const head = addon?.bpeJsonPlaces(bytes, places) === true ? parseWithout(bytes, places) : undefined;
  if (addon === undefined || head === undefined) {
    return { head: whole(), whole, readTables: (source) => readHfTokenizer(whole(), source) };
  }
  return {
    head,
    whole,
    readTables(source) {
      const fail: Fail = failsFor(source);
      const { added, ...rest } = readHfHead(head, fail);
      const read = addon.readBpeJson(bytes, places);
      if (read === undefined) return readHfTokenizer(whole(), source);
      const { lefts, rights, products, outside } = read;
      const contents = new Set(added.map(({ content }) => content));
      for (let i = 0; i < outside.length; i += 3) {
        const word = JSON.parse(utf8.decode(bytes.subarray(outside[i + 1], outside[i + 2]))) as string;
        if (!contents.has(word)) fail(outsideAlphabet(word));
      }
      const encoder = new TextEncoder();
      const tokens = withTokens(read, new Map(added.map(({ id, content }) => [id, encoder.encode(content)])));
      return tablesOfFlat(tokens, { lefts, rights, products, added, ...rest });
    },
  };
}

/** The JSON with `{}` and `[]` in the places of vocabulary and merges, whichever comes first; undefined where it is none. */
function parseWithout(bytes: Uint8Array, [vocab, vocabEnd, merges, mergesEnd]: Uint32Array): unknown {
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  const values = [
    { start: vocab, end: vocabEnd, empty: '{}' },
    { start: merges, end: mergesEnd, empty: '[]' },
  ].sort((a, b) => a.start - b.start);
  let text = '';
  let from = 0;
  for (const { start, end, empty } of values) {
    text += utf8.decode(bytes.subarray(from, start)) + empty;
    from = end;
  }
  try {
    return JSON.parse(text + utf8.decode(bytes.subarray(from)));
  } catch {
    // What is wrong where is said of the whole file.
    return undefined;
  }
}

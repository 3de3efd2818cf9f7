import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { flatTokensOf, withTokens } from '../../src/tokenizer/flat-tokens.ts';
import { readHfFile } from '../../src/tokenizer/hf-file.ts';
import { type BpeTables, writeHfTokenizer } from '../../src/tokenizer/hf-json.ts';
import { nativeBpe } from '../../src/tokenizer/native-bpe.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { describeWithShared, shared } from '../shared.ts';
import { byteTables } from './byte-tokenizer.ts';

const utf8 = new TextEncoder();

/** The tables, or what is wrong. */
function outcome(bytes: Uint8Array, addon: typeof nativeBpe): BpeTables | string {
  try {
    return { ...readHfFile(bytes, addon).readTables('here') };
  } catch (error) {
    return (error as Error).message;
  }
}

/** A vocabulary of all bytes, `ab`, `abc` and a word of Chinese, with added tokens within it and behind it. */
function smallJson(): Record<string, unknown> & { model: { vocab: Record<string, number>; merges: unknown[] } } {
  const tables = byteTables(['<|end|>']);
  const add = (token: Uint8Array): number => tables.tokens.push(token) - 1;
  const of = (text: string): number => add(utf8.encode(text));
  const char = (text: string): number => text.charCodeAt(0);
  const ab = of('ab');
  const abc = of('abc');
  const [first, second, third] = utf8.encode('中');
  const half = add(Uint8Array.of(first, second));
  const whole = of('中');
  tables.lefts = Int32Array.of(char('a'), ab, first, half);
  tables.rights = Int32Array.of(char('b'), char('c'), second, third);
  tables.products = Int32Array.of(ab, abc, half, whole);
  tables.vocabSize = tables.tokens.length;
  const json = writeHfTokenizer(tables) as ReturnType<typeof smallJson>;
  // A word that is an added token, outside the byte alphabet and inside the vocabulary.
  json.model.vocab['<|起|>'] = tables.vocabSize;
  const added = json['added_tokens'] as object[];
  added.push({ id: tables.vocabSize, content: '<|起|>', special: true });
  added.push({ id: tables.vocabSize + 3, content: ' plain', special: false });
  return json;
}

describe.skipIf(nativeBpe === undefined)('a tokenizer.json read by the add-on', () => {
  it('has the same tables, however its JSON is written', () => {
    const json = smallJson();
    const pairs = {
      ...json,
      model: { ...json.model, merges: json.model.merges.map((merge) => String(merge).split(' ')) },
    };
    const { vocab, merges, ...rest } = json.model;
    const texts = [
      JSON.stringify(json),
      JSON.stringify(json, null, 2),
      JSON.stringify(json, null, '\t').replaceAll('\n', '\r\n'),
      JSON.stringify(pairs),
      JSON.stringify(pairs, null, 1),
      JSON.stringify({ ...json, model: { merges, vocab, ...rest } }),
      // Every character that is not of ASCII as an escape.
      JSON.stringify(json).replaceAll(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
      JSON.stringify({ ...json, notes: { model: { vocab: { x: 1 }, merges: ['"]}'] }, text: '\\"}{[' } }),
    ];
    const expected = outcome(utf8.encode(JSON.stringify(json)), undefined);
    expect(expected).toMatchObject({ lefts: Int32Array.of(97, 257, 228, 259), vocabSize: 265 });
    for (const text of texts) {
      const read = readHfFile(utf8.encode(text), nativeBpe);
      expect({ ...read.readTables('here') }).toEqual(expected);
      expect(read.whole()).toEqual(JSON.parse(text));
      // The words were not made into strings.
      expect(read.head).toMatchObject({ model: { vocab: {}, merges: [] } });
    }
  });

  it('says of any damaged file what is said without it, or reads the same', () => {
    // Few bytes, so that every one of them can be damaged in many ways.
    const bytes = utf8.encode(
      '{"model":{"vocab":{"a":0,"b\\u0120":1, "ab\\u0120":2,"aa":13,"<é>":7},"merges":["a b\\u0120",["a","a"]]},' +
        '"pre_tokenizer":{"type":"ByteLevel"},"added_tokens":[{"id":7,"content":"<é>"}]}',
    );
    expect(outcome(bytes, nativeBpe)).toMatchObject({ products: Int32Array.of(2, 13) });
    for (let at = 0; at < bytes.length; at++) {
      expect(outcome(bytes.subarray(0, at), nativeBpe)).toEqual(outcome(bytes.subarray(0, at), undefined));
      for (const byte of [...utf8.encode('" \\,:[]{}0-9.eaĠ\n\0'), 0x80, 0xed, 0xff]) {
        const damaged = bytes.slice();
        damaged[at] = byte;
        const [said, expected] = [outcome(damaged, nativeBpe), outcome(damaged, undefined)];
        if (said !== expected) expect(said, `byte ${at} is ${byte}: ${Buffer.from(damaged)}`).toEqual(expected);
      }
    }
  });

  it.each([
    ['a word twice', '{"a":0,"b":1,"a":2}', '[]'],
    ['an id twice', '{"a":0,"b":0}', '[]'],
    ['an id that is a fraction', '{"a":0.5}', '[]'],
    ['an id with an exponent', '{"a":1e1}', '[]'],
    ['an id that is negative', '{"a":-1}', '[]'],
    ['an id that is too large', '{"a":4294967296}', '[]'],
    ['an empty word', '{"":0,"a":1}', '[]'],
    ['half of a surrogate pair', '{"\\ud83d":0}', '[]'],
    ['a word outside the byte alphabet', '{"中":0}', '[]'],
    ['a merge of three words', '{"a":0,"aa":1}', '["a a a"]'],
    ['a merge of one word', '{"a":0,"aa":1}', '["a"]'],
    ['a merge of an unknown word', '{"a":0,"aa":1}', '["a b"]'],
    ['a merge whose product is unknown', '{"a":0,"b":1}', '["a b"]'],
    ['a merge that is a number', '{"a":0,"aa":1}', '[7]'],
    ['a list of three', '{"a":0,"aa":1}', '[["a","a","a"]]'],
    ['words that are a list', '["a"]', '[]'],
    ['merges that are an object', '{"a":0}', '{}'],
    ['nothing', '{}', '[]'],
  ])('says of %s what is said without it', (_, vocab, merges) => {
    const rest = '"pre_tokenizer":{"type":"ByteLevel"},"added_tokens":[{"id":5,"content":"<s>"}]';
    const bytes = utf8.encode(`{${rest},"model":{"type":"BPE","vocab":${vocab},"merges":${merges}}}`);
    expect(outcome(bytes, nativeBpe)).toEqual(outcome(bytes, undefined));
  });

  it('refuses arguments that lie outside of the bytes', () => {
    const bytes = utf8.encode('{}');
    expect(() => nativeBpe?.readBpeJson(bytes, Uint32Array.of(0, 3, 0, 0))).toThrow('argument 2 lies outside');
    expect(() => nativeBpe?.readBpeJson(bytes, Uint32Array.of(2, 1, 0, 0))).toThrow('argument 2 lies outside');
    expect(() => nativeBpe?.bpeJsonPlaces(bytes, new Uint32Array(3))).toThrow('bpeJsonPlaces: argument 2');
  });
});

describe('tokens laid out', () => {
  it('has others in their places, and those behind the last', () => {
    const token = fc.uint8Array({ minLength: 0, maxLength: 4 });
    const others = fc.array(fc.tuple(fc.nat(12), fc.uint8Array({ minLength: 1, maxLength: 5 })), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(token, { maxLength: 8 }), others, (tokens, places) => {
        const flat = flatTokensOf({ tokens } as unknown as BpeTables);
        const { bytes, starts } = withTokens(flat, new Map(places));
        const expected = tokens.map((one) => [...one]);
        for (const [id, one] of new Map(places)) expected[id] = [...one];
        const found = Array.from({ length: starts.length - 1 }, (_, i) => [
          ...bytes.subarray(starts[i], starts[i + 1]),
        ]);
        expect(found).toEqual(Array.from(expected, (one) => one ?? []));
        expect(starts[starts.length - 1]).toBe(bytes.length);
      }),
    );
  });
});

describeWithShared("the released Qwen2.5 tokenizer's file", () => {
  it('gives the same tables by the add-on and without it', () => {
    const bytes = gunzipSync(readFileSync(shared('data/qwen-tokenizer/tokenizer.json.gz')));
    const [ours, twins] = [outcome(bytes, nativeBpe), outcome(bytes, undefined)] as BpeTables[];
    const { tokens, lefts, rights, products, ...rest } = twins;
    const { tokens: ourTokens, lefts: ourLefts, rights: ourRights, products: ourProducts, ...ourRest } = ours;
    expect(ourRest).toEqual(rest);
    for (const [mine, other] of [
      [ourLefts, lefts],
      [ourRights, rights],
      [ourProducts, products],
    ]) {
      expect(Buffer.compare(Buffer.from(mine.buffer), Buffer.from(other.buffer))).toBe(0);
    }
    expect(ourTokens).toHaveLength(151_665);
    // One comparison: 151,665 of the test library take a minute.
    const text = (list: BpeTables['tokens']): string =>
      Array.from(list, (one) => (one ? Buffer.from(one).toString('hex') : '-')).join();
    expect(text(ourTokens) === text(tokens)).toBe(true);
    const tokenizer = Tokenizer.fromHfFile(readHfFile(bytes, nativeBpe), 'qwen', '');
    expect(tokenizer.decode(tokenizer.encode('naïve 中文 🎉'))).toBe('naïve 中文 🎉');
    expect(JSON.stringify(tokenizer.toJson()) === JSON.stringify(JSON.parse(bytes.toString()))).toBe(true);
  });
});

/**
 * Models and expected ids are SentencePiece's own (0.2.2), made by bench/interop/sentencepiece_fixtures.py; each model has
 * another setting that encoding depends on.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/core/package-root.ts';
import { createChatTemplate } from '../../../src/tokenizer/chat/chat-template.ts';
import { encodeConversation } from '../../../src/tokenizer/chat/encode-conversation.ts';
import { loadTokenizer, openTokenizer } from '../../../src/tokenizer/formats/load-tokenizer.ts';
import { isSentencePieceJson, readSentencePieceJson } from '../../../src/tokenizer/formats/sentencepiece-json.ts';
import { readSentencePieceModel } from '../../../src/tokenizer/formats/sentencepiece-model.ts';
import { createSentencePieceTokenizer } from '../../../src/tokenizer/formats/sentencepiece-tokenizer.ts';

const fixtures = join(packageRoot(), 'tests', 'tokenizer', 'formats', 'fixtures');
const { texts, expected } = JSON.parse(readFileSync(join(fixtures, 'sentencepiece.json'), 'utf8')) as {
  texts: string[];
  expected: Record<string, { ids: number[][]; decoded: string[] }>;
};

describe('a SentencePiece model', () => {
  it.each(Object.keys(expected))('%s gives the ids and the texts of SentencePiece', (name) => {
    const tokenizer = loadTokenizer(join(fixtures, `${name}.model`));
    texts.forEach((text, i) => {
      const { ids, decoded } = expected[name];
      expect(Array.from(tokenizer.encode(text)), text).toEqual(ids[i]);
      expect(tokenizer.decode(ids[i], { skipSpecial: true }), text).toBe(decoded[i]);
    });
  });

  it('has its control and user-defined pieces as added tokens, and bytes for tokens of bytes', () => {
    const { tokenizer, format } = openTokenizer(join(fixtures, 'unigram-user.model'));
    expect(format).toBe('sentencepiece');
    const added = tokenizer.addedTokens.map(({ content, special }) => [content, special]);
    expect(added).toEqual([
      ['<unk>', true],
      ['<s>', true],
      ['</s>', true],
      ['<cls>', true],
      ['<sep>', false],
      ['<mask>', false],
      ['har', false],
    ]);
    expect(tokenizer.specialId('</s>')).toBe(2);
    const [id] = tokenizer.encode('\u05e9').slice(-2);
    expect(tokenizer.tokenBytes(id)).toEqual(Uint8Array.of(0xd7));
    expect(tokenizer.decode([1, ...tokenizer.encode('road'), 2])).toBe('<s>road</s>');
  });

  it('puts no space before a text that goes on from another', () => {
    const tokenizer = loadTokenizer(join(fixtures, 'bpe-llama.model'));
    const whole = tokenizer.encode('the road');
    const parts = [...tokenizer.encode('the'), ...tokenizer.encodeContinuation!(' road')];
    expect(parts).toEqual(Array.from(whole));
  });

  it('encodes texts end to end, between given ids, in 16 bits where asked', () => {
    const tokenizer = loadTokenizer(join(fixtures, 'bpe.model'));
    const [one, two] = ['the road', 'boats'].map((text) => Array.from(tokenizer.encode(text)));
    const { ids, offsets } = tokenizer.encodeBatch(['the road', 'boats'], { before: 1, after: 2, narrow: true });
    expect(ids).toBeInstanceOf(Uint16Array);
    expect(Array.from(ids)).toEqual([1, ...one, 2, 1, ...two, 2]);
    expect(Array.from(offsets)).toEqual([0, one.length + 2, one.length + two.length + 4]);
    expect(tokenizer.encodeBatch([], { narrow: false })).toEqual({
      ids: new Uint32Array(),
      offsets: new Uint32Array(1),
    });
  });

  it('decodes what it encodes, byte fallback and all', () => {
    const tokenizer = loadTokenizer(join(fixtures, 'bpe-llama.model'));
    const text = fc.string({ unit: 'binary', maxLength: 40 }).map((one) => one.replaceAll('\u2581', '_'));
    fc.assert(
      fc.property(text, (one) => {
        expect(tokenizer.decode(tokenizer.encode(one))).toBe(one);
      }),
    );
  });

  it('keeps words of a conversation apart from its user-defined pieces', () => {
    const tokenizer = loadTokenizer(join(fixtures, 'unigram-user.model'));
    const template = createChatTemplate("{% for m in messages %}{{ m.content + '<sep>' }}{% endfor %}");
    const { ids } = encodeConversation(tokenizer, template, [{ role: 'user', content: 'the <sep> road' }]);
    expect(ids.filter((id) => id === tokenizer.specialId('<sep>'))).toHaveLength(1);
    expect(tokenizer.decode(ids)).toBe('the <sep> road<sep>');
  });

  it('takes tokens that a configuration adds', () => {
    const bytes = readFileSync(join(fixtures, 'bpe.model'));
    const further = [{ id: 300, content: '<|im_end|>', special: true }];
    const tokenizer = createSentencePieceTokenizer(readSentencePieceModel(bytes, 'bpe'), '', further);
    expect(tokenizer.specialId('<|im_end|>')).toBe(300);
    expect(tokenizer.vocabSize).toBe(301);
    expect(() => tokenizer.decode([299])).toThrow('there is no token 299 at position 0');
  });

  it('says what is wrong with a file that is cut short, at any byte, or changed', () => {
    const bytes = readFileSync(join(fixtures, 'unigram.model'));
    for (let length = 1; length < bytes.length; length += 13) {
      try {
        readSentencePieceModel(bytes.subarray(0, length), 'cut').normalize('a', true);
      } catch (error) {
        expect((error as Error).message).toMatch(/^reading the SentencePiece model cut: /);
      }
    }
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = value;
        try {
          const model = readSentencePieceModel(changed, 'changed');
          model.segment(model.normalize('The old harbour \uff21 e\u0301', true), []);
        } catch (error) {
          expect((error as Error).message).toMatch(/^reading the SentencePiece model changed: /);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("BPE of SentencePiece's kind in a tokenizer.json", () => {
  const S = '\u2581';
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const merges = ['l l', 'h e', 'll o', 'he llo', `${S} hello`, `${S} ${S}`, `${S}${S} ${S}${S}`, `${S} w`, '水 水'];
  const words = ['<unk>', '<s>', '</s>', ...bytes, ...'helowrd水', S, ...merges.map((merge) => merge.replace(' ', ''))];
  const json = (changes: object): Record<string, unknown> => ({
    added_tokens: ['<unk>', '<s>', '</s>'].map((content, id) => ({ id, content, special: true })),
    normalizer: null,
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: S }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    post_processor: null,
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      merges,
    },
    ...changes,
  });
  const replace = { type: 'Replace', pattern: { String: ' ' }, content: S };
  const text = fc
    .array(fc.constantFrom('hello', 'he', 'll', ' ', '  ', 'world', '水水水', '💧', '\n', 'x', S), { maxLength: 10 })
    .map((parts) => parts.join(''));

  it.each([
    [
      'Llama 2: Prepend and Replace',
      { normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: S }, replace] } },
    ],
    ['Gemma: Replace', { normalizer: replace }],
    [
      'Metaspace, first',
      { pre_tokenizer: { type: 'Metaspace', replacement: S, prepend_scheme: 'first', split: false } },
    ],
  ])('%s: the ids of @huggingface/tokenizers', (_, changes) => {
    const file = json(changes);
    expect(isSentencePieceJson(file)).toBe(true);
    const tokenizer = createSentencePieceTokenizer(readSentencePieceJson(file, 'made'), '');
    const peer = new HuggingFaceTokenizer(file, {});
    fc.assert(
      fc.property(text, (one) => {
        expect(Array.from(tokenizer.encode(one)), one).toEqual(peer.encode(one, { add_special_tokens: false }).ids);
      }),
      { numRuns: 300 },
    );
  });

  it('cut at spaces by Metaspace: a space is joined to the word behind it, never to another space', () => {
    const file = json({ pre_tokenizer: { type: 'Metaspace', replacement: S, prepend_scheme: 'always', split: true } });
    const tokenizer = createSentencePieceTokenizer(readSentencePieceJson(file, 'made'), '');
    // HF's Rust library; @huggingface/tokenizers does not look at `split`.
    const pieces = Array.from(tokenizer.encode('   hello'), (id) => words[id]);
    expect(pieces).toEqual([S, S, `${S}hello`]);
  });

  it.each([
    [{ normalizer: { type: 'Lowercase' } }, /the normalizer {"type":"Lowercase"} is not supported/],
    [{ pre_tokenizer: { type: 'Punctuation' } }, /the pre-tokenizer {"type":"Punctuation"} is not supported/],
    [{ model: { type: 'BPE', byte_fallback: true, vocab: { a: 0 }, merges: [] } }, /not all 256 tokens of bytes/],
    [{ model: { type: 'BPE', vocab: { a: 0 }, merges: ['a b'] } }, /merge 0 needs the token "b"/],
    [{ model: { type: 'BPE', vocab: { a: 1.5 }, merges: [] } }, /the id of "a" is 1.5/],
  ])('refuses %j', (changes, message) => {
    expect(() => readSentencePieceJson(json(changes), 'made')).toThrow(message);
  });
});

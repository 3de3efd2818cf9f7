/** Pre-tokenizers and normalizers of tokenizer.json, judged by @huggingface/tokenizers. */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readHfTokenizer, writeHfTokenizer } from '../../src/tokenizer/hf-json.ts';
import { Tokenizer } from '../../src/tokenizer/tokenizer.ts';
import { byteTables } from './byte-tokenizer.ts';

const byteLevel = (useRegex: boolean) => ({ type: 'ByteLevel', add_prefix_space: false, use_regex: useRegex });
const split = (pattern: object) => ({ type: 'Split', pattern, behavior: 'Isolated', invert: false });

/** Bytes, and merges that show where pieces begin: of two spaces, two digits, a space and a letter. */
function json(changes: object): Record<string, unknown> {
  const file = writeHfTokenizer(byteTables([])) as { model: { vocab: Record<string, number> } };
  const merges = ['Ġ Ġ', '1 2', '2 3', 'Ġ 1', 'Ġ a', 'a b', '( a', 'b .', 'ab 1'];
  const vocab = { ...file.model.vocab };
  for (const merge of merges) vocab[merge.replace(' ', '')] = Object.keys(vocab).length;
  return { ...file, ...changes, model: { ...file.model, vocab, merges } };
}

/** No ½: HF's Rust library takes it for a digit, this peer does not. */
const text = fc
  .array(fc.constantFrom('a', 'ab', '1', '12', '123', ' ', '  ', '(a', '.', '!', '\n', '中文', 'é', 'e\u0301', 'Ａ'), {
    maxLength: 12,
  })
  .map((parts) => parts.join(''));

describe('a tokenizer.json gives the ids of @huggingface/tokenizers with', () => {
  it.each([
    [
      'digits one by one before ByteLevel (StarCoder)',
      [{ type: 'Digits', individual_digits: true }, byteLevel(true)],
      null,
    ],
    ['runs of digits', [{ type: 'Digits', individual_digits: false }, byteLevel(true)], null],
    [
      'splits one after another (DeepSeek)',
      [
        split({ Regex: '\\p{N}{1,3}' }),
        split({ Regex: '[一-龥]+' }),
        split({ Regex: '\\s?\\p{L}+|\\s+' }),
        byteLevel(false),
      ],
      null,
    ],
    ['a split at a text', [split({ String: '(a' }), byteLevel(true)], null],
    ['NFKC', [byteLevel(true)], { type: 'NFKC' }],
    ['NFD', [byteLevel(true)], { type: 'Sequence', normalizers: [{ type: 'NFD' }] }],
  ])('%s', (_, pretokenizers, normalizer) => {
    const file = json({ pre_tokenizer: { type: 'Sequence', pretokenizers }, normalizer });
    const tokenizer = Tokenizer.fromJson(file);
    const written = Tokenizer.fromJson(writeHfTokenizer(readHfTokenizer(file, 'made')));
    const peer = new HuggingFaceTokenizer(file, {});
    fc.assert(
      fc.property(text, (one) => {
        const ids = peer.encode(one, { add_special_tokens: false }).ids;
        expect(Array.from(tokenizer.encode(one)), one).toEqual(ids);
        expect(Array.from(written.encode(one)), one).toEqual(ids);
      }),
      { numRuns: 200 },
    );
  });
});

it('takes for digits what Unicode calls numeric, as the Rust library does', () => {
  const file = json({ pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits' }, byteLevel(true)] } });
  const tokenizer = Tokenizer.fromJson({ ...file, normalizer: null });
  // The two spaces are cut off from the ½, so they stay together.
  expect(tokenizer.encode('  ½')[0]).toBe(tokenizer.encode('  ')[0]);
});

describe('what would change ids is refused by name', () => {
  it.each([
    [{ type: 'Sequence', pretokenizers: [byteLevel(false), byteLevel(true)] }, null, /after ByteLevel/],
    [{ type: 'Whitespace' }, null, /the pre-tokenizer "Whitespace" is not supported/],
    [{ ...split({ Regex: 'a' }), behavior: 'Removed' }, null, /a Split that is not Isolated/],
    [{ ...byteLevel(true), add_prefix_space: true }, null, /add_prefix_space/],
    [byteLevel(true), { type: 'Lowercase' }, /the normalizer "Lowercase" is not supported/],
    [
      byteLevel(true),
      { type: 'Sequence', normalizers: [{ type: 'NFD' }, { type: 'NFC' }] },
      /nfd and nfc after one another/,
    ],
  ])('%j, %j', (preTokenizer, normalizer, message) => {
    expect(() => readHfTokenizer(json({ pre_tokenizer: preTokenizer, normalizer }), 'made')).toThrow(message);
  });
});

import { beforeAll, expect, it } from 'vitest';
import { readModelConfig } from '../../../src/models/hf-config.ts';
import { createWeights, type ModelWeights } from '../../../src/models/weights.ts';
import type { Backend } from '../../../src/tensor/backend.ts';
import { createReferenceBackend } from '../../../src/tensor/reference/backend.ts';
import { createGenerator, type Generator } from '../../../src/training/generation/generator.ts';
import { generateTexts, stopTokenId, streamTexts } from '../../../src/training/generation/text-generator.ts';
import { SMALL } from '../../models/small-models.ts';
import { byteTokenizer } from '../../tokenizer/byte-tokenizer.ts';

const tokenizer = byteTokenizer(['<end>', '<pad>']);
let backend: Backend;
let weights: ModelWeights;

/** A model that says `cycle` over and over: each id is followed by the next one, by an embedding that is looked up shifted. */
function speaker(cycle: Uint8Array): ModelWeights {
  const json = {
    ...SMALL['llama'],
    vocab_size: 258,
    hidden_size: 258,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    head_dim: 2,
  };
  const model = createWeights(backend, readModelConfig(json, 'test'));
  const embedding = new Float32Array(258 * 258);
  const head = new Float32Array(258 * 258);
  for (let id = 0; id < 258; id++) embedding[id * 258 + id] = 1;
  cycle.forEach((id, i) => {
    head[cycle[(i + 1) % cycle.length] * 258 + id] = 1;
  });
  for (const { name, shape } of model.parameters) {
    const size = shape.reduce((a, b) => a * b, 1);
    model.write(name, new Float32Array(size).fill(name.includes('norm') ? 1 : 0));
  }
  model.write('model.embed_tokens.weight', embedding);
  model.write('lm_head.weight', head);
  return model;
}

const generatorOf = (text: string): Generator => {
  weights = speaker(new TextEncoder().encode(text));
  return createGenerator(backend, weights, { capacity: 64, vocabSize: tokenizer.vocabSize });
};

beforeAll(() => {
  backend = createReferenceBackend();
});

it('passes on whole characters alone', async () => {
  const generator = generatorOf('né→😀.');
  const pieces: string[] = [];
  for await (const { text } of streamTexts(generator, tokenizer, [{ ids: [46], maxNewTokens: 11 }])) pieces.push(text);
  expect(pieces).toEqual(['n', '', 'é', '', '', '→', '', '', '', '😀', '.']);
});

it('a character that stays unfinished at the end is U+FFFD', async () => {
  const generator = generatorOf('né→😀.');
  const [{ text, finish }] = await generateTexts(generator, tokenizer, [{ ids: [46], maxNewTokens: 8 }]);
  expect([text, finish]).toEqual(['né→\ufffd', 'length']);
});

it('ends before a stop string, and keeps all ids', async () => {
  const generator = generatorOf('abcdefg');
  const requests = [
    { ids: [97], maxNewTokens: 30, stopStrings: ['efg', 'gab'] },
    { ids: [99], maxNewTokens: 9, stopStrings: ['x', 'eg'] },
  ];
  const [first, second] = await generateTexts(generator, tokenizer, requests);
  expect(first).toMatchObject({ text: 'bcd', finish: 'stop' });
  expect(tokenizer.decode(first.ids)).toBe('bcdefg');
  expect(second).toMatchObject({ text: 'defgabcde', finish: 'length' });
});

it('a stop token and special tokens are no part of the text', async () => {
  const generator = generatorOf('abcdefg');
  const requests = [{ ids: [97], maxNewTokens: 30, stopTokens: [stopTokenId(tokenizer, '101')] }];
  const [text] = await generateTexts(generator, tokenizer, requests);
  expect(text).toMatchObject({ text: 'bcd', finish: 'token' });
  expect([...text.ids]).toEqual([98, 99, 100, 101]);
});

it('names of stop tokens', () => {
  expect([stopTokenId(tokenizer, '<end>'), stopTokenId(tokenizer, '7')]).toEqual([256, 7]);
  expect(() => stopTokenId(tokenizer, '<eot>')).toThrow('the tokenizer has no token "<eot>"');
  expect(() => stopTokenId(tokenizer, '258')).toThrow('has no token "258"');
});

it('refuses an empty stop string', async () => {
  const generator = generatorOf('ab');
  const pieces = streamTexts(generator, tokenizer, [{ ids: [97], maxNewTokens: 1, stopStrings: [''] }]);
  await expect(pieces.next()).rejects.toThrow('an empty string cannot end a text');
});

/** Values of techniques.txt in the shared goldens: distances of dual chunk attention, LogN, the base of dynamic NTK. */
import { expect, it } from 'vitest';
import type { RotaryConfig } from '../../../src/models/config.ts';
import { readModelConfig } from '../../../src/models/hf-config.ts';
import { inverseFrequencies, logNScale, qwenNtkAlpha } from '../../../src/models/rope-tables.ts';
import { createReferenceBackend } from '../../../src/tensor/reference/backend.ts';
import {
  chunkPlaces,
  contextLimit,
  createPlaceInputs,
  textLength,
} from '../../../src/training/generation/place-inputs.ts';
import { SMALL } from '../../models/small-models.ts';

const configOf = (json: object): RotaryConfig => readModelConfig(json, 'test') as RotaryConfig;
const chunked = configOf({
  ...SMALL['qwen2'],
  dual_chunk_attention_config: { chunk_size: 8, local_size: 2, original_max_position_embeddings: 64 },
});

/** What row `query` of a text of `length` sees as its distance to each key. */
function distances(length: number, query: number): number[] {
  const places = chunkPlaces(chunked, length)!;
  const chunkOf = (position: number): number => Math.floor(position / 6);
  return Array.from({ length: query + 1 }, (_, key) => {
    const apart = chunkOf(query) - chunkOf(key);
    const kind = apart === 0 ? 'intra' : apart === 1 ? 'successive' : 'inter';
    return places[kind](query) - places.key(key);
  });
}

it('dual chunk attention: distances of chunks of 6 with 2 local places', () => {
  expect(distances(12, 7)).toEqual([7, 6, 5, 4, 3, 2, 1, 0]);
  expect(distances(12, 11)).toEqual([8, 7, 6, 5, 4, 3, 5, 4, 3, 2, 1, 0]);
  expect(distances(14, 13)).toEqual([8, 7, 6, 5, 4, 3, 7, 6, 5, 4, 3, 2, 1, 0]);
});

it('dual chunk attention is the plain one for texts of at most a chunk', () => {
  expect(chunkPlaces(chunked, 8)).toBeUndefined();
  for (let query = 0; query < 9; query++) {
    expect(distances(9, query)).toEqual(Array.from({ length: query + 1 }, (_, key) => query - key));
  }
});

it('LogN and the factor of dynamic NTK', () => {
  expect(logNScale(4095, 2048)).toBeCloseTo(1.0909090909090908, 12);
  expect(logNScale(8191, 2048)).toBeCloseTo(1.1818181818181817, 12);
  expect(logNScale(2047, 2048)).toBe(1);
  expect([2048, 2049, 4096, 8192].map((length) => qwenNtkAlpha(length, 2048))).toEqual([1, 3, 3, 7]);
  const wide = configOf({
    ...SMALL['qwen'],
    hidden_size: 512,
    kv_channels: 128,
    seq_length: 2048,
    use_dynamic_ntk: true,
  });
  const baseOf = (length: number): number => inverseFrequencies(wide, length).inverse[1] ** -64;
  expect(baseOf(4096) / 30527.7367488067).toBeCloseTo(1, 5);
  expect(baseOf(8192) / 72195.86008650938).toBeCloseTo(1, 5);
});

it('YaRN: the frequencies of a head of 128, base 1e6, 32768 positions, factor 4', () => {
  const yarn = configOf({
    ...SMALL['qwen2'],
    head_dim: 128,
    rope_theta: 1e6,
    max_position_embeddings: 32768,
    rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 32768 },
  });
  const { inverse, attentionFactor } = inverseFrequencies(yarn, 1);
  expect(attentionFactor).toBeCloseTo(1.138629436111989, 12);
  const expected = [1.0, 0.0010643609812470017, 4.445698525097307e-5, 3.102344401879299e-7];
  [0, 30, 40, 63].forEach((pair, i) => expect(inverse[pair] / expected[i]).toBeCloseTo(1, 5));
  expect(contextLimit(yarn)).toBe(131072);
});

it('the length that angles follow: the prompt for the first Qwen, all tokens in transformers', () => {
  const first = configOf({ ...SMALL['qwen'], seq_length: 8, use_dynamic_ntk: true });
  const second = configOf({ ...SMALL['qwen2'], rope_scaling: { type: 'dynamic', factor: 2 } });
  expect(textLength(first, 20, 25)).toBe(20);
  expect(textLength(second, 20, 25)).toBe(25);
  expect([contextLimit(first), contextLimit(second)]).toEqual([Infinity, Infinity]);
  expect([contextLimit(configOf(SMALL['qwen2'])), contextLimit(readModelConfig(SMALL['gpt2'], 'test'))]).toEqual([
    64, 32,
  ]);
});

it('refuses dynamic NTK together with dual chunks', () => {
  const both = configOf({
    ...SMALL['qwen2'],
    rope_scaling: { type: 'dynamic', factor: 2 },
    dual_chunk_attention_config: { chunk_size: 8, local_size: 2, original_max_position_embeddings: 64 },
  });
  const make = () => createPlaceInputs(createReferenceBackend(), both, { maxRows: 4, maxLength: 100 });
  expect(make).toThrow('it has both dual chunk attention and dynamic NTK scaling');
});

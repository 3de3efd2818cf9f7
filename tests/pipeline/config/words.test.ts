/** The small parts: names that are near, sizes, types in words, fields of the user's records. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { inputJsonSchema, typePhrase, typeShort } from '../../../src/pipeline/config/phrases.ts';
import { exactSize, parseSize } from '../../../src/pipeline/config/sizes.ts';
import { nearestName } from '../../../src/pipeline/config/suggest.ts';

describe('nearestName', () => {
  const names = [
    'normalize',
    'filter.gopher-quality',
    'filter.gopher-repetition',
    'filter.c4',
    'dedup.minhash',
    'shards',
  ];
  it.each([
    ['normalise', 'normalize'],
    ['Normalize', 'normalize'],
    ['filter.gopher_quality', 'filter.gopher-quality'],
    ['filter.gopher-qualty', 'filter.gopher-quality'],
    ['gopher-quality', 'filter.gopher-quality'],
    ['GopherRepetition', 'filter.gopher-repetition'],
    ['minhash', 'dedup.minhash'],
    ['dedupe.minhash', 'dedup.minhash'],
    ['shard', 'shards'],
    ['translate', undefined],
    ['x', undefined],
    ['', undefined],
  ])('%s → %s', (typed, expected) => {
    expect(nearestName(typed, names)).toBe(expected);
  });
});

describe('sizes', () => {
  it.each([
    ['4MiB', 4 * 1024 * 1024],
    ['4 mib', 4 * 1024 * 1024],
    ['1.5KiB', 1536],
    ['2GB', 2_000_000_000],
    ['512', 512],
    ['10B', 10],
    ['4M', Number.NaN],
    ['MiB', Number.NaN],
    ['-1MiB', Number.NaN],
    ['', Number.NaN],
  ])('parseSize(%j) is %d', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it('exactSize loses nothing', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (bytes) => parseSize(exactSize(bytes)) === bytes),
      { seed: 1 },
    );
    expect(exactSize(128 * 2 ** 20)).toBe('128MiB');
    expect(exactSize(1000)).toBe(1000);
  });
});

describe('types in words', () => {
  it.each<[z.ZodType, string, string]>([
    [z.int(), 'a whole number', 'integer'],
    [z.int().min(1), 'a whole number of at least 1', 'integer ≥ 1'],
    [z.int().max(9), 'a whole number of at most 9', 'integer ≤ 9'],
    [z.int().min(1).max(9), 'a whole number from 1 to 9', 'integer in [1, 9]'],
    [z.number().gt(0), 'a number above 0', 'number > 0'],
    [z.number().lt(1), 'a number below 1', 'number < 1'],
    [z.number().gt(0).max(1), 'a number above 0 and at most 1', 'number in (0, 1]'],
    [z.int().multipleOf(8), 'a whole number, a multiple of 8', 'integer'],
    [z.boolean(), 'true or false', 'boolean'],
    [z.string(), 'a string', 'string'],
    [z.string().min(1), 'a string that is not empty', 'string'],
    [z.string().regex(/^a+$/), 'a string that matches /^a+$/', 'string'],
    [z.enum(['a', 'b', 'c']), "'a', 'b' or 'c'", 'a | b | c'],
    [z.literal('a'), "'a'", 'a'],
    [z.array(z.string()), 'a list of strings', 'string[]'],
    [
      z.array(z.int().min(1)).min(2),
      'a list where each is a whole number of at least 1 (at least 2)',
      '(integer ≥ 1)[]',
    ],
    [z.tuple([z.number(), z.number()]), 'a list of a number, a number', '[number, number]'],
    [
      z.union([z.enum(['all', 'none']), z.array(z.string())]),
      "'all', 'none' or a list of strings",
      'all | none | string[]',
    ],
    [z.number().nullable(), 'a number or null', 'number | null'],
    [z.record(z.string(), z.number()), 'a mapping', 'object'],
    [z.unknown(), 'a value', 'any'],
  ])('case %#: %o', (schema, phrase, short) => {
    const json = inputJsonSchema(schema);
    expect([typePhrase(json), typeShort(json)]).toEqual([phrase, short]);
  });

  it('an option named …Bytes is a size, and its default is written as one', () => {
    const schema = z.object({
      targetBytes: z
        .int()
        .min(1)
        .default(64 * 2 ** 20),
    });
    const option = inputJsonSchema(schema).properties!['targetBytes'];
    expect([typePhrase(option), typeShort(option), option.default]).toEqual([
      "a whole number of at least 1 or a size such as '4MiB'",
      'size',
      '64MiB',
    ]);
  });
});

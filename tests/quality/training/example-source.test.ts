import { describe, expect, it } from 'vitest';
import { createLabeller, exampleSource, labelledSource } from '../../../src/quality/training/example-source.ts';
import { orderLabels } from '../../../src/quality/training/label-order.ts';

const document = (meta: Record<string, unknown>) => ({ id: 'd', text: 't', meta });
const positive = (given: object) =>
  createLabeller({ source: exampleSource.parse(given), label: { fixed: 'positive' } });

describe('a source of examples', () => {
  it.each([
    [{ input: 'wiki' }, { source: 'wiki' }, true],
    [{ input: 'wiki' }, { source: 'crawl' }, false],
    [{ field: 'lang', equals: 'en' }, { lang: 'en' }, true],
    [{ field: 'lang', equals: ['en', 'zh'] }, { lang: 'zh' }, true],
    [{ field: 'lang', equals: 'en' }, { lang: 'de' }, false],
    [{ field: 'lang', equals: 'en' }, {}, false],
    [{ field: 'quality.edu', min: 3 }, { quality: { edu: 3 } }, true],
    [{ field: 'quality.edu', min: 3 }, { quality: { edu: 2.9 } }, false],
    [{ field: 'quality.edu', min: 3 }, { quality: { edu: '5' } }, false],
    [{ field: 'ppl', max: 100 }, { ppl: 100.5 }, false],
    [{ field: 'seen' }, { seen: false }, true],
    [{ field: 'seen' }, { seen: null }, false],
    [{ input: 'wiki', field: 'lang', equals: 'en' }, { source: 'wiki', lang: 'de' }, false],
  ])('%j takes %j: %j', (given, meta, expected) => {
    expect(positive(given)(document(meta))).toBe(expected ? 'positive' : undefined);
  });

  it('reads labels that texts name themselves: words, numbers and truth values, and nothing where there is none', () => {
    const source = labelledSource.parse({ labelField: 'review.label' });
    const labelOf = createLabeller({ source, label: { field: ['review', 'label'] } });
    const of = (label: unknown) => labelOf(document({ review: { label } }));
    expect([of('keep'), of(' keep '), of(1), of(false), of(''), of('  '), of(null), of({})]).toEqual([
      'keep',
      'keep',
      '1',
      'false',
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it.each([
    [{}, /give path, input or field/],
    [{ path: 'a', input: 'b' }, /exclude each other/],
    [{ input: 'b', min: 3 }, /about a field/],
  ])('refuses %j', (given, message) => {
    expect(() => exampleSource.parse(given)).toThrow(message);
  });
});

describe('orderLabels', () => {
  it('puts negative and positive first, then the others by their characters', () => {
    expect(orderLabels(new Set(['b', 'positive', 'a', 'negative', 'B']))).toEqual([
      'negative',
      'positive',
      'B',
      'a',
      'b',
    ]);
  });
});

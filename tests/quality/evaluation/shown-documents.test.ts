import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smallest, surestMistakes } from '../../../src/quality/evaluation/shown-documents.ts';

describe('the documents with the smallest keys', () => {
  it('are the first of all sorted by key and id, whatever their order', () => {
    const rows = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.string()), {
      selector: ([, id]) => id,
      maxLength: 30,
    });
    fc.assert(
      fc.property(rows, fc.integer({ min: 0, max: 8 }), (documents, count) => {
        const keys = Float64Array.from(documents, ([key]) => key);
        const ids = documents.map(([, id]) => id);
        const sorted = [...documents].sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1)).slice(0, count);
        expect(smallest(count, keys, ids).map((i) => documents[i])).toEqual(sorted);
      }),
    );
  });

  it('can be chosen among some', () => {
    expect(smallest(2, Float64Array.of(0, 3, 2, 1), ['a', 'b', 'c', 'd'], [1, 2, 3])).toEqual([3, 2]);
  });
});

describe('the surest mistakes', () => {
  it('are sorted by kind, the most frequent first, and within one by confidence', () => {
    const truth = Int32Array.of(0, 0, 1, 1, 1, 2);
    const predicted = Int32Array.of(1, 0, 0, 0, 0, 2);
    const confidence = Float64Array.of(0.9, 1, 0.2, 0.7, 0.5, 1);
    expect(surestMistakes(2, confidence, truth, predicted, ['a', 'b', 'c', 'd', 'e', 'f'])).toEqual([
      { truth: 1, predicted: 0, count: 3, documents: [3, 4] },
      { truth: 0, predicted: 1, count: 1, documents: [0] },
    ]);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CorpusmillError } from '../../../src/core/errors.ts';
import { shuffle } from '../../../src/core/random.ts';
import { isHeldOut, overFolds, stratifiedFolds } from '../../../src/quality/evaluation/folds.ts';

const LABELS = ['drop', 'keep'];
const idsOf = (count: number) => Array.from({ length: count }, (_, i) => `document-${i}`);

describe('a hold-out', () => {
  it('takes about the share asked for, by the id alone', () => {
    const held = idsOf(10_000).filter((id) => isHeldOut(id, { share: 0.2, seed: 1 }));
    // Four standard deviations of a binomial draw.
    expect(Math.abs(held.length - 2_000)).toBeLessThan(4 * Math.sqrt(10_000 * 0.2 * 0.8));
    expect(held).toEqual(idsOf(10_000).filter((id) => isHeldOut(id, { share: 0.2, seed: 1 })));
  });

  it('of a smaller share lies within that of a larger', () => {
    const small = idsOf(1_000).filter((id) => isHeldOut(id, { share: 0.1, seed: 1 }));
    expect(small.every((id) => isHeldOut(id, { share: 0.3, seed: 1 }))).toBe(true);
  });

  it('is another one under another seed, and nothing or all at 0 and 1', () => {
    const under = (seed: number, share: number) => idsOf(500).filter((id) => isHeldOut(id, { share, seed }));
    expect(under(1, 0.5)).not.toEqual(under(2, 0.5));
    expect([under(1, 0).length, under(1, 1).length]).toEqual([0, 500]);
  });
});

describe('stratified folds', () => {
  const documents = fc
    .tuple(fc.integer({ min: 5, max: 40 }), fc.integer({ min: 5, max: 40 }), fc.integer({ min: 2, max: 5 }))
    .map(([drops, keeps, folds]) => ({
      ids: idsOf(drops + keeps),
      truth: Int32Array.from({ length: drops + keeps }, (_, i) => (i < drops ? 0 : 1)),
      folds,
    }));

  it('differ by at most one document of each label, and by at most one in all', () => {
    fc.assert(
      fc.property(documents, fc.nat(), ({ ids, truth, folds }, seed) => {
        const foldOf = stratifiedFolds(ids, truth, LABELS, { folds, seed });
        for (const fits of [() => true, (i: number) => truth[i] === 0, (i: number) => truth[i] === 1]) {
          const sizes = new Array<number>(folds).fill(0);
          foldOf.forEach((fold, i) => {
            if (fits(i)) sizes[fold]++;
          });
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('do not depend on the order of documents', () => {
    fc.assert(
      fc.property(documents, fc.nat(), ({ ids, truth, folds }, seed) => {
        const foldOf = stratifiedFolds(ids, truth, LABELS, { folds, seed });
        const order = shuffle(Uint32Array.from(ids.keys()), seed);
        const moved = stratifiedFolds(
          Array.from(order, (i) => ids[i]),
          Int32Array.from(order, (i) => truth[i]),
          LABELS,
          { folds, seed },
        );
        expect([...moved]).toEqual(Array.from(order, (i) => foldOf[i]));
      }),
    );
  });

  it('keep documents of one id and label together', () => {
    const ids = [...idsOf(10), ...idsOf(10)];
    const foldOf = stratifiedFolds(
      ids,
      Int32Array.from(ids, (_, i) => i % 2),
      LABELS,
      { folds: 3, seed: 7 },
    );
    expect([...foldOf.slice(0, 10)]).toEqual([...foldOf.slice(10)]);
  });

  it('are others under another seed', () => {
    const truth = Int32Array.from({ length: 100 }, (_, i) => i % 2);
    const under = (seed: number) => [...stratifiedFolds(idsOf(100), truth, LABELS, { folds: 5, seed })];
    expect(under(1)).toEqual(under(1));
    expect(under(1)).not.toEqual(under(2));
  });

  it.each([1, 0, -2, 2.5, Number.NaN])('cannot be %d', (folds) => {
    const make = () => stratifiedFolds(idsOf(4), Int32Array.of(0, 0, 1, 1), LABELS, { folds, seed: 1 });
    expect(make).toThrow(CorpusmillError);
    expect(make).toThrow(`cannot cross-validate with ${folds} folds`);
  });

  it('need a document of every label in each', () => {
    const truth = Int32Array.of(0, 0, 0, 0, 1, 1);
    expect(() => stratifiedFolds(idsOf(6), truth, LABELS, { folds: 3, seed: 1 })).toThrow(
      'cannot cross-validate in 3 folds: the label "keep" has 2 documents of different ids',
    );
  });
});

describe('a figure over folds', () => {
  it('has the mean and the sample deviation: .8, .9, .7 → .8 ± .1', () => {
    expect(overFolds([0.8, 0.9, 0.7])).toEqual({
      mean: expect.closeTo(0.8, 14),
      deviation: expect.closeTo(0.1, 14),
      values: [0.8, 0.9, 0.7],
    });
  });

  it('leaves folds out in which it is undefined', () => {
    expect(overFolds([0.5, undefined])).toEqual({ mean: 0.5, deviation: undefined, values: [0.5, undefined] });
    expect(overFolds([undefined])).toEqual({ mean: undefined, deviation: undefined, values: [undefined] });
  });
});

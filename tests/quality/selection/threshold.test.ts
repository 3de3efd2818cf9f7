import { describe, expect, it } from 'vitest';
import { cutoffsOf } from '../../../src/quality/selection/cutoffs.ts';
import { threshold } from '../../../src/quality/selection/threshold-stage.ts';
import { runBarrier } from '../../dedup/context.ts';

const scored = (scores: readonly unknown[], lang: (i: number) => string = () => 'en') =>
  scores.map((score, i) => ({
    id: `d${i}`,
    text: 'x'.repeat(i + 1),
    meta: { source: 'test', quality: { score }, langid: { lang: lang(i) } },
  }));

/** Scores of the documents that are kept. */
async function kept(
  options: Record<string, unknown>,
  scores: readonly unknown[],
  { lang, ...settings }: { lang?: (i: number) => string; partRows?: number[]; alive?: (i: number) => boolean } = {},
) {
  const { keptAs, result } = await runBarrier(threshold, options, scored(scores, lang), settings);
  return { kept: scores.filter((_, i) => keptAs[i] === i), result };
}

const hundred = Array.from({ length: 100 }, (_, i) => (i * 37) % 100);

describe('filter.threshold', () => {
  it.each([
    [{ min: 3 }, [1, 3, 5, 2.9], [3, 5]],
    [{ max: 3 }, [1, 3, 5], [1, 3]],
    [{ min: 2, max: 4 }, [1, 2, 3, 4, 5], [2, 3, 4]],
    // Python's round: halves to the even number, so FineWeb-Edu's `int(round(2.5)) >= 3` is false.
    [{ minRounded: 3 }, [2.4, 2.5, 2.5000000001, 3, 4.2], [2.5000000001, 3, 4.2]],
    [{ minRounded: 2 }, [1.4, 1.5, 1.49999, 2], [1.5, 2]],
    [{ minRounded: -1 }, [-1.5, -1.4, -2, 0], [-1.4, 0]],
  ])('keeps by the limits %j', async (options, scores, expected) => {
    expect((await kept(options, scores)).kept).toEqual(expected);
  });

  it('keeps the best tenth of a hundred different scores: ten, those from 90 on', async () => {
    const { kept: best } = await kept({ top: 0.1 }, hundred, { partRows: [7] });
    expect([...best].sort((a, b) => Number(a) - Number(b))).toEqual([90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
  });

  it('keeps the lowest share, and what lies between two quantiles', async () => {
    expect((await kept({ bottom: 0.25 }, hundred)).kept.every((score) => Number(score) < 25)).toBe(true);
    expect((await kept({ bottom: 0.25 }, hundred)).kept).toHaveLength(25);
    const middle = (await kept({ quantiles: [0.3, 0.6] }, hundred)).kept.map(Number);
    expect([Math.min(...middle), Math.max(...middle), middle.length]).toEqual([30, 59, 30]);
  });

  it('splits a corpus into disjoint thirds that are all of it, as CCNet’s head, middle and tail', async () => {
    const thirds = [{ bottom: 1 / 3 }, { quantiles: [1 / 3, 2 / 3] }, { top: 1 / 3 }];
    const parts = await Promise.all(thirds.map(async (options) => (await kept(options, hundred)).kept));
    expect(
      parts
        .flat()
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual([...hundred].sort((a, b) => a - b));
  });

  it('keeps documents of equal value together', async () => {
    const { kept: best } = await kept({ top: 0.1 }, [...new Array(50).fill(1), ...new Array(50).fill(0)]);
    expect(best).toEqual(new Array(50).fill(1));
  });

  it('counts a share in bytes of text when asked: the last of ten documents has 10 of 55 bytes', async () => {
    const rising = Array.from({ length: 10 }, (_, i) => i);
    expect((await kept({ top: 0.2, shareOf: 'bytes' }, rising)).kept).toEqual([9]);
    expect((await kept({ top: 0.2 }, rising)).kept).toEqual([8, 9]);
  });

  it('takes shares within each group', async () => {
    // English scores are all higher: over all documents none of the others would be left.
    const scores = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 100 + i : i));
    const lang = (i: number) => (i % 2 === 0 ? 'en' : 'zh');
    const { kept: best } = await kept({ top: 0.25, groupBy: 'langid.lang' }, scores, { lang, partRows: [9] });
    expect(best).toEqual(
      [31, 33, 35, 37, 39, 130, 132, 134, 136, 138].sort((a, b) => scores.indexOf(a) - scores.indexOf(b)),
    );
  });

  it('drops documents without a number unless asked to keep them, and never counts them in a share', async () => {
    const scores = [1, undefined, 2, null, 'high', Number.NaN, 3, 4];
    expect((await kept({ top: 0.5 }, scores)).kept).toEqual([3, 4]);
    const { kept: all, result } = await kept({ top: 0.5, missing: 'keep' }, scores);
    expect(all).toEqual([undefined, null, 'high', Number.NaN, 3, 4]);
    expect(result.reasonOf?.(0)).toEqual({ reason: 'below_threshold', value: 1, threshold: 3 });
    expect((await kept({ top: 0.5 }, scores)).result.reasonOf?.(1)).toEqual({ reason: 'no_score' });
  });

  it('looks at what earlier stages left alone, and gives them their own entry', async () => {
    const { keptAs } = await runBarrier(threshold, { top: 0.5 }, scored([1, 2, 3, 4]), { alive: (i) => i < 2 });
    expect(keptAs).toEqual([0xffffffff, 1, 2, 3]);
  });

  it.each([
    [{}, /nothing says what is kept/],
    [{ top: 0.1, bottom: 0.1 }, /exclude each other/],
    [{ min: 4, max: 3 }, /above max/],
    [{ min: 1, groupBy: 'source' }, /only top, bottom and quantiles/],
    [{ quantiles: [0.5, 0.5] }, /first is below the second/],
  ])('refuses %j', (options, message) => {
    expect(() => threshold.options.parse(options)).toThrow(message);
  });

  it('reports quantiles and what each group keeps', async () => {
    const { details } = await runBarrier(threshold, { top: 0.1 }, scored(hundred));
    expect(details).toMatchObject({
      kind: 'threshold',
      documents: 100,
      kept: 10,
      unscored: 0,
      groups: [{ name: 'all', documents: 100, kept: 10, min: 90 }],
    });
    expect((details as unknown as { quantiles: Record<string, number> }).quantiles['0.5']).toBe(50);
  });
});

describe('cutoffsOf', () => {
  it('keeps nothing of a group without values', () => {
    const { min, max } = cutoffsOf({ values: new Float64Array(), weights: undefined }, { from: 0.9, to: 1 });
    expect(min).toBeGreaterThan(Number.MAX_VALUE);
    expect(max).toBe(Number.POSITIVE_INFINITY);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/core/random.ts';
import { catchProbability } from '../../src/dedup/lsh.ts';
import { minhash } from '../../src/dedup/minhash/stage.ts';
import { documentsFrom, runBarrier, type Settings } from './context.ts';

const run = (texts: readonly string[], options: Record<string, unknown> = {}, settings: Settings = {}) =>
  runBarrier(minhash, options, documentsFrom(texts), settings);

/** Words that no other call gives, so that similarities are exactly what a test plants. */
function freshWords(): (count: number) => string[] {
  let counter = 0;
  return (count) => Array.from({ length: count }, () => `w${(counter++).toString(36)}`);
}

describe('dedup.minhash', () => {
  // With shingles of one token, documents of distinct words have J = shared / (shared + 2·own).
  it.each([
    { shared: 100, own: 50, jaccard: 0.5 },
    { shared: 120, own: 40, jaccard: 0.6 },
    { shared: 140, own: 30, jaccard: 0.7 },
    { shared: 150, own: 25, jaccard: 0.75 },
    { shared: 160, own: 20, jaccard: 0.8 },
    { shared: 180, own: 10, jaccard: 0.9 },
  ])('catches planted pairs at J = $jaccard at the theoretical rate', async ({ shared, own, jaccard }) => {
    const pairs = 1500;
    const fresh = freshWords();
    const texts: string[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      const common = fresh(shared);
      texts.push([...common, ...fresh(own)].join(' '), [...fresh(own), ...common].join(' '));
    }
    const { details, keptAs } = await run(texts, { shingleTokens: 1, numBands: 14, rowsPerBand: 8, verify: 0 });
    for (let i = 0; i < keptAs.length; i++) expect([i, i - (i % 2)]).toContain(keptAs[i]);
    const expected = catchProbability(jaccard, { bands: 14, rows: 8 });
    // Binomial with 1,500 trials: four standard errors.
    const tolerance = 4 * Math.sqrt((expected * (1 - expected)) / pairs) + 1e-9;
    expect(Math.abs(details.duplicates / pairs - expected)).toBeLessThan(tolerance);
  });

  it('with a check joins those pairs alone that reach it, and all of them that are candidates', async () => {
    const fresh = freshWords();
    const texts: string[] = [];
    const similarity: number[] = [];
    for (let pair = 0; pair < 300; pair++) {
      const shared = 100 + (pair % 100);
      const common = fresh(shared);
      similarity.push(shared / (shared + 2 * (200 - shared)));
      texts.push([...common, ...fresh(200 - shared)].join(' '), [...common, ...fresh(200 - shared)].join(' '));
    }
    const shape = { shingleTokens: 1, numBands: 50, rowsPerBand: 3 };
    const loose = await run(texts, { ...shape, verify: 0 });
    const checked = await run(texts, { ...shape, verify: 0.6 });
    similarity.forEach((jaccard, pair) => {
      const candidate = loose.keptAs[2 * pair + 1] === 2 * pair;
      expect(checked.keptAs[2 * pair + 1] === 2 * pair).toBe(candidate && jaccard >= 0.6);
    });
    const { candidatePairs, checked: count, rejected } = checked.details.verification!;
    expect(candidatePairs).toBe(loose.details.duplicates);
    expect([count, count - rejected]).toEqual([candidatePairs, checked.details.duplicates]);
  });

  const variants = (words: readonly string[], changed: number): string =>
    words.map((word, i) => (i === changed ? `other${changed}` : word)).join(' ');

  it('gives the same result however documents lie in parts', async () => {
    const random = createRandom(5);
    const families = Array.from({ length: 12 }, (_, family) =>
      Array.from({ length: 60 }, (__, i) => `f${family % 4 === 0 ? 0 : family}x${i}`),
    );
    const texts = Array.from({ length: 150 }, () => variants(families[random.below(12)], random.below(90)));
    texts[7] = '';
    texts[80] = '...';
    const options = { shingleTokens: 2, verify: 0.5, keep: 'longest' };
    const whole = await run(texts, options);
    expect(whole.details.clusters).toBeGreaterThan(5);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }), async (partRows) => {
        const { keptAs, details } = await run(texts, options, { partRows });
        expect(keptAs).toEqual(whole.keptAs);
        expect(details).toEqual(whole.details);
      }),
      { numRuns: 25 },
    );
  });

  it('compares ten thousand copies of one text with one of them, not with each other', async () => {
    const copies = Array<string>(10_000).fill('the same short text again and again and again');
    const { keptAs, details, reads } = await run(copies, {}, { partRows: [1000] });
    expect(new Set(keptAs)).toEqual(new Set([0]));
    expect(details.verification).toEqual({ candidatePairs: 9999, checked: 9999, rejected: 0, leftApart: 0 });
    // One sweep over ten parts, then the members shown.
    expect(reads.map((asked) => asked.length)).toEqual([...Array(10).fill(1000), 5]);
  });

  it('finds every family in a bucket that holds several', async () => {
    // One row per band and many bands: documents of all families collide through the words they share.
    const boilerplate = Array.from({ length: 30 }, (_, i) => `menu${i}`);
    const family = (name: string, edition: number): string =>
      [...boilerplate, ...Array.from({ length: 100 }, (_, i) => `${name}${i}`), `edition${name}${edition}`].join(' ');
    const texts = ['a', 'b', 'c', 'd'].flatMap((name) => [0, 1, 2].map((edition) => family(name, edition)));
    const mixed = [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11].map((i) => texts[i]);
    const options = { shingleTokens: 1, numBands: 60, rowsPerBand: 1 };
    expect(new Set((await run(mixed, { ...options, verify: 0 })).keptAs)).toEqual(new Set([0]));
    const { keptAs } = await run(mixed, { ...options, verify: 0.6 });
    expect(keptAs).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
  });

  it('never merges documents without tokens', async () => {
    const { keptAs } = await run(['', '', '!!!', '😀', '!!!'], { verify: 0 });
    expect(keptAs).toEqual([0, 1, 2, 3, 4]);
  });

  it('takes a document shorter than a shingle as one: equal ones are copies, others are not', async () => {
    const { keptAs } = await run(['Read more', 'read more.', 'read less', 'READ MORE »'], { keep: 'first' });
    expect(keptAs).toEqual([0, 0, 2, 0]);
  });

  it('finds Chinese near-copies without word segmentation', async () => {
    const text =
      '床前明月光，疑是地上霜。举头望明月，低头思故乡。静夜思是唐代诗人李白所作，描写了秋日夜晚诗人于屋内抬头望月的所感。';
    const varied = text.replace('疑是', '疑似').replaceAll('，', ' ');
    const rest = text.slice(30);
    expect((await run([text, varied, rest], { threshold: 0.6 })).keptAs).toEqual([0, 0, 2]);
    // By containment also what is contained in another, unless texts are as short as these.
    const anyLength = { containment: { exactBelow: 0, orderedBelow: 0 } };
    expect((await run([rest, text, varied], anyLength)).keptAs).toEqual([1, 1, 1]);
    expect((await run([rest, text, `${text}。`])).keptAs).toEqual([0, 2, 2]);
  });

  it('does not link two mails that have a footer in common, and drops the mail that is nothing but that footer', async () => {
    const fresh = freshWords();
    const footer = fresh(60);
    const mails = [fresh(50), footer, fresh(70), fresh(90)].map((own) =>
      (own === footer ? footer : [...own, ...footer]).join(' '),
    );
    const { keptAs } = await run(mails, { numBands: 120 });
    expect([keptAs[0], keptAs[2], keptAs[3]]).toEqual([0, 2, 3]);
    // With the largest that holds it, of those that are found to.
    expect([0, 2, 3]).toContain(keptAs[1]);
  });

  it('looks past documents that earlier stages dropped', async () => {
    const text = 'a text of a few words that is here four times over';
    const { keptAs, details } = await run([text, text, text, text], {}, { alive: (i) => i !== 0 && i !== 2 });
    expect(keptAs).toEqual([0, 1, 2, 1]);
    expect(details.documents).toBe(2);
  });

  it('keeps the longest, or the first when asked', async () => {
    const words = Array.from({ length: 100 }, (_, i) => `word${i}`);
    const texts = [words.slice(0, 98).join(' '), words.join(' '), words.slice(0, 99).join(' ')];
    expect((await run(texts, { keep: 'first' })).keptAs).toEqual([0, 0, 0]);
    expect((await run(texts)).keptAs).toEqual([1, 1, 1]);
  });

  it('depends on the seed only in which candidates are found', async () => {
    const words = Array.from({ length: 50 }, (_, i) => `word${i}`);
    const texts = [words.join(' '), variants(words, 49)];
    for (const seed of [1, 2, 3]) expect((await run(texts, { keep: 'first' }, { seed })).keptAs).toEqual([0, 0]);
    expect((await run(texts, { seed: 9 })).details.settings).toMatchObject({ seed: 9 });
    expect((await run(texts, {}, { seed: 4 })).details.settings).toMatchObject({ seed: 4 });
  });

  it('reports its settings', async () => {
    expect((await run(['a'])).details.settings).toMatchObject({
      numBands: 40,
      rowsPerBand: 4,
      shingleTokens: 3,
      verify: 'containment',
      minShingles: 0.7,
      minTokens: 0.9,
      maxReordered: 0.1,
      fragment: 0.7,
    });
    const fineweb = { shingleTokens: 5, numBands: 14, rowsPerBand: 8, verify: 0 };
    // (1/14)^(1/8), the threshold that is quoted for FineWeb's bands.
    expect((await run(['a'], fineweb)).details.settings).toMatchObject({ ...fineweb, curveThreshold: 0.719 });
  });

  it('derives bands, rows and check from a threshold', async () => {
    const { details } = await run(['a'], { threshold: 0.7 });
    expect(details.settings).toMatchObject({ numBands: 32, rowsPerBand: 6, shingleTokens: 5, verify: 0.7 });
    // Unchecked, the shape that datasketch and text-dedup choose.
    expect((await run(['a'], { threshold: 0.45, numHashes: 256, verify: 0 })).details.settings).toMatchObject({
      numBands: 47,
      rowsPerBand: 5,
      verify: 0,
    });
  });

  it.each([
    [{ threshold: 0.7, numBands: 3 }, 'give either it or'],
    [{ threshold: 0.7, rowsPerBand: 3 }, 'give either it or'],
    [{ numHashes: 64 }, 'only with `threshold`'],
  ])('refuses %j, which says two things at once', (options, message) => {
    expect(minhash.options.safeParse(options).error?.issues[0].message).toContain(message);
  });
});

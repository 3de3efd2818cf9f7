/**
 * Precision and recall on real near-copies with known clusters. The reference columns are the data's own: pairs whose
 * exact Jaccard similarity (5-token shingles of words and CJK characters) reaches .5, .7, .8. With a low-threshold curve
 * (32 × 4) and the check at .5 or .7 the stage must come close to those; FineWeb's curve lies around .72.
 */
import { expect, it } from 'vitest';
import { minhash } from '../../src/dedup/minhash.ts';
import { describeWithShared, shared } from '../shared.ts';
import { pairScores, readJsonlGz, runBarrier } from './context.ts';

const WIDE = { numBands: 32, rowsPerBand: 4 };

describeWithShared('dedup.minhash on the gold near-copies', () => {
  // Reference P/R; a joined cluster may gain pairs by transitivity, and bands miss a few at the threshold.
  it.each([
    { kind: 'planted', at: 0.5, precision: 1, recall: 1 },
    { kind: 'planted', at: 0.7, precision: 1, recall: 1 },
    { kind: 'editions-en', at: 0.5, precision: 1, recall: 0.987 },
    { kind: 'editions-en', at: 0.7, precision: 1, recall: 0.987 },
    { kind: 'editions-zh', at: 0.5, precision: 0.996, recall: 0.966 },
    { kind: 'editions-zh', at: 0.7, precision: 1, recall: 0.917 },
    { kind: 'classical-zh', at: 0.5, precision: 1, recall: 0.885 },
    { kind: 'classical-zh', at: 0.7, precision: 1, recall: 0.818 },
    { kind: 'biblio', at: 0.5, precision: 0.967, recall: 0.994 },
    { kind: 'biblio', at: 0.7, precision: 0.994, recall: 0.982 },
    { kind: 'crossposts', at: 0.5, precision: 0.892, recall: 1 },
    { kind: 'crossposts', at: 0.7, precision: 0.981, recall: 1 },
  ])('merges $kind at J ≥ $at as exact comparison of all pairs would', async ({ kind, at, precision, recall }) => {
    const scores = await scoresOf(kind, { ...WIDE, verify: at });
    expect(Math.abs(scores.precision - precision)).toBeLessThan(0.01);
    expect(Math.abs(scores.recall - recall)).toBeLessThan(0.01);
  });

  it.each([
    // Between the rows for J ≥ .7 and J ≥ .8 of the reference, where its curve lies; precision no lower.
    { kind: 'planted', precision: 1, recall: 1 },
    { kind: 'editions-en', precision: 1, recall: 0.987 },
    { kind: 'editions-zh', precision: 1, recall: 0.853 },
    { kind: 'classical-zh', precision: 1, recall: 0.779 },
  ])("FineWeb's bands find in $kind at least what J ≥ .8 would", async ({ kind, precision, recall }) => {
    const scores = await scoresOf(kind, {});
    expect(scores.precision).toBeGreaterThanOrEqual(precision);
    expect(scores.recall).toBeGreaterThan(recall - 0.0005);
  });
});

describeWithShared('dedup.minhash on a whole corpus', () => {
  // What is left after merging every pair at that exact Jaccard similarity, from the data's own notes. Bands miss some
  // pairs near .5 (theory: 13 %), and a bucket of many families may leave a few apart.
  it.each([
    { file: 'web-mix', at: 0.8, left: 19_192 },
    { file: 'web-mix', at: 0.7, left: 18_826 },
    { file: 'web-mix', at: 0.5, left: 18_120 },
    { file: 'package-descriptions', at: 0.8, left: 56_684 },
    { file: 'package-descriptions', at: 0.7, left: 50_874 },
    { file: 'package-descriptions', at: 0.5, left: 41_492 },
  ])('leaves of $file at J ≥ $at what exact comparison leaves: $left documents', async ({ file, at, left }) => {
    const rows = readJsonlGz<{ text: string }>(shared(`data/${file}.jsonl.gz`));
    const documents = rows.map(({ text }, i) => ({ id: String(i), text, meta: {} }));
    const { details } = await runBarrier(minhash, { ...WIDE, verify: at }, documents, { partRows: [2000] });
    const found = details.documents - details.duplicates;
    expect(Math.abs(found / left - 1)).toBeLessThan(at === 0.5 ? 0.006 : 0.0015);
  });
});

async function scoresOf(kind: string, options: Record<string, unknown>) {
  const rows = readJsonlGz<{ id: string; cluster: string; text: string }>(
    shared(`data/nearcopies-gold/${kind}.jsonl.gz`),
  );
  const documents = rows.map(({ id, text }) => ({ id, text, meta: {} }));
  const { keptAs } = await runBarrier(minhash, options, documents, { partRows: [400] });
  return pairScores(
    keptAs,
    rows.map(({ cluster }) => cluster),
  );
}

/**
 * Held to known truth: precision and recall on real near-copies with known clusters, what is left of whole corpora, and how
 * many pairs the bands catch. The reference figures are the data's own, by exact comparison of all pairs on the same 5-token
 * shingles of words and CJK characters.
 */
import { expect, it } from 'vitest';
import { KINDS } from '../../bench/dedup-truth.ts';
import { addScores, f1, pairScores } from '../../bench/pair-scores.ts';
import type { Document } from '../../src/core/document.ts';
import { type BandShape, bandKeys, catchingBands, catchProbability } from '../../src/dedup/lsh.ts';
import { createFoldedSigner, type Signer } from '../../src/dedup/minhash/signers.ts';
import { minhash } from '../../src/dedup/minhash/stage.ts';
import { createShingleSet } from '../../src/dedup/shingle-set.ts';
import { createUnionFind } from '../../src/dedup/union-find.ts';
import { describeWithShared, shared } from '../shared.ts';
import { readJsonlGz, runBarrier } from './context.ts';
import { type SimilarPair, similarPairs } from './exact-join.ts';

/** Precision and recall of "merge when J ≥ .5, .7, .8" by exact comparison of all pairs, from the data's own notes. */
const EXACT: Record<(typeof KINDS)[number], readonly (readonly [precision: number, recall: number])[]> = {
  'poems-zh': [
    [0.93, 0.772],
    [0.945, 0.49],
    [0.954, 0.278],
  ],
  'editions-zh': [
    [0.996, 0.966],
    [1, 0.917],
    [1, 0.853],
  ],
  extractions: [
    [0.999, 0.814],
    [1, 0.679],
    [1, 0.588],
  ],
  'classical-zh': [
    [1, 0.885],
    [1, 0.818],
    [1, 0.779],
  ],
  biblio: [
    [0.967, 0.994],
    [0.994, 0.982],
    [0.997, 0.959],
  ],
  crossposts: [
    [0.892, 1],
    [0.981, 1],
    [0.981, 1],
  ],
  'editions-en': [
    [1, 0.987],
    [1, 0.987],
    [1, 0.987],
  ],
  planted: [
    [1, 1],
    [1, 1],
    [1, 1],
  ],
};

describeWithShared('dedup.minhash on the gold near-copies', () => {
  // Exact comparison is made here once more, so that three things can be told apart: that it gives the data's figures (same
  // tokens, same shingles), that bands lose little of it, and that clusters, which join transitively, are its clusters.
  it.each(KINDS)(
    'by `threshold` finds of %s what exact comparison of all pairs finds',
    async (kind) => {
      const rows = goldOf(kind);
      const labels = rows.map(({ cluster }) => cluster);
      const set = createShingleSet(5);
      const sets = rows.map(({ text }) => {
        set.openText(text);
        return set.values();
      });
      const pairs = similarPairs(sets, 0.5);
      for (const [i, threshold] of [0.5, 0.7, 0.8].entries()) {
        const [precision, recall] = EXACT[kind][i];
        const similar = pairs.filter(({ jaccard }) => jaccard >= threshold);
        const exactly = scoresOfPairs(similar, labels);
        expect(Math.abs(exactly.precision - precision), `exact precision at ${threshold}`).toBeLessThan(0.005);
        expect(Math.abs(exactly.recall - recall), `exact recall at ${threshold}`).toBeLessThan(0.005);

        const shape = catchingBands(threshold, 192);
        const keys = keyTable(rows, shape);
        const caught = scoresOfPairs(
          similar.filter(({ first, second }) => keys[first].some((key, band) => key === keys[second][band])),
          labels,
        );
        expect(Math.abs(caught.precision - precision), `precision at ${threshold}`).toBeLessThan(0.01);
        expect(Math.abs(caught.recall - recall), `recall at ${threshold}`).toBeLessThan(0.03);

        const sets = createUnionFind(rows.length);
        for (const { first, second } of similar) sets.union(first, second);
        const joined = pairScores([...sets.roots()], labels);
        const clusters = await scoresOf(kind, { threshold });
        expect(Math.abs(clusters.precision - joined.precision), `clusters' precision at ${threshold}`).toBeLessThan(
          0.01,
        );
        expect(Math.abs(clusters.recall - joined.recall), `clusters' recall at ${threshold}`).toBeLessThan(0.03);
      }
    },
    120_000,
  );

  // Peers' settings over the same documents: datatrove F1 .759 over all pairs and .880 on average over the kinds,
  // text-dedup at best .863 and .867 (docs/deduplication.md). FineWeb's bands are held to what exact comparison at .8 finds.
  it('by default reaches F1 .95 over all pairs at a precision of .95, and .96 on average over the kinds', async () => {
    const scores = await Promise.all(KINDS.map((kind) => scoresOf(kind, {})));
    const all = addScores(scores);
    expect(all.precision).toBeGreaterThanOrEqual(0.95);
    expect(f1(all)).toBeGreaterThanOrEqual(0.95);
    expect(scores.reduce((sum, score) => sum + f1(score), 0) / KINDS.length).toBeGreaterThanOrEqual(0.96);
  }, 120_000);
});

describeWithShared('dedup.minhash on a whole corpus', () => {
  // What is left after merging every pair at that exact Jaccard similarity, from the data's own notes.
  it.each([
    { file: 'web-mix', at: 0.8, left: 19_192 },
    { file: 'web-mix', at: 0.7, left: 18_826 },
    { file: 'web-mix', at: 0.5, left: 18_120 },
    { file: 'package-descriptions', at: 0.8, left: 56_684 },
    { file: 'package-descriptions', at: 0.7, left: 50_874 },
    { file: 'package-descriptions', at: 0.5, left: 41_492 },
  ])(
    'leaves of $file at J ≥ $at what exact comparison leaves: $left documents',
    async ({ file, at, left }) => {
      const { details } = await runBarrier(minhash, { threshold: at }, corpus(file), { partRows: [2000] });
      expect(Math.abs((details.documents - details.duplicates) / left - 1)).toBeLessThan(0.005);
    },
    60_000,
  );
});

describeWithShared('candidates by bands', () => {
  it('are as many of the poem pairs, by their Jaccard similarity, as theory says', () => {
    const poems = new Map<string, string[]>();
    for (const { cluster, text } of goldOf('poems-zh')) poems.set(cluster, [...(poems.get(cluster) ?? []), text]);
    const shape = { bands: 32, rows: 4 };
    const signers = [1, 2, 3].map((seed) => createFoldedSigner(shape, 5, seed));
    const set = createShingleSet(5);
    // By tenths of J: pairs (one for each seed), how many were caught, and how many theory expects.
    const bins = Array.from({ length: 11 }, () => ({ pairs: 0, caught: 0, expected: 0 }));
    for (const [first, second] of poems.values()) {
      if (second === undefined) continue;
      set.openText(first);
      const values = set.values();
      set.openText(second);
      const jaccard = set.jaccard(values);
      const bin = bins[Math.floor(10 * jaccard)];
      for (const signer of signers) {
        bin.pairs++;
        bin.expected += catchProbability(jaccard, shape);
        if (keysOf(signer, first, shape).some((key, band) => key === keysOf(signer, second, shape)[band])) bin.caught++;
      }
    }
    const filled = bins.filter(({ pairs }) => pairs >= 600);
    expect(filled.length).toBeGreaterThanOrEqual(7);
    for (const { pairs, caught, expected } of filled) {
      expect(Math.abs(caught - expected) / pairs).toBeLessThan(0.03);
    }
  }, 60_000);
});

function keysOf(signer: Signer, text: string, shape: BandShape): string[] {
  signer.sign(text);
  const keys = new Uint32Array(2 * shape.bands);
  bandKeys(signer.signature, shape, keys);
  return Array.from({ length: shape.bands }, (_, band) => `${keys[2 * band]} ${keys[2 * band + 1]}`);
}

function keyTable(rows: readonly { text: string }[], shape: BandShape): string[][] {
  const signer = createFoldedSigner(shape, 5, 1);
  return rows.map(({ text }) => keysOf(signer, text, shape));
}

function scoresOfPairs(pairs: readonly SimilarPair[], labels: readonly string[]) {
  const both = pairs.filter(({ first, second }) => labels[first] === labels[second]).length;
  return { precision: both / pairs.length, recall: both / pairScores(labels, labels).gold };
}

function corpus(file: string): Document[] {
  const rows = readJsonlGz<{ text: string }>(shared(`data/${file}.jsonl.gz`));
  return rows.map(({ text }, i) => ({ id: String(i), text, meta: {} }));
}

function goldOf(kind: string): { id: string; cluster: string; text: string }[] {
  return readJsonlGz(shared(`data/nearcopies-gold/${kind}.jsonl.gz`));
}

async function scoresOf(kind: string, options: Record<string, unknown>) {
  const rows = goldOf(kind);
  const documents = rows.map(({ id, text }) => ({ id, text, meta: {} }));
  const { keptAs } = await runBarrier(minhash, options, documents, { partRows: [400] });
  return pairScores(
    keptAs,
    rows.map(({ cluster }) => cluster),
  );
}

/** Real corpora in three batches against one run over the whole: how far apart they are, and why. */
import { expect, it } from 'vitest';
import { KINDS } from '../../../bench/dedup-truth.ts';
import { addScores, f1, pairScores } from '../../../bench/pair-scores.ts';
import { shuffle } from '../../../src/core/random.ts';
import { NOBODY } from '../../../src/core/stage.ts';
import { exact } from '../../../src/dedup/exact.ts';
import { minhash } from '../../../src/dedup/minhash/stage.ts';
import { describeWithShared, shared } from '../../shared.ts';
import { readJsonlGz, runBarrier } from '../context.ts';
import { type Batches, inParts, keptIds, runBatches } from './batches.ts';

const settings = { partRows: [1000] };

describeWithShared('a real corpus in three batches', () => {
  const webMix = () => {
    const rows = readJsonlGz<{ text: string }>(shared('data/web-mix.jsonl.gz'));
    return shuffle(
      rows.map(({ text }, i) => ({ id: String(i), text, meta: {} })),
      3,
    );
  };

  it('keeps the same as one run by equal text: all but 1,133 of 20,781', async () => {
    const documents = webMix();
    const { kept } = await runBatches(exact, {}, inParts(documents, 3), settings);
    expect(kept).toEqual(keptIds(await runBarrier(exact, {}, documents, settings), documents));
    expect(documents.length - kept.length).toBe(1133);
  });

  // By Jaccard similarity the difference is chains that a later document closes. By containment also documents that hold an
  // indexed one as a fragment: one run would drop one of the two, a batch keeps both.
  it.each([
    { options: { verify: 0.7 }, atMost: 0.0015 },
    { options: { verify: 0.7, indexed: 'all' }, atMost: 0.001 },
    { options: {}, atMost: 0.005 },
    { options: { indexed: 'all' }, atMost: 0.003 },
  ])('keeps by near copies $options a share of at most $atMost more', async ({ options, atMost }) => {
    const documents = webMix();
    const given = { keep: 'first', ...options };
    const one = keptIds(await runBarrier(minhash, given, documents, settings), documents);
    const { kept } = await runBatches(minhash, given, inParts(documents, 3), settings);
    expect(kept.length / one.length - 1).toBeGreaterThan(0);
    expect(kept.length / one.length - 1).toBeLessThan(atMost);
    const known = new Set(kept);
    expect(one.filter((id) => !known.has(id)).length / one.length).toBeLessThan(0.001);
  });

  it('finds the gold clusters as one run does, with fragments that link and all documents indexed', async () => {
    const options = { containment: { fragment: 0 }, indexed: 'all' };
    const scores = await Promise.all(
      KINDS.map(async (kind) => {
        const path = shared(`data/nearcopies-gold/${kind}.jsonl.gz`);
        const rows = shuffle(readJsonlGz<{ cluster: string; text: string }>(path), 5);
        const documents = rows.map(({ text }, i) => ({ id: String(i), text, meta: {} }));
        const gold = rows.map(({ cluster }) => cluster);
        const one = await runBarrier(minhash, options, documents, settings);
        const batches = await runBatches(minhash, options, inParts(documents, 3), settings);
        return { one: pairScores(one.keptAs, gold), batches: pairScores(await clustersOf(batches), gold) };
      }),
    );
    const [one, batches] = [
      addScores(scores.map((score) => score.one)),
      addScores(scores.map((score) => score.batches)),
    ];
    expect(Math.abs(f1(batches) - f1(one))).toBeLessThan(0.003);
    expect(batches.precision).toBeGreaterThanOrEqual(one.precision);
  }, 120_000);
});

/** For each document of all batches the one that stands for it, by number; ids are numbers too. */
async function clustersOf({ outcomes }: Batches): Promise<number[]> {
  const labels: number[] = [];
  for (const { keptAs, result } of outcomes) {
    const first = labels.length;
    const outside = await result.outsideIds?.(keptAs.map((_, i) => i));
    for (const [i, kept] of keptAs.entries()) {
      labels.push(kept === NOBODY ? labels[Number(outside!.get(i))] : first + kept);
    }
  }
  return labels;
}

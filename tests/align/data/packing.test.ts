/** Examples and pairs as micro-batches: nothing lost, nothing twice, nothing seen across borders, cursors that go on. */
import { describe, expect, it } from 'vitest';
import { type ExampleDataOptions, exampleData, withNoise } from '../../../src/align/data/example-data.ts';
import { type PairBatchOptions, pairData, planBatches } from '../../../src/align/data/pair-batches.ts';
import type { Side, TokenPair } from '../../../src/align/data/pairs.ts';
import { sftObjective } from '../../../src/align/sft.ts';
import { createRandom } from '../../../src/core/random.ts';
import { createWeights } from '../../../src/models/weights.ts';
import { openBackend } from '../../../src/tensor/open-backend.ts';
import type { MicroBatch, TrainingData } from '../../../src/training/data/training-data.ts';
import { createTrainStep } from '../../../src/training/train-step.ts';
import { tinyConfig } from '../../training/tiny-training.ts';

const random = createRandom(11);

/** Examples whose ids are told apart by their first; the second half of each is trained. */
function someExamples(count: number, longest: number) {
  const lengths = Uint32Array.from({ length: count }, () => 2 + random.below(longest - 1));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const [ids, labels] = [new Int32Array(total), new Int32Array(total).fill(-100)];
  let at = 0;
  for (const length of lengths) {
    for (let t = 0; t < length; t++) {
      ids[at + t] = 1 + random.below(15);
      if (t >= length / 2) labels[at + t] = ids[at + t];
    }
    at += length;
  }
  return { ids, labels, lengths };
}

const SHAPE: ExampleDataOptions = {
  rows: 3,
  time: 16,
  packing: 'best-fit',
  order: 'shuffled',
  seed: 4,
  epochs: 2,
  name: 'test',
  padId: 0,
};

async function all(data: Pick<TrainingData, 'batches'>, cursor?: string): Promise<MicroBatch[]> {
  const batches: MicroBatch[] = [];
  for await (const batch of data.batches(cursor)) batches.push(batch);
  return batches;
}

/** Documents of a micro-batch as texts of ids, by position 0 and segment. */
function documents(batch: MicroBatch): string[] {
  const { ids, positions } = batch.inputs(1) as Record<string, Int32Array>;
  const found: number[][] = [];
  for (let i = 0; i < ids.length; i++) {
    if (positions[i] === 0) found.push([]);
    found[found.length - 1].push(ids[i]);
  }
  return found.filter(([first]) => first !== 0).map((document) => document.join());
}

describe('exampleData', () => {
  const examples = someExamples(60, 16);
  const texts = Array.from(examples.lengths, (length, i) => {
    const start = examples.lengths.subarray(0, i).reduce((sum, n) => sum + n, 0);
    return examples.ids.subarray(start, start + length).join();
  });

  it('gives every example once in an epoch, in another order the next time', async () => {
    const batches = await all(exampleData(examples, { ...SHAPE, epochs: 1 }));
    expect(batches.flatMap(documents).sort()).toEqual([...texts].sort());
    const twice = await all(exampleData(examples, SHAPE));
    const order = twice.flatMap(documents);
    expect([...order].sort()).toEqual([...texts, ...texts].sort());
    expect(order.slice(0, 10)).not.toEqual(order.slice(60, 70));
  });

  it('goes on from a cursor with the same batches, and refuses one of other data', async () => {
    const data = exampleData(examples, SHAPE);
    const batches = await all(data);
    const rest = await all(data, batches[4].cursor);
    expect(rest.map((batch) => batch.inputs(7))).toEqual(batches.slice(5).map((batch) => batch.inputs(7)));
    const other = exampleData(examples, { ...SHAPE, seed: 5 });
    await expect(all(other, batches[0].cursor)).rejects.toThrow('the cursor belongs to other data');
  });

  it('a packed example has the loss that it has alone', async () => {
    const backend = openBackend('native', { threads: 1 });
    const weights = createWeights(backend, tinyConfig());
    weights.initialize(3);
    const measure = async (packing: 'best-fit' | 'none'): Promise<{ loss: number; tokens: number; rows: number }> => {
      const data = exampleData(examples, { ...SHAPE, epochs: 1, packing, order: 'sequential' });
      const objective = sftObjective({ rows: 3, time: 16, neftune: 0, labelSmoothing: 0 });
      const step = createTrainStep(backend, weights, {
        objective,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weightDecay: 0,
        clipNorm: 0,
        maxPositions: 16,
      });
      let [loss, tokens] = [0, 0];
      const batches = await all(data);
      for (const batch of batches) {
        loss += (await step.evaluate(batch.inputs(1)))['loss'][0];
        tokens += batch.weight;
      }
      step.dispose();
      return { loss, tokens, rows: 3 * batches.length };
    };
    const [packed, alone] = [await measure('best-fit'), await measure('none')];
    expect(packed.tokens).toBe(alone.tokens);
    expect(packed.rows).toBeLessThan(0.7 * alone.rows);
    expect(packed.loss / alone.loss).toBeCloseTo(1, 5);
    await backend.dispose();
  });

  it('noise is scaled by the length of each document, and none is in padding', async () => {
    const one = { ids: Int32Array.of(5, 6, 7, 8), labels: Int32Array.of(-100, -100, 7, 8), lengths: Uint32Array.of(4) };
    const [batch] = await all(withNoise(exampleData(one, { ...SHAPE, rows: 1, time: 6, epochs: 1 }), 5));
    expect(Array.from(batch.inputs(1)['noiseScale'])).toEqual([2.5, 2.5, 2.5, 2.5, 0, 0]);
  });
});

describe('pairs in micro-batches', () => {
  const side = (tag: number, length: number): Side => ({
    ids: Int32Array.from({ length }, (_, i) => (i === 0 ? tag : 1 + random.below(15))),
    labels: Int32Array.from({ length }, (_, i) => (i < length / 2 ? -100 : 1)),
    tokens: Math.floor(length / 2),
    text: '',
  });
  const pairs: TokenPair[] = Array.from({ length: 50 }, (_, i) => ({
    chosen: side(1000 + i, 2 + random.below(31)),
    rejected: side(2000 + i, 2 + random.below(31)),
    margin: undefined,
  }));
  const shape: PairBatchOptions = {
    rows: 3,
    time: 32,
    pairs: 8,
    order: 'shuffled',
    seed: 2,
    epochs: 1,
    name: 'p',
    padId: 0,
  };

  it('every pair is in one batch, and no two sequences share a place', () => {
    const batches = planBatches(
      pairs,
      Uint32Array.from(pairs, (_, i) => i),
      shape,
    );
    expect(batches.flatMap((batch) => batch.pairs).sort((a, b) => a - b)).toEqual(pairs.map((_, i) => i));
    for (const { pairs: inside, chosenAt, rejectedAt } of batches) {
      const taken = new Set<number>();
      inside.forEach((pair, i) => {
        for (const [at, length] of [
          [chosenAt[i], pairs[pair].chosen.ids.length],
          [rejectedAt[i], pairs[pair].rejected.ids.length],
        ]) {
          expect(Math.floor(at / 32)).toBe(Math.floor((at + length - 1) / 32));
          for (let place = at; place < at + length; place++) {
            expect(taken.has(place)).toBe(false);
            taken.add(place);
          }
        }
      });
    }
  });

  it('labels are the next ids of the completions, with their owners; last tokens are the sequences’ ends', async () => {
    for (const batch of await all(pairData(pairs, shape))) {
      const inputs = batch.inputs(batch.weight) as Record<string, Int32Array>;
      const { ids, labels, chosenOf, rejectedOf, chosenLast, positions, pairWeights, chosenTokens } = inputs;
      for (let i = 0; i < ids.length; i++) {
        expect(labels[i] >= 0).toBe(chosenOf[i] >= 0 || rejectedOf[i] >= 0);
        if (chosenOf[i] >= 0) expect(positions[i + 1]).toBe(positions[i] + 1);
      }
      for (let pair = 0; pair < batch.weight; pair++) {
        const owned = chosenOf.filter((owner) => owner === pair).length;
        expect(owned).toBe(Math.max(chosenTokens[pair], owned));
        expect(ids[chosenLast[pair] - positions[chosenLast[pair]]]).toBeGreaterThanOrEqual(1000);
      }
      expect(pairWeights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
    }
  });

  it('goes on from a cursor over the border of epochs', async () => {
    const data = pairData(pairs, { ...shape, epochs: 3 });
    const batches = await all(data);
    for (const at of [0, data.batchesPerEpoch - 1, data.batchesPerEpoch, batches.length - 2]) {
      const rest = await all(data, batches[at].cursor);
      expect(rest.length).toBe(batches.length - 1 - at);
      expect(rest[0].inputs(1)).toEqual(batches[at + 1].inputs(1));
    }
    expect(batches.reduce((sum, { weight }) => sum + weight, 0)).toBe(150);
  });
});

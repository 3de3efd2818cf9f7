/** Packed shards as micro-batches, against the documents that they were made of. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Document } from '../../../src/core/document.ts';
import { createWeights } from '../../../src/models/weights.ts';
import { openShards, type ShardSet } from '../../../src/shards/loader.ts';
import { createReferenceBackend } from '../../../src/tensor/reference/backend.ts';
import { rowLengthOf, shardData } from '../../../src/training/data/shard-data.ts';
import type { MicroBatch, TrainingData } from '../../../src/training/data/training-data.ts';
import { evaluate } from '../../../src/training/evaluate.ts';
import { pretrainingObjective } from '../../../src/training/objective.ts';
import { createTrainStep } from '../../../src/training/train-step.ts';
import { EOS, runShards, writeByteTokenizer } from '../../shards/context.ts';
import { temporaryFolder } from '../../temporary-folder.ts';
import { tinyConfig } from '../tiny-training.ts';

const LENGTH = 16;
const documents = Array.from(
  { length: 60 },
  (_, i): Document => ({
    id: `d${i}`,
    text: `${'abcdefgh'.slice(0, 1 + (i % 8))}${i}`,
    meta: {},
  }),
);

let set: ShardSet;
beforeAll(async () => {
  const { outputDir } = await runShards({
    dir: temporaryFolder(),
    parts: [documents],
    tokenizer: await writeByteTokenizer(temporaryFolder()),
    options: { contextLength: LENGTH, padToken: '<|pad|>' },
  });
  set = await openShards(outputDir);
});
afterAll(() => set.close());

async function all(data: TrainingData, cursor?: string): Promise<MicroBatch[]> {
  const batches: MicroBatch[] = [];
  for await (const batch of data.batches(cursor)) batches.push(batch);
  return batches;
}

describe('packed shards', () => {
  it('train each token of a document but its first, once an epoch, and nothing across borders', async () => {
    const batches = await all(shardData([{ shards: set }], { rows: 4, seed: 1 }));
    const pairs: string[] = [];
    for (const batch of batches) {
      const { ids, labels } = batch.inputs(1) as { ids: Int32Array; labels: Int32Array };
      labels.forEach((label, i) => {
        if (label >= 0) pairs.push(`${ids[i]} ${label}`);
      });
      expect(ids).toHaveLength(4 * LENGTH);
    }
    const expected = documents.flatMap(({ text }) => {
      const tokens = [...Buffer.from(text), EOS];
      return tokens.slice(1).map((token, i) => `${tokens[i]} ${token}`);
    });
    expect(pairs.sort()).toEqual(expected.sort());
    expect(batches.reduce((sum, { weight }) => sum + weight, 0)).toBe(expected.length);
  });

  it('go on from the cursor of a micro-batch', async () => {
    const data = shardData([{ shards: set }], { rows: 2, seed: 1, epochs: 2 });
    const batches = await all(data);
    const rest = await all(data, batches[4].cursor);
    const idsOf = (batch: MicroBatch) => [...batch.inputs(1)['ids']];
    expect(rest.map(idsOf)).toEqual(batches.slice(5).map(idsOf));
  });

  it('evaluate to the mean over all tokens, however they are batched', async () => {
    const backend = createReferenceBackend();
    const weights = createWeights(backend, tinyConfig(259));
    weights.initialize(1);
    const losses = [];
    for (const rows of [1, 3, 7]) {
      const step = createTrainStep(backend, weights, {
        objective: pretrainingObjective({ batch: rows, time: LENGTH, packed: true }),
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weightDecay: 0,
        clipNorm: 1,
        maxPositions: LENGTH,
      });
      const result = await evaluate(step, shardData([{ shards: set }], { rows, seed: 0, order: 'sequential' }));
      losses.push(result!.loss);
    }
    expect(losses[1]).toBeCloseTo(losses[0], 5);
    expect(losses[2]).toBeCloseTo(losses[0], 5);
    expect(losses[0]).toBeCloseTo(Math.log(259), 0);
  });

  it('have rows of their own length', () => {
    expect(rowLengthOf([{ shards: set }], undefined)).toBe(LENGTH);
    expect(() => rowLengthOf([{ shards: set }], 32)).toThrow(/batch\.sequenceLength is 32, but the rows of .* have 16/);
  });
});

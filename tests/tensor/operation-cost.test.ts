/** What operations cost: by hand, and a whole step against the published count of a model's arithmetic. */
import { describe, expect, it } from 'vitest';
import { costOf } from '../../src/models/cost.ts';
import { readModelConfig } from '../../src/models/hf-config.ts';
import type { Instruction, Place } from '../../src/tensor/backend.ts';
import { costOfInstruction, withCosts } from '../../src/tensor/operation-cost.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { SMALL } from '../models/small-models.ts';
import { programsOf } from './mutated-programs.ts';

const place = (length: number): Place => ({ slot: 1, offset: 0, length, dtype: 'f32' });
const cost = (
  operation: Instruction['operation'],
  attributes: readonly number[],
  inputs: readonly (number | undefined)[],
  outputs: readonly number[],
) =>
  costOfInstruction({
    operation,
    attributes,
    inputs: inputs.map((length) => (length === undefined ? undefined : place(length))),
    outputs: outputs.map(place),
  });

describe('one operation', () => {
  it('a product of [3,5] and [5,7]: a multiply and an add for each triple', () => {
    const given = [15, 35, undefined, undefined];
    expect(cost('matmul', [3, 7, 5, 0, 0, 1], given, [21])).toEqual({ flops: 210, bytes: 4 * (15 + 35 + 21) });
    expect(cost('matmul', [3, 7, 5, 0, 0, 1], [15, 35, 7, 21], [21]).flops).toBe(210 + 21 + 21);
  });

  it('attention of 4 queries and keys, 2 heads of 8: 16 pairs, causal 10, within a window of two 7', () => {
    const flops = (causal: number, window: number, timeQ = 4): number =>
      cost('attention', [1, timeQ, 4, 2, 2, 8, 1, causal, window], [64, 64, 64], [64, 8]).flops;
    expect(flops(0, 0)).toBe(4 * 16 * 2 * 8);
    expect(flops(1, 0)).toBe(4 * 10 * 2 * 8);
    expect(flops(1, 2)).toBe(4 * 7 * 2 * 8);
    // One query at the end of four keys sees all of them.
    expect(flops(1, 0, 1)).toBe(4 * 4 * 2 * 8);
  });

  it('AdamW moves seven words for each parameter: four read, three written', () => {
    const { bytes } = cost('adamw', [0.9, 0.95, 1e-8, 0.1], [3, 1, 100, 100, 100, 100], []);
    expect(bytes).toBe(4 * (4 + 7 * 100));
  });

  it('of tables and caches only the rows in use are moved', () => {
    expect(cost('embedding', [2, 8, 1000], [8000, 2], [16]).bytes).toBe(4 * (16 + 2 + 16));
    expect(cost('cacheWrite', [1, 1, 512, 8], [4096, 8, 1], []).bytes).toBe(4 * (8 + 8 + 1));
  });
});

describe('a training step', () => {
  it.each(['qwen3', 'gpt2'])(
    '%s: products are 6 operations for each weight and token, attention 14 for each pair',
    (model) => {
      const [first] = programsOf(createReferenceBackend(), model);
      const config = readModelConfig(SMALL[model], model);
      const [batch, time] = [2, 12];
      const flops = (...operations: string[]): number =>
        withCosts([], [first!])
          .filter(({ operation }) => operations.includes(operation))
          .reduce((sum, operation) => sum + operation.flops, 0);
      const attention = config.layers * config.heads * config.headDim;
      // Published with 12 for each pair, forward and backward, over half of the square: PaLM, appendix B.
      const published = costOf(config, time).flopsPerToken;
      const products = (published.full - 12 * attention * time) * batch * time;
      const found = flops('matmul', 'linearCrossEntropy');
      expect(found / products).toBeGreaterThan(1);
      // Biases, sums of gradients and the softmax of these small models.
      expect(found / products).toBeLessThan(1.12);
      const pairs = (batch * time * (time + 1)) / 2;
      expect(flops('attention', 'attentionGrad')).toBe(14 * attention * pairs);
    },
  );
});

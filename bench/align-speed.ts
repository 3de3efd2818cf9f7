/**
 * Speed of the alignment stages beside plain training of the same model and rows, in the same process by turns: arithmetic per
 * second, so that what a stage leaves out (the output matrix of prompts, which is not computed) does not count for speed.
 *
 * A token of the body costs 6 operations a weight and attention within its own sequence; a trained place 6 for each
 * entry of the output matrix; a reference that is computed in every step a third of both. What the DPO family computes
 * anew (the logits, for their gradient) counts as nothing and shows as lost speed.
 */

import { type PairBatchOptions, pairBatch, planBatches } from '../src/align/data/pair-batches.ts';
import type { Side, TokenPair } from '../src/align/data/pairs.ts';
import { type PreferenceOptions, preferenceObjective } from '../src/align/preference.ts';
import { rewardObjective } from '../src/align/reward-model.ts';
import { sftObjective } from '../src/align/sft.ts';
import { costOf } from '../src/models/cost.ts';
import { findConfig } from '../src/models/known-configs.ts';
import { createWeights } from '../src/models/weights.ts';
import type { BufferData } from '../src/tensor/backend.ts';
import { openBackend } from '../src/tensor/open-backend.ts';
import { type Objective, pretrainingObjective } from '../src/training/objective.ts';
import { createTrainStep } from '../src/training/train-step.ts';
import type { Bench } from './bench.ts';
import { median } from './median.ts';

const MODEL = process.env['CORPUSMILL_BENCH_MODEL'] ?? 'tiny-qwen2-6m';
const ROUNDS = 7;
const ROWS = 8;
const TIME = 256;
/** Sequences of half a row, of which the second half is the completion: a row is full. */
const LENGTH = 128;
const PAIRS = (ROWS * TIME) / LENGTH / 2;

interface Stage {
  readonly name: string;
  readonly objective: Objective;
  readonly data: Readonly<Record<string, BufferData>>;
  readonly head?: 'score';
  /** Operations of a step. */
  readonly flops: number;
}

export const alignSpeed: Bench = {
  name: 'align-speed',
  summary: 'SFT, reward model and DPO: arithmetic per second beside plain training of the same rows',
  async run() {
    const backend = await openBackend('native', { threads: 2 });
    const { config } = findConfig(MODEL);
    const reference = createWeights(backend, config);
    reference.initialize(2);
    const opened = stages(reference).map((stage) => {
      const weights = createWeights(backend, stage.head === undefined ? config : { ...config, head: stage.head });
      weights.initialize(1);
      const step = createTrainStep(backend, weights, {
        objective: stage.objective,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weightDecay: 0.1,
        clipNorm: 1,
        maxPositions: TIME,
      });
      return { ...stage, step, seconds: [] as number[] };
    });
    for (let round = 0; round <= ROUNDS; round++) {
      for (const { step, data, seconds } of opened) {
        const start = performance.now();
        await step.accumulate(data, { seed: [1, round] });
        await step.update({ learningRate: 1e-5, step: round + 1 });
        if (round > 0) seconds.push((performance.now() - start) / 1000);
      }
    }
    const [plain] = opened;
    const table: (string | number)[][] = [['stage', 'tokens/s', 'GFLOP/s', 'share of plain training']];
    const figures: Record<string, number> = {};
    for (const { name, flops, seconds } of opened) {
      const ratio = median(seconds.map((time, i) => flops / time / (plain.flops / plain.seconds[i])));
      const tokens = (ROWS * TIME) / median(seconds);
      table.push([name, Math.round(tokens), Math.round(flops / median(seconds) / 1e9), ratio.toFixed(2)]);
      figures[`share_${name.replaceAll(/[^a-z]+/gi, '_')}`] = Math.round(100 * ratio) / 100;
    }
    for (const { step } of opened) step.dispose();
    await backend.dispose();
    return { table, figures };
  },
};

function stages(reference: ReturnType<typeof createWeights>): Stage[] {
  const { config } = reference;
  const places = ROWS * TIME;
  const { vocabSize, hiddenSize } = config;
  const head = 6 * vocabSize * hiddenSize;
  const bodyOf = (length: number): number => costOf(config, length).flopsPerToken.causal - head;
  const ids = Int32Array.from({ length: places }, (_, i) => (i * 7919 + (i >> 3) * 104_729) % vocabSize);
  const rows = { ids, positions: ids.map((_, i) => i % TIME), share: Float32Array.of(1) };
  const all = {
    ...rows,
    labels: ids.map((_, i) => (i * 7907 + 13) % vocabSize),
    tokenWeights: new Float32Array(places).fill(1 / places),
  };
  // Two conversations a row, the second half of each trained.
  const packed = {
    ...rows,
    positions: ids.map((_, i) => i % LENGTH),
    segmentIds: ids.map((_, i) => Math.floor((i % TIME) / LENGTH)),
    labels: all.labels.map((label, i) => (i % LENGTH < LENGTH / 2 ? -100 : label)),
    tokenWeights: new Float32Array(places).fill(2 / places),
    noiseScale: new Float32Array(places).fill(0.1),
  };
  const { inputs, trained } = pairInputs(ids);
  const shape = { rows: ROWS, time: TIME };
  const dpo: PreferenceOptions = {
    ...shape,
    pairs: PAIRS,
    kind: 'sigmoid',
    beta: 0.1,
    labelSmoothing: 0,
    lengthNormalized: false,
    sftWeight: 0,
  };
  const body = bodyOf(LENGTH) * places;
  const pairs = body + head * trained;
  return [
    {
      name: 'plain training',
      objective: pretrainingObjective({ batch: ROWS, time: TIME, packed: false }),
      data: all,
      flops: (bodyOf(TIME) + head) * places,
    },
    {
      name: 'SFT',
      objective: sftObjective({ ...shape, neftune: 0, labelSmoothing: 0 }),
      data: packed,
      flops: body + (head * places) / 2,
    },
    {
      name: 'SFT with NEFTune',
      objective: sftObjective({ ...shape, neftune: 5, labelSmoothing: 0 }),
      data: packed,
      flops: body + (head * places) / 2,
    },
    { name: 'DPO', objective: preferenceObjective(dpo), data: inputs, flops: pairs },
    {
      name: 'DPO with reference weights',
      objective: preferenceObjective({ ...dpo, reference }),
      data: inputs,
      flops: (4 / 3) * pairs,
    },
    {
      name: 'reward model',
      objective: rewardObjective({ ...shape, pairs: PAIRS, margins: false, centering: 0 }),
      data: inputs,
      head: 'score',
      flops: body,
    },
  ];
}

function pairInputs(ids: Int32Array): { inputs: Readonly<Record<string, BufferData>>; trained: number } {
  const side = (n: number): Side => {
    const own = ids.slice(n * LENGTH, (n + 1) * LENGTH);
    return { ids: own, labels: own.map((id, i) => (i < LENGTH / 2 ? -100 : id)), tokens: LENGTH / 2, text: '' };
  };
  const pairs = Array.from(
    { length: PAIRS },
    (_, i): TokenPair => ({ chosen: side(2 * i), rejected: side(2 * i + 1), margin: undefined }),
  );
  const options: Pick<PairBatchOptions, 'rows' | 'time' | 'pairs' | 'padId'> = {
    rows: ROWS,
    time: TIME,
    pairs: PAIRS,
    padId: 0,
  };
  const [batch] = planBatches(
    pairs,
    pairs.map((_, i) => i),
    options,
  );
  return { inputs: pairBatch(pairs, batch, options, '').inputs(PAIRS), trained: PAIRS * LENGTH };
}

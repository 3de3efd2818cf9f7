/** Training steps on random tokens, for benches: a model, a step of so many tokens, and how fast it goes on a backend. */
import { readFileSync } from 'node:fs';
import { costOf } from '../src/models/cost.ts';
import { findConfig } from '../src/models/known-configs.ts';
import { createWeights } from '../src/models/weights.ts';
import type { Backend } from '../src/tensor/backend.ts';
import type { OperationProfile } from '../src/tensor/operation-cost.ts';
import { pretrainingObjective } from '../src/training/objective.ts';
import type { Precision } from '../src/training/precision.ts';
import { createTrainStep } from '../src/training/train-step.ts';

export interface TrainingRun {
  /** config.json, for the peer. */
  readonly json: unknown;
  readonly parameters: number;
  readonly tokens: number;
  readonly flopsPerToken: number;
  /** Kernels that a micro-batch and its update launch. */
  readonly launches: number | undefined;
  /** One step; its loss. */
  once(): Promise<number>;
  /** Tokens per second over about so many seconds, after one step. */
  speed(seconds: number): Promise<number>;
  profile(): Promise<OperationProfile[]>;
  dispose(): void;
}

export interface TrainingRunOptions {
  /** A name of configs/models. */
  readonly model: string;
  readonly batch: number;
  readonly time: number;
  readonly precision?: Precision;
}

export function openTrainingRun(backend: Backend, { model, batch, time, precision }: TrainingRunOptions): TrainingRun {
  const named = findConfig(model);
  const { config } = named;
  const weights = createWeights(backend, config);
  weights.initialize(1);
  const step = createTrainStep(backend, weights, {
    objective: pretrainingObjective({ batch, time, packed: false }),
    beta1: 0.9,
    beta2: 0.95,
    eps: 1e-8,
    weightDecay: 0.1,
    clipNorm: 1,
    maxPositions: time,
    ...(precision !== undefined && { precision }),
  });
  const ids = Int32Array.from({ length: batch * time }, (_, i) => (i * 7919 + (i >> 3) * 104_729) % config.vocabSize);
  const data = {
    ids,
    positions: ids.map((_, i) => i % time),
    labels: ids.map((_, i) => (i * 7907 + 13) % config.vocabSize),
    tokenWeights: new Float32Array(ids.length).fill(1 / ids.length),
    share: Float32Array.of(1),
  };
  let at = 0;
  const once = async (): Promise<number> => {
    const { loss } = await step.accumulate(data);
    at++;
    await step.update({ learningRate: 3e-4, step: at });
    return loss[0];
  };
  const cost = costOf(config, time);
  return {
    json: JSON.parse(readFileSync(named.path, 'utf8')),
    parameters: cost.parameters.total,
    tokens: batch * time,
    flopsPerToken: cost.flopsPerToken.causal,
    launches: step.launches,
    once,
    async speed(seconds) {
      await once();
      const start = performance.now();
      let steps = 0;
      while (steps === 0 || performance.now() - start < 1000 * seconds) {
        await once();
        steps++;
      }
      return (steps * batch * time) / ((performance.now() - start) / 1000);
    },
    profile: () => step.profile(data),
    dispose() {
      step.dispose();
      weights.dispose();
    },
  };
}

/** The loop: what a step's loss is a mean over, what is due when, and what becomes of steps that go wrong. */
import { describe, expect, it } from 'vitest';
import { multiply, sum } from '../../src/tensor/ops/elementwise.ts';
import type { CheckpointStore } from '../../src/training/checkpoint-store.ts';
import { GUARD_DEFAULTS } from '../../src/training/guard.ts';
import type { LogRecord } from '../../src/training/log.ts';
import { type Objective, pretrainingObjective } from '../../src/training/objective.ts';
import { listedData, someData, tinyConfig, tinyTraining } from './tiny-training.ts';

/** The weighted sum of given losses: nothing to learn, but a step's loss to be seen. */
const givenLosses: Objective = {
  name: 'given losses',
  inputs: { losses: { dtype: 'f32', shape: [4] }, tokenWeights: { dtype: 'f32', shape: [4] } },
  build({ input }) {
    const loss = sum(multiply(input('losses'), input('tokenWeights')));
    return { loss, metrics: { loss } };
  },
};

/** A gradient that is the input itself: loss = Σ w · x over the last norm's weights, all 1 at first. */
const givenGradients: Objective = {
  name: 'given gradients',
  inputs: { x: { dtype: 'f32', shape: [8] } },
  build({ weights, input }) {
    const loss = sum(multiply(weights('model.norm.weight')!, input('x')));
    return { loss, metrics: { loss } };
  },
};

const gradientsOf = (...values: number[]) =>
  listedData(values.map((value) => ({ weight: 1, inputs: () => ({ x: new Float32Array(8).fill(value) }) })));

const guardsOf = (records: readonly LogRecord[]) => records.filter((record) => record.kind === 'guard');

describe('gradient accumulation', () => {
  it('takes the mean over the tokens of the whole step: 4.0, where the mean of means is 6.0 (techniques.txt)', async () => {
    // Three tokens of loss 2, then one of loss 10.
    const lossesOf = (losses: readonly number[]) => ({
      weight: losses.length,
      inputs: (stepWeight: number) => ({
        losses: Float32Array.from({ length: 4 }, (_, i) => losses[i] ?? 0),
        tokenWeights: Float32Array.from({ length: 4 }, (_, i) => (i < losses.length ? 1 / stepWeight : 0)),
      }),
    });
    const training = tinyTraining({
      objective: givenLosses,
      data: listedData([lossesOf([2, 2, 2]), lossesOf([10])]),
      accumulation: 2,
      stop: {},
    });
    await training.trainer.run();
    expect(training.steps().map(({ loss, tokens }) => [loss, tokens])).toEqual([[4, 4]]);
  });

  it('two micro-batches of one row train as one of two rows does', async () => {
    const whole = tinyTraining({ stop: { steps: 3 } });
    const split = tinyTraining({
      data: someData(1),
      objective: pretrainingObjective({ batch: 1, time: 8, packed: false }),
      accumulation: 2,
      stop: { steps: 3 },
    });
    await whole.trainer.run();
    await split.trainer.run();
    const [a, b] = [await whole.weights(), await split.weights()];
    for (const [name, values] of Object.entries(a)) {
      values.forEach((value, i) => expect(b[name][i]).toBeCloseTo(value, 5));
    }
    split.steps().forEach(({ loss }, i) => expect(loss).toBeCloseTo(whole.steps()[i].loss!, 5));
  });
});

describe('a run', () => {
  it('learns what there is to learn', async () => {
    const training = tinyTraining({ stop: { steps: 150 }, schedule: { kind: 'constant', unit: 'steps', warmup: 5 } });
    const { reason } = await training.trainer.run();
    expect(reason).toBe('steps');
    const losses = training.steps().map(({ loss }) => loss!);
    expect(losses[0]).toBeGreaterThan(2.6);
    expect(losses.at(-1)).toBeLessThan(losses[0] - 0.3);
  });

  it('trains experts, and keeps them balanced', async () => {
    const experts = {
      model_type: 'qwen2_moe',
      num_experts: 4,
      num_experts_per_tok: 2,
      moe_intermediate_size: 8,
      shared_expert_intermediate_size: 8,
      num_key_value_heads: 2,
    };
    const run = async (auxLossCoef: number) => {
      const config = tinyConfig(16, { ...experts, router_aux_loss_coef: auxLossCoef });
      const training = tinyTraining(
        { stop: { steps: 150 }, schedule: { kind: 'constant', unit: 'steps', warmup: 5 } },
        { config },
      );
      await training.trainer.run();
      const steps = training.steps();
      const balances = steps.slice(-20).map(({ metrics }) => metrics!['balance']!);
      return { learnt: steps[0].loss! - steps.at(-1)!.loss!, balance: balances.reduce((a, b) => a + b) / 20 };
    };
    const [free, pressed] = [await run(0), await run(0.1)];
    expect(Math.min(free.learnt, pressed.learnt)).toBeGreaterThan(0.3);
    // Balanced experts give the number of experts of a token.
    expect(pressed.balance).toBeLessThan(free.balance);
    expect(pressed.balance).toBeCloseTo(2, 1);
  });

  it('is the same to the bit when activations are computed again, dropout included', async () => {
    const config = tinyConfig(16, { num_hidden_layers: 4 });
    const kept = tinyTraining({ dropout: 0.2 }, { config });
    const recomputed = tinyTraining({ dropout: 0.2, recompute: true }, { config });
    await kept.trainer.run();
    await recomputed.trainer.run();
    expect(recomputed.comparable()).toEqual(kept.comparable());
    expect(await recomputed.weights()).toEqual(await kept.weights());
    expect(recomputed.trainer.memory.arena).toBeLessThan(kept.trainer.memory.arena);
  });

  it('follows its schedule, in steps or in tokens', async () => {
    const inSteps = tinyTraining();
    await inSteps.trainer.run();
    const inTokens = tinyTraining({
      schedule: { kind: 'cosine', unit: 'tokens', warmup: 32, length: 320, floor: 0.1 },
    });
    await inTokens.trainer.run();
    const rates = inSteps.steps().map(({ learningRate }) => learningRate);
    expect(rates.slice(0, 2)).toEqual([0.005, 0.01]);
    expect(inTokens.steps().map(({ learningRate }) => learningRate)).toEqual(rates);
  });

  it('ends at its limit of tokens, or with the data', async () => {
    const limited = tinyTraining({ stop: { tokens: 40 } });
    expect((await limited.trainer.run()).reason).toBe('tokens');
    expect(limited.steps().map(({ tokens }) => tokens)).toEqual([16, 32, 48]);
    const ended = tinyTraining({ objective: givenGradients, data: gradientsOf(1, 1), stop: { steps: 9 } });
    expect((await ended.trainer.run()).reason).toBe('data');
  });

  it('evaluates after every so many steps and at its end, and knows the best', async () => {
    const training = tinyTraining({ stop: { steps: 5 }, evaluation: { steps: 2, data: limited() } });
    const { state } = await training.trainer.run();
    const evaluations = training.records.filter((record) => record.kind === 'evaluation');
    expect(evaluations.map(({ step }) => step)).toEqual([2, 4, 5]);
    const losses = evaluations.map(({ loss }) => loss!);
    expect(state.bestValidationLoss).toBe(Math.min(...losses));
    expect(evaluations[0].evaluatedTokens).toBe(48);
  });

  it('evaluates without dropout, and twice the same', async () => {
    const training = tinyTraining({ dropout: 0.5, evaluation: { steps: 1, data: limited() }, stop: { steps: 1 } });
    await training.trainer.run();
    const plain = tinyTraining({ dropout: 0, evaluation: { steps: 1, data: limited() }, stop: { steps: 1 } });
    await plain.trainer.run();
    const [batch] = await batchesOf(1);
    const twice = [await training.trainer.step.evaluate(batch), await training.trainer.step.evaluate(batch)];
    expect(twice[0]['loss']).toEqual(twice[1]['loss']);
    expect(training.steps()[0].loss).not.toBe(plain.steps()[0].loss);
  });
});

describe('the guard', () => {
  it('names the first tensor that is not finite, skips the step, and the weights stay', async () => {
    const training = tinyTraining({ objective: givenGradients, data: gradientsOf(1, Number.NaN, 1), stop: {} });
    const before = await training.weights();
    await training.trainer.run();
    const [event] = guardsOf(training.records);
    expect(event).toMatchObject({ step: 2, event: 'non-finite', action: 'skipped', gradientNorm: null });
    expect(event.tensors.map(({ name, count }) => [name, count])).toEqual([
      ['the loss', 1],
      ['gradient of model.norm.weight', 8],
    ]);
    expect(training.steps().map(({ updated }) => updated)).toEqual([true, false, true]);
    const after = await training.weights();
    expect(Object.values(after).flat().every(Number.isFinite)).toBe(true);
    expect(after['model.norm.weight']).not.toEqual(before['model.norm.weight']);
    // The skipped step is none of AdamW's.
    expect(training.trainer.state()).toMatchObject({ step: 3, updates: 2 });
  });

  it('stops after so many skips in a row, with an error that says where and what', async () => {
    const guard = { ...GUARD_DEFAULTS, maxSkips: 1 };
    const data = gradientsOf(1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    const training = tinyTraining({ objective: givenGradients, data, guard, stop: {} });
    await expect(training.trainer.run()).rejects.toThrow(
      'training stopped at step 3, the 2nd in a row: the loss has 1 value that is not finite',
    );
    expect(guardsOf(training.records).map(({ action }) => action)).toEqual(['skipped', 'stopped']);
  });

  it('blames the weights where they are broken', async () => {
    const training = tinyTraining({ guard: { ...GUARD_DEFAULTS, onNonFinite: 'stop' } });
    const [, ...rest] = (await training.weights())['model.norm.weight'];
    training.write('model.norm.weight', [Number.NaN, ...rest]);
    await expect(training.trainer.run()).rejects.toMatchObject({
      code: 'CHECK_FAILED',
      message: expect.stringContaining('weight model.norm.weight has 1 value that is not finite'),
      hint: expect.stringContaining('go back to an earlier checkpoint'),
    });
  });

  it('skips a spike: a norm above so many times the median', async () => {
    const values = [...new Array<number>(20).fill(1), 10, 1];
    const guard = { ...GUARD_DEFAULTS, spikeFactor: 4 };
    const training = tinyTraining({ objective: givenGradients, data: gradientsOf(...values), guard, stop: {} });
    await training.trainer.run();
    const [event] = guardsOf(training.records);
    expect(event).toMatchObject({ step: 21, event: 'spike', tensors: [] });
    expect(event.gradientNorm).toBeCloseTo(10 * Math.sqrt(8), 4);
    expect(event.medianNorm).toBeCloseTo(Math.sqrt(8), 5);
    expect(training.steps().at(-1)?.updated).toBe(true);
  });
});

describe('float16', () => {
  it('halves the loss scale when a scaled gradient overflows, and goes on', async () => {
    // 2 · 65536 is beyond 65,504; after one halving 2 · 32768 still is; 2 · 16384 is not.
    const data = gradientsOf(2, 2, 2, 2);
    const training = tinyTraining({ objective: givenGradients, data, precision: 'f16', stop: {} });
    await training.trainer.run();
    expect(training.steps().map(({ lossScale, updated }) => [lossScale, updated])).toEqual([
      [65536, false],
      [32768, false],
      [16384, true],
      [16384, true],
    ]);
    expect(guardsOf(training.records).map(({ event, action }) => [event, action])).toEqual([
      ['overflow', 'skipped'],
      ['overflow', 'skipped'],
    ]);
    expect(training.steps()[2].gradientNorm).toBeCloseTo(2 * Math.sqrt(8), 4);
  });

  it('without a scale a gradient of 1e-8 would be zero; with it is kept', async () => {
    const run = async (initial: number) => {
      const training = tinyTraining({
        objective: givenGradients,
        data: gradientsOf(1e-8),
        precision: 'f16',
        lossScale: { initial, growthInterval: 2000 },
        stop: {},
      });
      await training.trainer.run();
      return training.steps()[0].gradientNorm!;
    };
    expect(await run(1)).toBe(0);
    expect(await run(65536)).toBeCloseTo(1e-8 * Math.sqrt(8), 10);
  });

  it('bf16 sees rounded weights and updates full ones', async () => {
    const full = tinyTraining({ stop: { steps: 1 } });
    const rounded = tinyTraining({ stop: { steps: 1 }, precision: 'bf16' });
    await full.trainer.run();
    await rounded.trainer.run();
    const [a, b] = [full.steps()[0].loss!, rounded.steps()[0].loss!];
    expect(b).not.toBe(a);
    expect(b).toBeCloseTo(a, 2);
    const word = new Uint32Array(Float32Array.from((await rounded.weights())['model.embed_tokens.weight']).buffer);
    expect(word.some((bits) => (bits & 0xffff) !== 0)).toBe(true);
  });
});

describe('interruption', () => {
  it('finishes the micro-batch, saves the last whole step, and a half step leaves nothing', async () => {
    const controller = new AbortController();
    const saved: number[] = [];
    const store: CheckpointStore = {
      save: async (_, { step }) => {
        saved.push(step);
        return `step-${step}`;
      },
      latest: async () => undefined,
      restore: async () => {},
    };
    const data = someData(2);
    let read = 0;
    const training = tinyTraining({
      accumulation: 2,
      stop: { steps: 50 },
      checkpoints: { steps: 0, minutes: 0, best: false, store },
      data: {
        ...data,
        async *batches(cursor) {
          for await (const batch of data.batches(cursor)) {
            const inputs = batch.inputs;
            yield {
              ...batch,
              inputs(weight) {
                // The third micro-batch is the first of step 2.
                if (++read === 3) controller.abort();
                return inputs(weight);
              },
            };
          }
        },
      },
    });
    const { reason, state } = await training.trainer.run(controller.signal);
    expect([reason, state.step, saved]).toEqual(['interrupted', 1, [1]]);
  });
});

function limited() {
  const data = someData(2, 99);
  return {
    ...data,
    async *batches() {
      let count = 0;
      for await (const batch of data.batches()) {
        if (count++ === 3) return;
        yield batch;
      }
    },
  };
}

async function batchesOf(count: number) {
  const inputs = [];
  for await (const batch of limited().batches()) {
    if (inputs.length === count) break;
    inputs.push(batch.inputs(batch.weight));
  }
  return inputs;
}

/**
 * The learning half of online alignment: measures samples with the policy and the critic as they are, and makes updates of both from
 * samples with advantages. Micro-batches are rows of one width, so that there is one program for each of the two.
 *
 * What a sample's tokens were given by the policy is measured by the very program that the update differentiates, not taken from the
 * decoder: the first ratio is then exactly 1, whatever order the decoder adds in.
 */
import { mix32, shuffle } from '../core/random.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend, BufferData } from '../tensor/backend.ts';
import type { MicroBatch, TrainingData } from '../training/data/training-data.ts';
import { createTrainStep, type TrainStep } from '../training/train-step.ts';
import type { AroundUpdate } from '../training/trainer.ts';
import type { OnlineSettings } from './online-settings.ts';
import { type PretrainingTerm, policyObjective } from './policy-objective.ts';
import { type RowText, type SequenceBatch, sequenceBatch, tokenWeightOf } from './sequence-batch.ts';
import { valueObjective } from './value-objective.ts';

export interface PolicyLearnerOptions {
  readonly backend: Backend;
  /** With a value head (value-head.ts) where it is the critic too. */
  readonly policy: ModelWeights;
  /** A critic with a backbone of its own (`head: 'score'`), or the policy itself; absent where advantages need none. */
  readonly critic?: ModelWeights | 'policy' | undefined;
  readonly settings: OnlineSettings;
  /** Other text whose loss joins each update (PPO-ptx): next-token micro-batches of one shape. */
  readonly pretraining?: PretrainingMix | undefined;
  /** Told around each update of the policy; for optimizers that change what the update did. */
  readonly around?: AroundUpdate | undefined;
}

export interface PretrainingMix extends PretrainingTerm {
  readonly data: TrainingData;
}

/** What an update learns from, by sample. */
export interface LearningBatch {
  readonly texts: readonly RowText[];
  readonly logProbs: readonly ArrayLike<number>[];
  readonly reference?: readonly ArrayLike<number>[] | undefined;
  readonly advantages: readonly ArrayLike<number>[];
  readonly returns?: readonly ArrayLike<number>[] | undefined;
  readonly values?: readonly ArrayLike<number>[] | undefined;
}

/** What is saved beside weights and moments. */
export interface LearnerState {
  policyUpdates: number;
  criticUpdates: number;
  pretrainingCursor: string | null;
}

/** Means over the updates of a step. */
export type LearningMetrics = Record<string, number>;

export interface PolicyLearner {
  /** Per response token: the policy's log-probability at the settings' temperature, and the critic's value. */
  measure(texts: readonly RowText[]): Promise<{ logProbs: Float32Array[]; values: Float32Array[] | undefined }>;
  /** All updates of one step. With `policy: false` the critic alone learns (value warm-up). */
  learn(
    batch: LearningBatch,
    options: {
      readonly step: number;
      readonly policy: boolean;
      readonly factor: number;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<LearningMetrics>;
  state: LearnerState;
  readonly policyStep: TrainStep;
  readonly criticStep: TrainStep | undefined;
  dispose(): Promise<void>;
}

/** Programs and moments for the policy and, if it has a backbone of its own, the critic. */
export function createPolicyLearner(options: PolicyLearnerOptions): PolicyLearner {
  const { backend, policy, critic, settings, pretraining } = options;
  const { rows, advantage, kl, optimizer } = settings;
  const time = settings.capacity - 1;
  const isShared = critic === 'policy';
  const gae = advantage.kind === 'gae' ? advantage : undefined;
  if (gae !== undefined && critic === undefined) throw new TypeError('learner: PPO needs a critic');
  const policyStep = createTrainStep(backend, policy, {
    ...optimizer,
    maxPositions: Math.max(time, pretraining?.time ?? 0),
    objective: policyObjective({
      batch: rows,
      time,
      clip: settings.clip,
      ratio: settings.ratio,
      temperature: settings.sampling.temperature ?? 1,
      klCoefficient: kl.place === 'loss' ? kl.coefficient : 0,
      entropyCoefficient: settings.entropyCoefficient,
      ...(gae && isShared && { value: { clip: gae.valueClip, coefficient: gae.valueCoefficient } }),
      ...(pretraining && { pretraining }),
    }),
  });
  const criticStep =
    gae !== undefined && critic !== undefined && critic !== 'policy'
      ? createTrainStep(backend, critic, {
          ...gae.criticOptimizer,
          maxPositions: time,
          objective: valueObjective({ batch: rows, time, clip: gae.valueClip }),
        })
      : undefined;
  const learner: PolicyLearner = {
    state: { policyUpdates: 0, criticUpdates: 0, pretrainingCursor: null },
    policyStep,
    criticStep,
    async measure(texts) {
      const logProbs: Float32Array[] = [];
      const values: Float32Array[] = [];
      for (let from = 0; from < texts.length; from += rows) {
        const batch = sequenceBatch(texts.slice(from, from + rows), { batch: rows, time });
        const zeros = new Float32Array(rows * time);
        const found = await policyStep.evaluate(policyInputs(batch, () => zeros, zeroPretraining()));
        logProbs.push(...batch.gather(found['logProbs']));
        if (gae === undefined) continue;
        const valued = criticStep === undefined ? found : await criticStep.evaluate(valueRows(batch, () => zeros));
        values.push(...batch.gather(valued['values']));
      }
      return { logProbs, values: gae === undefined ? undefined : values };
    },
    async learn(batch, { step, policy: trainsPolicy, factor, signal }) {
      const sums = new Map<string, number>();
      let updates = 0;
      for (let epoch = 0; epoch < settings.epochs; epoch++) {
        const order = Uint32Array.from(batch.texts, (_, index) => index);
        shuffle(order, mix32(mix32(settings.seed ^ 0x51ed270b) + mix32(step) + epoch));
        const size = Math.ceil(order.length / settings.miniBatches);
        for (let from = 0; from < order.length; from += size) {
          signal?.throwIfAborted();
          const metrics = await update(batch, Array.from(order.subarray(from, from + size)), trainsPolicy, factor);
          for (const [name, value] of Object.entries(metrics)) sums.set(name, (sums.get(name) ?? 0) + value);
          updates++;
        }
      }
      return Object.fromEntries([...sums].map(([name, value]) => [name, value / updates]));
    },
    async dispose() {
      await mixed?.return();
      policyStep.dispose();
      criticStep?.dispose();
    },
  };

  /** One update of each model from the samples numbered `chosen`. */
  async function update(
    all: LearningBatch,
    chosen: readonly number[],
    trainsPolicy: boolean,
    factor: number,
  ): Promise<LearningMetrics> {
    const lengthOf = (index: number): number => all.logProbs[index].length;
    const total = {
      texts: chosen.length,
      tokens: chosen.reduce((sum, index) => sum + lengthOf(index), 0),
      length: settings.maxNewTokens,
    };
    const metrics: LearningMetrics = {};
    const note = (found: Record<string, Float32Array>, prefix = ''): void => {
      for (const [name, value] of Object.entries(found)) {
        if (value.length === 1) metrics[prefix + name] = (metrics[prefix + name] ?? 0) + value[0];
      }
    };
    const parts = Math.ceil(chosen.length / rows);
    // Where critic and policy are one, the policy's part of the loss is left out by weights of zero.
    if (trainsPolicy) await options.around?.before();
    for (let from = 0; from < chosen.length; from += rows) {
      const taken = chosen.slice(from, from + rows);
      const batch = sequenceBatch(
        taken.map((index) => all.texts[index]),
        { batch: rows, time },
      );
      const constant = (of: (index: number) => number): Float32Array =>
        batch.scatter(taken.map((index) => new Float64Array(lengthOf(index)).fill(of(index))));
      const rowsOf = (name: string): Float32Array => {
        switch (name) {
          case 'oldLogProbs':
            return batch.scatter(taken.map((index) => all.logProbs[index]));
          case 'referenceLogProbs':
            return batch.scatter(taken.map((index) => all.reference![index]));
          case 'advantages':
            return batch.scatter(taken.map((index) => all.advantages[index]));
          case 'returns':
            return batch.scatter(taken.map((index) => all.returns![index]));
          case 'oldValues':
            return batch.scatter(taken.map((index) => all.values![index]));
          case 'valueWeights':
            return constant(() => 1 / total.tokens);
          case 'ratioWeights':
            return constant((index) => (settings.ratio === 'mean' ? 1 / lengthOf(index) : 1));
          default:
            return constant((index) => (trainsPolicy ? tokenWeightOf(settings.mean, lengthOf(index), total) : 0));
        }
      };
      if (trainsPolicy || isShared) {
        const other = await nextPretraining(trainsPolicy ? parts : 0);
        note(await policyStep.accumulate(policyInputs(batch, rowsOf, other)));
      }
      if (criticStep !== undefined) note(await criticStep.accumulate(valueRows(batch, rowsOf)), 'critic.');
    }
    if (trainsPolicy || isShared) {
      const { gradientNorm } = await policyStep.update({
        learningRate: optimizer.learningRate * factor,
        step: ++learner.state.policyUpdates,
      });
      metrics['gradientNorm'] = gradientNorm;
      if (trainsPolicy) await options.around?.after(learner.state.policyUpdates);
    }
    if (criticStep !== undefined && gae !== undefined) {
      const { gradientNorm } = await criticStep.update({
        learningRate: gae.criticOptimizer.learningRate,
        step: ++learner.state.criticUpdates,
      });
      metrics['critic.gradientNorm'] = gradientNorm;
    }
    return metrics;
  }

  /** The inputs of the policy's program; `of` gives the float ones by name. */
  function policyInputs(
    { inputs }: SequenceBatch,
    of: (name: string) => Float32Array,
    other: Readonly<Record<string, BufferData>>,
  ): Record<string, BufferData> {
    const { ids, positions, labels } = inputs;
    const names = ['oldLogProbs', 'advantages', 'tokenWeights'];
    if (settings.ratio !== 'token') names.push('ratioWeights');
    if (kl.place === 'loss' && kl.coefficient !== 0) names.push('referenceLogProbs');
    if (gae !== undefined && isShared) names.push('oldValues', 'returns', 'valueWeights');
    return { ids, positions, labels, ...Object.fromEntries(names.map((name) => [name, of(name)])), ...other };
  }

  let mixed: AsyncGenerator<MicroBatch, void, void> | undefined;

  /** The next rows of other text, whose loss counts 1/parts; with 0 parts it counts nothing and no text is used up. */
  async function nextPretraining(parts: number): Promise<Readonly<Record<string, BufferData>>> {
    if (pretraining === undefined) return {};
    if (parts === 0) return zeroPretraining();
    mixed ??= pretraining.data.batches(learner.state.pretrainingCursor ?? undefined);
    let next = await mixed.next();
    if (next.done === true) {
      // An epoch is over: the data begin again.
      mixed = pretraining.data.batches();
      next = await mixed.next();
      if (next.done === true) throw new TypeError('learner: the pretraining data have no micro-batch');
    }
    const { weight, cursor } = next.value;
    learner.state.pretrainingCursor = cursor;
    const { ids, positions, labels, tokenWeights, segmentIds } = next.value.inputs(weight * parts);
    return {
      pretrainingIds: ids,
      pretrainingPositions: positions,
      pretrainingLabels: labels,
      pretrainingWeights: tokenWeights,
      ...(pretraining.packed && { pretrainingSegments: segmentIds }),
    };
  }

  function zeroPretraining(): Readonly<Record<string, BufferData>> {
    if (pretraining === undefined) return {};
    const places = pretraining.batch * pretraining.time;
    return {
      pretrainingIds: new Int32Array(places),
      pretrainingPositions: new Int32Array(places),
      pretrainingLabels: new Int32Array(places).fill(-1),
      pretrainingWeights: new Float32Array(places),
      ...(pretraining.packed && { pretrainingSegments: new Int32Array(places) }),
    };
  }
  return learner;
}

function valueRows({ inputs }: SequenceBatch, of: (name: string) => Float32Array): Record<string, BufferData> {
  return {
    ids: inputs.ids,
    positions: inputs.positions,
    oldValues: of('oldValues'),
    returns: of('returns'),
    valueWeights: of('valueWeights'),
  };
}

/**
 * The DPO family as a run. The reference's log-probabilities are computed before the first step, or its weights lie beside the
 * policy's and are read in every step.
 */
import { readWeights } from '../models/checkpoint/load-weights.ts';
import { createWeights, type ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import { openModel } from '../training/config/open-model.ts';
import { createPlanningBackend } from '../training/memory.ts';
import type { RunTask, TaskContext } from '../training/run-training.ts';
import { alignConfigError } from './chat-setup.ts';
import type { DpoConfig } from './config/schema.ts';
import { mergingTask } from './merging-task.ts';
import { checkModelTokenizer } from './model-checks.ts';
import { openPairs, type PairSetup, type ResolvedPairConfig } from './pair-setup.ts';
import { preferenceObjective } from './preference.ts';
import { referenceLogProbs } from './reference-log-probs.ts';

/** Reads the pairs and puts the task together. Throws CONFIG_INVALID and what reading throws. */
export async function dpoTask(config: ResolvedPairConfig<DpoConfig>): Promise<RunTask> {
  const { loss, reference } = config;
  if (loss.kind !== 'sigmoid' && loss.kind !== 'robust' && loss.labelSmoothing > 0) {
    throw alignConfigError(
      `loss.labelSmoothing is ${loss.labelSmoothing} for the loss ${loss.kind}`,
      'It goes with sigmoid and robust.',
    );
  }
  const pairs = await openPairs(config, { endAtLabel: false, labelled: loss.kind === 'kto-pair' });
  if (reference.model !== undefined) {
    const { path, tokenizer } = pairs.setup.format.opened;
    checkModelTokenizer('reference', reference.model, { path, hash: tokenizer.hash });
  }
  const lengthNormalized = loss.lengthNormalized ?? loss.kind === 'ipo';
  // In the forecast of memory the reference lies in a backend that has none; `begin` puts the real one in its place.
  let held: ModelWeights | undefined;
  const lent: Pick<ModelWeights, 'config' | 'tensors'> | undefined =
    reference.mode === 'precomputed'
      ? undefined
      : {
          config: referenceConfig(config, pairs),
          tensors: (graph, options) => (held ??= planned(config, pairs)).tensors(graph, options),
        };
  const merging = mergingTask(config.merging, config.seed);
  return {
    ...pairs.task,
    ...merging.task,
    settings: {
      ...merging.settings,
      stage: 'dpo',
      loss: { ...loss, lengthNormalized },
      pairs: pairs.shape.pairs,
      data: { tooLong: config.data.tooLong, epochs: config.data.epochs, order: config.data.order },
    },
    objective: ({ rows, sequenceLength }) =>
      preferenceObjective({
        rows,
        time: sequenceLength,
        pairs: pairs.shape.pairs,
        kind: loss.kind,
        beta: loss.beta,
        labelSmoothing: loss.labelSmoothing,
        lengthNormalized,
        sftWeight: loss.sftWeight,
        ...(lent !== undefined && { reference: lent }),
      }),
    async begin(context) {
      const weights = await loadReference(config, pairs, context);
      if (lent !== undefined) {
        held = weights;
        return;
      }
      try {
        await precompute(pairs, weights, context);
      } finally {
        weights.dispose();
      }
    },
  };
}

async function precompute(
  pairs: PairSetup,
  weights: ModelWeights,
  { backend, output, signal }: TaskContext,
): Promise<void> {
  const { shape, train, validation, trainData, validationData } = pairs;
  trainData.setReference(await referenceLogProbs(backend, weights, train, shape, output, signal));
  validationData?.setReference(await referenceLogProbs(backend, weights, validation, shape, output, signal));
}

/** The reference policy in the backend's memory: a folder of its own, or what the policy begins with. */
async function loadReference(
  config: ResolvedPairConfig<DpoConfig>,
  pairs: PairSetup,
  { backend, model }: TaskContext,
): Promise<ModelWeights> {
  const weights = createWeights(backend, referenceConfig(config, pairs));
  const folder = config.reference.model;
  if (folder === undefined) await model.begin(weights, config.seed);
  else await readWeights(weights, folder);
  return weights;
}

function referenceConfig(config: ResolvedPairConfig<DpoConfig>, { setup }: PairSetup) {
  const needed = { vocabSize: setup.vocabSize, sequenceLength: setup.sequenceLength };
  return openModel(config.reference.model ?? config.model, needed).config;
}

function planned(config: ResolvedPairConfig<DpoConfig>, pairs: PairSetup): ModelWeights {
  const backend: Backend = createPlanningBackend();
  return createWeights(backend, referenceConfig(config, pairs));
}

/**
 * What PPO, GRPO and RLOO minimise, as one objective with switches: the clipped ratio of the new policy to the one that sampled,
 * times the advantage; beside it, where asked for, KL to the reference policy (GRPO), an entropy bonus, a value loss from a head on
 * the same backbone, and the pretraining loss of other text (PPO-ptx).
 *
 * With ρ the ratio and A the advantage, a token's loss is max(−A·ρ, −A·clip(ρ, 1 − low, 1 + high)) (Schulman et al. 2017); two
 * bounds of their own are "clip-higher" (Yu et al. 2025, DAPO). ρ is of each token, or of each whole text: the product of its tokens'
 * ratios (RLOO, Ahmadian et al. 2024) or their geometric mean (GSPO, Zheng et al. 2025).
 *
 * Everything is a sum over tokens with weights that the caller gives, so that a mean over the tokens of several micro-batches, or
 * over texts of different lengths, is a matter of weights (token-weights.ts).
 *
 * The entropy's gradient is estimated from the sampled tokens, −ρ·(log p + H)·∇log p, whose expectation is ∇H exactly: the logits
 * of all rows never exist at once.
 */
import { type ForwardInputs, forward, outputWeight } from '../models/forward.ts';
import { elements, type Tensor } from '../tensor/graph.ts';
import { add, affine, clamp, equal, maximum, multiply, subtract, sum, unary } from '../tensor/ops/elementwise.ts';
import { linearCrossEntropy, linearLogProb } from '../tensor/ops/loss.ts';
import type { BuiltObjective, InputSpec, Objective, ObjectiveContext } from '../training/objective.ts';
import { predictedValues, type ValueLossOptions, valueInputs, valueLoss } from './value-objective.ts';

/** What the ratio of the clipped loss is of. `mean`: the geometric mean over a text's tokens. */
export type RatioOf = 'token' | 'sequence' | 'mean';

export interface PolicyObjectiveOptions {
  /** Texts of a micro-batch, and places of each. */
  readonly batch: number;
  readonly time: number;
  /** The ratio is held between 1 − low and 1 + high. */
  readonly clip: { readonly low: number; readonly high: number };
  readonly ratio?: RatioOf;
  /** Of softmax(logits / temperature), as it was sampled. Default 1. */
  readonly temperature?: number;
  /** Coefficient of the KL (k3) to the reference policy in the loss. Default 0: none. */
  readonly klCoefficient?: number;
  /** Default 0: none. */
  readonly entropyCoefficient?: number;
  /** A value head on the policy's own backbone; its loss times `coefficient` joins. */
  readonly value?: ValueLossOptions & { readonly coefficient: number };
  /** Rows of other text whose next-token loss times `coefficient` joins. */
  readonly pretraining?: PretrainingTerm;
  /** Texts do not begin at their row's first place: `segmentIds` says what is padding. */
  readonly segments?: boolean;
}

export interface PretrainingTerm {
  readonly batch: number;
  readonly time: number;
  readonly coefficient: number;
  /** Rows hold several documents, which do not see each other. */
  readonly packed?: boolean;
}

/**
 * Inputs, f32 [batch, time] unless stated: ids, positions, labels (i32: the token after each place, negative where it is not of a
 * response), segmentIds (i32, with `segments`), oldLogProbs, advantages, tokenWeights, ratioWeights (for ratios of texts: 1, or 1 over
 * the text's tokens, at each token of it), referenceLogProbs (with a KL coefficient), those of `valueInputs` (with a value head), and
 * pretrainingIds, pretrainingPositions, pretrainingLabels (i32), pretrainingWeights (with pretraining), pretrainingSegments (i32, where
 * its rows are packed).
 *
 * Metrics: loss, policyLoss, clipFraction (whose ratio is out of bounds), approximateKl (of the old policy to the new one), entropy, each [1] and weighted
 * as the loss; logProbs [batch · time]; and kl, valueLoss, values, pretrainingLoss where they exist.
 */
export function policyObjective(options: PolicyObjectiveOptions): Objective {
  const { batch, time, clip, ratio = 'token', temperature = 1, value, pretraining } = options;
  const { klCoefficient = 0, entropyCoefficient = 0 } = options;
  const ints: InputSpec = { dtype: 'i32', shape: [batch, time] };
  const floats: InputSpec = { dtype: 'f32', shape: [batch, time] };
  return {
    name: 'policy',
    inputs: {
      ids: ints,
      positions: ints,
      labels: ints,
      ...(options.segments && { segmentIds: ints }),
      oldLogProbs: floats,
      advantages: floats,
      tokenWeights: floats,
      ...(ratio !== 'token' && { ratioWeights: floats }),
      ...(klCoefficient !== 0 && { referenceLogProbs: floats }),
      ...(value && valueInputs(batch, time)),
      ...(pretraining && pretrainingInputs(pretraining)),
    },
    build(context): BuiltObjective {
      const { graph, config, weights, input } = context;
      const flat = (name: string): Tensor => graph.reshape(input(name), [batch * time]);
      const { hidden } = forward(config, weights, {
        ...context.forward,
        batch,
        ids: flat('ids'),
        positions: flat('positions'),
        segmentIds: options.segments ? input('segmentIds') : undefined,
      });
      const tokenWeights = flat('tokenWeights');
      const head = outputWeight(config, weights);
      const { logProb, entropy } = linearLogProb(hidden, head, flat('labels'), { temperature });
      const difference = subtract(logProb, flat('oldLogProbs'));
      const logRatio = ratio === 'token' ? difference : ofTexts(difference, flat('ratioWeights'), batch, time);
      const { loss: policyLoss, clipFraction, ratios } = clippedLoss(logRatio, flat('advantages'), tokenWeights, clip);
      const weighted = (x: Tensor): Tensor => sum(multiply(x, tokenWeights));
      const metrics: Record<string, Tensor> = {
        policyLoss,
        clipFraction,
        approximateKl: weighted(k3(unary('negate', constant(difference)))),
        entropy: weighted(entropy),
        logProbs: constant(logProb),
      };
      let loss = policyLoss;
      if (klCoefficient !== 0) {
        const kl = weighted(k3(subtract(flat('referenceLogProbs'), logProb)));
        metrics['kl'] = kl;
        loss = add(loss, affine(kl, klCoefficient));
      }
      if (entropyCoefficient !== 0) {
        const slope = multiply(constant(ratios), add(constant(logProb), entropy));
        loss = add(loss, affine(weighted(multiply(logProb, slope)), entropyCoefficient));
      }
      if (value !== undefined) {
        const values = predictedValues(hidden, weights);
        const found = valueLoss(values, context, value);
        metrics['values'] = constant(values);
        metrics['valueLoss'] = found;
        loss = add(loss, affine(found, value.coefficient));
      }
      if (pretraining !== undefined) {
        const found = pretrainingLoss(context, pretraining);
        metrics['pretrainingLoss'] = found;
        loss = add(loss, affine(found, pretraining.coefficient));
      }
      return { loss, metrics: { loss, ...metrics } };
    },
  };
}

/** e^x − 1 − x of a log-ratio x: never negative. */
function k3(x: Tensor): Tensor {
  return affine(subtract(unary('exp', bounded(x)), x), 1, -1);
}

/** A ratio beyond e^±20 says that something broke; it must not become infinite on the way. */
function bounded(logRatio: Tensor): Tensor {
  return clamp(logRatio, -20, 20);
}

/** Σ over a text of weight · x, repeated at each of its tokens: [batch · time] → [batch · time]. */
function ofTexts(x: Tensor, weights: Tensor, batch: number, time: number): Tensor {
  const { graph } = x;
  const sums = sum(graph.reshape(multiply(x, weights), [batch, time]), 'rows');
  const [ones] = graph.emit('fill', [], [batch * time, 1], [{ shape: [batch, time] }]);
  return graph.reshape(multiply(ones, graph.reshape(sums, [batch, 1])), [batch * time]);
}

/**
 * PPO's loss, Σ weight · max(−A·ρ, −A·clip(ρ, 1 − low, 1 + high)), of log-ratios [places] at advantages A; the share of places whose ratio
 * was out of bounds (by weight), and the ratios ρ.
 */
export function clippedLoss(
  logRatio: Tensor,
  advantages: Tensor,
  tokenWeights: Tensor,
  clip: PolicyObjectiveOptions['clip'],
): { loss: Tensor; clipFraction: Tensor; ratios: Tensor } {
  const ratios = unary('exp', bounded(logRatio));
  const slope = unary('negate', advantages);
  const plain = multiply(ratios, slope);
  const within = clamp(ratios, 1 - clip.low, 1 + clip.high);
  const held = multiply(within, slope);
  const inside = equal(constant(ratios), constant(within));
  return {
    loss: sum(multiply(maximum(plain, held), tokenWeights)),
    clipFraction: sum(multiply(affine(inside, -1, 1), tokenWeights)),
    ratios,
  };
}

function pretrainingInputs({ batch, time, packed }: PretrainingTerm): Record<string, InputSpec> {
  const ints: InputSpec = { dtype: 'i32', shape: [batch, time] };
  return {
    pretrainingIds: ints,
    pretrainingPositions: ints,
    pretrainingLabels: ints,
    pretrainingWeights: { dtype: 'f32', shape: [batch, time] },
    ...(packed && { pretrainingSegments: ints }),
  };
}

function pretrainingLoss(
  { graph, config, weights, input, forward: given }: ObjectiveContext,
  of: PretrainingTerm,
): Tensor {
  const flat = (name: string): Tensor => graph.reshape(input(name), [of.batch * of.time]);
  const inputs: ForwardInputs = {
    ...given,
    batch: of.batch,
    ids: flat('pretrainingIds'),
    positions: flat('pretrainingPositions'),
    segmentIds: of.packed ? input('pretrainingSegments') : undefined,
  };
  const { hidden } = forward(config, weights, inputs);
  const head = outputWeight(config, weights);
  return linearCrossEntropy(hidden, head, flat('pretrainingLabels'), flat('pretrainingWeights')).loss;
}

/** The same values, through which no gradient goes. */
export function constant(x: Tensor): Tensor {
  return x.graph.emit('copy', [x], [elements(x.shape)], [{ shape: x.shape }])[0];
}

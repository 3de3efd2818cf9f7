/**
 * Direct preference optimization: a policy learns from pairs of completions which one is preferred, without a reward model in
 * between. With the log-ratios c and r of policy and reference for the chosen and the rejected completion, Δ = c − r:
 *
 *   sigmoid    −log σ(βΔ) (Rafailov et al. 2023, arXiv 2305.18290); with label smoothing ε the conservative form
 *              −(1−ε)·log σ(βΔ) − ε·log σ(−βΔ) (Mitchell 2023)
 *   robust     (−(1−ε)·log σ(βΔ) + ε·log σ(−βΔ)) / (1−2ε), unbiased when a share ε of the labels is flipped (arXiv 2403.00409)
 *   hinge      max(0, 1 − βΔ) (SLiC, arXiv 2305.10425)
 *   ipo        (Δ − 1/(2β))² (arXiv 2310.12036), by default of log-ratios divided by their completions' lengths
 *   kto-pair   Kahneman-Tversky on pairs: ½(1 − σ(β(c − z_r))) + ½(1 − σ(β(z_c − r))), z the batch's mean log-ratio of the
 *              other side, at least 0 and without a gradient (arXiv 2402.01306, as TRL 0.8 had it)
 *
 * `lengthNormalized` divides log-ratios by the number of tokens; `sftWeight` adds that much of the chosen completions' mean
 * negative log-likelihood over the tokens of the step (RPO), against the fall of the chosen ones' own probability.
 *
 * Reference log-probabilities are inputs, computed once (reference-log-probs.ts), or come from a second set of weights at the
 * price of a forward pass each time: 4/3 of the arithmetic.
 */
import type { ModelConfig } from '../models/config.ts';
import { type ForwardResult, outputWeight, type Weights } from '../models/forward.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Tensor } from '../tensor/graph.ts';
import { add, affine, clamp, divide, less, subtract, sum, unary } from '../tensor/ops/elementwise.ts';
import { linearLogProb } from '../tensor/ops/loss.ts';
import type { InputSpec, Objective, ObjectiveContext } from '../training/objective.ts';
import {
  forwardRows,
  type RowShape,
  rowInputs,
  sumsOf,
  weighted,
  withBalance,
  withoutGradient,
} from './completions.ts';
import type { PreferenceLossKind } from './preference-losses.ts';

export interface PreferenceLossOptions {
  readonly kind: PreferenceLossKind;
  readonly beta: number;
  /** Of sigmoid and robust: the share of labels that are taken for wrong. */
  readonly labelSmoothing: number;
}

/** Log-ratios of policy and reference, [pairs] each. */
export interface LogRatios {
  readonly chosen: Tensor;
  readonly rejected: Tensor;
}

/** The loss of each pair, [pairs]. `weights` [pairs] is what each counts for (0: no pair), which kto-pair's mean goes by. */
export function preferenceLoss(ratios: LogRatios, weights: Tensor, options: PreferenceLossOptions): Tensor {
  const { kind, beta, labelSmoothing: e } = options;
  const { chosen, rejected } = ratios;
  const difference = subtract(chosen, rejected);
  const scaled = affine(difference, beta);
  switch (kind) {
    case 'sigmoid': {
      const right = affine(unary('logSigmoid', scaled), e - 1);
      return e === 0 ? right : add(right, affine(unary('logSigmoid', affine(scaled, -1)), -e));
    }
    case 'robust': {
      const right = affine(unary('logSigmoid', scaled), (e - 1) / (1 - 2 * e));
      return add(right, affine(unary('logSigmoid', affine(scaled, -1)), e / (1 - 2 * e)));
    }
    case 'hinge':
      return unary('relu', affine(scaled, -1, 1));
    case 'ipo':
      return unary('square', affine(difference, 1, -1 / (2 * beta)));
    case 'kto-pair': {
      const desirable = subtract(chosen, meanRatio(rejected, weights));
      const undesirable = subtract(rejected, meanRatio(chosen, weights));
      const gain = (of: Tensor, sign: number): Tensor => affine(unary('sigmoid', affine(of, sign * beta)), -0.5, 0.5);
      return add(gain(desirable, 1), gain(undesirable, -1));
    }
  }
}

/** The weighted mean of the log-ratios, at least 0, [1]: an estimate of the divergence from the reference. */
function meanRatio(ratios: Tensor, weights: Tensor): Tensor {
  return withoutGradient(ratios.graph, () =>
    clamp(divide(weighted(ratios, weights), sum(weights)), 0, Number.MAX_VALUE),
  );
}

export interface PreferenceOptions extends RowShape, PreferenceLossOptions {
  /** Room for pairs in a micro-batch. */
  readonly pairs: number;
  readonly lengthNormalized: boolean;
  /** Of the chosen completions' mean negative log-likelihood; 0: none. */
  readonly sftWeight: number;
  /** Weights of the reference policy; without, its log-probabilities are inputs. */
  readonly reference?: Pick<ModelWeights, 'config' | 'tensors'> | undefined;
}

/**
 * Inputs, beside those of `rowInputs`: labels [rows, time] (shifted; negative: no completion's), chosenOf and rejectedOf [rows,
 * time] (index of the pair that a label's place belongs to; negative: none), pairWeights [pairs] (1 / pairs of the step, 0:
 * no pair), chosenTokens and rejectedTokens [pairs], and sftWeights [rows, time] (1 / chosen tokens of the step at those).
 * Without a second set of weights referenceChosen and referenceRejected [pairs] too: summed log-probabilities.
 */
export function preferenceObjective(options: PreferenceOptions): Objective {
  const { rows, time, pairs, reference } = options;
  const ints: InputSpec = { dtype: 'i32', shape: [rows, time] };
  const numbers: InputSpec = { dtype: 'f32', shape: [pairs] };
  return {
    name: `dpo (${options.kind})`,
    unit: 'pairs',
    inputs: {
      ...rowInputs(options),
      labels: ints,
      chosenOf: ints,
      rejectedOf: ints,
      pairWeights: numbers,
      ...(options.lengthNormalized && { chosenTokens: numbers, rejectedTokens: numbers }),
      ...(options.sftWeight > 0 && { sftWeights: { dtype: 'f32', shape: [rows, time] } as const }),
      ...(reference === undefined && { referenceChosen: numbers, referenceRejected: numbers }),
    },
    build(context) {
      const { graph, config, weights, input } = context;
      const policy = completionLogProbs(config, weights, options, context);
      const anchor = referenceLogProbs(options, context);
      const pairWeights = input('pairWeights');
      const logRatios = {
        chosen: subtract(policy.chosen, anchor.chosen),
        rejected: subtract(policy.rejected, anchor.rejected),
      };
      const perToken = (of: Tensor, lengths: string): Tensor =>
        options.lengthNormalized ? divide(of, input(lengths)) : of;
      const ratios = {
        chosen: perToken(logRatios.chosen, 'chosenTokens'),
        rejected: perToken(logRatios.rejected, 'rejectedTokens'),
      };
      const preference = weighted(preferenceLoss(ratios, pairWeights, options), pairWeights);
      let total = preference;
      const metrics: Record<string, Tensor> = {};
      if (options.sftWeight > 0) {
        const likelihoods = graph.reshape(input('sftWeights'), [rows * time]);
        const nll = affine(weighted(policy.logProb, likelihoods), -1);
        metrics['preferenceLoss'] = preference;
        metrics['chosenNll'] = nll;
        total = add(preference, affine(nll, options.sftWeight));
      }
      const balanced = withBalance(total, config, policy.routings, input('share'));
      const mean = (of: Tensor): Tensor => withoutGradient(graph, () => weighted(of, pairWeights));
      const reward = (of: Tensor): Tensor => withoutGradient(graph, () => affine(of, options.beta));
      const rewards = { chosen: reward(ratios.chosen), rejected: reward(ratios.rejected) };
      return {
        loss: balanced.loss,
        metrics: {
          loss: total,
          ...metrics,
          ...balanced.metrics,
          rewardChosen: mean(rewards.chosen),
          rewardRejected: mean(rewards.rejected),
          margin: mean(withoutGradient(graph, () => subtract(rewards.chosen, rewards.rejected))),
          accuracy: mean(withoutGradient(graph, () => less(rewards.rejected, rewards.chosen))),
          logProbChosen: mean(policy.chosen),
          logProbRejected: mean(policy.rejected),
        },
      };
    },
  };
}

/** Summed log-probabilities of the completions, [pairs] each, and of every place. */
export interface CompletionLogProbs {
  readonly chosen: Tensor;
  readonly rejected: Tensor;
  /** [places], 0 where there is no label. */
  readonly logProb: Tensor;
  readonly routings: ForwardResult['routings'];
}

/** Those of the policy or of a reference, by the weights given; inputs as of `preferenceObjective`. */
export function completionLogProbs(
  config: ModelConfig,
  weights: Weights,
  options: RowShape & { readonly pairs: number },
  { input, forward: given }: Pick<ObjectiveContext, 'input' | 'forward'>,
): CompletionLogProbs {
  const { rows, time, pairs } = options;
  const { hidden, routings } = forwardRows(config, weights, options, input, given);
  const labels = hidden.graph.reshape(input('labels'), [rows * time]);
  const { logProb } = linearLogProb(hidden, outputWeight(config, weights), labels);
  return {
    chosen: sumsOf(logProb, input('chosenOf'), pairs),
    rejected: sumsOf(logProb, input('rejectedOf'), pairs),
    logProb,
    routings,
  };
}

function referenceLogProbs(options: PreferenceOptions, context: ObjectiveContext): LogRatios {
  const { reference } = options;
  if (reference === undefined) {
    return { chosen: context.input('referenceChosen'), rejected: context.input('referenceRejected') };
  }
  const { graph } = context;
  const given = { ...context.forward, dropout: undefined, recompute: false };
  const { result } = graph.withTape('off', () =>
    completionLogProbs(reference.config, reference.tensors(graph), options, { ...context, forward: given }),
  );
  return result;
}

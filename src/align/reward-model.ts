/**
 * The reward model: a language model whose output matrix is replaced by one vector, read at the last token of a dialogue. It
 * learns from pairs that the chosen one is worth more (Bradley & Terry 1952; Ouyang et al. 2022, arXiv 2203.02155):
 *
 *   −log σ(r_chosen − r_rejected − margin) + centering · (r_chosen + r_rejected)²
 *
 * The margin says how much better the chosen one was rated (Llama 2, arXiv 2307.09288); centering holds the scores about zero,
 * which the loss leaves open (arXiv 2312.09244).
 */
import { scoreWeight } from '../models/forward.ts';
import type { Tensor } from '../tensor/graph.ts';
import { add, affine, less, subtract, unary } from '../tensor/ops/elementwise.ts';
import type { InputSpec, Objective } from '../training/objective.ts';
import {
  forwardRows,
  type RowShape,
  rowInputs,
  scoresAt,
  weighted,
  withBalance,
  withoutGradient,
} from './completions.ts';

export interface RewardOptions extends RowShape {
  /** Room for pairs in a micro-batch. */
  readonly pairs: number;
  /** Pairs carry margins. */
  readonly margins: boolean;
  /** Weight of (r_chosen + r_rejected)²; 0: none. */
  readonly centering: number;
}

/** The loss of each pair from the rewards of its sides: [pairs] each, and as many margins where there are some. */
export function rewardLoss(
  { chosen, rejected }: { readonly chosen: Tensor; readonly rejected: Tensor },
  margins: Tensor | undefined,
  centering: number,
): Tensor {
  const difference = subtract(chosen, rejected);
  const ahead = margins === undefined ? difference : subtract(difference, margins);
  const loss = affine(unary('logSigmoid', ahead), -1);
  return centering === 0 ? loss : add(loss, affine(unary('square', add(chosen, rejected)), centering));
}

/**
 * Inputs, beside those of `rowInputs`: chosenLast and rejectedLast i32 [pairs] (place row · time + t of the last token;
 * negative: no pair), pairWeights [pairs] (1 / pairs of the step, 0: no pair), and margins [pairs] where there are some.
 */
export function rewardObjective(options: RewardOptions): Objective {
  const { pairs, margins, centering } = options;
  const places: InputSpec = { dtype: 'i32', shape: [pairs] };
  const numbers: InputSpec = { dtype: 'f32', shape: [pairs] };
  return {
    name: 'reward model',
    unit: 'pairs',
    inputs: {
      ...rowInputs(options),
      chosenLast: places,
      rejectedLast: places,
      pairWeights: numbers,
      ...(margins && { margins: numbers }),
    },
    build({ graph, config, weights, input, forward: given }) {
      const { hidden, routings } = forwardRows(config, weights, options, input, given);
      const head = scoreWeight(weights);
      const chosen = scoresAt(hidden, head, input('chosenLast'));
      const rejected = scoresAt(hidden, head, input('rejectedLast'));
      const pairWeights = input('pairWeights');
      const mean = (of: Tensor): Tensor => weighted(of, pairWeights);
      const total = mean(rewardLoss({ chosen, rejected }, margins ? input('margins') : undefined, centering));
      const balanced = withBalance(total, config, routings, input('share'));
      const seen = (build: () => Tensor): Tensor => withoutGradient(graph, build);
      return {
        loss: balanced.loss,
        metrics: {
          loss: total,
          ...balanced.metrics,
          accuracy: seen(() => mean(less(rejected, chosen))),
          margin: seen(() => mean(subtract(chosen, rejected))),
          rewardChosen: seen(() => mean(chosen)),
          rewardRejected: seen(() => mean(rejected)),
        },
      };
    },
  };
}

/**
 * Supervised fine-tuning: next-token prediction on the tokens that the mask leaves (data/chat-format.ts), a mean over all trained
 * tokens of the whole step, whatever their rows and micro-batches.
 *
 * NEFTune (Jain et al. 2023, arXiv 2310.05914): in training alone, the token embeddings get uniform noise of ±alpha / √(T·d), T
 * the tokens of the document and d the hidden size. A noise of 256 levels is put together from bits of the counter generator
 * that dropout has, a bit of each for a stream of its own, so every backend draws the same without an operation more.
 * Cost: eight passes over [tokens, hidden], 1 to 2 % of a small model's step.
 */
import type { ModelConfig } from '../models/config.ts';
import { outputWeight } from '../models/forward.ts';
import type { Graph, Tensor } from '../tensor/graph.ts';
import { add, affine, dropout, multiply } from '../tensor/ops/elementwise.ts';
import { linearCrossEntropy } from '../tensor/ops/loss.ts';
import type { InputSpec, Objective } from '../training/objective.ts';
import { forwardRows, type RowShape, rowInputs, withBalance } from './completions.ts';

export interface SftOptions extends RowShape {
  /** Alpha of NEFTune; 0: no noise. */
  readonly neftune: number;
  readonly labelSmoothing: number;
}

/**
 * Inputs, beside those of `rowInputs`: labels [rows, time] (shifted; negative: not trained), tokenWeights [rows, time] (1 / trained
 * tokens of the step), and with NEFTune noiseScale [rows, time] (alpha / √T).
 */
export function sftObjective(options: SftOptions): Objective {
  const { rows, time, neftune, labelSmoothing } = options;
  const numbers: InputSpec = { dtype: 'f32', shape: [rows, time] };
  return {
    name: 'sft',
    inputs: {
      ...rowInputs(options),
      labels: { dtype: 'i32', shape: [rows, time] },
      tokenWeights: numbers,
      ...(neftune > 0 && { noiseScale: numbers }),
    },
    build({ graph, config, weights, input, forward: given, seed }) {
      const places = rows * time;
      const noise =
        neftune > 0 && seed !== undefined
          ? { embeddingNoise: embeddingNoise(graph, config, graph.reshape(input('noiseScale'), [places, 1]), seed) }
          : {};
      const { hidden, routings } = forwardRows(config, weights, options, input, { ...given, ...noise });
      const labels = graph.reshape(input('labels'), [places]);
      const tokenWeights = graph.reshape(input('tokenWeights'), [places]);
      const { loss } = linearCrossEntropy(hidden, outputWeight(config, weights), labels, tokenWeights, {
        labelSmoothing,
      });
      const balanced = withBalance(loss, config, routings, input('share'));
      return { loss: balanced.loss, metrics: { loss, ...balanced.metrics } };
    },
  };
}

const BITS = 8;
/** Streams of the generator that no dropout of the decoder takes: those are counted by layers. */
const FIRST_STREAM = 1 << 20;

/** Uniform noise in (−1, 1) times scale[place] / √hidden, [places, hidden]: Σ bit_k · 2^−k, centred. scale is [places, 1]. */
export function embeddingNoise(graph: Graph, { hiddenSize }: ModelConfig, scale: Tensor, seed: Tensor): Tensor {
  const { result } = graph.withTape('off', () => {
    const places = scale.shape[0];
    const shape = [places, hiddenSize];
    let total: Tensor | undefined;
    for (let bit = 1; bit <= BITS; bit++) {
      // Kept entries come out doubled: half of what the bit is worth goes in.
      const [half] = graph.emit('fill', [], [places * hiddenSize, 2 ** -(bit + 1)], [{ shape }]);
      const drawn = dropout(half, 0.5, seed, FIRST_STREAM + bit);
      total = total === undefined ? drawn : add(total, drawn);
    }
    const range = 1 - 2 ** -BITS;
    const centred = affine(total as Tensor, 2, -range);
    return multiply(affine(centred, 1 / Math.sqrt(hiddenSize)), scale);
  });
  return result;
}

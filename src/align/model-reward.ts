/**
 * A reward model as a reward: the score at the last token of prompt and response, as it was trained to give it. It reads the policy's
 * own ids, so its tokenizer must be the policy's; texts are padded on the right, where nothing of theirs looks.
 */
import { scoreWeight } from '../models/forward.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend } from '../tensor/backend.ts';
import { forwardRows, rowInputs, scoresAt } from './completions.ts';
import { createForwardRun } from './forward-run.ts';
import { checkScoringModel } from './model-checks.ts';
import { checkScores, type Reward } from './rewards.ts';
import { sequenceBatch } from './sequence-batch.ts';

export interface ModelRewardOptions {
  /** For messages, such as the model's folder. */
  readonly name: string;
  /** Texts computed at once. */
  readonly rows: number;
  /** Tokens of a prompt and its response. */
  readonly capacity: number;
}

/** Throws CONFIG_INVALID for a model without a head of scores, or one made for shorter texts. */
export function modelReward(
  backend: Backend,
  weights: ModelWeights,
  { name, rows, capacity }: ModelRewardOptions,
): Reward & { dispose(): void } {
  const { config } = weights;
  checkScoringModel('reward', name, config, capacity);
  const shape = { rows, time: capacity };
  const inputs = { ...rowInputs(shape), last: { dtype: 'i32', shape: [rows] } as const };
  const runner = createForwardRun(backend, weights, inputs, capacity, (context) => {
    const { hidden } = forwardRows(config, context.weights, shape, context.input, context.forward);
    return { scores: scoresAt(hidden, scoreWeight(context.weights), context.input('last')) };
  });
  return {
    name,
    async score(responses) {
      const scores = new Float64Array(responses.length);
      for (let from = 0; from < responses.length; from += rows) {
        const taken = responses.slice(from, from + rows);
        // A place more than a text's tokens predict: its last token is read, not only predicted.
        const texts = taken.map(({ ids }) => ({ ids: Int32Array.of(...ids, 0), promptLength: ids.length }));
        const batch = sequenceBatch(texts, { batch: rows, time: capacity });
        const last = Int32Array.from({ length: rows }, (_, row) =>
          row < taken.length ? row * capacity + taken[row].ids.length - 1 : -1,
        );
        const found = await runner.run({ ...batch.inputs, last, share: Float32Array.of(1) });
        for (let row = 0; row < taken.length; row++) scores[from + row] = found['scores'][row];
      }
      return checkScores(name, responses, scores);
    },
    dispose: () => runner.dispose(),
  };
}

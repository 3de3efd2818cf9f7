/**
 * What a run remembers of its rewards from step to step: the running mean and deviation that scores are normalised by (the first
 * Qwen's PPO normalises by a running mean), and the KL coefficient where it adapts itself (Ziegler et al. 2019, §2.2: target
 * 6 nats a text, horizon 10,000 texts). Both are plain values, saved with a run's state.
 */

/** Count, mean and sum of squared differences from it (Chan et al. 1979: batches join exactly, in any sizes). */
export interface RunningMoments {
  readonly count: number;
  readonly mean: number;
  readonly squares: number;
}

export const NO_MOMENTS: RunningMoments = { count: 0, mean: 0, squares: 0 };

/** The moments with a batch of values more. */
export function withValues(before: RunningMoments, values: ArrayLike<number>): RunningMoments {
  if (values.length === 0) return before;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  const batchMean = sum / values.length;
  let batchSquares = 0;
  for (let i = 0; i < values.length; i++) batchSquares += (values[i] - batchMean) ** 2;
  const count = before.count + values.length;
  const difference = batchMean - before.mean;
  return {
    count,
    mean: before.mean + (difference * values.length) / count,
    squares: before.squares + batchSquares + (difference ** 2 * before.count * values.length) / count,
  };
}

/** Unbiased; 0 for fewer than two values. */
export function deviationOf({ count, squares }: RunningMoments): number {
  return count < 2 ? 0 : Math.sqrt(squares / (count - 1));
}

/** Scores as they are, less the running mean, or that over the running deviation. */
export type RewardNormalisation = 'none' | 'mean' | 'mean-deviation';

/** Scores normalised by moments that include them already. A constant reward becomes 0. */
export function normaliseScores(
  scores: ArrayLike<number>,
  moments: RunningMoments,
  normalisation: RewardNormalisation,
): Float64Array {
  if (normalisation === 'none') return Float64Array.from(scores);
  const divisor = normalisation === 'mean' ? 1 : deviationOf(moments) + 1e-8;
  return Float64Array.from(scores, (score) => (score - moments.mean) / divisor);
}

export interface AdaptiveKlOptions {
  /** KL of a whole text that is aimed at, nats. */
  readonly target: number;
  /** Texts over which the coefficient follows. */
  readonly horizon: number;
}

/** The coefficient after `texts` texts whose KL was `kl` on average: × (1 + clip(kl/target − 1, ±0.2) · texts/horizon). */
export function adaptedKlCoefficient(
  coefficient: number,
  kl: number,
  texts: number,
  { target, horizon }: AdaptiveKlOptions,
): number {
  const error = Math.min(0.2, Math.max(-0.2, kl / target - 1));
  return coefficient * (1 + (error * texts) / horizon);
}

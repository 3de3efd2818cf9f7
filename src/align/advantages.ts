/**
 * From rewards to advantages: the arithmetic of reinforcement learning on texts, on plain arrays, in float64.
 *
 * A text is a row of actions, its response's tokens. The reward of an action is minus the KL coefficient times the divergence from
 * the reference policy at that token, and the text's score comes on top at the last token. What an action is worth beyond what
 * was expected is its advantage: by generalised advantage estimation against a critic (PPO), or by comparing a text with the
 * others of its prompt (GRPO, RLOO), which needs no critic.
 *
 * Sources: Schulman et al. 2016 (GAE), 2017 (PPO), Schulman 2020 "Approximating KL Divergence" (k1, k3); Ouyang et al. 2022
 * (per-token KL reward); Shao et al. 2024 (GRPO), Liu et al. 2025 "Dr. GRPO" (no division); Ahmadian et al. 2024 (RLOO).
 * Definitions of whitening and of GRPO's deviation are TRL's (unbiased variance; 1e-4 added to the deviation).
 */

/** Numbers of one text, one per token of its response; texts may differ in length. */
export type TokenValues = Float64Array;

/** How the divergence of one token is estimated from the two log-probabilities. */
export type KlEstimator = 'k1' | 'k3';

/** k1 = log p − log q (unbiased, may be negative); k3 = q/p − 1 − log(q/p) (never negative, unbiased, less variance), for a token drawn from p. */
export function klEstimate(logProb: number, reference: number, estimator: KlEstimator): number {
  const difference = logProb - reference;
  return estimator === 'k1' ? difference : Math.expm1(-difference) + difference;
}

export interface TokenRewardOptions {
  readonly klCoefficient: number;
  readonly estimator?: KlEstimator;
}

/** −coefficient · KL at each token of a text, plus `score` at the last one. Throws a RangeError where lengths differ. */
export function tokenRewards(
  logProbs: ArrayLike<number>,
  reference: ArrayLike<number>,
  score: number,
  { klCoefficient, estimator = 'k1' }: TokenRewardOptions,
): TokenValues {
  sameLength('token rewards', logProbs, reference);
  const rewards = new Float64Array(logProbs.length);
  for (let t = 0; t < rewards.length; t++) {
    rewards[t] = -klCoefficient * klEstimate(logProbs[t], reference[t], estimator);
  }
  if (rewards.length > 0) rewards[rewards.length - 1] += score;
  return rewards;
}

/**
 * Generalised advantage estimation over one text, which ends after its last token:
 * δ_t = r_t + γ·V_{t+1} − V_t, A_t = δ_t + γλ·A_{t+1}; returns = A + V. Throws a RangeError where lengths differ.
 */
export function generalisedAdvantages(
  rewards: ArrayLike<number>,
  values: ArrayLike<number>,
  { gamma, lambda }: { readonly gamma: number; readonly lambda: number },
): { advantages: TokenValues; returns: TokenValues } {
  sameLength('advantages', rewards, values);
  const advantages = new Float64Array(rewards.length);
  const returns = new Float64Array(rewards.length);
  let next = 0;
  for (let t = rewards.length - 1; t >= 0; t--) {
    const valueAfter = t + 1 < values.length ? values[t + 1] : 0;
    next = rewards[t] + gamma * valueAfter - values[t] + gamma * lambda * next;
    advantages[t] = next;
    returns[t] = next + values[t];
  }
  return { advantages, returns };
}

/**
 * All tokens of all texts together shifted to mean 0 and scaled to variance 1: (x − mean) / √(variance + 1e-8), with the unbiased
 * variance. `keepMean` only scales them about their mean (rewards keep their sign). One token alone has no variance: 0 is taken.
 */
export function whiten(texts: readonly ArrayLike<number>[], options: { keepMean?: boolean } = {}): TokenValues[] {
  let count = 0;
  let sum = 0;
  for (const values of texts) {
    for (let t = 0; t < values.length; t++) sum += values[t];
    count += values.length;
  }
  const mean = count === 0 ? 0 : sum / count;
  let squares = 0;
  for (const values of texts) for (let t = 0; t < values.length; t++) squares += (values[t] - mean) ** 2;
  const scale = 1 / Math.sqrt((count > 1 ? squares / (count - 1) : 0) + 1e-8);
  const shift = options.keepMean === true ? mean : 0;
  return texts.map((values) => Float64Array.from(values, (value) => (value - mean) * scale + shift));
}

/** By what GRPO divides a group's differences from its mean: its own deviation, that of all groups together, or nothing (Dr. GRPO). */
export type GroupScale = 'group' | 'batch' | 'none';

/**
 * GRPO: each score against the mean of its group of `groupSize` neighbours, over the deviation (unbiased) + 1e-4. A group of equal
 * scores has advantages of 0. Throws a RangeError unless the scores are whole groups of at least two.
 */
export function groupAdvantages(
  scores: ArrayLike<number>,
  groupSize: number,
  options: { scale?: GroupScale } = {},
): Float64Array {
  const groups = wholeGroups(scores, groupSize);
  const scale = options.scale ?? 'group';
  const overall = scale === 'batch' ? deviation(scores, 0, scores.length) : 1;
  const advantages = new Float64Array(scores.length);
  for (let group = 0; group < groups; group++) {
    const from = group * groupSize;
    const mean = meanOf(scores, from, groupSize);
    const divisor = scale === 'none' ? 1 : (scale === 'batch' ? overall : deviation(scores, from, groupSize)) + 1e-4;
    for (let i = from; i < from + groupSize; i++) advantages[i] = (scores[i] - mean) / divisor;
  }
  return advantages;
}

/** RLOO: each score against the mean of the others of its group. Throws a RangeError as `groupAdvantages`. */
export function leaveOneOutAdvantages(scores: ArrayLike<number>, groupSize: number): Float64Array {
  const groups = wholeGroups(scores, groupSize);
  const advantages = new Float64Array(scores.length);
  for (let group = 0; group < groups; group++) {
    const from = group * groupSize;
    const sum = groupSize * meanOf(scores, from, groupSize);
    for (let i = from; i < from + groupSize; i++) advantages[i] = scores[i] - (sum - scores[i]) / (groupSize - 1);
  }
  return advantages;
}

/** 1 − variance of what the values leave unexplained over that of the returns; null where the returns do not vary. */
export function explainedVariance(
  values: readonly ArrayLike<number>[],
  returns: readonly ArrayLike<number>[],
): number | null {
  const flat = (texts: readonly ArrayLike<number>[]): number[] => texts.flatMap((text) => Array.from(text));
  const targets = flat(returns);
  const left = flat(values).map((value, i) => targets[i] - value);
  const total = variance(targets, 0, targets.length);
  return total === 0 ? null : 1 - variance(left, 0, left.length) / total;
}

function wholeGroups(scores: ArrayLike<number>, groupSize: number): number {
  if (groupSize < 2 || scores.length % groupSize !== 0) {
    throw new RangeError(`advantages: ${scores.length} scores are not whole groups of ${groupSize}, at least two each`);
  }
  return scores.length / groupSize;
}

function meanOf(values: ArrayLike<number>, from: number, count: number): number {
  let sum = 0;
  for (let i = from; i < from + count; i++) sum += values[i];
  return sum / count;
}

/** Unbiased. */
function variance(values: ArrayLike<number>, from: number, count: number): number {
  if (count < 2) return 0;
  const mean = meanOf(values, from, count);
  let squares = 0;
  for (let i = from; i < from + count; i++) squares += (values[i] - mean) ** 2;
  return squares / (count - 1);
}

function deviation(values: ArrayLike<number>, from: number, count: number): number {
  return Math.sqrt(variance(values, from, count));
}

function sameLength(what: string, a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length) throw new RangeError(`${what}: ${a.length} tokens against ${b.length}`);
}

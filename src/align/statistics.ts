/** Figures about a classifier of pairs: confidence intervals, calibration, correlation. */

/**
 * The Wilson score interval of a share at 95 %: unlike the normal one it stays within 0 and 1 and holds for small samples.
 * Source: Wilson 1927; Brown, Cai & DasGupta 2001.
 */
export function wilsonInterval(successes: number, trials: number, z = 1.959963984540054): [low: number, high: number] {
  if (trials === 0) return [0, 1];
  const share = successes / trials;
  const square = (z * z) / trials;
  const centre = (share + square / 2) / (1 + square);
  const half = (z * Math.sqrt((share * (1 - share)) / trials + (z * z) / (4 * trials * trials))) / (1 + square);
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

export interface ReliabilityBin {
  /** Bounds of the confidence. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly confidence: number;
  readonly accuracy: number;
}

/**
 * The expected calibration error of predictions: Σ over bins of their share · |accuracy − mean confidence| (Guo et al. 2017,
 * arXiv 1706.04599). `probabilities` are those given to what is true; a prediction's confidence is that of its likelier side,
 * so bins of equal width go from .5 to 1. Of a probability of exactly one half, half is right.
 */
export function calibration(
  probabilities: ArrayLike<number>,
  bins = 10,
): { error: number; bins: readonly ReliabilityBin[] } {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i];
    const confidence = Math.max(p, 1 - p);
    const bin = sums[Math.min(bins - 1, Math.floor((confidence - 0.5) * 2 * bins))];
    bin.count++;
    bin.confidence += confidence;
    bin.right += p > 0.5 ? 1 : p === 0.5 ? 0.5 : 0;
  }
  let error = 0;
  const made = sums.map(({ count, confidence, right }, i): ReliabilityBin => {
    if (count > 0) error += Math.abs(right - confidence) / probabilities.length;
    const width = 0.5 / bins;
    const mean = (sum: number): number => (count === 0 ? 0 : sum / count);
    return {
      from: 0.5 + i * width,
      to: 0.5 + (i + 1) * width,
      count,
      confidence: mean(confidence),
      accuracy: mean(right),
    };
  });
  return { error, bins: made };
}

/** Pearson's correlation; 0 where one of them does not vary. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length;
  let [sumA, sumB] = [0, 0];
  for (let i = 0; i < n; i++) {
    sumA += a[i];
    sumB += b[i];
  }
  const [meanA, meanB] = [sumA / n, sumB / n];
  let [both, squareA, squareB] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    both += (a[i] - meanA) * (b[i] - meanB);
    squareA += (a[i] - meanA) ** 2;
    squareB += (b[i] - meanB) ** 2;
  }
  return squareA === 0 || squareB === 0 ? 0 : both / Math.sqrt(squareA * squareB);
}

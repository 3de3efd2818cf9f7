/** Documents of each class by score, in bins of equal width. */

/** Scores of at least `from` and below `below`; undefined: an end without a limit. */
export interface ScoreBin {
  from: number | undefined;
  below: number | undefined;
  positives: number;
  negatives: number;
}

/** Of scores of any size the middle part that is spread over the bins; the first and the last bin hold what lies outside. */
const SPREAD = 0.99;

/**
 * Probabilities are binned over [0, 1], the last bin holding 1; other scores over the middle 99 % of what there is. Scores
 * that are all equal, or nearly, give one bin.
 */
export function scoreHistogram(
  scores: Float64Array,
  positive: Uint8Array,
  { scale, bins }: { scale: 'probability' | 'any'; bins: number },
): ScoreBin[] {
  const [low, high] = scale === 'probability' ? [0, 1] : middleOf(scores);
  const width = (high - low) / bins;
  const count = width > 0 ? bins : 1;
  // Multiplied before divided: 19 twentieths are .95, 19 × .05 is a little more.
  const edge = (bin: number): number => low + (bin * (high - low)) / bins;
  const found: ScoreBin[] = Array.from({ length: count }, (_, bin) => ({
    from: bin === 0 ? undefined : edge(bin),
    below: bin === count - 1 ? undefined : edge(bin + 1),
    positives: 0,
    negatives: 0,
  }));
  for (let i = 0; i < scores.length; i++) {
    // The quotient only guesses: a bin's own limits decide.
    let bin = width > 0 ? Math.min(Math.max(Math.floor((scores[i] - low) / width), 0), count - 1) : 0;
    while (bin > 0 && scores[i] < found[bin].from!) bin--;
    while (bin < count - 1 && scores[i] >= found[bin].below!) bin++;
    if (positive[i] === 1) found[bin].positives++;
    else found[bin].negatives++;
  }
  return found;
}

function middleOf(scores: Float64Array): [number, number] {
  const sorted = scores.toSorted();
  const outside = Math.floor((sorted.length * (1 - SPREAD)) / 2);
  return [sorted[outside], sorted[sorted.length - 1 - outside]];
}

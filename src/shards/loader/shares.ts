/**
 * Which source a mixture draws from next, so that after every draw each has had its share of the draws, to less than one
 * row: Tijdeman's solution of the chairman assignment problem (Discrete Mathematics 32, 1980, 323–330). Of the sources
 * whose share of the draws so far exceeds what they had by at least 1/(2k − 2), it takes the one that would be late
 * first; then |drawn − share · draws| ≤ 1 − 1/(2k − 2) for k sources, at every point and for ever.
 *
 * Random draws drift by √draws, and the plain largest-deficit rule (Megatron's blends) may be more than a row late. A
 * draw is a pass over the sources, a few nanoseconds each, and depends on the counts alone: they are all there is to save.
 */

/**
 * The source to draw from.
 *
 * @param shares share of each source among those that still have rows: they add up to 1, 0 for one that has none
 * @param drawn draws of each source so far
 * @param draws their sum
 */
export function nextSource(shares: Float64Array, drawn: Float64Array, draws: number): number {
  let active = 0;
  for (let i = 0; i < shares.length; i++) if (shares[i] > 0) active++;
  const least = active < 2 ? 0 : 1 / (2 * active - 2);
  let chosen = -1;
  let soonest = Number.POSITIVE_INFINITY;
  let largest = -1;
  let mostDue = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < shares.length; i++) {
    if (shares[i] === 0) continue;
    const due = shares[i] * (draws + 1) - drawn[i];
    if (due > mostDue) {
      mostDue = due;
      largest = i;
    }
    if (due < least) continue;
    const lateIn = (1 - least - due) / shares[i];
    if (lateIn < soonest) {
      soonest = lateIn;
      chosen = i;
    }
  }
  // One is always due enough in exact arithmetic: what is due adds up to 1. Rounding may miss it by a hair.
  return chosen === -1 ? largest : chosen;
}

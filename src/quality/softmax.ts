/** Scores to probabilities: e^score over the sum of all, in place, safe for scores of any size. Returns ln Σ e^score. */
export function softmax(scores: Float64Array): number {
  let most = scores[0];
  for (let i = 1; i < scores.length; i++) most = Math.max(most, scores[i]);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    scores[i] = Math.exp(scores[i] - most);
    sum += scores[i];
  }
  for (let i = 0; i < scores.length; i++) scores[i] /= sum;
  return most + Math.log(sum);
}

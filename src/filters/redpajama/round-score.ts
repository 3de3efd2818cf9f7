/** Rounding to eight decimals as Python's `round(x, 8)`: by the exact decimal value, a tie to the even digit. */
export function roundScore(score: number): number {
  const rounded = Number(score.toFixed(8));
  // A tie needs a ninth digit 5 and then nothing; `toFixed` takes it away from zero.
  if (Math.abs(score - rounded) < 4.9e-9) return rounded;
  const [, decimals] = score.toFixed(60).split('.');
  if (!/^\d{8}50*$/.test(decimals) || Number(decimals[7]) % 2 !== 0) return rounded;
  return Number(score.toFixed(60).slice(0, -52));
}

/**
 * e^x for training, of additions and multiplications alone, so that the native kernel (native/fasttext_descent.cc) and its twin
 * get the same bits on every machine; Math.exp and the C library's differ in the last. Within 2 units in the last place.
 *
 * x = k·ln 2 + r with |r| ≤ ln 2 / 2, ln 2 in two parts so that k·ln 2 loses nothing; e^r by its series up to r¹³/13!.
 */

const LOG2_E = Math.LOG2E;
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** Below this the result is taken for 0; so is that of NaN. */
const LEAST = -700;

/** 2^-k, exactly. */
const powers = new Float64Array(1024);
powers[0] = 1;
for (let k = 1; k < powers.length; k++) powers[k] = powers[k - 1] / 2;

/** 1/n!, from n = 13 down to 0. */
const series: number[] = [1];
for (let n = 1, factorial = 1; n <= 13; n++) {
  factorial *= n;
  series.unshift(1 / factorial);
}

/** e^x for x ≤ 0. */
export function exponential(x: number): number {
  if (!(x >= LEAST)) return 0;
  const k = Math.floor(x * LOG2_E + 0.5);
  const r = x - k * LN2_HIGH - k * LN2_LOW;
  let sum = series[0];
  for (let i = 1; i < series.length; i++) sum = sum * r + series[i];
  return sum * powers[-k];
}

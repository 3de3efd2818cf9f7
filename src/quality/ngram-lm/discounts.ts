/**
 * Discounts of modified Kneser-Ney smoothing: what is taken off a count of 1, 2, and 3 or more, for each order from its
 * counts of counts.
 *
 * Source: Chen & Goodman, An Empirical Study of Smoothing Techniques for Language Modeling (TR-10-98, 1998), equation 26:
 * with n_j the number of n-grams that have the (adjusted) count j, Y = n_1 / (n_1 + 2 n_2) and D_j = j - (j + 1) Y n_{j+1} / n_j.
 */

/** n_1 to n_4 of one order. */
export type CountsOfCounts = readonly [number, number, number, number];
/** D1, D2, D3+. */
export type Discounts = readonly [number, number, number];

/**
 * The closed form, or undefined where it does not hold: n_1, n_2 or n_3 is 0 (a small or artificial corpus), or a discount
 * is not in (0, j]. lmplz refuses such orders too, but for discounts of exactly 0, which leave nothing to back off with.
 */
export function estimateDiscounts([n1, n2, n3, n4]: CountsOfCounts): Discounts | undefined {
  if (n1 === 0 || n2 === 0 || n3 === 0) return undefined;
  const y = n1 / (n1 + 2 * n2);
  const discounts: Discounts = [1 - (2 * y * n2) / n1, 2 - (3 * y * n3) / n2, 3 - (4 * y * n4) / n3];
  return discounts.every((discount, i) => discount > 0 && discount <= i + 1) ? discounts : undefined;
}

/** Names and order of labels. */

export const POSITIVE = 'positive';
export const NEGATIVE = 'negative';

/** `negative` and `positive` first, in this order, then the others by their UTF-16 units. */
export function orderLabels(labels: Iterable<string>): string[] {
  const rank = (label: string): number => (label === NEGATIVE ? 0 : label === POSITIVE ? 1 : 2);
  return [...labels].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0));
}

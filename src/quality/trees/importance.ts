/**
 * Which columns trees lean on: each one's share of all gain. It has no side: a column that matters for one label matters for
 * all, so the list is the same whichever is asked for.
 */
import type { TellingFeature } from '../classifier.ts';

export function tellingByGain(gains: Float64Array, names: readonly string[], count: number): TellingFeature[] {
  const total = gains.reduce((sum, gain) => sum + gain, 0);
  const found: TellingFeature[] = [];
  gains.forEach((gain, column) => {
    if (gain > 0) found.push({ feature: names[column] ?? `column ${column}`, weight: gain / total });
  });
  return found.sort((a, b) => b.weight - a.weight).slice(0, count);
}

/** How the statistics of one aspect of a text are declared and written. */
import type { TextView } from '../../text/view.ts';

export interface FeatureGroup {
  /** Name of each number, then what it is; the order is the order in the vector. */
  features: readonly (readonly [name: string, meaning: string])[];
  /** Writes the numbers of the view's text to `out`, the first at `at`. All are finite, whatever the text. */
  read(view: TextView, out: Float64Array, at: number): void;
}

/** `part / whole`, and 0 where there is no whole. */
export function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

/** What a report shows of a score: how the documents lie, and what the cut leaves of them, by group. */
import type { ScoreFindings } from '../../core/run-summary.ts';
import type { Cutoffs } from './cutoffs.ts';

const BINS = 40;
/** Quantiles of every report. */
const QUANTILES = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];
/** Groups listed by themselves: the largest. */
const GROUPS_SHOWN = 50;

/** Describes scores (NaN: none) of documents that are alive, and which of them are kept. */
export function describeScores(
  { values, alive }: { values: Float64Array; alive: Uint8Array },
  keptAs: Uint32Array,
  { names, of }: { names: readonly string[]; of: Uint16Array | undefined },
  cutoffs: readonly Cutoffs[],
): ScoreFindings {
  const groups = names.map((name, i) => ({ name, documents: 0, kept: 0, ...finite(cutoffs[i]) }));
  const scored = new Uint32Array(values.length);
  let count = 0;
  let documents = 0;
  let kept = 0;
  for (let i = 0; i < values.length; i++) {
    if (alive[i] === 0) continue;
    documents++;
    const group = groups[of === undefined ? 0 : of[i]];
    group.documents++;
    if (keptAs[i] === i) {
      kept++;
      group.kept++;
    }
    if (!Number.isNaN(values[i])) scored[count++] = i;
  }
  const found = scored.subarray(0, count);
  const sorted = Float64Array.from(found, (i) => values[i]).sort();
  const quantile = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  return {
    documents,
    unscored: documents - count,
    kept,
    quantiles: Object.fromEntries(sorted.length === 0 ? [] : QUANTILES.map((q) => [String(q), quantile(q)])),
    histogram: sorted.length === 0 ? undefined : histogramOf(found, values, keptAs, quantile(0.01), quantile(0.99)),
    groups: groups
      .filter((group) => group.documents > 0)
      .sort((a, b) => b.documents - a.documents || (a.name < b.name ? -1 : 1))
      .slice(0, GROUPS_SHOWN),
  };
}

function histogramOf(scored: Uint32Array, values: Float64Array, keptAs: Uint32Array, from: number, to: number) {
  const bins = () => new Array<number>(BINS).fill(0);
  const histogram = { from, to, kept: bins(), dropped: bins() };
  for (const i of scored) {
    const place = to > from ? Math.floor(((values[i] - from) / (to - from)) * BINS) : 0;
    histogram[keptAs[i] === i ? 'kept' : 'dropped'][Math.min(BINS - 1, Math.max(0, place))]++;
  }
  return histogram;
}

/** JSON knows no infinity: an open end is left out. */
function finite({ min, max }: Cutoffs): { min?: number; max?: number } {
  return { ...(Number.isFinite(min) && { min }), ...(Number.isFinite(max) && { max }) };
}

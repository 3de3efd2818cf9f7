/**
 * What becomes of a step whose gradients cannot be trusted: not finite, or of a norm far above what it was of late. The update
 * itself leaves such a step out before it touches a weight (`clipFactor`, src/tensor/operations.ts); the guard sets the limit,
 * counts, and decides when skipping is no longer an answer.
 */
import { CorpusmillError } from '../core/errors.ts';

export interface GuardOptions {
  /** What a loss or gradient that is not finite does to the run. */
  readonly onNonFinite: 'skip' | 'stop';
  /** A norm above so many times the running median is a spike; null: none is. */
  readonly spikeFactor: number | null;
  readonly onSpike: 'skip' | 'stop';
  /** Norms that the median is of. */
  readonly window: number;
  /** Steps skipped in a row before the run stops all the same. */
  readonly maxSkips: number;
}

export const GUARD_DEFAULTS: GuardOptions = {
  onNonFinite: 'skip',
  spikeFactor: null,
  onSpike: 'skip',
  window: 100,
  maxSkips: 5,
};

export interface GuardState {
  /** Norms of the last good steps, oldest first. */
  norms: number[];
  skipsInARow: number;
}

/** A median of fewer is left to chance: warm-up has norms of its own. */
const LEAST_NORMS = 20;

export interface Guard {
  /** The median of the last norms; null while there are too few. */
  medianNorm(): number | null;
  /** The norm above which a step is a spike; infinity: none is. */
  spikeNorm(): number;
  /** A step was good. */
  passed(norm: number): void;
  /** A step was skipped; returns what to do about it. */
  failed(event: 'non-finite' | 'spike'): 'skipped' | 'stopped';
  state(): GuardState;
}

export function createGuard(options: GuardOptions, from: GuardState = { norms: [], skipsInARow: 0 }): Guard {
  const norms = [...from.norms];
  let { skipsInARow } = from;
  const medianNorm = (): number | null => {
    if (norms.length < Math.min(LEAST_NORMS, options.window)) return null;
    const sorted = Float64Array.from(norms).sort();
    const half = sorted.length >> 1;
    return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  };
  return {
    medianNorm,
    spikeNorm() {
      const median = options.spikeFactor === null ? null : medianNorm();
      return median === null ? Number.POSITIVE_INFINITY : options.spikeFactor! * median;
    },
    passed(norm) {
      skipsInARow = 0;
      norms.push(norm);
      if (norms.length > options.window) norms.shift();
    },
    failed(event) {
      skipsInARow++;
      const action = event === 'spike' ? options.onSpike : options.onNonFinite;
      return action === 'stop' || skipsInARow > options.maxSkips ? 'stopped' : 'skipped';
    },
    state: () => ({ norms: [...norms], skipsInARow }),
  };
}

/** The error that ends a run which the guard has stopped. */
export function guardError(found: {
  step: number;
  event: 'non-finite' | 'spike';
  tensors: readonly { name: string; count: number }[];
  gradientNorm: number;
  medianNorm: number | null;
  skipsInARow: number;
  lastCheckpoint: string | undefined;
}): CorpusmillError {
  const { step, event, tensors, skipsInARow } = found;
  const row = skipsInARow > 1 ? `, the ${ordinal(skipsInARow)} in a row` : '';
  const [first] = tensors;
  const what =
    event === 'spike'
      ? `the gradient norm is ${found.gradientNorm.toPrecision(4)}, the median of the last steps ${found.medianNorm?.toPrecision(4) ?? 'unknown'}`
      : first === undefined
        ? 'the gradient norm is not finite, though each gradient is: their squares overflow'
        : `${first.name} has ${first.count} ${first.count === 1 ? 'value that is' : 'values that are'} not finite`;
  const weights = first?.name.startsWith('weight ') === true;
  const back = found.lastCheckpoint === undefined ? '' : ` Weights before it: ${found.lastCheckpoint}.`;
  const hint = weights
    ? 'The weights themselves are broken: go back to an earlier checkpoint, or begin from other weights.'
    : event === 'spike'
      ? 'Lower the learning rate, lengthen the warm-up, or look at the documents of this step; `guard.spikeFactor: null` lets spikes pass.'
      : 'Lower the learning rate or clip harder (`optimizer.clipNorm`); with f16 try bf16 or float32.';
  return new CorpusmillError('CHECK_FAILED', `training stopped at step ${step}${row}: ${what}`, { hint: hint + back });
}

function ordinal(n: number): string {
  const end = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${end}`;
}

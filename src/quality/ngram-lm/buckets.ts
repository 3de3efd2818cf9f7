/**
 * cc_net's buckets: texts whose perplexity is low, middling or high among those of their language are its head, middle and
 * tail.
 *
 * The paper cuts at the thirds of each language; cc_net's program at its percentiles 30 and 60. Perplexities of different
 * languages, or of different models, cannot be compared. Source: Wenzek et al., CCNet (LREC 2020), section 3.3; cc_net's
 * perplexity.py.
 */
import { CorpusmillError } from '../../core/errors.ts';

export type PerplexityBucket = 'head' | 'middle' | 'tail';

export interface PerplexityCutoffs {
  /** Perplexities below are the head. */
  head: number;
  /** Perplexities from here on are the tail. */
  tail: number;
}

/**
 * The cut-offs that leave the shares `head` and `middle` of the perplexities in those buckets: quantiles with linear
 * interpolation (numpy's default). Throws CONFIG_INVALID for shares that are none, and where there is no perplexity.
 */
export function perplexityCutoffs(perplexities: ArrayLike<number>, head = 1 / 3, middle = 1 / 3): PerplexityCutoffs {
  if (!(head >= 0 && middle >= 0 && head + middle <= 1)) {
    throw new CorpusmillError('CONFIG_INVALID', `perplexity buckets: found the shares ${head} and ${middle}`, {
      hint: 'shares of head and middle lie between 0 and 1, and so does their sum',
    });
  }
  const sorted = Float64Array.from(perplexities).sort();
  if (sorted.length === 0 || Number.isNaN(sorted[sorted.length - 1])) {
    throw new CorpusmillError(
      'CONFIG_INVALID',
      `perplexity buckets: found ${sorted.length === 0 ? 'none' : 'NaN'} among the perplexities`,
      {
        hint: 'give the perplexities of some texts; texts without a sentence have none',
      },
    );
  }
  return { head: quantile(sorted, head), tail: quantile(sorted, head + middle) };
}

/** The bucket of a perplexity. */
export function perplexityBucket(perplexity: number, cutoffs: PerplexityCutoffs): PerplexityBucket {
  if (perplexity < cutoffs.head) return 'head';
  return perplexity < cutoffs.tail ? 'middle' : 'tail';
}

function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

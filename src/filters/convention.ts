/**
 * Conventions: published filters share names and thresholds but differ in what they count (see docs). Every filter here
 * states which toolkit's counting it follows, so that a figure can be compared with a published one.
 */
import { z } from 'zod';

/** Toolkits whose counting can be followed. */
export type Convention = 'datatrove' | 'dclm' | 'nemo';

const TOOLKITS: Record<Convention, string> = {
  datatrove: 'datatrove (used for FineWeb) with UAX #29 words',
  dclm: 'dclm (DataComp-LM)',
  nemo: 'nemo (NVIDIA NeMo Curator)',
};

/** The option that every rule-based filter has; `allowed` are the toolkits that publish that filter, the default first. */
export function conventionOption<const C extends Convention>(allowed: readonly [C, ...C[]]) {
  const [first] = allowed;
  return z
    .enum(allowed)
    .default(first as never)
    .describe(
      `Whose counting to follow where published toolkits differ: ${allowed.map((name) => TOOLKITS[name]).join(', ')}`,
    );
}

/** A threshold that `null` switches off. */
export function threshold(value: number, description: string) {
  return z.number().nonnegative().nullable().default(value).describe(`${description}; null: no limit`);
}

/** A share between 0 and 1 that `null` switches off. */
export function shareThreshold(value: number, description: string) {
  return z.number().min(0).max(1).nullable().default(value).describe(`${description}; null: no limit`);
}

/** Longest n-gram that a limit may be set for. */
export const MAX_N = 32;

/** Gopher's limits on the most frequent n-gram and on repeated ones (Rae et al. 2021, table A1), as pairs of n and share. */
export const GOPHER_TOP_N_GRAMS = [
  [2, 0.2],
  [3, 0.18],
  [4, 0.16],
] as const;
export const GOPHER_REPEATED_N_GRAMS = [
  [5, 0.15],
  [6, 0.14],
  [7, 0.13],
  [8, 0.12],
  [9, 0.11],
  [10, 0.1],
] as const;

/** Limits by length of n-gram, at least `from`, that `null` switches off; `source` ends the description. */
export function nGramLimits(
  from: number,
  defaults: readonly (readonly [number, number])[],
  description: string,
  source: string,
) {
  return z
    .array(z.tuple([z.int().min(from).max(MAX_N), z.number().min(0)]))
    .nullable()
    .default(defaults.map(([n, share]) => [n, share]))
    .describe(`${description}: pairs of n and share, tested in this order (${source}); null: no limit`);
}

/** The option of filters that count words. */
export const unspacedWordsOption = z
  .enum(['characters', 'dictionary'])
  .default('characters')
  .describe(
    'What a word is in Chinese, Japanese, Thai and other scripts without spaces: each character, or the words of the ' +
      "runtime's ICU dictionary (about 3 MB/s; for thresholds made for such words)",
  );

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

/** The option of filters that count words. */
export const unspacedWordsOption = z
  .enum(['characters', 'dictionary'])
  .default('characters')
  .describe(
    'What a word is in Chinese, Japanese, Thai and other scripts without spaces: each character, or the words of the ' +
      "runtime's ICU dictionary (about 3 MB/s; for thresholds made for such words)",
  );

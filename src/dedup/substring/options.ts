/** Options of `dedup.substring`, and their defaults that depend on each other. */
import { z } from 'zod';
import type { Unit } from './units.ts';

/** Lee et al. 2022 use 50 BPE tokens, and 100 bytes where they compare bytes. */
const DEFAULT_MIN_LENGTH: Record<Unit, number> = { tokens: 50, characters: 100, bytes: 100 };

export const options = z.object({
  unit: z
    .enum(['tokens', 'characters', 'bytes'])
    .default('tokens')
    .describe(
      'What is compared and counted: `tokens`, lower-cased words and single CJK characters, whatever stands between them; ' +
        '`characters`, the text as it is; `bytes`, the same in UTF-8, as Lee et al. 2022.',
    ),
  minLength: z
    .int()
    .min(2)
    .max(100_000)
    .optional()
    .describe('Units from which on a repeated span counts; 50 tokens (Lee et al. 2022), 100 characters or 100 bytes.'),
  minDocuments: z
    .int()
    .min(1)
    .default(1)
    .describe('Documents that must hold a span; 1: what repeats within one document counts too (Lee et al. 2022).'),
  keep: z
    .enum(['first', 'none'])
    .default('first')
    .describe('What stays of a repeated span: its first occurrence in input order, or none.'),
  cut: z
    .enum(['exact', 'sentences', 'lines'])
    .default('exact')
    .describe(
      'What of a repeated span is cut: all of it, wherever it begins and ends (Lee et al. 2022), or only the whole sentences ' +
        'or whole lines in it, so that no sentence or line is left torn.',
    ),
  action: z
    .enum(['remove', 'mark'])
    .default('remove')
    .describe(
      '`remove` cuts the spans out; `mark` keeps the text and writes their offsets to `meta`, under the stage’s name.',
    ),
  minLeft: z
    .int()
    .min(1)
    .default(1)
    .describe(
      'A document that was cut and has fewer units left is dropped (`emptied`). Above 1 this may drop the first occurrence ' +
        'of what was cut elsewhere. datatrove: 50 words.',
    ),
});

export type Options = z.output<typeof options>;
export type ResolvedOptions = Options & { minLength: number };

export function resolve(given: Options): ResolvedOptions {
  return { ...given, minLength: given.minLength ?? DEFAULT_MIN_LENGTH[given.unit] };
}

/** The options of `compare`. */
import { z } from 'zod';

export const compareOptions = z.strictObject({
  normalize: z
    .enum(['raw', 'loose'])
    .default('raw')
    .describe(
      'When texts are the same: `raw`, byte for byte; `loose`, after NFKC, lower case, and white space as one space.',
    ),
  threshold: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('Jaccard similarity of near-copies, as in `dedup.minhash`; by default they are checked by containment.'),
  near: z
    .boolean()
    .default(true)
    .describe('Look for near-copies among the documents that are otherwise new or removed.'),
  examples: z.int().min(0).max(1000).default(20).describe('Documents of each kind that the result shows.'),
  list: z.boolean().default(true).describe('Leave `changes.jsonl`: every document that is not unchanged.'),
});

export type CompareOptions = z.output<typeof compareOptions>;

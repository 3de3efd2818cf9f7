/** The block `merging` of a stage: online merging (online-merging.ts). */
import { z } from 'zod';

export const mergingSchema = z
  .object({
    kind: z
      .enum(['dare', 'ties'])
      .default('dare')
      .describe('What is kept of each change: some at random, or the largest.'),
    base: z.string().min(1).describe('Folder of the model that the one here was fine-tuned from.'),
    reserve: z.number().gt(0).max(1).default(0.01).describe('Share of entries that is kept.'),
    alpha: z.number().min(0).max(1).default(1e-7).describe('Weight of what fine-tuning changed.'),
  })
  .optional()
  .describe('Online merging: each update is merged with what fine-tuning changed before.');

export type MergingBlock = NonNullable<z.output<typeof mergingSchema>>;

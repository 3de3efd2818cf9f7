/** The options of an index, shared by the dedup stages that can have one. */
import { z } from 'zod';

export function indexOptions() {
  return {
    index: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .optional()
      .describe(
        'Folder of an index that an earlier run left, or a list of them, relative to the pipeline file: documents that ' +
          'are copies of indexed ones are dropped (`in_index`), whichever the rule `keep` would prefer.',
      ),
    writeIndex: z
      .union([z.boolean(), z.literal('merged')])
      .default(false)
      .describe(
        "Leave an index of this run's documents in output/<stage>/index; `merged`: together with those of `index`, as one.",
      ),
    indexed: z
      .enum(['kept', 'all'])
      .default('kept')
      .describe(
        'Documents of this run that its index holds: the `kept` ones, or `all`, so that a later copy of a dropped copy is ' +
          'found through it.',
      ),
  };
}

/** For stages that check candidates. */
export function sketchOption() {
  return z
    .int()
    .min(32)
    .max(65_536)
    .default(256)
    .describe(
      'Of a document in the index, shingle hashes and token hashes kept for the check of later ones, each at most this ' +
        'many. Shorter documents are compared exactly, longer ones by a sample.',
    );
}

/** Role of the artifact. */
export const INDEX_ROLE = 'dedup-index';

/** For `optionFiles`. */
export function indexFiles(index: string | string[] | undefined): string[] {
  if (index === undefined) return [];
  return typeof index === 'string' ? [index] : index;
}

export const IN_INDEX = 'in_index';
/** Of `reasons`. */
export const inIndexReason = {
  [IN_INDEX]: 'It, or a document of its cluster, is a copy of one in the index of an earlier run.',
};

export interface IndexOptions {
  index?: string | string[] | undefined;
  writeIndex: boolean | 'merged';
  indexed: 'kept' | 'all';
  sketchValues?: number;
}

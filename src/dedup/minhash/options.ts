/** The options of `dedup.minhash`, and what depends on several of them. */
import { z } from 'zod';
import { keepOption } from '../keep.ts';
import type { LikenessRule } from '../likeness.ts';
import { type BandShape, optimalBands } from '../lsh.ts';

const WIDE: BandShape = { bands: 40, rows: 4 };

export const minhashOptions = z
  .object({
    shingleTokens: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe(
        'Tokens per shingle; a token is a lower-cased word or one CJK character. 3 when candidates are checked by ' +
          'containment, else 5 (FineWeb: 5 words).',
      ),
    numBands: z
      .int()
      .min(1)
      .max(1024)
      .optional()
      .describe('Bands of the signature; 40 unless `threshold` is given (FineWeb: 14).'),
    rowsPerBand: z
      .int()
      .min(1)
      .max(128)
      .optional()
      .describe('Hash functions per band; 4 unless `threshold` is given (FineWeb: 8).'),
    threshold: z
      .number()
      .gt(0)
      .max(1)
      .optional()
      .describe(
        'Jaccard similarity around which pairs are to be found; sets bands and rows by least expected error ' +
          '(datasketch, RedPajama-V2) in place of `numBands` and `rowsPerBand`.',
      ),
    numHashes: z
      .int()
      .min(2)
      .max(4096)
      .optional()
      .describe('With `threshold`: hash functions to divide into bands; 128 by default.'),
    verify: z
      .union([z.literal('containment'), z.number().min(0).max(1)])
      .optional()
      .describe(
        'How candidates are checked: `containment` (see `containment`), or the exact Jaccard similarity that a pair must ' +
          'reach; 0 takes every candidate. `threshold` where that is given, else `containment`.',
      ),
    containment: z
      .strictObject({
        minShingles: z
          .number()
          .gt(0)
          .max(1)
          .default(0.7)
          .describe("Least share of the smaller document's shingles that the larger one has."),
        minTokens: z
          .number()
          .gt(0)
          .max(1)
          .default(0.9)
          .describe("Least share of the smaller document's different tokens that the larger one has."),
        maxReordered: z
          .number()
          .min(0)
          .max(1)
          .default(0.1)
          .describe('Largest share of shingles that may be broken by word order alone; 1: any order.'),
        fragment: z
          .number()
          .min(0)
          .max(1)
          .default(0.7)
          .describe(
            'A document of fewer shingles than this share of the other goes with it as its fragment, and does not link ' +
              'it with others that hold the same; 0: links like any other.',
          ),
      })
      .prefault({})
      .describe('Limits of the check by containment.'),
    keep: keepOption('longest'),
    seed: z.int().min(0).max(0xffffffff).optional().describe("Seed of the hash functions; the pipeline's by default."),
  })
  .superRefine((given, context) => {
    const bandKey =
      given.numBands !== undefined ? 'numBands' : given.rowsPerBand !== undefined ? 'rowsPerBand' : undefined;
    if (given.threshold !== undefined && bandKey !== undefined) {
      context.addIssue({
        code: 'custom',
        path: [bandKey],
        message: '`threshold` already decides bands and rows: give either it or `numBands` and `rowsPerBand`',
      });
    }
    if (given.threshold === undefined && given.numHashes !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['numHashes'],
        message: '`numHashes` has a meaning only with `threshold`',
      });
    }
  });

export type MinhashOptions = z.output<typeof minhashOptions>;

export interface ResolvedMinhash {
  shape: BandShape;
  shingleTokens: number;
  /** How candidates are checked; undefined: not at all. */
  rule: LikenessRule | undefined;
  seed: number;
}

/** Fills in what depends on other options. */
export function resolveMinhash(given: MinhashOptions, pipelineSeed: number): ResolvedMinhash {
  const shape =
    given.threshold === undefined
      ? { bands: given.numBands ?? WIDE.bands, rows: given.rowsPerBand ?? WIDE.rows }
      : optimalBands(given.threshold, given.numHashes ?? 128);
  const verify = given.verify ?? given.threshold ?? 'containment';
  const shingleTokens = given.shingleTokens ?? (verify === 'containment' ? 3 : 5);
  return { shape, shingleTokens, rule: ruleOf(given, verify, shingleTokens), seed: given.seed ?? pipelineSeed };
}

function ruleOf(
  given: MinhashOptions,
  verify: number | 'containment',
  shingleTokens: number,
): LikenessRule | undefined {
  if (verify === 'containment') return { kind: 'containment', shingleTokens, ...given.containment };
  return verify === 0 ? undefined : { kind: 'jaccard', shingleTokens, threshold: verify };
}

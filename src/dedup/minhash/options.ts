/** The options of `dedup.minhash`, and what depends on several of them. */
import { z } from 'zod';
import { sourceFieldOption } from '../../core/sources.ts';
import { reportClustersOption } from '../clusters.ts';
import { indexOptions, sketchOption } from '../index/options.ts';
import { type Keep, keepOption } from '../keep.ts';
import type { LikenessRule } from '../likeness.ts';
import { type BandShape, catchingBands, optimalBands } from '../lsh.ts';
import type { WordHash } from './mersenne.ts';

const WIDE: BandShape = { bands: 40, rows: 4 };
const FINEWEB: BandShape = { bands: 14, rows: 8 };

export const minhashOptions = z
  .object({
    convention: z
      .enum(['corpusmill', 'datatrove'])
      .default('corpusmill')
      .describe(
        'Whose signatures: our own, or those that datatrove (FineWeb) computes, value for value, with its defaults for ' +
          '`shingleTokens`, `numBands`, `rowsPerBand`, `seed` (5 words, 14 × 8, 1), no check and `keep: root`.',
      ),
    hashFunction: z
      .enum(['xxhash', 'sha1'])
      .optional()
      .describe('With `convention: datatrove`: how n-grams are hashed; xxhash by default (FineWeb: sha1).'),
    hashBits: z
      .union([z.literal(64), z.literal(32)])
      .optional()
      .describe('With `convention: datatrove`: bits of those hashes and of the signature; 64 by default.'),
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
        'Jaccard similarity from which pairs are to be found; sets bands and rows in place of `numBands` and ' +
          '`rowsPerBand`: so that 95 % of pairs at that similarity become candidates, or, with `verify: 0`, by least ' +
          'expected error (datasketch, RedPajama-V2).',
      ),
    numHashes: z
      .int()
      .min(2)
      .max(4096)
      .optional()
      .describe(
        'With `threshold`: hash functions to divide into bands; 192 by default, 128 with `verify: 0` (as in peers).',
      ),
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
        exactBelow: z
          .int()
          .min(0)
          .max(128)
          .default(30)
          .describe(
            'Of a document of fewer different shingles one word may be all that it says: only those with the same ' +
              'shingles are its copies; 0: no such limit.',
          ),
        orderedBelow: z
          .int()
          .min(0)
          .max(128)
          .default(62)
          .describe(
            'In a document of fewer different shingles nothing that both have may stand in another order; 0: any ' +
              'order that `maxReordered` allows.',
          ),
      })
      .prefault({})
      .describe('Limits of the check by containment.'),
    keep: z
      .union([z.literal('root'), keepOption('longest').unwrap()])
      .optional()
      .describe(
        'Which member of a cluster is kept: `first` in input order, the `longest` (the default), the one with the `best` ' +
          'score or the `newest` date in its meta, or one of the preferred `sources`; of equals the longest, then the ' +
          "first. Or the `root` of datatrove's union-find, the default of `convention: datatrove`.",
      ),
    sourceField: sourceFieldOption(),
    reportClusters: reportClustersOption(),
    ...indexOptions(),
    sketchValues: sketchOption(),
    seed: z.int().min(0).max(0xffffffff).optional().describe("Seed of the hash functions; the pipeline's by default."),
  })
  .superRefine((given, context) => {
    const refuse = (key: string, message: string): void => context.addIssue({ code: 'custom', path: [key], message });
    if (given.convention !== 'datatrove') {
      for (const key of ['hashFunction', 'hashBits'] as const) {
        if (given[key] !== undefined) refuse(key, `\`${key}\` has a meaning only with \`convention: datatrove\``);
      }
    }
    if (given.keep === 'root' && (given.convention !== 'datatrove' || isChecked(given))) {
      refuse('keep', '`root` is what `convention: datatrove` keeps when candidates are not checked');
    }
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
  /** How datatrove hashes its n-grams; undefined: our own signatures. */
  datatroveHash: WordHash | undefined;
  /** How candidates are checked; undefined: not at all. */
  rule: LikenessRule | undefined;
  seed: number;
  /** `isRootKept`: the root of datatrove's union-find is, and `keep` says nothing. */
  keep: Keep;
  isRootKept: boolean;
}

/** Fills in what depends on other options. */
export function resolveMinhash(given: MinhashOptions, pipelineSeed: number): ResolvedMinhash {
  const isDatatrove = given.convention === 'datatrove';
  const usual = isDatatrove ? FINEWEB : WIDE;
  const verify = given.verify ?? given.threshold ?? (isDatatrove ? 0 : 'containment');
  const shape =
    given.threshold === undefined
      ? { bands: given.numBands ?? usual.bands, rows: given.rowsPerBand ?? usual.rows }
      : verify === 0
        ? optimalBands(given.threshold, given.numHashes ?? 128)
        : catchingBands(given.threshold, given.numHashes ?? 192);
  const shingleTokens = given.shingleTokens ?? (verify === 'containment' ? 3 : 5);
  const isRootKept = isDatatrove && (given.keep === 'root' || (given.keep === undefined && !isChecked(given)));
  return {
    shape,
    shingleTokens,
    datatroveHash: isDatatrove ? { function: given.hashFunction ?? 'xxhash', bits: given.hashBits ?? 64 } : undefined,
    rule: ruleOf(given, verify, shingleTokens),
    seed: given.seed ?? (isDatatrove ? 1 : pipelineSeed),
    keep: isRootKept ? 'first' : given.keep === undefined || given.keep === 'root' ? 'longest' : given.keep,
    isRootKept,
  };
}

/** With `convention: datatrove`: whether options ask for a check. */
function isChecked({ verify, threshold }: { verify?: unknown; threshold?: unknown }): boolean {
  return (verify ?? threshold ?? 0) !== 0;
}

function ruleOf(
  given: MinhashOptions,
  verify: number | 'containment',
  shingleTokens: number,
): LikenessRule | undefined {
  if (verify === 'containment') return { kind: 'containment', shingleTokens, ...given.containment };
  return verify === 0 ? undefined : { kind: 'jaccard', shingleTokens, threshold: verify };
}

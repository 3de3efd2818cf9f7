/**
 * Near-duplicate removal: MinHash signatures of token shingles, banded for locality-sensitive hashing, candidate pairs
 * checked on their texts, connected pairs clustered, one member of each cluster kept.
 *
 * By default bands are wide (3-token shingles, 40 bands × 4 rows: half of the pairs at Jaccard .36 become candidates)
 * and the check decides: containment at two resolutions (likeness.ts). With a number for `verify`, or a `threshold`, the
 * check is the Jaccard similarity of 5-token shingles. A token is a word or one CJK character (shingles.ts).
 * FineWeb's setting, unchecked: `{ shingleTokens: 5, numBands: 14, rowsPerBand: 8, verify: 0 }`.
 * Similarity is joined transitively, as in all peers: A~B and B~C put A and C into one cluster.
 *
 * The order of unions, the number of parts and of workers do not matter; only input order and options do.
 * Cost: features of 8 bytes per band and 8 more per document (328 by default); `decide` takes 20–28 bytes per document
 * for one band's keys at a time, 21 for clusters, candidates and the sweep, 8 per candidate pair, and at most 256 MiB of
 * shingle sets. The observer runs at 130–190 MB of text per second and core with the native kernel, at 110–140 with
 * WebAssembly, at 50–60 with the plain twin.
 */
import { z } from 'zod';
import { type BarrierContext, type BarrierResult, defineBarrier, type Observer } from '../core/stage.ts';
import { createCandidates } from './candidates.ts';
import { describeClusters, keepLongest } from './clusters.ts';
import { createColumnWriter } from './columns.ts';
import { createFeatureReader, eachRepeat } from './key-groups.ts';
import { readLengths } from './lengths.ts';
import type { LikenessRule } from './likeness.ts';
import { type BandShape, bandKeys, curveThreshold, optimalBands } from './lsh.ts';
import { createPermutations, minhashSignature } from './minhash-kernel.ts';
import { createShingler } from './shingles.ts';
import { createUnionFind } from './union-find.ts';
import { type VerifyCounts, verifyCandidates } from './verify.ts';

const WIDE: BandShape = { bands: 40, rows: 4 };

const options = z
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
    keep: z
      .enum(['first', 'longest'])
      .default('longest')
      .describe(
        'Which member of a cluster is kept: the longest (of equals the first), which loses least where one text contains ' +
          'the other, or the first in input order.',
      ),
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

type Options = z.output<typeof options>;

export const minhash = defineBarrier({
  kind: 'barrier',
  name: 'dedup.minhash',
  summary: 'Drop near-copies: documents that share most of their token shingles with another.',
  source:
    'MinHash, resemblance and containment (Broder 1997) with banding (Indyk & Motwani 1998); ' +
    'optimal bands as in datasketch and RedPajama-V2.',
  version: 2,
  options,
  reasons: { duplicate: 'Most of its shingles are those of a kept document.' },
  scope: 'document',
  createObserver: (given, context) => createMinhashObserver(resolve(given, context.seed)),
  decide,
});

interface Resolved {
  shape: BandShape;
  shingleTokens: number;
  /** How candidates are checked; undefined: not at all. */
  rule: LikenessRule | undefined;
  seed: number;
}

/** Fills in what depends on other options. */
export function resolve(given: Options, pipelineSeed: number): Resolved {
  const shape =
    given.threshold === undefined
      ? { bands: given.numBands ?? WIDE.bands, rows: given.rowsPerBand ?? WIDE.rows }
      : optimalBands(given.threshold, given.numHashes ?? 128);
  const verify = given.verify ?? given.threshold ?? 'containment';
  const shingleTokens = given.shingleTokens ?? (verify === 'containment' ? 3 : 5);
  return { shape, shingleTokens, rule: ruleOf(given, verify, shingleTokens), seed: given.seed ?? pipelineSeed };
}

function ruleOf(given: Options, verify: number | 'containment', shingleTokens: number): LikenessRule | undefined {
  if (verify === 'containment') return { kind: 'containment', shingleTokens, ...given.containment };
  return verify === 0 ? undefined : { kind: 'jaccard', shingleTokens, threshold: verify };
}

// Features, one row per document: two words of key for each band, then these.
const shinglesColumn = (shape: BandShape): number => 2 * shape.bands;
const lengthColumn = (shape: BandShape): number => 2 * shape.bands + 1;

/** Leaves per row its band keys, the number of shingles (0: no keys) and the length in UTF-16 units. */
export function createMinhashObserver({ shape, shingleTokens, seed }: Resolved): Observer {
  const shingler = createShingler(shingleTokens);
  const { multipliers, increments } = createPermutations(shape.bands * shape.rows, seed);
  const signature = new Uint32Array(shape.bands * shape.rows);
  const row = new Uint32Array(2 * shape.bands + 2);
  const writer = createColumnWriter(row.length);
  return {
    observe({ text }) {
      const count = shingler.shingle(text);
      minhashSignature(shingler.hashes, count, multipliers, increments, signature);
      bandKeys(signature, shape, row);
      row[shinglesColumn(shape)] = count;
      row[lengthColumn(shape)] = text.length;
      writer.push(row);
    },
    finish: writer.finish,
  };
}

async function decide(given: Options, context: BarrierContext): Promise<BarrierResult> {
  const { shape, shingleTokens, rule, seed } = resolve(given, context.seed);
  const reader = createFeatureReader(context);
  const sets = createUnionFind(context.rows);
  const candidates = createCandidates(rule === undefined ? 0 : context.rows);
  const take = rule === undefined ? sets.union : candidates.add;
  for (let band = 0; band < shape.bands; band++) {
    context.progress((0.6 * band) / shape.bands, `band ${band + 1} of ${shape.bands}`);
    const keys = { firstColumn: 2 * band, words: 2, presentColumn: shinglesColumn(shape) };
    await eachRepeat(reader, keys, (first, ordinal) => void take(first, ordinal));
  }

  let verification: ({ candidatePairs: number } & VerifyCounts) | undefined;
  if (rule !== undefined) {
    context.progress(0.6, `checking ${candidates.edges} candidate pairs`);
    const counts = await verifyCandidates(candidates, sets, context, { rule });
    verification = { candidatePairs: candidates.edges, ...counts };
  }
  const keptAs = sets.roots();
  if (given.keep === 'longest') keepLongest(keptAs, await readLengths(reader, context.rows, lengthColumn(shape)));

  context.progress(0.95, 'describing clusters');
  const settings = {
    numBands: shape.bands,
    rowsPerBand: shape.rows,
    shingleTokens,
    curveThreshold: Number(curveThreshold(shape).toFixed(3)),
    verify: rule === undefined ? 0 : rule.kind === 'jaccard' ? rule.threshold : rule.kind,
    ...(rule?.kind === 'containment' && given.containment),
    keep: given.keep,
    seed,
  };
  const details = await describeClusters('minhash', keptAs, context, settings);
  context.progress(1);
  return { keptAs, details: verification === undefined ? details : { ...details, verification } };
}

/**
 * Near-copies by SimHash: one 64-bit fingerprint a document, copies being those that differ in a few bits. The cheapest
 * of all near-duplicate searches, 8 bytes a document, and a blunt one: three bits of 64 are an angle of 8 degrees, so it finds
 * texts of which all but a few words are the same, and knows nothing of what is contained in what. Charikar 2002; Google's crawl was
 * rid of near-copies in this way (Manku, Jain & Das Sarma 2007: 64 bits, distance 3).
 *
 * Cost: 20 bytes of features a document; fingerprints at the speed of shingles; `decide` takes 12 bytes a document and
 * what matching takes within `memoryBytes`.
 */
import { z } from 'zod';
import { createColumnWriter } from '../../core/columns.ts';
import { createFeatureReader, rowsWith } from '../../core/feature-reader.ts';
import { createSourceColumn, sourceFieldOption } from '../../core/sources.ts';
import { type BarrierContext, type BarrierResult, defineBarrier, type Observer } from '../../core/stage.ts';
import { describeClusters, reportClustersOption } from '../clusters.ts';
import { keepByRule, keepMistakes, keepOption, rankOf, rankWords, writeRank } from '../keep.ts';
import { createShingler } from '../shingles.ts';
import { createUnionFind } from '../union-find.ts';
import { createSimhasher } from './fingerprint.ts';
import { eachNeighbour, type Fingerprints } from './neighbours.ts';

const options = z.object({
  shingleTokens: z
    .int()
    .min(1)
    .max(64)
    .default(3)
    .describe(
      'Tokens per shingle; a token is a lower-cased word or one CJK character (Data-Juicer: 6 words, 4 characters for ' +
        'Chinese). With fewer, frequent words decide.',
    ),
  distance: z
    .int()
    .min(0)
    .max(16)
    .default(3)
    .describe(
      'Largest number of differing bits of 64 (Manku et al. 2007 and text-dedup: 3; Data-Juicer: 4, for short Chinese texts 8). ' +
        'Matching takes longer the more there may be.',
    ),
  minTokens: z
    .int()
    .min(1)
    .default(20)
    .describe(
      'Documents with fewer tokens are copies only of those with the very same fingerprint: majorities of few say little.',
    ),
  keep: keepOption('longest'),
  sourceField: sourceFieldOption(),
  reportClusters: reportClustersOption(),
  seed: z.int().min(0).max(0xffffffff).optional().describe("Seed of the hash functions; the pipeline's by default."),
});

type Options = z.output<typeof options>;

export const simhash = defineBarrier({
  kind: 'barrier',
  name: 'dedup.simhash',
  summary: 'Drop near-copies whose 64-bit SimHash differs in a few bits from that of another.',
  source: 'Charikar 2002 (STOC), random hyperplanes; Manku, Jain & Das Sarma 2007 (WWW), blocks of bits.',
  version: 1,
  options,
  checkInputs: ({ keep }, inputs) => keepMistakes(keep, inputs),
  reasons: { duplicate: 'Its SimHash is that of a kept document, but for a few bits.' },
  scope: 'document',
  createObserver: createSimhashObserver,
  decide,
});

/** `shingles` is 0 for a document without a token; `rank` takes two; the source, where it is a field, comes last. */
const COLUMNS = { high: 0, low: 1, shingles: 2, length: 3, tokens: 4, rank: 5 };

/** Leaves the columns above, one row a document. */
export function createSimhashObserver(given: Options, context: { seed: number }): Observer {
  const { shingleTokens, keep, sourceField } = given;
  const shingler = createShingler(shingleTokens);
  const simhasher = createSimhasher(given.seed ?? context.seed);
  const rank = rankOf(keep);
  const source = createSourceColumn(sourceField);
  const sourceAt = COLUMNS.rank + rankWords(keep);
  const row = new Uint32Array(sourceAt + source.words);
  const writer = createColumnWriter(row.length);
  return {
    observe(document) {
      const { text } = document;
      const count = shingler.shingle(text);
      simhasher.sign(shingler.hashes, count);
      row[COLUMNS.high] = simhasher.high;
      row[COLUMNS.low] = simhasher.low;
      row[COLUMNS.shingles] = count;
      row[COLUMNS.length] = text.length;
      row[COLUMNS.tokens] = shingler.tokens;
      if (rank !== undefined) writeRank(row, COLUMNS.rank, rank(document));
      source.write(row, sourceAt, document);
      writer.push(row);
    },
    finish: () => writer.finish(source.trailer()),
  };
}

async function decide(given: Options, context: BarrierContext): Promise<BarrierResult> {
  const { distance, keep, minTokens, shingleTokens } = given;
  const reader = createFeatureReader(context);
  const rows = await rowsWith(reader, COLUMNS.shingles);
  const fingerprints: Fingerprints = {
    high: new Int32Array(context.rows),
    low: new Int32Array(context.rows),
    has: (ordinal) => rows === undefined || (rows[ordinal >>> 5] & (1 << (ordinal & 31))) !== 0,
  };
  const isShort = new Uint8Array(context.rows);
  for (const part of reader.parts) {
    const [high, low, , , tokens] = await reader.columns(part, COLUMNS.high, COLUMNS.tokens + 1);
    fingerprints.high.set(high, part.firstOrdinal);
    fingerprints.low.set(low, part.firstOrdinal);
    for (let row = 0; row < part.rows; row++) isShort[part.firstOrdinal + row] = tokens[row] < minTokens ? 1 : 0;
  }
  const sets = createUnionFind(context.rows);
  const joined = new Array<number>(distance + 1).fill(0);
  const counts = await eachNeighbour(
    fingerprints,
    {
      distance,
      memoryBytes: context.memoryBytes / 2,
      progress: (pass, passes) => context.progress((0.9 * pass) / passes, `pass ${pass + 1} of ${passes}`),
    },
    (first, second, bits) => {
      if (bits > 0 && (isShort[first] !== 0 || isShort[second] !== 0)) return;
      if (sets.union(first, second)) joined[bits]++;
    },
  );
  const keptAs = sets.roots();
  await keepByRule(keep, keptAs, reader, COLUMNS);

  const seed = given.seed ?? context.seed;
  const describe = () =>
    describeClusters(
      {
        method: 'simhash',
        keptAs,
        reader,
        columns: { tokens: COLUMNS.tokens, source: COLUMNS.rank + rankWords(keep) },
        fingerprint: { of: `simhash: ${shingleTokens}-token shingles, seed ${seed}`, first: COLUMNS.high, count: 2 },
        options: given,
        settings: { shingleTokens, distance, minTokens, keep, seed },
      },
      context,
    );
  context.progress(1);
  // Unions by the number of differing bits of the pair that made them.
  return { keptAs, details: { simhash: { ...counts, joined } }, describe };
}

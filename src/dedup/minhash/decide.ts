/** Candidates by bands, the check, clusters, and which member of each is kept. */

import { createFeatureReader, type FeatureReader, type RowSet, rowsWith } from '../../core/feature-reader.ts';
import type { BarrierContext, BarrierResult } from '../../core/stage.ts';
import type { CheckCounts } from '../check-groups.ts';
import { describeClusters } from '../clusters.ts';
import { findKnown, leaveIndex } from '../index/use.ts';
import { keepByRule, rankWords } from '../keep.ts';
import { eachRepeat } from '../key-groups.ts';
import { createKeyMatcher } from '../key-matcher.ts';
import type { LikenessRule } from '../likeness.ts';
import { curveThreshold } from '../lsh.ts';
import { emptyHistogram } from '../pair-sweep.ts';
import { createUnionFind } from '../union-find.ts';
import { createCandidates, verifyCandidates } from '../verify.ts';
import { type DatatroveBand, datatroveRoots } from './datatrove-clusters.ts';
import { indexLayout } from './index-layout.ts';
import type { WordHash } from './mersenne.ts';
import { minhashColumns, signatureColumn } from './observer.ts';
import { type MinhashOptions, type ResolvedMinhash, resolveMinhash } from './options.ts';

/** Bands whose keys make a document's fingerprint. */
export const FINGERPRINT_BANDS = 8;

export async function decideMinhash(given: MinhashOptions, context: BarrierContext): Promise<BarrierResult> {
  const resolved = resolveMinhash(given, context.seed);
  const { shape, shingleTokens, rule, seed, keep, isRootKept } = resolved;
  const columns = minhashColumns(shape);
  const reader = createFeatureReader(context);
  const rows = await rowsWith(reader, columns.shingles);
  const layout = indexLayout(given, context.seed, rows);
  const known = await findKnown(reader, context, given, layout);
  const sets = createUnionFind(context.rows);
  const candidates = createCandidates(context);
  const take = rule === undefined ? sets.unionPairs : candidates.addPairs;
  // Half: the reader's window and the candidates have a quarter each.
  const matching = { memoryBytes: context.memoryBytes / 2, matcher: createKeyMatcher(2) };
  const progress = (band: number): void =>
    context.progress((0.6 * band) / shape.bands, `band ${band + 1} of ${shape.bands}`);
  const roots = isRootKept
    ? await datatroveRoots(reader, bandColumns(resolved, given.sourceField, rows), matching, progress)
    : undefined;
  if (roots !== undefined) for (let i = 0; i < roots.length; i++) sets.union(roots[i], i);
  const longRows = await rowsThatMayDiffer(reader, rule, rows, columns.shingles);
  for (let band = 0; roots === undefined && band < shape.bands; band++) {
    progress(band);
    const compared = band === 0 ? rows : longRows;
    await eachRepeat(reader, { firstColumn: 2 * band, words: 2, rows: compared }, matching, take);
  }
  matching.matcher.free();

  let verification: ({ candidatePairs: number } & CheckCounts) | undefined;
  const similarities = rule && emptyHistogram(rule);
  if (rule !== undefined) {
    const candidatePairs = candidates.close();
    context.progress(0.6, `checking ${candidatePairs} candidate pairs`);
    const settle = known.settle;
    const counts = await verifyCandidates(candidates, sets, context, { rule, similarities, settle });
    verification = { candidatePairs, ...counts };
  }
  const keptAs = sets.roots();
  const dropKnown = known.drop(keptAs);
  if (roots === undefined) await keepByRule(keep, keptAs, reader, columns);
  else for (let i = 0; i < keptAs.length; i++) keptAs[i] = roots[keptAs[i]];
  const { counts: index, ...dropped } = dropKnown(keptAs);

  const settings = {
    numBands: shape.bands,
    rowsPerBand: shape.rows,
    shingleTokens,
    curveThreshold: Number(curveThreshold(shape).toFixed(3)),
    verify: rule === undefined ? 0 : rule.kind === 'jaccard' ? rule.threshold : rule.kind,
    ...(rule?.kind === 'containment' && given.containment),
    keep: isRootKept ? 'root' : keep,
    seed,
    ...(resolved.datatroveHash && { convention: 'datatrove', ...hashNames(resolved.datatroveHash) }),
  };
  const { bands, rows: rowsPerBand } = shape;
  const describe = () =>
    describeClusters(
      {
        method: 'minhash',
        keptAs,
        reader,
        columns: { tokens: columns.tokens, source: columns.rank + rankWords(keep) },
        fingerprint: {
          of: `${signatureName(resolved)}: ${rowsPerBand} rows a band, ${shingleTokens}-token shingles, seed ${seed}`,
          first: 0,
          count: 2 * Math.min(bands, FINGERPRINT_BANDS),
        },
        options: given,
        curve: { bands, rows: rowsPerBand },
        checked: similarities,
        settings,
      },
      context,
    );
  const left = await leaveIndex(reader, context, given, { layout, known, keptAs });
  context.progress(1);
  return {
    keptAs,
    ...dropped,
    ...left,
    details: { ...(verification && { verification }), ...(index && { index }) },
    describe,
  };
}

/**
 * A document of fewer shingles than `exactBelow` is like those alone that have the same, and these agree in every band: it
 * need not be looked for in more than the first. The column counts repeats, so no other is left out.
 */
function rowsThatMayDiffer(
  reader: FeatureReader,
  rule: LikenessRule | undefined,
  rows: RowSet | undefined,
  column: number,
): Promise<RowSet | undefined> | RowSet | undefined {
  if (rule?.kind !== 'containment' || rule.exactBelow <= 1) return rows;
  return rowsWith(reader, column, rule.exactBelow);
}

/** Where keys and values of the bands lie that datatrove's clusters are made from. */
function bandColumns(
  resolved: ResolvedMinhash,
  sourceField: string | undefined,
  rows: RowSet | undefined,
): DatatroveBand[] {
  const { bands, rows: values } = resolved.shape;
  const firstValue = signatureColumn(resolved, sourceField);
  return Array.from({ length: bands }, (_, band) => ({
    key: { firstColumn: 2 * band, words: 2, rows },
    firstValueColumn: firstValue + 2 * values * band,
    values,
  }));
}

function hashNames({ function: hashFunction, bits }: WordHash) {
  return { hashFunction, hashBits: bits };
}

function signatureName({ datatroveHash }: ResolvedMinhash): string {
  if (datatroveHash === undefined) return 'signature';
  return `datatrove signature, ${datatroveHash.function} of ${datatroveHash.bits} bits`;
}

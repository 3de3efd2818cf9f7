/** Candidates by bands, the check, clusters, and which member of each is kept. */
import type { BarrierContext, BarrierResult } from '../../core/stage.ts';
import { createCandidates } from '../candidates.ts';
import { describeClusters } from '../clusters.ts';
import { keepByRule } from '../keep.ts';
import { createFeatureReader, eachRepeat } from '../key-groups.ts';
import { curveThreshold } from '../lsh.ts';
import { createUnionFind } from '../union-find.ts';
import { type VerifyCounts, verifyCandidates } from '../verify.ts';
import { minhashColumns } from './observer.ts';
import { type MinhashOptions, resolveMinhash } from './options.ts';

export async function decideMinhash(given: MinhashOptions, context: BarrierContext): Promise<BarrierResult> {
  const { shape, shingleTokens, rule, seed } = resolveMinhash(given, context.seed);
  const columns = minhashColumns(shape);
  const reader = createFeatureReader(context);
  const sets = createUnionFind(context.rows);
  const candidates = createCandidates(rule === undefined ? 0 : context.rows);
  const take = rule === undefined ? sets.union : candidates.add;
  for (let band = 0; band < shape.bands; band++) {
    context.progress((0.6 * band) / shape.bands, `band ${band + 1} of ${shape.bands}`);
    const keys = { firstColumn: 2 * band, words: 2, presentColumn: columns.shingles };
    await eachRepeat(reader, keys, (first, ordinal) => void take(first, ordinal));
  }

  let verification: ({ candidatePairs: number } & VerifyCounts) | undefined;
  if (rule !== undefined) {
    context.progress(0.6, `checking ${candidates.edges} candidate pairs`);
    const counts = await verifyCandidates(candidates, sets, context, { rule });
    verification = { candidatePairs: candidates.edges, ...counts };
  }
  const keptAs = sets.roots();
  await keepByRule(given.keep, keptAs, reader, columns);

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

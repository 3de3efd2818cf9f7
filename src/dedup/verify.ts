/**
 * Checks candidate pairs: two documents are joined only when they are near-copies by a rule on their texts (likeness.ts).
 * Without it low-threshold bands chain boilerplate into giant clusters: on the crossposts of the gold set 32 × 4
 * bands alone reach precision .57, with a check at .5 .89 and at .7 .98. The alternative, an estimate from stored
 * signatures, would double the features and still blur the threshold by ±.04.
 *
 * Candidates are stars: each pair ties a document (the member) to an earlier one (its representative). A bucket of m
 * documents gives m-1 pairs, not m²/2, so ten thousand copies cost ten thousand checks.
 *
 * Sets are recomputed from the documents in one ascending sweep (pair-sweep.ts). A representative comes before its members, so its set
 * is held from when it is met until its last member has passed. Sets held are bounded (`MAX_HELD_VALUES`): a
 * representative that does not fit waits, with its members, for the next sweep over what is left.
 *
 * A member that fails may still be like another member that failed against the same representative (one bucket can hold
 * several families). So the failures of each representative form a new star around the first of them and are checked
 * again, up to `MAX_ROUNDS` times: the work is linear in the size of a bucket, and what fails every round stays apart —
 * a pair may be missed, never wrongly joined. How many were left is reported. The sets of what failed are kept for the next
 * round, as far as a quarter of the room for representatives goes: what does not fit is read again.
 *
 * Documents that no chain of candidates ties together have nothing to do with each other: candidates are put into groups of
 * such components (component-groups.ts), and the groups are shared out among the run's workers. The number of groups does not
 * depend on that of workers, and everything else follows the order of ordinals alone: the result is the same however
 * documents lie in parts, whoever checks them and whatever the memory. Pairs that have no room in it lie in scratch files
 * (pair-set.ts), and what is held of documents has a bound for each group.
 *
 * Memory: 9.1 bytes a document and worker, 8 a document, 8 a pair within a quarter of `context.memoryBytes`, up to 480 MiB
 * of sets, whatever `memoryBytes` is.
 */

import { largeSharedWords } from '../core/large-pages.ts';
import type { CheckedPairs } from '../core/run-summary.ts';
import type { BarrierContext, HelpContext } from '../core/stage.ts';
import { type CheckCounts, type CheckShare, checkShare, type ShareResult } from './check-groups.ts';
import { divideByComponent } from './component-groups.ts';
import type { LikenessRule } from './likeness.ts';
import { createPairSet, openPairs, type PairData, type PairSet } from './pair-set.ts';
import type { UnionFind } from './union-find.ts';

/** Shingle hashes of representatives held at once: 64 M, 256 MiB, about 60,000 web pages. */
const MAX_HELD_VALUES = 64 << 20;
/** Pairs of one set in memory: 32 M. */
const MAX_PAIR_BYTES = 256 << 20;
const GROUPS = 8;
/** Fewer candidates are checked sooner than they are shared out. */
const WORTH_GROUPS = 2000;

export interface VerifyOptions {
  /** What a pair must be to be joined. */
  rule: LikenessRule;
  maxHeldValues?: number;
  /** Every pair that is compared is counted here. */
  similarities?: CheckedPairs | undefined;
  /** Which clusters go to no container, whatever fragments they have; asked when all else is joined. */
  settle?: ((sets: UnionFind) => (cluster: number) => boolean) | undefined;
  /** So many candidates are worth groups; tests have fewer. */
  worthGroups?: number;
}

/** An empty set of candidate pairs, (member, representative), representative < member, bounded by the context's memory. */
export function createCandidates(context: BarrierContext, name = 'candidates'): PairSet {
  return createPairSet({ workDir: context.workDir, name, maxBytes: pairBytesOf(context) });
}

function pairBytesOf({ memoryBytes }: BarrierContext): number {
  return Math.min(MAX_PAIR_BYTES, memoryBytes / 4);
}

/** Joins in `sets` the candidates that are near-copies by the rule. `candidates` is closed; it is removed. */
export async function verifyCandidates(
  candidates: PairSet,
  sets: UnionFind,
  context: BarrierContext,
  { rule, maxHeldValues = MAX_HELD_VALUES, similarities, settle, worthGroups = WORTH_GROUPS }: VerifyOptions,
): Promise<CheckCounts> {
  const groups = candidates.size < worthGroups ? [candidates] : componentGroups(candidates, sets, context);
  const shares = sharesOf(groups, context.helpers ?? 0);
  const sizes = largeSharedWords(context.rows);
  const messages = shares.map(
    (share, i): CheckShare => ({
      ...{ name: `check-${i}`, rule, groups: share, parents: sets.parents, sizes },
      maxHeldValues: Math.floor(maxHeldValues / groups.length),
      maxKeptValues: Math.floor(maxHeldValues / 4 / shares.length),
      pairBytes: pairBytesOf(context) / groups.length,
    }),
  );
  const results = await Promise.all(
    messages.map((message, i) =>
      i === 0 ? checkShare(message, context) : (context.help!(message) as Promise<ShareResult>),
    ),
  );
  const counts: CheckCounts = { checked: 0, rejected: 0, leftApart: 0 };
  for (const result of results) {
    for (const key of ['checked', 'rejected', 'leftApart'] as const) counts[key] += result.counts[key];
    if (similarities === undefined) continue;
    for (const key of ['accepted', 'rejected'] as const) {
      result.similarities[key].forEach((count, bin) => {
        similarities[key][bin] += count;
      });
    }
  }
  attachFragments(
    results.map(({ fragments }) => openPairs(fragments)),
    sizes,
    sets,
    settle?.(sets),
  );
  return counts;
}

/** What a stage whose `decide` verifies candidates has as its `help`. */
export function helpToVerify(message: unknown, context: HelpContext): Promise<ShareResult> {
  return checkShare(message as CheckShare, context);
}

/** The candidates by components of what they tie together; `candidates` is removed. */
function componentGroups(candidates: PairSet, sets: UnionFind, context: BarrierContext): PairSet[] {
  const maxBytes = pairBytesOf(context) / GROUPS;
  const groups = Array.from({ length: GROUPS }, (_, i) =>
    createPairSet({ workDir: context.workDir, name: `group-${i}`, maxBytes }),
  );
  divideByComponent(candidates, groups, { sets, rows: context.rows });
  candidates.remove();
  return groups;
}

/** The groups for this worker and for each helper, about the same number of pairs each. */
function sharesOf(groups: readonly PairSet[], helpers: number): PairData[][] {
  const shares = Array.from({ length: Math.min(groups.length, 1 + helpers) }, () => ({
    pairs: 0,
    data: [] as PairData[],
  }));
  for (const group of [...groups].sort((a, b) => b.size - a.size)) {
    const least = shares.reduce((best, share) => (share.pairs < best.pairs ? share : best));
    least.pairs += group.size;
    least.data.push(group.data());
  }
  return shares.map(({ data }) => data);
}

/**
 * Every cluster with a fragment goes to one other, that of its largest container: a cluster has one such parent, so that two
 * documents with nothing but a fragment in common never meet. `sizes`: values held of containers, by ordinal.
 */
function attachFragments(
  fragments: readonly PairSet[],
  sizes: Uint32Array,
  sets: UnionFind,
  isSettled?: (cluster: number) => boolean,
): void {
  const parents = new Map<number, number>();
  for (const pairs of fragments) {
    const cursor = pairs.read();
    while (cursor.next()) {
      const container = cursor.minor;
      const cluster = sets.find(cursor.major);
      if (sets.find(container) === cluster || isSettled?.(cluster) === true) continue;
      const best = parents.get(cluster);
      const isBetter =
        best === undefined || sizes[container] > sizes[best] || (sizes[container] === sizes[best] && container < best);
      if (isBetter) parents.set(cluster, container);
    }
    pairs.remove();
  }
  for (const [cluster, container] of parents) sets.union(cluster, container);
}

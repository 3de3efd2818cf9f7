/**
 * Checks groups of candidate pairs that have no document in common (verify.ts says what the check is, and makes the groups).
 * The groups of a share go through the documents together, so that a part is read once for all of them; each has rounds of
 * its own, and its own room for the sets of representatives, so that what is found in a group does not depend on the others.
 *
 * Memory: 5.1 bytes a document, two open pair sets a group, and the sets that its limits allow (pair-sweep.ts).
 */
import { native } from '../core/native.ts';
import type { CheckedPairs } from '../core/run-summary.ts';
import type { HelpContext } from '../core/stage.ts';
import type { LikenessRule } from './likeness.ts';
import { createPairSet, openPairs, type PairData, type PairSet } from './pair-set.ts';
import {
  createPairSweepTwin,
  type PairSweep,
  type SweepCounts,
  type SweepOptions,
  type SweptGroup,
} from './pair-sweep.ts';
import { createNativePairSweep } from './pair-sweep-native.ts';

/** Representatives that a member of one bucket is compared with at most. */
const MAX_ROUNDS = 16;

/** Plain data, so that it can be sent to another worker; what is shared is written to where no other share does. */
export interface CheckShare {
  /** Of its scratch files. */
  name: string;
  rule: LikenessRule;
  /** Candidates of each group, (member, representative). */
  groups: PairData[];
  /** Of the union-find that joins them. */
  parents: Uint32Array<SharedArrayBuffer>;
  /** By ordinal: receives the values held of a document that has a fragment. */
  sizes: Uint32Array<SharedArrayBuffer>;
  /** Values of representatives held at once, of one group. */
  maxHeldValues: number;
  /** Values kept of what failed, of all groups. */
  maxKeptValues: number;
  /** Memory of one set of pairs. */
  pairBytes: number;
}

export interface CheckCounts extends SweepCounts {
  /** Members that failed against every representative tried while others of their bucket remained. */
  leftApart: number;
}

export interface ShareResult {
  counts: CheckCounts;
  similarities: CheckedPairs;
  /** (fragment, container). */
  fragments: PairData;
}

interface Group extends SweptGroup {
  round: number;
  /** What is open is a set of this share, whose memory is used again. */
  ownsOpen: boolean;
}

/** The native sweep where there is one; tests ask for its twin. */
export function createPairSweep(options: SweepOptions): PairSweep {
  return native === undefined ? createPairSweepTwin(options) : createNativePairSweep(native, options);
}

/** Joins in the share's union-find the candidates that are near-copies by the rule. Their files are removed. */
export async function checkShare(
  share: CheckShare,
  context: HelpContext,
  createSweep = createPairSweep,
): Promise<ShareResult> {
  const pairs = pairSets(share, context.workDir);
  const fragments = pairs();
  const { rule, parents, sizes, maxHeldValues, maxKeptValues } = share;
  const groupCount = share.groups.length;
  const sweep = createSweep({ rule, parents, sizes, maxHeldValues, maxKeptValues, groups: groupCount, fragments });
  const groups = share.groups.map((data): Group => openGroup(data, pairs));
  const parts = [...context.parts].sort((a, b) => a.firstOrdinal - b.firstOrdinal);

  for (;;) {
    const active = groups.filter(({ open, round }) => open.size > 0 && round < MAX_ROUNDS);
    if (active.length === 0) break;
    sweep.begin(active);
    for (const part of parts) {
      const need = sweep.need(part);
      if (need === 'nothing') continue;
      context.signal.throwIfAborted();
      if (need === 'kept sets') sweep.visit(part, undefined);
      else await context.withTexts(part.part, (texts) => sweep.visit(part, texts));
    }
    sweep.end();
    for (const group of active) endSweep(group, sweep, pairs);
  }
  const { counts, similarities } = sweep.counts();
  let leftApart = 0;
  for (const { open } of groups) {
    leftApart += open.size;
    open.remove();
  }
  fragments.close();
  return { counts: { ...counts, leftApart }, similarities, fragments: fragments.data() };
}

/** Makes sets of pairs whose scratch files are the share's own. */
function pairSets({ name, pairBytes }: CheckShare, workDir: string): () => PairSet {
  let made = 0;
  return () => createPairSet({ workDir, name: `${name}-${made++}`, maxBytes: pairBytes });
}

function openGroup(data: PairData, pairs: () => PairSet): Group {
  return { open: openPairs(data), waiting: pairs(), failures: pairs(), round: 0, ownsOpen: false };
}

/** What waited is swept next; when nothing does, the failures are a new round's candidates. */
function endSweep(group: Group, sweep: PairSweep, pairs: () => PairSet): void {
  const { open, waiting, failures } = group;
  if (group.ownsOpen) open.reset();
  else open.remove();
  waiting.close();
  group.open = waiting;
  group.waiting = group.ownsOpen ? open : pairs();
  group.ownsOpen = true;
  if (waiting.size > 0) return;
  failures.close();
  waiting.reset();
  sweep.regroup(failures, waiting);
  waiting.close();
  failures.reset();
  group.round++;
}

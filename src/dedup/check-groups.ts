/**
 * Checks groups of candidate pairs that have no document in common (verify.ts says what the check is, and makes the groups).
 * The groups of a share go through the documents together, so that a part is read once for all of them; each has rounds of
 * its own, and its own room for the sets of representatives, so that what is found in a group does not depend on the others.
 *
 * Memory: 9.1 bytes a document, two open pair sets a group, and the sets that its limits allow.
 */
import type { CheckedPairs } from '../core/run-summary.ts';
import type { HelpContext } from '../core/stage.ts';
import { createHeldSets, type HeldSets } from './held-sets.ts';
import { createLikeness, type Held, type LikenessRule } from './likeness.ts';
import { createPairSet, openPairs, type PairCursor, type PairData, type PairSet } from './pair-set.ts';
import { type UnionFind, unionFindOver } from './union-find.ts';

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

export interface CheckCounts {
  /** Pairs that were compared. */
  checked: number;
  /** Of those, pairs that were not alike enough. */
  rejected: number;
  /** Members that failed against every representative tried while others of their bucket remained. */
  leftApart: number;
}

export interface ShareResult {
  counts: CheckCounts;
  similarities: CheckedPairs;
  /** (fragment, container). */
  fragments: PairData;
}

/** Bins of .05; 1 lies in the last. */
const SIMILARITY_BINS = 20;

/** An empty histogram of similarities. */
export function emptyHistogram(rule: LikenessRule): CheckedPairs {
  const bins = () => new Array<number>(SIMILARITY_BINS).fill(0);
  return { measure: rule.kind, accepted: bins(), rejected: bins() };
}

interface Group {
  /** What is to be compared, and how far this sweep has come in it. */
  open: PairSet;
  pair: PairCursor;
  hasMore: boolean;
  round: number;
  /** Candidates whose representative found no room in this sweep. */
  waiting: PairSet;
  /** (representative, member) that were compared and not joined in this round. */
  failures: PairSet;
  /** Sets of representatives whose members are to come. */
  held: HeldSets;
}

/** Joins in the share's union-find the candidates that are near-copies by the rule. Their files are removed. */
export async function checkShare(share: CheckShare, context: HelpContext): Promise<ShareResult> {
  const { rule, sizes, maxHeldValues, maxKeptValues } = share;
  const sets = unionFindOver(share.parents);
  const similarities = emptyHistogram(rule);
  const counts: CheckCounts = { checked: 0, rejected: 0, leftApart: 0 };
  const pairs = pairSets(share, context.workDir);
  const fragments = pairs();
  const current = createLikeness(rule);
  const reach = createReach(context.rows);
  // Sets of members that failed in the sweep before, so that they need not be read again, and of those of this sweep.
  let kept = createHeldSets(maxKeptValues);
  let failed = createHeldSets(maxKeptValues);
  const groups = share.groups.map((data) => openGroup(data, pairs, maxHeldValues));

  for (;;) {
    const active = groups.filter(({ open, round }) => open.size > 0 && round < MAX_ROUNDS);
    if (active.length === 0) break;
    for (const group of active) beginSweep(group);
    reach.find(active, sets);
    for await (const { ordinals, texts } of documentsOf(reach.needed, kept, context)) {
      for (let i = 0; i < ordinals.length; i++) {
        const ordinal = ordinals[i];
        const text = texts[i];
        if (text === undefined) current.reopen(kept.get(ordinal)!);
        else current.open(text);
        const hasFailed = visit(active[reach.group[ordinal]], ordinal);
        if (hasFailed && failed.values + current.size <= maxKeptValues && !failed.has(ordinal)) {
          failed.put(ordinal, current);
        }
      }
    }
    for (const group of active) endSweep(group, sets, pairs);
    [kept, failed] = [failed, kept];
    failed.clear();
  }
  for (const { open } of groups) {
    counts.leftApart += open.size;
    open.remove();
  }
  fragments.close();
  return { counts, similarities, fragments: fragments.data() };

  /** Compares the open document with the representatives it is a candidate of; whether it failed against one. */
  function visit(group: Group, ordinal: number): boolean {
    const { pair, held } = group;
    let hasFailed = false;
    while (group.hasMore && pair.major < ordinal) group.hasMore = pair.next();
    for (; group.hasMore && pair.major === ordinal; group.hasMore = pair.next()) {
      const representative = pair.minor;
      const other = held.get(representative);
      if (sets.find(ordinal) !== sets.find(representative)) {
        if (other === undefined) group.waiting.add(ordinal, representative);
        else if (!compare(group, ordinal, representative, other)) hasFailed = true;
      }
      if (other !== undefined && reach.lastMember[representative] === ordinal) held.release(representative);
    }
    const hasMembers = reach.lastMember[ordinal] > ordinal;
    if (hasMembers && (held.sets === 0 || held.values + current.size <= maxHeldValues)) held.put(ordinal, current);
    return hasFailed;
  }

  /** Joins the open document with a held one, or notes why not. */
  function compare(group: Group, ordinal: number, representative: number, other: Held): boolean {
    counts.checked++;
    const relation = current.compare(other);
    // A fragment goes with its container: accepted.
    const bins = relation === 'apart' ? similarities.rejected : similarities.accepted;
    bins[binOf(current.similarity)]++;
    if (relation === 'alike') {
      sets.union(representative, ordinal);
      return true;
    }
    if (relation === 'apart') counts.rejected++;
    if (relation === 'fragment of held') {
      sizes[representative] = sizeOf(other);
      fragments.add(ordinal, representative);
    }
    if (relation === 'fragment of open') {
      sizes[ordinal] = current.size;
      fragments.add(representative, ordinal);
    }
    group.failures.add(representative, ordinal);
    return false;
  }
}

/** Makes sets of pairs whose scratch files are the share's own. */
function pairSets({ name, pairBytes }: CheckShare, workDir: string): () => PairSet {
  let made = 0;
  return () => createPairSet({ workDir, name: `${name}-${made++}`, maxBytes: pairBytes });
}

const NO_PAIRS: PairCursor = { major: 0, minor: 0, next: () => false, end() {} };

function openGroup(data: PairData, pairs: () => PairSet, maxHeldValues: number): Group {
  return {
    ...{ open: openPairs(data), pair: NO_PAIRS, hasMore: false, round: 0 },
    ...{ waiting: pairs(), failures: pairs(), held: createHeldSets(maxHeldValues) },
  };
}

function beginSweep(group: Group): void {
  group.held.clear();
  group.pair = group.open.read();
  group.hasMore = group.pair.next();
}

/** What waited is swept next; when nothing does, the failures are a new round's candidates. */
function endSweep(group: Group, sets: UnionFind, pairs: () => PairSet): void {
  group.pair.end();
  group.open.remove();
  group.waiting.close();
  group.open = group.waiting;
  group.waiting = pairs();
  if (group.open.size > 0) return;
  group.failures.close();
  group.open = pairs();
  regroup(group.failures, sets, group.open);
  group.failures.remove();
  group.failures = pairs();
  group.round++;
}

function sizeOf({ shingles, tokens }: Held): number {
  return shingles.length + (tokens?.length ?? 0);
}

function binOf(similarity: number): number {
  return Math.min(Math.floor(similarity * SIMILARITY_BINS + 1e-9), SIMILARITY_BINS - 1);
}

/** What a sweep must know of documents before it meets them. */
interface Reach {
  /** Which it must read, a bit each. */
  needed: Uint32Array;
  /** By ordinal: with which member a representative is done with. */
  lastMember: Uint32Array;
  /** By ordinal: place of its group. */
  group: Uint8Array;
  find(groups: readonly Group[], sets: UnionFind): void;
}

function createReach(rows: number): Reach {
  const needed = new Uint32Array((rows + 31) >>> 5);
  const lastMember = new Uint32Array(rows);
  const group = new Uint8Array(rows);
  const note = (ordinal: number, place: number): void => {
    needed[ordinal >>> 5] |= 1 << (ordinal & 31);
    group[ordinal] = place;
  };
  return {
    ...{ needed, lastMember, group },
    find(groups, sets) {
      needed.fill(0);
      lastMember.fill(0);
      for (const [place, { open }] of groups.entries()) {
        const pair = open.read();
        while (pair.next()) {
          const { major: member, minor: representative } = pair;
          // Joined meanwhile by other pairs: the answer is known.
          if (sets.find(member) === sets.find(representative)) continue;
          note(member, place);
          note(representative, place);
          lastMember[representative] = member;
        }
      }
    },
  };
}

interface DocumentBatch {
  ordinals: number[];
  /** Undefined where the set is kept. */
  texts: (string | undefined)[];
}

/** The needed documents in ascending order, a part at a time; those whose sets are kept are not read. */
async function* documentsOf(needed: Uint32Array, kept: HeldSets, context: HelpContext): AsyncGenerator<DocumentBatch> {
  const parts = [...context.parts].sort((a, b) => a.firstOrdinal - b.firstOrdinal);
  for (const part of parts) {
    const ordinals: number[] = [];
    for (let i = part.firstOrdinal; i < part.firstOrdinal + part.rows; i++) {
      if ((needed[i >>> 5] >>> (i & 31)) & 1) ordinals.push(i);
    }
    if (ordinals.length === 0) continue;
    context.signal.throwIfAborted();
    const unread = ordinals.filter((ordinal) => !kept.has(ordinal));
    const texts = unread.length === 0 ? [] : await context.readTexts(unread);
    let next = 0;
    yield { ordinals, texts: ordinals.map((ordinal) => (kept.has(ordinal) ? undefined : texts[next++])) };
  }
}

/** The members that failed against a representative, as a star around the first of them. */
function regroup(failures: PairSet, sets: UnionFind, regrouped: PairSet): void {
  const failure = failures.read();
  let representative = -1;
  let first = -1;
  while (failure.next()) {
    if (failure.major !== representative) {
      representative = failure.major;
      first = -1;
    }
    const member = failure.minor;
    if (sets.find(member) === sets.find(representative)) continue;
    if (first < 0) first = member;
    else if (sets.find(first) !== sets.find(member)) regrouped.add(member, first);
  }
  regrouped.close();
}

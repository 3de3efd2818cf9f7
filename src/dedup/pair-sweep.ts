/**
 * A sweep: once through the documents in ascending order, to compare the pairs of one round of a check (check-groups.ts) and
 * join those that are near-copies. A representative comes before its members, so its sets are held from when it is met until
 * its last member has passed. Those that find no room are left waiting, with their members, for the next sweep. The sets of
 * what failed are kept for that sweep, as far as there is room: what is kept is not read again.
 *
 * This is the readable twin; the native sweep (pair-sweep-native.ts) finds the same, whatever the limits are.
 *
 * Memory: 5.1 bytes a document, and the sets that the limits allow.
 */
import type { CheckedPairs } from '../core/run-summary.ts';
import type { Utf8Column } from '../core/utf8-column.ts';
import { createHeldSets, type HeldSets } from './held-sets.ts';
import { createLikeness, type Held, type LikenessRule } from './likeness.ts';
import type { PairCursor, PairSet } from './pair-set.ts';
import { type UnionFind, unionFindOver } from './union-find.ts';

export interface SweepOptions {
  rule: LikenessRule;
  /** Of the union-find that joins documents; an entry for each. */
  parents: Uint32Array<SharedArrayBuffer>;
  /** By ordinal: receives the values held of a document that has a fragment. */
  sizes: Uint32Array<SharedArrayBuffer>;
  /** Values of representatives held at once, of one group. */
  maxHeldValues: number;
  /** Values kept of what failed, of all groups. */
  maxKeptValues: number;
  /** Groups that a sweep has at most. */
  groups: number;
  /** Receives (fragment, container). */
  fragments: PairSet;
}

/** Pairs that have no document in common with those of other groups. */
export interface SweptGroup {
  /** (member, representative): what is compared. */
  open: PairSet;
  /** Receives those whose representative found no room. */
  waiting: PairSet;
  /** Receives (representative, member) of what was compared and not joined. */
  failures: PairSet;
}

/** The documents of a part: their ordinals are [firstOrdinal, firstOrdinal + rows). */
export interface SweptPart {
  firstOrdinal: number;
  rows: number;
}

export interface SweepCounts {
  /** Pairs that were compared. */
  checked: number;
  /** Of those, pairs that were not alike enough. */
  rejected: number;
}

export interface PairSweep {
  /** Begins a sweep. Parts then come in the order of their ordinals. */
  begin(groups: readonly SweptGroup[]): void;
  /** What is needed of a part's documents. */
  need(part: SweptPart): 'nothing' | 'kept sets' | 'texts';
  /** Compares them. `texts`: of all rows, where they are needed; nothing of them is kept. */
  visit(part: SweptPart, texts: Utf8Column | undefined): void;
  end(): void;
  /** Adds the candidates of the next round: of each representative the members that failed and are not joined with it, as a star
   * around the first of them. `failures` are closed. */
  regroup(failures: PairSet, candidates: PairSet): void;
  /** Of all sweeps so far. */
  counts(): { counts: SweepCounts; similarities: CheckedPairs };
}

/** Bins of .05; 1 lies in the last. */
export const SIMILARITY_BINS = 20;

/** An empty histogram of similarities. */
export function emptyHistogram(rule: LikenessRule): CheckedPairs {
  const bins = () => new Array<number>(SIMILARITY_BINS).fill(0);
  return { measure: rule.kind, accepted: bins(), rejected: bins() };
}

/** A group on its way through the documents. */
interface Underway extends SweptGroup {
  /** How far the sweep has come in what is open. */
  pair: PairCursor;
  hasMore: boolean;
  held: HeldSets;
}

/** The native sweep's twin. */
export function createPairSweepTwin(options: SweepOptions): PairSweep {
  const { rule, parents, sizes, maxHeldValues, maxKeptValues, fragments } = options;
  const sets = unionFindOver(parents);
  const current = createLikeness(rule);
  const similarities = emptyHistogram(rule);
  const counts: SweepCounts = { checked: 0, rejected: 0 };
  const reach = createReach(parents.length);
  const held = Array.from({ length: options.groups }, () => createHeldSets(maxHeldValues));
  // Sets of members that failed in the sweep before, so that they need not be read again, and of those of this sweep.
  let kept = createHeldSets(maxKeptValues);
  let failed = createHeldSets(maxKeptValues);
  let groups: Underway[] = [];

  return {
    begin(swept) {
      reach.find(swept, sets.find);
      groups = swept.map((group, place) => {
        held[place].clear();
        const pair = group.open.read();
        return { ...group, pair, hasMore: pair.next(), held: held[place] };
      });
    },
    need({ firstOrdinal, rows }) {
      let need: ReturnType<PairSweep['need']> = 'nothing';
      for (let ordinal = firstOrdinal; ordinal < firstOrdinal + rows; ordinal++) {
        if (!reach.isNeeded(ordinal)) continue;
        if (!kept.has(ordinal)) return 'texts';
        need = 'kept sets';
      }
      return need;
    },
    visit({ firstOrdinal, rows }, texts) {
      const { bytes, offsets } = texts ?? { bytes: new Uint8Array(), offsets: new Int32Array() };
      const utf8 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let row = 0; row < rows; row++) {
        const ordinal = firstOrdinal + row;
        if (!reach.isNeeded(ordinal)) continue;
        if (kept.has(ordinal)) current.reopen(kept.get(ordinal)!);
        else current.open(utf8.toString('utf8', offsets[row], offsets[row + 1]));
        const hasFailed = compareAll(groups[reach.group[ordinal]], ordinal);
        if (hasFailed && failed.values + current.size <= maxKeptValues) failed.put(ordinal, current);
      }
    },
    end() {
      for (const { pair } of groups) pair.end();
      [kept, failed] = [failed, kept];
      failed.clear();
    },
    regroup: (failures, candidates) => regroup(failures, sets, candidates),
    counts: () => ({ counts, similarities }),
  };

  /** Compares the open document with the representatives it is a candidate of; whether it failed against one. */
  function compareAll(group: Underway, ordinal: number): boolean {
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
  function compare(group: Underway, ordinal: number, representative: number, other: Held): boolean {
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

function regroup(failures: PairSet, sets: UnionFind, candidates: PairSet): void {
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
    else if (sets.find(first) !== sets.find(member)) candidates.add(member, first);
  }
}

function sizeOf({ shingles, tokens }: Held): number {
  return shingles.length + (tokens?.length ?? 0);
}

function binOf(similarity: number): number {
  return Math.min(Math.floor(similarity * SIMILARITY_BINS + 1e-9), SIMILARITY_BINS - 1);
}

/** What a sweep must know of documents before it meets them. */
interface Reach {
  isNeeded(ordinal: number): boolean;
  /** By ordinal: with which member a representative is done with. */
  lastMember: Uint32Array;
  /** By ordinal: place of its group. */
  group: Uint8Array;
  find(groups: readonly SweptGroup[], rootOf: (ordinal: number) => number): void;
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
    isNeeded: (ordinal) => ((needed[ordinal >>> 5] >>> (ordinal & 31)) & 1) === 1,
    ...{ lastMember, group },
    find(groups, rootOf) {
      needed.fill(0);
      lastMember.fill(0);
      for (const [place, { open }] of groups.entries()) {
        const pair = open.read();
        while (pair.next()) {
          const { major: member, minor: representative } = pair;
          // Joined meanwhile by other pairs: the answer is known.
          if (rootOf(member) === rootOf(representative)) continue;
          note(member, place);
          note(representative, place);
          lastMember[representative] = member;
        }
      }
    },
  };
}

/**
 * Checks candidate pairs: two documents are joined only when they are near-copies by a rule on their texts (likeness.ts).
 * Without it low-threshold bands chain boilerplate into giant clusters: on the crossposts of the gold set 32 × 4
 * bands alone reach precision .57, with a check at .5 .89 and at .7 .98. The alternative, an estimate from stored
 * signatures, would double the features and still blur the threshold by ±.04.
 *
 * Candidates are stars: each pair ties a document (the member) to an earlier one (its representative). A bucket of m
 * documents gives m-1 pairs, not m²/2, so ten thousand copies cost ten thousand checks.
 *
 * Sets are recomputed from the documents in one ascending sweep. A representative comes before its members, so its set
 * is held from when it is met until its last member has passed. Sets held are bounded (`MAX_HELD_VALUES`): a
 * representative that does not fit waits, with its members, for the next sweep over what is left.
 *
 * A member that fails may still be like another member that failed against the same representative (one bucket can hold
 * several families). So the failures of each representative form a new star around the first of them and are checked
 * again, up to `MAX_ROUNDS` times: the work is linear in the size of a bucket, and what fails every round stays apart —
 * a pair may be missed, never wrongly joined. How many were left is reported. The sets of what failed are kept for the next
 * round, as far as a quarter of the room for representatives goes: what does not fit is read again.
 *
 * Everything follows the order of ordinals alone, so the result is the same however documents lie in parts and whatever
 * the memory: pairs that have no room in it lie in scratch files (pair-set.ts), and what is held of documents has one bound.
 *
 * Memory: 4.1 bytes a document, 8 a pair within a quarter of `context.memoryBytes`, up to 480 MiB of sets, whatever
 * `memoryBytes` is; 4 bytes a document
 * more where fragments are found.
 */
import type { CheckedPairs } from '../core/run-summary.ts';
import type { BarrierContext } from '../core/stage.ts';
import { createHeldSets, type HeldSets } from './held-sets.ts';
import { createLikeness, type Held, type LikenessRule } from './likeness.ts';
import { createPairSet, type PairSet } from './pair-set.ts';
import type { UnionFind } from './union-find.ts';

/** Representatives that a member of one bucket is compared with at most. */
const MAX_ROUNDS = 16;
/** Shingle hashes of representatives held at once: 64 M, 256 MiB, about 60,000 web pages. */
const MAX_HELD_VALUES = 64 << 20;
/** Pairs of one set in memory: 32 M. */
const MAX_PAIR_BYTES = 256 << 20;

export interface VerifyOptions {
  /** What a pair must be to be joined. */
  rule: LikenessRule;
  maxHeldValues?: number;
  /** Every pair that is compared is counted here. */
  similarities?: CheckedPairs | undefined;
  /** Which clusters go to no container, whatever fragments they have; asked when all else is joined. */
  settle?: ((sets: UnionFind) => (cluster: number) => boolean) | undefined;
}

export interface VerifyCounts {
  /** Pairs that were compared. */
  checked: number;
  /** Of those, pairs that were not alike enough. */
  rejected: number;
  /** Members that failed against every representative tried while others of their bucket remained. */
  leftApart: number;
}

/** Bins of .05; 1 lies in the last. */
const SIMILARITY_BINS = 20;

/** An empty histogram of similarities, for `VerifyOptions.similarities`. */
export function emptyHistogram(rule: LikenessRule): CheckedPairs {
  const bins = () => new Array<number>(SIMILARITY_BINS).fill(0);
  return { measure: rule.kind, accepted: bins(), rejected: bins() };
}

/** An empty set of candidate pairs, (member, representative), representative < member, bounded by the context's memory. */
export function createCandidates(context: BarrierContext, name = 'candidates'): PairSet {
  return createPairSet({ workDir: context.workDir, name, maxBytes: Math.min(MAX_PAIR_BYTES, context.memoryBytes / 4) });
}

/** Joins in `sets` the candidates that are near-copies by the rule. `candidates` is closed; it is removed. */
export async function verifyCandidates(
  candidates: PairSet,
  sets: UnionFind,
  context: BarrierContext,
  options: VerifyOptions,
): Promise<VerifyCounts> {
  const counts: VerifyCounts = { checked: 0, rejected: 0, leftApart: 0 };
  const fragments = createFragments(context);
  const maxKept = Math.floor((options.maxHeldValues ?? MAX_HELD_VALUES) / 4);
  const held = createHeldSets(options.maxHeldValues ?? MAX_HELD_VALUES);
  let kept = createHeldSets(maxKept);
  let failed = createHeldSets(maxKept);
  let open = candidates;
  for (let round = 0; round < MAX_ROUNDS && open.size > 0; round++) {
    const failures = createCandidates(context, `failures-${round}`);
    for (let pass = 0; open.size > 0; pass++) {
      const waiting = createCandidates(context, `waiting-${round}-${pass}`);
      await sweep(open, sets, context, options, { counts, failures, waiting, fragments, held, kept, failed, maxKept });
      open.remove();
      waiting.close();
      open = waiting;
    }
    failures.close();
    open = createCandidates(context, `regrouped-${round}`);
    regroup(failures, sets, open);
    failures.remove();
    [kept, failed] = [failed, kept];
    failed.clear();
  }
  counts.leftApart = open.size;
  open.remove();
  fragments.attach(sets, options.settle?.(sets));
  return counts;
}

/** What sweeps add to. */
interface Found {
  counts: VerifyCounts;
  /** (representative, member) that were compared and not joined. */
  failures: PairSet;
  /** Candidates whose representative found no room. */
  waiting: PairSet;
  fragments: Fragments;
  /** Sets of representatives whose members are to come. */
  held: HeldSets;
  /** Sets of members that failed in the round before, so that they need not be read again, and of those of this round. */
  kept: HeldSets;
  failed: HeldSets;
  /** Values in each of the two. */
  maxKept: number;
}

interface Fragments {
  /** `size`: values held of the container. */
  add(fragment: number, container: number, size: number): void;
  attach(sets: UnionFind, isSettled?: (cluster: number) => boolean): void;
}

/**
 * Every cluster with a fragment goes to one other, that of its largest container: a cluster has one such parent, so that two
 * documents with nothing but a fragment in common never meet.
 */
function createFragments(context: BarrierContext): Fragments {
  const pairs = createCandidates(context, 'fragments');
  // Of containers, by ordinal; only made when there is a fragment.
  let sizes: Uint32Array | undefined;
  return {
    add(fragment, container, size) {
      sizes ??= new Uint32Array(context.rows);
      sizes[container] = size;
      pairs.add(fragment, container);
    },
    attach(sets, isSettled) {
      if (sizes === undefined) return;
      pairs.close();
      const parents = new Map<number, number>();
      const cursor = pairs.read();
      while (cursor.next()) {
        const container = cursor.minor;
        const cluster = sets.find(cursor.major);
        if (sets.find(container) === cluster || isSettled?.(cluster) === true) continue;
        const best = parents.get(cluster);
        const isBetter =
          best === undefined ||
          sizes[container] > sizes[best] ||
          (sizes[container] === sizes[best] && container < best);
        if (isBetter) parents.set(cluster, container);
      }
      for (const [cluster, container] of parents) sets.union(cluster, container);
      pairs.remove();
    },
  };
}

/** One ascending pass over the documents that `candidates` name. */
async function sweep(
  candidates: PairSet,
  sets: UnionFind,
  context: BarrierContext,
  { rule, maxHeldValues = MAX_HELD_VALUES, similarities }: VerifyOptions,
  { counts, failures, waiting, fragments, held, kept, failed, maxKept }: Found,
): Promise<void> {
  const { needed, lastMember } = reach(candidates, sets, context.rows);
  const current = createLikeness(rule);
  held.clear();
  const pair = candidates.read();
  let more = pair.next();

  const visit = (ordinal: number, text: string | undefined): void => {
    if (text === undefined) current.reopen(kept.get(ordinal)!);
    else current.open(text);
    let hasFailed = false;
    while (more && pair.major < ordinal) more = pair.next();
    for (; more && pair.major === ordinal; more = pair.next()) {
      const representative = pair.minor;
      const other = held.get(representative);
      if (sets.find(ordinal) !== sets.find(representative)) {
        if (other === undefined) {
          waiting.add(ordinal, representative);
        } else {
          counts.checked++;
          const relation = current.compare(other);
          // A fragment goes with its container: accepted.
          const bins = relation === 'apart' ? similarities?.rejected : similarities?.accepted;
          if (bins !== undefined) bins[binOf(current.similarity)]++;
          if (relation === 'alike') {
            sets.union(representative, ordinal);
          } else {
            if (relation === 'apart') counts.rejected++;
            if (relation === 'fragment of held') fragments.add(ordinal, representative, sizeOf(other));
            if (relation === 'fragment of open') fragments.add(representative, ordinal, current.size);
            failures.add(representative, ordinal);
            hasFailed = true;
          }
        }
      }
      if (other !== undefined && lastMember[representative] === ordinal) held.release(representative);
    }
    if (lastMember[ordinal] > ordinal && (held.sets === 0 || held.values + current.size <= maxHeldValues)) {
      held.put(ordinal, current);
    }
    if (hasFailed && failed.values + current.size <= maxKept && !failed.has(ordinal)) {
      failed.put(ordinal, current);
    }
  };
  for await (const { ordinals, texts } of documentsOf(needed, kept, context)) {
    for (let i = 0; i < ordinals.length; i++) visit(ordinals[i], texts[i]);
  }
  pair.end();
}

function sizeOf({ shingles, tokens }: Held): number {
  return shingles.length + (tokens?.length ?? 0);
}

function binOf(similarity: number): number {
  return Math.min(Math.floor(similarity * SIMILARITY_BINS + 1e-9), SIMILARITY_BINS - 1);
}

/** Which documents a sweep must read, a bit each, and with which member each representative is done with. */
function reach(candidates: PairSet, sets: UnionFind, rows: number): { needed: Uint32Array; lastMember: Uint32Array } {
  const needed = new Uint32Array((rows + 31) >>> 5);
  const lastMember = new Uint32Array(rows);
  const pair = candidates.read();
  while (pair.next()) {
    const { major: member, minor: representative } = pair;
    // Joined meanwhile by other pairs: the answer is known.
    if (sets.find(member) === sets.find(representative)) continue;
    needed[member >>> 5] |= 1 << (member & 31);
    needed[representative >>> 5] |= 1 << (representative & 31);
    lastMember[representative] = member;
  }
  return { needed, lastMember };
}

interface DocumentBatch {
  ordinals: number[];
  /** Undefined where the set is kept. */
  texts: (string | undefined)[];
}

/** The needed documents in ascending order, a part at a time; those whose sets are kept are not read. */
async function* documentsOf(
  needed: Uint32Array,
  kept: HeldSets,
  context: BarrierContext,
): AsyncGenerator<DocumentBatch> {
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

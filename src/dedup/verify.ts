/**
 * Checks candidate pairs: two documents are joined only when they are near-copies by a rule on their texts (likeness.ts).
 * Without it low-threshold bands chain boilerplate into giant clusters: on the crossposts of the gold set 32 × 4
 * bands alone reach precision .57, with a check at .5 .89 and at .7 .98. The alternative, an estimate from stored
 * signatures, would double the features and still blur the threshold by ±.04.
 *
 * Sets are recomputed from the documents in one ascending sweep. A representative comes before its members, so its set
 * is held from when it is met until its last member has passed. Sets held are bounded (`MAX_HELD_VALUES`): a
 * representative that does not fit waits, with its members, for the next sweep over what is left.
 *
 * A member that fails may still be like another member that failed against the same representative (one bucket can hold
 * several families). So the failures of each representative form a new star around the first of them and are checked
 * again, up to `MAX_ROUNDS` times: the work is linear in the size of a bucket, and what fails every round stays apart —
 * a pair may be missed, never wrongly joined. How many were left is reported.
 *
 * Everything follows the order of ordinals alone, so the result is the same however documents lie in parts.
 */
import type { BarrierContext } from '../core/stage.ts';
import { type Candidates, createCandidates } from './candidates.ts';
import { createLikeness, type Held, type LikenessRule } from './likeness.ts';
import type { UnionFind } from './union-find.ts';

/** Representatives that a member of one bucket is compared with at most. */
const MAX_ROUNDS = 16;
/** Shingle hashes of representatives held at once: 64 M, 256 MiB, about 60,000 web pages. */
const MAX_HELD_VALUES = 64 << 20;

export interface VerifyOptions {
  /** What a pair must be to be joined. */
  rule: LikenessRule;
  maxHeldValues?: number;
}

export interface VerifyCounts {
  /** Pairs that were compared. */
  checked: number;
  /** Of those, pairs that were not alike enough. */
  rejected: number;
  /** Members that failed against every representative tried while others of their bucket remained. */
  leftApart: number;
}

/** Joins in `sets` the candidates that are near-copies by the rule. */
export async function verifyCandidates(
  candidates: Candidates,
  sets: UnionFind,
  context: BarrierContext,
  options: VerifyOptions,
): Promise<VerifyCounts> {
  const counts: VerifyCounts = { checked: 0, rejected: 0, leftApart: 0 };
  const fragments = new Map<number, Container[]>();
  let open = candidates;
  for (let round = 0; round < MAX_ROUNDS && open.edges > 0; round++) {
    const failures = new Map<number, number[]>();
    while (open.edges > 0) open = await sweep(open, sets, context, options, { counts, failures, fragments });
    open = regroup(failures, sets, context.rows);
  }
  counts.leftApart = open.edges;
  attachFragments(fragments, sets);
  return counts;
}

/** A document that holds a fragment. */
interface Container {
  ordinal: number;
  /** Values held of it, for its size. */
  size: number;
}

/** What sweeps add to. */
interface Found {
  counts: VerifyCounts;
  /** By representative: members that were not joined to it. */
  failures: Map<number, number[]>;
  /** By fragment. */
  fragments: Map<number, Container[]>;
}

function push<T>(lists: Map<number, T[]>, key: number, value: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

/**
 * Every cluster with a fragment goes to one other, that of its largest container: a cluster has one such parent, so that two
 * documents with nothing but a fragment in common never meet.
 */
function attachFragments(fragments: Map<number, Container[]>, sets: UnionFind): void {
  const parents = new Map<number, Container>();
  for (const fragment of [...fragments.keys()].sort((a, b) => a - b)) {
    const cluster = sets.find(fragment);
    for (const container of fragments.get(fragment)!) {
      if (sets.find(container.ordinal) === cluster) continue;
      const best = parents.get(cluster);
      const isBetter =
        best === undefined ||
        container.size > best.size ||
        (container.size === best.size && container.ordinal < best.ordinal);
      if (isBetter) parents.set(cluster, container);
    }
  }
  for (const [cluster, { ordinal }] of parents) sets.union(cluster, ordinal);
}

/** One ascending pass over the documents that `candidates` name; returns the edges it had no room for. */
async function sweep(
  candidates: Candidates,
  sets: UnionFind,
  context: BarrierContext,
  { rule, maxHeldValues = MAX_HELD_VALUES }: VerifyOptions,
  found: Found,
): Promise<Candidates> {
  const { needed, lastMember } = reach(candidates, sets, context.rows);
  const current = createLikeness(rule);
  const held = new Map<number, { document: Held; size: number }>();
  const waiting = createCandidates(context.rows);
  let heldValues = 0;

  for await (const [ordinal, text] of documentsOf(needed, context)) {
    current.open(text);
    for (let edge = candidates.first(ordinal); edge !== 0; edge = candidates.next(edge)) {
      const representative = candidates.representative(edge);
      const other = held.get(representative);
      if (sets.find(ordinal) !== sets.find(representative)) {
        if (other === undefined) {
          waiting.add(representative, ordinal);
        } else {
          found.counts.checked++;
          const relation = current.compare(other.document);
          if (relation === 'alike') {
            sets.union(representative, ordinal);
          } else {
            if (relation === 'apart') found.counts.rejected++;
            if (relation === 'fragment of held')
              push(found.fragments, ordinal, { ordinal: representative, size: other.size });
            if (relation === 'fragment of open') push(found.fragments, representative, { ordinal, size: current.size });
            push(found.failures, representative, ordinal);
          }
        }
      }
      if (other !== undefined && lastMember[representative] === ordinal) {
        held.delete(representative);
        heldValues -= other.size;
      }
    }
    if (lastMember[ordinal] > ordinal && (held.size === 0 || heldValues + current.size <= maxHeldValues)) {
      held.set(ordinal, { document: current.hold(), size: current.size });
      heldValues += current.size;
    }
  }
  return waiting;
}

/** Which documents a sweep must read, and with which member each representative is done with. */
function reach(candidates: Candidates, sets: UnionFind, rows: number): { needed: Uint8Array; lastMember: Uint32Array } {
  const needed = new Uint8Array(rows);
  const lastMember = new Uint32Array(rows);
  for (let member = 0; member < rows; member++) {
    for (let edge = candidates.first(member); edge !== 0; edge = candidates.next(edge)) {
      const representative = candidates.representative(edge);
      // Joined meanwhile by other pairs: the answer is known.
      if (sets.find(member) === sets.find(representative)) continue;
      needed[member] = 1;
      needed[representative] = 1;
      lastMember[representative] = member;
    }
  }
  return { needed, lastMember };
}

/** The needed documents in ascending order, a part at a time. */
async function* documentsOf(needed: Uint8Array, context: BarrierContext): AsyncGenerator<[number, string]> {
  const parts = [...context.parts].sort((a, b) => a.firstOrdinal - b.firstOrdinal);
  for (const part of parts) {
    const ordinals: number[] = [];
    for (let i = part.firstOrdinal; i < part.firstOrdinal + part.rows; i++) if (needed[i] === 1) ordinals.push(i);
    if (ordinals.length === 0) continue;
    context.signal.throwIfAborted();
    const documents = await context.readDocuments(ordinals);
    for (let i = 0; i < ordinals.length; i++) yield [ordinals[i], documents[i].text];
  }
}

/** The members that failed against a representative, as a star around the first of them. */
function regroup(failures: Map<number, number[]>, sets: UnionFind, rows: number): Candidates {
  const regrouped = createCandidates(rows);
  for (const representative of [...failures.keys()].sort((a, b) => a - b)) {
    const members = failures
      .get(representative)!
      .sort((a, b) => a - b)
      .filter((member) => sets.find(member) !== sets.find(representative));
    for (let i = 1; i < members.length; i++) {
      if (sets.find(members[0]) !== sets.find(members[i])) regrouped.add(members[0], members[i]);
    }
  }
  return regrouped;
}

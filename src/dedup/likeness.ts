/**
 * When are two candidates near-copies? Two rules, both on sets recomputed from the texts:
 *
 * - `jaccard`: |A ∩ B| / |A ∪ B| of the shingle sets reaches a threshold. One number, comparable between tools; blind to
 *   the difference between a page with a long sidebar (low Jaccard, same text) and a form letter (high Jaccard, other text).
 * - `containment` (Broder 1997, "On the resemblance and containment of documents"): |A ∩ B| / min(|A|, |B|), so extra
 *   text around the same text costs nothing. Asked at two resolutions: of the smaller document's shingles `minShingles` must
 *   be in the larger one, and of its different tokens `minTokens`: form letters share their phrases, but names and
 *   numbers differ. A changed token breaks n shingles; when more are broken than the changed tokens explain
 *   (`maxReordered` beyond n × share of tokens lacking), the same words stand in another order, as in a paraphrase.
 *   On the gold set (bench `dedup-truth`) it beats every Jaccard threshold in precision and recall at once.
 */
import { createShingleSet, type ShingleSet } from './shingle-set.ts';
import { createShingler } from './shingles.ts';

export interface JaccardRule {
  kind: 'jaccard';
  /** Tokens per shingle. */
  shingleTokens: number;
  /** Least similarity, above 0. */
  threshold: number;
}

export interface ContainmentRule {
  kind: 'containment';
  shingleTokens: number;
  /** Least share of the smaller document's shingles that the larger one has. */
  minShingles: number;
  /** Least share of the smaller document's different tokens that the larger one has. */
  minTokens: number;
  /** Largest share of broken shingles that changed tokens do not explain. */
  maxReordered: number;
  /** A document with a smaller share of the other's shingles than this is a fragment of it: see `Relation`. */
  fragment: number;
}

export type LikenessRule = JaccardRule | ContainmentRule;

/** What is held of a document to compare others with: its distinct shingles, and its distinct tokens where asked for. */
export interface Held {
  shingles: Uint32Array;
  tokens: Uint32Array | undefined;
}

/**
 * How two documents stand to each other. A fragment is contained in the other and much smaller: it can go with the other,
 * but it is no evidence that two documents which both hold it are alike (a signature, a mailing list's footer).
 */
export type Relation = 'apart' | 'alike' | 'fragment of held' | 'fragment of open';

/** Compares one open document with held ones. */
export interface Likeness {
  open(text: string): void;
  /** Values that holding the open document would take. */
  readonly size: number;
  hold(): Held;
  /** How the open document and `other` stand to each other. */
  compare(other: Held): Relation;
}

export function createLikeness(rule: LikenessRule): Likeness {
  const shingles = createOpenSet(rule.shingleTokens);
  if (rule.kind === 'jaccard') {
    return {
      open: shingles.open,
      get size() {
        return shingles.set.size;
      },
      hold: () => ({ shingles: shingles.set.values(), tokens: undefined }),
      compare: (other) => (reachesJaccard(rule.threshold, other.shingles, shingles.set) ? 'alike' : 'apart'),
    };
  }
  const tokens = createOpenSet(1);
  return {
    open(text) {
      shingles.open(text);
      tokens.open(text);
    },
    get size() {
      return shingles.set.size + tokens.set.size;
    },
    hold: () => ({ shingles: shingles.set.values(), tokens: tokens.set.values() }),
    compare(other) {
      const brokenShingles = 1 - containment(other.shingles, shingles.set);
      if (brokenShingles > 1 - rule.minShingles + EPSILON) return 'apart';
      const lackingTokens = 1 - containment(other.tokens!, tokens.set);
      if (lackingTokens > 1 - rule.minTokens + EPSILON) return 'apart';
      if (brokenShingles > rule.shingleTokens * lackingTokens + rule.maxReordered + EPSILON) return 'apart';
      const [open, held] = [shingles.set.size, other.shingles.length];
      if (open < rule.fragment * held) return 'fragment of held';
      return held < rule.fragment * open ? 'fragment of open' : 'alike';
    },
  };
}

/** Shares are quotients of small integers: equal ones may differ in their last bits. */
const EPSILON = 1e-9;

function createOpenSet(size: number): { set: ShingleSet; open(text: string): void } {
  const shingler = createShingler(size);
  const set = createShingleSet();
  return {
    set,
    open(text) {
      const count = shingler.shingle(text);
      set.open(shingler.hashes, count);
    },
  };
}

/** J cannot exceed the ratio of the sizes, so many pairs need no look at the values. */
function reachesJaccard(threshold: number, other: Uint32Array, current: ShingleSet): boolean {
  const [small, large] = other.length < current.size ? [other.length, current.size] : [current.size, other.length];
  return small >= threshold * large * (1 - EPSILON) && current.jaccard(other) >= threshold;
}

/** |A ∩ B| / min(|A|, |B|); 0 when either is empty. */
function containment(other: Uint32Array, current: ShingleSet): number {
  const smaller = Math.min(other.length, current.size);
  return smaller === 0 ? 0 : current.shared(other) / smaller;
}

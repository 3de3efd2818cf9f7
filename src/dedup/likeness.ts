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
 *   Of a short document one word or the order of two names may be all that it says: below `exactBelow` shingles the other
 *   must have the same, below `orderedBelow` nothing that both have may have moved (order.ts).
 */
import { movedValues } from './order.ts';
import { createShingleSet, type ShingleSet } from './shingle-set.ts';

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
  /** A document of fewer distinct shingles is like those alone that have the same. */
  exactBelow: number;
  /** In a document of fewer distinct shingles nothing may stand in another order. */
  orderedBelow: number;
}

export type LikenessRule = JaccardRule | ContainmentRule;

/** The sets of a document that can be written out. */
export interface OpenSets {
  /** Values of each kind; `tokens` is negative where they are not asked for. */
  readonly shingles: number;
  readonly tokens: number;
  /** Writes the shingles, then the tokens, to `target` from `at` on. */
  write(target: Uint32Array, at: number): void;
}

/**
 * What is held of a document to compare others with: its distinct shingles, and its distinct tokens where asked for, both in
 * the order of the text.
 */
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
export interface Likeness extends OpenSets {
  open(text: string): void;
  /** Opens a document that was held before. */
  reopen(held: Held): void;
  /** Values that holding the open document would take. */
  readonly size: number;
  hold(): Held;
  /** How the open document and `other` stand to each other. */
  compare(other: Held): Relation;
  /** What `compare` last found: Jaccard similarity or containment of shingles, by the rule. */
  readonly similarity: number;
}

export function createLikeness(rule: LikenessRule): Likeness {
  const shingles = createShingleSet(rule.shingleTokens);
  let similarity = 0;
  if (rule.kind === 'jaccard') {
    return {
      open: shingles.openText,
      reopen: (held) => shingles.open(held.shingles, held.shingles.length),
      get size() {
        return shingles.size;
      },
      get shingles() {
        return shingles.size;
      },
      tokens: -1,
      write: shingles.write,
      hold: () => ({ shingles: shingles.values(), tokens: undefined }),
      compare(other) {
        similarity = shingles.jaccard(other.shingles);
        return similarity >= rule.threshold ? 'alike' : 'apart';
      },
      get similarity() {
        return similarity;
      },
    };
  }
  const tokens = createLazySet();
  // The open document's values in the order of the text, when a comparison first asks.
  let ordered: Held | undefined;
  const hold = (): Held => ({ shingles: shingles.values(), tokens: tokens.set.values() });
  return {
    open(text) {
      shingles.openText(text);
      tokens.open(text);
      ordered = undefined;
    },
    reopen(held) {
      shingles.open(held.shingles, held.shingles.length);
      tokens.open(held.tokens!);
      ordered = held;
    },
    get size() {
      return shingles.size + tokens.set.size;
    },
    get shingles() {
      return shingles.size;
    },
    get tokens() {
      return tokens.set.size;
    },
    write(target, at) {
      shingles.write(target, at);
      tokens.set.write(target, at + shingles.size);
    },
    hold,
    compare(other) {
      similarity = containment(other.shingles, shingles);
      return relate(rule, {
        shingles: similarity,
        tokens: () => containment(other.tokens!, tokens.set),
        openSize: shingles.size,
        heldSize: other.shingles.length,
        isReordered: (isFragment) => isReordered((ordered ??= hold()), other, isFragment),
      });
    },
    get similarity() {
      return similarity;
    },
  };
}

/** The distinct tokens of the open document, made a set when they are first asked for: most pairs fail before. */
function createLazySet(): { readonly set: ShingleSet; open(source: string | Uint32Array): void } {
  const set = createShingleSet(1);
  let waiting: string | Uint32Array | undefined;
  return {
    get set() {
      if (typeof waiting === 'string') set.openText(waiting);
      else if (waiting !== undefined) set.open(waiting, waiting.length);
      waiting = undefined;
      return set;
    },
    open(source) {
      waiting = source;
    },
  };
}

/** What the rule by containment goes by. */
export interface Containments {
  /** Share of the smaller document's shingles that the larger one has. */
  shingles: number;
  /** The same of different tokens; asked for last. */
  tokens(): number;
  /** Distinct shingles of both. */
  openSize: number;
  heldSize: number;
  /** Whether something that both have stands in another order; asked for short documents alone. */
  isReordered(isFragment: boolean): boolean;
}

export function relate(
  rule: ContainmentRule,
  { shingles, tokens, openSize, heldSize, isReordered }: Containments,
): Relation {
  const brokenShingles = 1 - shingles;
  if (brokenShingles > 1 - rule.minShingles + EPSILON) return 'apart';
  const lackingTokens = 1 - tokens();
  if (lackingTokens > 1 - rule.minTokens + EPSILON) return 'apart';
  if (brokenShingles > rule.shingleTokens * lackingTokens + rule.maxReordered + EPSILON) return 'apart';
  const [smaller, larger] = openSize < heldSize ? [openSize, heldSize] : [heldSize, openSize];
  if (smaller < rule.exactBelow && (smaller !== larger || brokenShingles > EPSILON)) return 'apart';
  const isFragment = smaller < rule.fragment * larger;
  if (smaller < rule.orderedBelow && isReordered(isFragment)) return 'apart';
  if (!isFragment) return 'alike';
  return openSize < heldSize ? 'fragment of held' : 'fragment of open';
}

/**
 * Of a fragment only shingles are asked: what stands before it in the other document may have its tokens already, and so
 * change where they stand first.
 */
export function isReordered(open: Held, held: Held, isFragment: boolean): boolean {
  if (movedValues(open.shingles, held.shingles) > 0) return true;
  return !isFragment && movedValues(open.tokens!, held.tokens!) > 0;
}

/** Shares are quotients of small integers: equal ones may differ in their last bits. */
const EPSILON = 1e-9;

/** |A ∩ B| / min(|A|, |B|); 0 when either is empty. */
function containment(other: Uint32Array, current: ShingleSet): number {
  const smaller = Math.min(other.length, current.size);
  return smaller === 0 ? 0 : current.shared(other) / smaller;
}

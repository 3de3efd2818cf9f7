/**
 * Sketches: what is kept of a document to check later ones against it without its text. The distinct hashes of its
 * shingles, and of its tokens where containment is asked for: all of them up to `maxValues`, so that short documents are
 * compared exactly; of longer ones a scaled sample (FracMinHash; Irber et al. 2022, "Lightweight compositional analysis
 * of metagenomes with FracMinHash and minimum metagenome covers"): every hash below 2^32/2^scale, with the least scale
 * that leaves at most `maxValues`. Hashes have full avalanche, so a sample is a random one, and the share of a sampled
 * set found in another is an unbiased estimate of containment.
 *
 * The later document is at hand as a whole; a pair is compared at the scale of the sketch. Standard error of a share c
 * estimated from n sampled hashes of the smaller document: √(c(1−c)/n), with n at least half of `maxValues` when the
 * indexed document is the smaller one: .04 at c = .7 and .027 at .9 with 256; larger when the other is much smaller.
 *
 * A record, in words: distinct shingles, distinct tokens, scale of shingles + 256 × scale of tokens, number of sampled
 * shingles, the sampled shingles, the sampled tokens; both in the order of the text, which the check of short documents asks.
 */
import { createLikeness, isReordered, type LikenessRule, type Relation, relate } from '../likeness.ts';
import { createShingleSet } from '../shingle-set.ts';

export const SKETCH_HEADER_WORDS = 4;

export interface Sketcher {
  /** The record of a text; good until the next call. */
  sketch(text: string): Uint32Array;
}

export function createSketcher(rule: LikenessRule, maxValues: number): Sketcher {
  const likeness = createLikeness(rule);
  const record = new Uint32Array(SKETCH_HEADER_WORDS + 2 * maxValues);
  return {
    sketch(text) {
      likeness.open(text);
      const { shingles, tokens } = likeness.hold();
      const shingleScale = scaleFor(shingles, maxValues);
      const tokenScale = tokens === undefined ? 0 : scaleFor(tokens, maxValues);
      record[0] = shingles.length;
      record[1] = tokens?.length ?? 0;
      record[2] = shingleScale | (tokenScale << 8);
      const end = sample(shingles, shingleScale, record, SKETCH_HEADER_WORDS);
      record[3] = end - SKETCH_HEADER_WORDS;
      return record.subarray(0, tokens === undefined ? end : sample(tokens, tokenScale, record, end));
    },
  };
}

/** The least scale at which at most `maxValues` of distinct hashes are sampled. */
export function scaleFor(values: Uint32Array, maxValues: number): number {
  if (values.length <= maxValues) return 0;
  const byZeros = new Uint32Array(33);
  for (let i = 0; i < values.length; i++) byZeros[Math.clz32(values[i])]++;
  let left = values.length;
  let scale = 0;
  while (left > maxValues && scale < 32) left -= byZeros[scale++];
  return scale;
}

function sample(values: Uint32Array, scale: number, into: Uint32Array, at: number): number {
  for (let i = 0; i < values.length; i++) if (Math.clz32(values[i]) >= scale) into[at++] = values[i];
  return at;
}

/** A sketched set: all of a document's distinct hashes, or those below 2^32/2^scale. */
export interface SketchedSet {
  /** Distinct hashes of the document. */
  size: number;
  scale: number;
  values: Uint32Array;
}

export interface Sketch {
  shingles: SketchedSet;
  tokens: SketchedSet;
}

/** A record as sets; undefined when it is none. */
export function readSketch(record: Uint32Array): Sketch | undefined {
  if (record.length < SKETCH_HEADER_WORDS) return undefined;
  const [shingles, tokens, scales, sampled] = record;
  const middle = SKETCH_HEADER_WORDS + sampled;
  if (middle > record.length) return undefined;
  return {
    shingles: { size: shingles, scale: scales & 0xff, values: record.subarray(SKETCH_HEADER_WORDS, middle) },
    tokens: { size: tokens, scale: (scales >>> 8) & 0xff, values: record.subarray(middle) },
  };
}

/** Compares one open document with sketches, by the rule for whole documents. */
export interface SketchLikeness {
  open(text: string): void;
  /** How the open document and a sketched one ("held") stand to each other. */
  compare(other: Sketch): Relation;
  /** What the last comparison measured: containment of shingles, or their Jaccard similarity. */
  readonly measured: number;
}

export function createSketchLikeness(rule: LikenessRule): SketchLikeness {
  const shingles = createSampledSet(rule.shingleTokens);
  const tokens = createSampledSet(1);
  let measured = 0;
  return {
    get measured() {
      return measured;
    },
    open(text) {
      shingles.open(text);
      if (rule.kind === 'containment') tokens.open(text);
    },
    compare(other) {
      if (rule.kind === 'jaccard') {
        measured = shingles.jaccard(other.shingles);
        return measured >= rule.threshold ? 'alike' : 'apart';
      }
      measured = shingles.containment(other.shingles);
      return relate(rule, {
        shingles: measured,
        tokens: () => tokens.containment(other.tokens),
        openSize: shingles.size,
        heldSize: other.shingles.size,
        // A sample keeps the order of the text; short documents are sketched whole.
        isReordered: (isFragment) =>
          isReordered(
            { shingles: shingles.values(), tokens: tokens.values() },
            { shingles: other.shingles.values, tokens: other.tokens.values },
            isFragment,
          ),
      });
    },
  };
}

interface SampledSet {
  readonly size: number;
  open(text: string): void;
  /** All of the open set, in the order of the text. */
  values(): Uint32Array;
  /** |A ∩ B| / min(|A|, |B|), exact at scale 0. */
  containment(other: SketchedSet): number;
  jaccard(other: SketchedSet): number;
}

function createSampledSet(tokensPerShingle: number): SampledSet {
  const set = createShingleSet(tokensPerShingle);
  // Of the open set: values by their number of leading zeros, summed from above, when a sketch first asks.
  const atScale = new Uint32Array(34);
  let isCounted = false;
  let values: Uint32Array | undefined;
  const sampled = (scale: number): number => {
    if (scale === 0) return set.size;
    if (!isCounted) {
      atScale.fill(0);
      for (const value of (values ??= set.values())) atScale[Math.clz32(value)]++;
      for (let zeros = 32; zeros >= 0; zeros--) atScale[zeros] += atScale[zeros + 1];
      isCounted = true;
    }
    return atScale[scale];
  };
  return {
    get size() {
      return set.size;
    },
    open(text) {
      set.openText(text);
      isCounted = false;
      values = undefined;
    },
    values: () => (values ??= set.values()),
    containment(other) {
      const smaller = other.size <= set.size ? other.values.length : sampled(other.scale);
      return smaller === 0 ? 0 : set.shared(other.values) / smaller;
    },
    jaccard(other) {
      const common = set.shared(other.values);
      const together = other.values.length + sampled(other.scale) - common;
      return together === 0 ? 0 : common / together;
    },
  };
}

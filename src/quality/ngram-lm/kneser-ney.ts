/**
 * Interpolated modified Kneser-Ney: n-gram counts to probabilities and back-off weights, as lmplz computes them.
 *
 * Adjusted count a of an n-gram: on the highest order, and for n-grams that begin with `<s>`, how often it occurs; otherwise
 * in how many different left contexts it does. With a context c, a word w, and c' the context without its first word:
 *
 *   p(w | c) = (a(c w) - D(a(c w))) / a(c ·) + b(c) p(w | c'),   b(c) = Σ_w D(a(c w)) / a(c ·)
 *
 * Below the unigrams stands the uniform distribution over the vocabulary with `<unk>` and `</s>` and without `<s>`; `<unk>`
 * has the count 0. An n-gram that is pruned counts in a(c ·), and its whole count goes to b(c) in place of its discount.
 * Sources: Chen & Goodman 1998 (sections 3 and 4.1.6); Heafield, Pouzyrevsky, Clark & Koehn, Scalable Modified Kneser-Ney
 * Language Model Estimation (ACL 2013); for pruning, what KenLM's lm/builder does. One difference: where lmplz counts
 * counts, it takes the last n-gram of each lower order by its raw count, so that its discounts depend, a little and in
 * corpora of a few lines, on the order of the sentences.
 *
 * How: suffixes are parents in the sorted levels of counts.ts. The context of an n-gram is found beside its parent's: it is
 * the child by the same word of the parent's context. So a pass over a level needs no hashing, and everything is summed in
 * one fixed order. Time: bench/ngram-lm.ts.
 */
import { native } from '../../core/native.ts';
import type { NgramLevel } from './counts.ts';
import { type CountsOfCounts, type Discounts, estimateDiscounts } from './discounts.ts';
import { quantizeAll, quantizeLog10 } from './log10.ts';
import { SENTENCE_START, SPECIAL_WORDS, UNKNOWN } from './vocabulary.ts';

/** The n-grams of one order with what an ARPA file says of them; sorted as in counts.ts. */
export interface EstimatedLevel {
  words: Uint32Array;
  firstChild: Uint32Array;
  /** log10 of the probabilities, in units (log10.ts). */
  logProbabilities: Int32Array;
  /** log10 of the back-off weights. Empty on the highest level. */
  logBackoffs: Int32Array;
  /** 0 where an n-gram is pruned, and then all its extensions are; undefined where none is. */
  kept: Uint8Array | undefined;
  /** n-grams that are kept. */
  size: number;
}

export interface Estimation {
  levels: EstimatedLevel[];
  /** By order, like all that follows. */
  discounts: Discounts[];
  /** Orders whose discounts could not be estimated. */
  fallbackOrders: number[];
}

export interface EstimationOptions {
  /** n-grams that occur at most so often are pruned, by order; not decreasing. */
  thresholds: readonly number[];
  /** By word: 0 where every n-gram with the word is pruned. Undefined: no word is. */
  known: Uint8Array | undefined;
  /** For orders whose discounts cannot be estimated. */
  fallback: Discounts;
}

/** Bytes that estimation needs for each n-gram: its level, its probability as a float, its context, and the result. */
export const ESTIMATION_BYTES = 12 + 8 + 4 + 8;

/** Estimates a model. The counts in `levels` are overwritten. */
export function estimateKneserNey(levels: NgramLevel[], options: EstimationOptions): Estimation {
  const { thresholds, known, fallback } = options;
  const kept: (Uint8Array | undefined)[] = [];
  for (const [k, level] of levels.entries()) {
    kept.push(markKept(level, thresholds[k], known, k === 0 ? SPECIAL_WORDS.length : 0));
    if (k > 0) dropWithParents(levels[k - 1], kept[k - 1], kept[k]);
  }
  for (const level of levels.slice(0, -1)) adjustCounts(level);
  const estimated = levels.map(({ counts }) => estimateDiscounts(countCounts(counts)));
  const discounts = estimated.map((found) => found ?? fallback);

  const result: EstimatedLevel[] = [];
  let contexts: Uint32Array = new Uint32Array(0);
  let probabilities: Float64Array = new Float64Array(0);
  for (const [k, level] of levels.entries()) {
    const size = kept[k]?.reduce((sum, flag) => sum + flag, 0) ?? level.words.length;
    if (k === 0) {
      probabilities = unigramProbabilities(level, kept[0], discounts[0], size);
    } else {
      const suffixes = levels[k - 1];
      contexts = k === 1 ? level.words : linkContexts(levels[k - 2], suffixes, level, contexts);
      const sums = sumContexts(level, contexts, kept[k], discounts[k], suffixes.words.length);
      const { logBackoffs } = result[k - 1];
      // What no n-gram continues keeps the weight 1: `<unk>`, and all that ends in `</s>`.
      for (let i = 0; i < logBackoffs.length; i++) if (sums[2 * i] > 0) logBackoffs[i] = quantizeLog10(sums[2 * i + 1]);
      probabilities = interpolate(suffixes, level, contexts, discounts[k], sums, probabilities);
    }
    const logProbabilities = quantizeAll(probabilities);
    const logBackoffs = new Int32Array(k === levels.length - 1 ? 0 : level.words.length);
    const { words, firstChild } = level;
    result.push({ words, firstChild, logProbabilities, logBackoffs, kept: kept[k], size });
  }
  const fallbackOrders = estimated.flatMap((found, k) => (found === undefined ? [k + 1] : []));
  return { levels: result, discounts, fallbackOrders };
}

/** Which n-grams are above the threshold and begin with a known word; the first `spared` are in any case. */
function markKept(
  { words, counts }: NgramLevel,
  threshold: number,
  known: Uint8Array | undefined,
  spared: number,
): Uint8Array | undefined {
  if (threshold === 0 && known === undefined) return undefined;
  const kept = new Uint8Array(words.length).fill(1, 0, spared);
  for (let i = spared; i < words.length; i++) {
    if (counts[i] > threshold && (known === undefined || known[words[i]] !== 0)) kept[i] = 1;
  }
  return kept;
}

/** An n-gram with an unknown word behind its first one is the child of one that was dropped. */
function dropWithParents(
  { firstChild }: NgramLevel,
  parents: Uint8Array | undefined,
  kept: Uint8Array | undefined,
): void {
  if (parents === undefined || kept === undefined) return;
  for (let i = 0; i < parents.length; i++) if (parents[i] === 0) kept.fill(0, firstChild[i], firstChild[i + 1]);
}

/** Counts become adjusted counts, on all levels but the highest. */
function adjustCounts({ words, counts, firstChild }: NgramLevel): void {
  for (let i = 0; i < counts.length; i++) {
    const leftContexts = firstChild[i + 1] - firstChild[i];
    // `<s>` has no left context, but as a unigram it is no event either: its count is 0 already.
    if (words[i] !== SENTENCE_START) counts[i] = leftContexts;
  }
}

function countCounts(counts: Uint32Array): CountsOfCounts {
  const found = new Float64Array(5);
  for (let i = 0; i < counts.length; i++) if (counts[i] < 5) found[counts[i]]++;
  return [found[1], found[2], found[3], found[4]];
}

function discountOf(count: number, one: number, two: number, more: number): number {
  return count > 2 ? more : count === 2 ? two : count === 1 ? one : 0;
}

function unigramProbabilities(
  { counts }: NgramLevel,
  kept: Uint8Array | undefined,
  [one, two, more]: Discounts,
  size: number,
): Float64Array {
  let total = 0;
  let left = 0;
  for (let word = 0; word < counts.length; word++) {
    const count = counts[word];
    total += count;
    left += kept === undefined || kept[word] !== 0 ? discountOf(count, one, two, more) : count;
  }
  // `<s>` is never predicted: it has no share of the uniform distribution.
  const share = left / total / (size - 1);
  const probabilities = new Float64Array(counts.length);
  for (let word = 0; word < counts.length; word++) {
    probabilities[word] = (counts[word] - discountOf(counts[word], one, two, more)) / total + share;
  }
  probabilities[UNKNOWN] = share;
  // Whoever scores it as a word, as some tools do, loses nothing by it.
  probabilities[SENTENCE_START] = 1;
  return probabilities;
}

/**
 * For each n-gram of `level`, its context (all words but the last) on the level of `suffixes`, whose contexts on the level
 * `shorter` are given.
 */
function linkContexts(
  shorter: NgramLevel,
  suffixes: NgramLevel,
  level: NgramLevel,
  contextsOfSuffixes: Uint32Array,
): Uint32Array {
  const contexts = new Uint32Array(level.words.length);
  const link = native?.ngramLm.linkContexts ?? linkContextsTwin;
  link(shorter.firstChild, contextsOfSuffixes, suffixes.words, suffixes.firstChild, level.words, contexts);
  return contexts;
}

/** Like the next two, a twin of native/ngram_lm_estimate.cc. */
export function linkContextsTwin(
  shorterFirstChild: Uint32Array,
  suffixContexts: Uint32Array,
  suffixWords: Uint32Array,
  firstChild: Uint32Array,
  words: Uint32Array,
  contexts: Uint32Array,
): void {
  for (let suffix = 0; suffix < suffixContexts.length; suffix++) {
    const end = firstChild[suffix + 1];
    let low = shorterFirstChild[suffixContexts[suffix]];
    const stop = shorterFirstChild[suffixContexts[suffix] + 1];
    // Both lists of children are sorted by word, and the one has all words of the other.
    for (let i = firstChild[suffix]; i < end; i++) {
      const word = words[i];
      let high = stop;
      // Near ones are found by steps that double, so that neither a long nor a short list costs much.
      for (let step = 1; low + step < stop; step *= 2) {
        if (suffixWords[low + step] > word) {
          high = low + step;
          break;
        }
        low += step;
      }
      while (high - low > 1) {
        const middle = (low + high) >>> 1;
        if (suffixWords[middle] > word) high = middle;
        else low = middle;
      }
      contexts[i] = low;
    }
  }
}

/** By context: a(c ·) at 2 c, and the back-off weight b(c) at 2 c + 1. */
function sumContexts(
  { counts }: NgramLevel,
  contexts: Uint32Array,
  kept: Uint8Array | undefined,
  discounts: Discounts,
  contextCount: number,
): Float64Array {
  const sums = new Float64Array(2 * contextCount);
  const sum = native?.ngramLm.sumContexts ?? sumContextsTwin;
  sum(counts, contexts, kept, Float64Array.from(discounts), sums);
  return sums;
}

export function sumContextsTwin(
  counts: Uint32Array,
  contexts: Uint32Array,
  kept: Uint8Array | undefined,
  [one, two, more]: Discounts | Float64Array,
  sums: Float64Array,
): void {
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i];
    const at = 2 * contexts[i];
    sums[at] += count;
    sums[at + 1] += kept === undefined || kept[i] !== 0 ? discountOf(count, one, two, more) : count;
  }
  for (let at = 0; at < sums.length; at += 2) if (sums[at] > 0) sums[at + 1] /= sums[at];
}

/** Probabilities of a level, `shorter` being those of its suffixes. */
function interpolate(
  suffixes: NgramLevel,
  level: NgramLevel,
  contexts: Uint32Array,
  discounts: Discounts,
  sums: Float64Array,
  shorter: Float64Array,
): Float64Array {
  const probabilities = new Float64Array(level.words.length);
  const run = native?.ngramLm.interpolate ?? interpolateTwin;
  run(suffixes.firstChild, shorter, level.counts, contexts, Float64Array.from(discounts), sums, probabilities);
  return probabilities;
}

export function interpolateTwin(
  firstChild: Uint32Array,
  shorter: Float64Array,
  counts: Uint32Array,
  contexts: Uint32Array,
  [one, two, more]: Discounts | Float64Array,
  sums: Float64Array,
  probabilities: Float64Array,
): void {
  for (let suffix = 0; suffix < shorter.length; suffix++) {
    const end = firstChild[suffix + 1];
    for (let i = firstChild[suffix]; i < end; i++) {
      const own = (counts[i] - discountOf(counts[i], one, two, more)) / sums[2 * contexts[i]];
      probabilities[i] = own + sums[2 * contexts[i] + 1] * shorter[suffix];
    }
  }
}

/**
 * The choice of the next token from a row of logits.
 *
 * As in transformers 5.18 (`GenerationMixin._get_logits_processor`), in its order: repetition penalty, and when sampling
 * temperature, top-k, top-p, min-p; then one draw. Temperature 0 takes the likeliest token (the lowest id of equals).
 *
 * A draw is a function of the request's seed and the token's number alone, so a text depends neither on what else is
 * generated at the same time nor on the order.
 *
 * This is the definition, plain to read; generation runs token-chooser.ts, which gives the same faster.
 * Sources: Keskar et al. 2019 (repetition penalty), Fan et al. 2018 (top-k), Holtzman et al. 2020 (top-p), Nguyen et al.
 * 2024 (min-p).
 */
import { CorpusmillError } from '../../core/errors.ts';
import { mix32 } from '../../core/random.ts';

export interface SamplingOptions {
  /** Logits are divided by it; 0: always the likeliest token. Default 1. */
  readonly temperature?: number;
  /** Only the k likeliest (and equals of the last one); 0: all. Default 0. */
  readonly topK?: number;
  /** Only the likeliest that together have this probability; 1: all. Default 1. */
  readonly topP?: number;
  /** Only those with at least this share of the likeliest token's probability; 0: all. Default 0. */
  readonly minP?: number;
  /** Logits of tokens in the text so far are divided by it (multiplied below zero); 1: not. Default 1. */
  readonly repetitionPenalty?: number;
}

const RANGES: Readonly<
  Record<keyof SamplingOptions, { readonly fits: (value: number) => boolean; readonly expected: string }>
> = {
  temperature: { fits: (value) => value >= 0 && value < Number.POSITIVE_INFINITY, expected: 'a number from 0 on' },
  topK: { fits: (value) => Number.isInteger(value) && value >= 0, expected: 'a whole number from 0 on' },
  topP: { fits: (value) => value > 0 && value <= 1, expected: 'a number above 0 and at most 1' },
  minP: { fits: (value) => value >= 0 && value <= 1, expected: 'a number from 0 to 1' },
  repetitionPenalty: { fits: (value) => value > 0 && value < Number.POSITIVE_INFINITY, expected: 'a number above 0' },
};

/** Throws USAGE for an option outside its range. */
export function checkSampling(options: SamplingOptions): void {
  for (const name of Object.keys(RANGES) as (keyof SamplingOptions)[]) {
    const value = options[name];
    if (value === undefined || RANGES[name].fits(value)) continue;
    throw new CorpusmillError('USAGE', `generation: ${name} is ${value}`, {
      hint: `Expected ${RANGES[name].expected}.`,
    });
  }
}

/** ln Σ exp(logits): what a logit's log-probability is measured from. */
export function logSumExp(logits: Float32Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) if (logits[id] > largest) largest = logits[id];
  let sum = 0;
  for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id] - largest);
  return largest + Math.log(sum);
}

/** The id of the largest logit, the lowest of equals. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
  return best;
}

/**
 * Applies the options to `logits`, in place: what cannot be chosen becomes −∞. `earlier` holds the ids of the text so far,
 * each at least once.
 */
export function processLogits(logits: Float32Array, options: SamplingOptions, earlier: Iterable<number>): void {
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = options;
  if (repetitionPenalty !== 1) penalize(logits, repetitionPenalty, earlier);
  if (temperature === 0) return;
  if (temperature !== 1) for (let id = 0; id < logits.length; id++) logits[id] /= temperature;
  if (topK > 0 && topK < logits.length) keepAtLeast(logits, kthLargest(logits, topK));
  if (topP < 1) keepNucleus(logits, topP);
  if (minP > 0) keepAtLeast(logits, logits[argmax(logits)] + Math.log(minP));
}

/** The next token's id: processes `logits` in place and draws with `uniform`, a number in [0, 1). */
export function chooseToken(
  logits: Float32Array,
  options: SamplingOptions,
  earlier: Iterable<number>,
  uniform: number,
): number {
  processLogits(logits, options, earlier);
  return options.temperature === 0 ? argmax(logits) : draw(logits, uniform);
}

/** Draws an id with the probabilities softmax(logits): the first whose cumulative probability exceeds `uniform`. */
export function draw(logits: Float32Array, uniform: number): number {
  const best = argmax(logits);
  const largest = logits[best];
  let total = 0;
  for (let id = 0; id < logits.length; id++) {
    if (logits[id] !== Number.NEGATIVE_INFINITY) total += Math.exp(logits[id] - largest);
  }
  const target = uniform * total;
  let sum = 0;
  for (let id = 0; id < logits.length; id++) {
    if (logits[id] === Number.NEGATIVE_INFINITY) continue;
    sum += Math.exp(logits[id] - largest);
    if (sum > target) return id;
  }
  return best;
}

/** A number in [0, 1) for token `index` of the request with this seed: 53 bits of two hashes. */
export function uniformAt(seed: number, index: number): number {
  const key = mix32(mix32(seed ^ 0x9e3779b9) ^ mix32(Math.floor(seed / 2 ** 32) + 0x632be5ab));
  const high = mix32(key ^ mix32(index + 0x7f4a7c15));
  const low = mix32(high ^ mix32(key + Math.imul(index + 1, 0x9e3779b9)));
  return ((high >>> 5) * 0x4000000 + (low >>> 6)) / 0x20000000000000;
}

/** The repetition penalty, in place: once for each id. */
export function penalize(logits: Float32Array, penalty: number, earlier: Iterable<number>): void {
  const seen = new Set(earlier);
  for (const id of seen) {
    if (id >= logits.length) continue;
    logits[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
  }
}

function keepAtLeast(logits: Float32Array, least: number): void {
  for (let id = 0; id < logits.length; id++) if (logits[id] < least) logits[id] = Number.NEGATIVE_INFINITY;
}

/** The k-th largest value, with the k largest so far in a heap whose root is the smallest. */
export function kthLargest(values: Float32Array, k: number): number {
  const heap = values.slice(0, k).sort();
  for (let i = k; i < values.length; i++) {
    const value = values[i];
    if (!(value > heap[0])) continue;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= k) break;
      if (child + 1 < k && heap[child + 1] < heap[child]) child++;
      if (heap[child] >= value) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = value;
  }
  return heap[0];
}

/**
 * Keeps the likeliest tokens up to the one with which their probability reaches `topP`; of equals the higher ids first, as
 * an ascending stable sort takes them away from the lowest. Only the likely ones are sorted: the head of the vocabulary,
 * widened until it holds topP.
 */
function keepNucleus(logits: Float32Array, topP: number): void {
  const largest = logits[argmax(logits)];
  let total = 0;
  for (let id = 0; id < logits.length; id++) total += Math.exp(logits[id] - largest);
  for (let depth = 4; ; depth *= 2) {
    const head: number[] = [];
    let mass = 0;
    for (let id = 0; id < logits.length; id++) {
      if (logits[id] < largest - depth || logits[id] === Number.NEGATIVE_INFINITY) continue;
      head.push(id);
      mass += Math.exp(logits[id] - largest);
    }
    if (mass < topP * total && depth < 1024) continue;
    head.sort((a, b) => logits[b] - logits[a] || b - a);
    let sum = 0;
    let kept = 0;
    while (kept < head.length && (kept === 0 || sum < topP * total)) sum += Math.exp(logits[head[kept++]] - largest);
    const values = head.slice(0, kept).map((id) => logits[id]);
    logits.fill(Number.NEGATIVE_INFINITY);
    for (let i = 0; i < kept; i++) logits[head[i]] = values[i];
    return;
  }
}

/**
 * The choice of the next token as sampling.ts defines it, with its log-probabilities, for rows of one length many times over: an
 * exponential is computed once and kept for all that needs it, nothing is copied, and what top-p sorts are plain numbers. Ids and
 * log-probabilities are those of the definition to the bit; tests compare.
 *
 * Cost of a row: one exponential an entry where anything is drawn or log-probabilities are asked for; two with a temperature or a
 * penalty, whose distribution is another one. The rest is comparisons. Guarded by the bench align-rollout.
 */
import { argmax, kthLargest, penalize, type SamplingOptions } from './sampling.ts';

export interface ChosenToken {
  readonly id: number;
  /** Under softmax(logits), before any option; undefined where not asked for. */
  readonly logProb: number | undefined;
  /** Under the distribution that it was drawn from; 0 for the likeliest token taken. Undefined where not asked for. */
  readonly sampledLogProb: number | undefined;
}

export interface TokenChoice {
  readonly options: SamplingOptions;
  /** The ids of the text so far, for the repetition penalty. */
  readonly earlier: Iterable<number>;
  /** A number in [0, 1), which decides the draw. */
  readonly uniform: number;
  readonly withLogProbs: boolean;
}

/** Chooses from rows of `length` logits, which it does not change; ids from `allowed` on are never chosen. */
export function createTokenChooser(
  length: number,
  allowed: number = length,
): (logits: Float32Array, choice: TokenChoice) => ChosenToken {
  const exponentials = new Float64Array(length);
  const processed = new Float32Array(allowed);
  const head = new Float32Array(allowed);

  /** exp(logits − largest) of the first `count` into `exponentials`; returns their sum. */
  function exponentiate(logits: Float32Array, count: number, largest: number): number {
    let sum = 0;
    for (let id = 0; id < count; id++) {
      const value = Math.exp(logits[id] - largest);
      exponentials[id] = value;
      sum += value;
    }
    return sum;
  }

  /** The logits that are drawn from: as given, or with penalty and temperature in a room of its own. */
  function process(
    logits: Float32Array,
    { options: { temperature = 1, repetitionPenalty = 1 }, earlier }: TokenChoice,
  ): Float32Array {
    const isScaled = temperature !== 1 && temperature !== 0;
    if (!isScaled && repetitionPenalty === 1) return logits;
    processed.set(logits.subarray(0, allowed));
    if (repetitionPenalty !== 1) penalize(processed, repetitionPenalty, earlier);
    if (isScaled) for (let id = 0; id < allowed; id++) processed[id] /= temperature;
    return processed;
  }

  /**
   * Top-p as a border: logits above it stay, and of those equal to it all but the first `left`. `exponentials` are those of `logits`, of
   * which those below `least` are out already.
   */
  function nucleus(
    logits: Float32Array,
    largest: number,
    least: number,
    topP: number,
  ): { border: number; left: number } {
    let total = 0;
    for (let id = 0; id < allowed; id++) if (logits[id] >= least) total += exponentials[id];
    let count = 0;
    for (let depth = 4; depth <= 1024; depth *= 2) {
      const from = Math.max(least, largest - depth);
      let mass = 0;
      count = 0;
      for (let id = 0; id < allowed; id++) {
        if (logits[id] < from) continue;
        head[count++] = logits[id];
        mass += exponentials[id];
      }
      if (mass >= topP * total) break;
    }
    head.subarray(0, count).sort();
    let sum = 0;
    let at = count;
    while (at > 0 && (at === count || sum < topP * total)) sum += Math.exp(head[--at] - largest);
    const border = head[at];
    let left = 0;
    while (left < at && head[at - 1 - left] === border) left++;
    return { border, left };
  }

  return (logits, choice) => {
    const { options, uniform, withLogProbs } = choice;
    const { temperature = 1, topK = 0, topP = 1, minP = 0 } = options;
    let normalizer = Number.NaN;
    let of = Number.NaN;
    if (withLogProbs) {
      of = logits[argmax(logits)];
      normalizer = of + Math.log(exponentiate(logits, length, of));
    }
    const values = process(logits, choice);
    const best = argmax(allowed === values.length ? values : values.subarray(0, allowed));
    const chosen = (id: number, sampledLogProb: number): ChosenToken =>
      withLogProbs
        ? { id, logProb: logits[id] - normalizer, sampledLogProb }
        : { id, logProb: undefined, sampledLogProb: undefined };
    if (temperature === 0) return chosen(best, 0);

    const largest = values[best];
    if (values !== logits || of !== largest) exponentiate(values, allowed, largest);
    let least = Number.NEGATIVE_INFINITY;
    if (topK > 0 && topK < allowed) least = kthLargest(values.subarray(0, allowed), topK);
    let border = Number.NEGATIVE_INFINITY;
    let left = 0;
    if (topP < 1) ({ border, left } = nucleus(values, largest, least, topP));
    least = Math.max(least, border);
    if (minP > 0) least = Math.max(least, largest + Math.log(minP));

    let total = 0;
    let passed = 0;
    for (let id = 0; id < allowed; id++) {
      if (values[id] < least || (values[id] === border && passed++ < left)) continue;
      total += exponentials[id];
    }
    const target = uniform * total;
    const ofDrawn = largest + Math.log(total);
    let sum = 0;
    passed = 0;
    for (let id = 0; id < allowed; id++) {
      if (values[id] < least || (values[id] === border && passed++ < left)) continue;
      sum += exponentials[id];
      if (sum > target) return chosen(id, values[id] - ofDrawn);
    }
    return chosen(best, values[best] - ofDrawn);
  };
}

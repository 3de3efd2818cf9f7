/**
 * Confidence intervals of ratios over documents, in one pass and in memory that does not grow: the Poisson bootstrap.
 * Each document enters each replicate as often as a draw from Poisson(1) says, which for many documents is drawing them
 * with replacement; all ratios of a replicate share its draws, so tokenizers are compared on the same documents.
 * Source: Chamandy, Muralidharan, Najmi, Naidu 2012, "Estimating Uncertainty for Massive Data Streams" (Google).
 *
 * A draw depends on seed and document id alone. Cost: about 1 ns a draw and 1 ns a sum; 400 replicates of three sums are
 * 2 µs a document.
 */
import { hashString32, mix32 } from '../../core/random.ts';

export const REPLICATES = 400;

/** With fewer documents the replicates say little: there is no interval. */
export const MIN_DOCUMENTS = 10;

/** Share of the replicates within an interval. */
const CONFIDENCE = 0.95;

export interface Interval {
  low: number;
  high: number;
}

/** Poisson(1) by inversion from 16 bits: above eight its chance is below 2⁻¹⁶. */
const POISSON = poissonTable();

/** How often a document enters each replicate: fills `weights`. */
export function drawWeights(id: string, seed: number, weights: Uint8Array): void {
  const key = hashString32(id, seed);
  for (let i = 0; i < weights.length; i += 2) {
    const draw = mix32((key + Math.imul(i + 1, 0x9e3779b9)) | 0);
    weights[i] = POISSON[draw >>> 16];
    if (i + 1 < weights.length) weights[i + 1] = POISSON[draw & 0xffff];
  }
}

/** Sums of several quantities, in every replicate. */
export class ReplicateSums {
  readonly #sums: Float64Array;
  readonly #replicates: number;
  #documents = 0;

  constructor(quantities: number, replicates: number = REPLICATES) {
    this.#sums = new Float64Array(quantities * replicates);
    this.#replicates = replicates;
  }

  add(weights: Uint8Array, quantities: Float64Array): void {
    const replicates = this.#replicates;
    this.#documents++;
    for (let q = 0; q < quantities.length; q++) {
      const value = quantities[q];
      const from = q * replicates;
      for (let r = 0; r < replicates; r++) this.#sums[from + r] += weights[r] * value;
    }
  }

  /** Percentile interval of one quantity's sum divided by another's; null with too few documents. */
  ratioInterval(above: number, below: number): Interval | null {
    if (this.#documents < MIN_DOCUMENTS) return null;
    const replicates = this.#replicates;
    const sums = this.#sums;
    const ratios = Float64Array.from(
      { length: replicates },
      (_, r) => sums[above * replicates + r] / sums[below * replicates + r],
    )
      .filter((ratio) => Number.isFinite(ratio))
      .sort();
    if (ratios.length === 0) return null;
    const at = (share: number): number => ratios[Math.round(share * (ratios.length - 1))];
    return { low: at((1 - CONFIDENCE) / 2), high: at((1 + CONFIDENCE) / 2) };
  }
}

function poissonTable(): Uint8Array {
  const table = new Uint8Array(0x10000);
  let chance = Math.exp(-1);
  let upTo = chance;
  let k = 0;
  for (let i = 0; i < table.length; i++) {
    while ((i + 0.5) / table.length > upTo && k < 8) {
      k++;
      chance /= k;
      upTo += chance;
    }
    table[i] = k;
  }
  return table;
}

/**
 * Locality-sensitive hashing by bands (Indyk & Motwani 1998; Leskovec, Rajaraman & Ullman, "Mining of Massive Datasets",
 * ch. 3): a signature of bands × rows entries is cut into bands, and two documents are candidates when one band is
 * equal throughout. At Jaccard J that happens with probability 1 - (1 - J^rows)^bands, an S-shaped curve that rises
 * around (1/bands)^(1/rows).
 */
import { native } from '../core/native.ts';
import { mix32 } from '../core/random.ts';

export interface BandShape {
  bands: number;
  rows: number;
}

/** Probability that two documents of Jaccard similarity `jaccard` share at least one band. */
export function catchProbability(jaccard: number, { bands, rows }: BandShape): number {
  return 1 - (1 - jaccard ** rows) ** bands;
}

/** Where the S-curve is steepest, about: (1/bands)^(1/rows). FineWeb's 14×8 gives .719. */
export function curveThreshold({ bands, rows }: BandShape): number {
  return (1 / bands) ** (1 / rows);
}

/**
 * The shape of at most `permutations` hash functions whose S-curve misjudges least around `threshold`: the area above the
 * curve right of it (misses) plus the area below the curve left of it (false candidates), weighted. The criterion of
 * datasketch, text-dedup and RedPajama-V2; the same table of shapes (tests/dedup/lsh.test.ts).
 */
export function optimalBands(threshold: number, permutations: number, falsePositiveWeight = 0.5): BandShape {
  let best: BandShape = { bands: 1, rows: permutations };
  let lowest = Number.POSITIVE_INFINITY;
  for (let bands = 1; bands <= permutations; bands++) {
    for (let rows = 1; rows <= Math.floor(permutations / bands); rows++) {
      const shape = { bands, rows };
      const falsePositives = integrate((j) => catchProbability(j, shape), 0, threshold);
      const misses = integrate((j) => 1 - catchProbability(j, shape), threshold, 1);
      const error = falsePositiveWeight * falsePositives + (1 - falsePositiveWeight) * misses;
      // The margin is wider than the rule's error: of equal shapes the one with fewer bands wins.
      if (error < lowest - 1e-12) {
        lowest = error;
        best = shape;
      }
    }
  }
  return best;
}

/**
 * The shape of at most `permutations` hash functions for candidates that are checked afterwards: the most rows per band,
 * so the fewest false candidates, with which a pair at `threshold` still becomes a candidate with probability `least`.
 * There a miss is final and a false candidate costs a look, which least expected error weighs the same.
 * 192 functions: .5 gives 48 × 4, .7 32 × 6, .8 21 × 9.
 */
export function catchingBands(threshold: number, permutations: number, least = 0.95): BandShape {
  for (let rows = permutations; rows > 1; rows--) {
    const shape = { bands: Math.floor(permutations / rows), rows };
    if (catchProbability(threshold, shape) >= least) return shape;
  }
  return { bands: permutations, rows: 1 };
}

/** Composite five-point Gauss–Legendre; exact to about 1e-12 for these curves. */
function integrate(f: (x: number) => number, from: number, to: number): number {
  const pieces = 16;
  const half = (to - from) / (2 * pieces);
  let sum = 0;
  for (let piece = 0; piece < pieces; piece++) {
    const middle = from + (2 * piece + 1) * half;
    sum += 0.5688888888888889 * f(middle);
    sum += 0.47862867049936647 * (f(middle - 0.5384693101056831 * half) + f(middle + 0.5384693101056831 * half));
    sum += 0.23692688505618908 * (f(middle - 0.906179845938664 * half) + f(middle + 0.906179845938664 * half));
  }
  return sum * half;
}

/**
 * Writes a 64-bit key for each band of a signature, as (high, low) pairs of uint32: keys[2b], keys[2b+1]. Two chained
 * finalizers with different starts; bands that differ share a key with probability 2^-64.
 */
export function bandKeys(signature: Uint32Array, shape: BandShape, keys: Uint32Array): void {
  if (native !== undefined && signature.length === shape.bands * shape.rows) {
    native.bandKeys(signature, shape.rows, keys);
  } else {
    bandKeysTwin(signature, shape, keys);
  }
}

/** The native kernel's twin. */
export function bandKeysTwin(signature: Uint32Array, { bands, rows }: BandShape, keys: Uint32Array): void {
  for (let band = 0, entry = 0; band < bands; band++) {
    let high = 0x243f6a88;
    let low = 0x85a308d3;
    for (let row = 0; row < rows; row++, entry++) {
      const value = signature[entry];
      high = mix32(high ^ value);
      low = mix32((low + Math.imul(value, 0x9e3779b1)) | 0);
    }
    keys[2 * band] = high;
    keys[2 * band + 1] = low;
  }
}

/**
 * A stratified sample: as many documents of every stratum as of any other, as far as it has them, so that rare scores and small
 * sources are looked at too. Which ones is decided by their draws, lowest first.
 */

export interface Stratified {
  /** By place: the stratum of a document, or -1 for one that is not to be chosen. */
  stratumOf: Int32Array;
  strata: number;
  draws: Uint32Array;
}

/** Places of `count` documents, or of all there are, in ascending order. */
export function sampleStrata({ stratumOf, strata, draws }: Stratified, count: number): number[] {
  const members = Array.from({ length: strata }, (): number[] => []);
  stratumOf.forEach((stratum, place) => {
    if (stratum >= 0) members[stratum].push(place);
  });
  for (const places of members) places.sort((a, b) => draws[a] - draws[b] || a - b);
  const chosen: number[] = [];
  // Round by round one of each stratum that has some left.
  for (let round = 0; chosen.length < count; round++) {
    const before = chosen.length;
    for (const places of members) {
      if (round < places.length && chosen.length < count) chosen.push(places[round]);
    }
    if (chosen.length === before) break;
  }
  return chosen.sort((a, b) => a - b);
}

/** The bin of each value among `bins` with equally many values; NaN has the bin after the last. Equal values share one. */
export function quantileBins(values: Float64Array, bins: number): Int32Array {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort();
  const edges = Array.from({ length: bins - 1 }, (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / bins)]);
  return Int32Array.from(values, (value) => {
    if (Number.isNaN(value)) return bins;
    let bin = 0;
    while (bin < edges.length && value >= edges[bin]) bin++;
    return bin;
  });
}

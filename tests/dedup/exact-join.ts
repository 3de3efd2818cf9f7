/**
 * All pairs of sets whose Jaccard similarity reaches a threshold, by exact comparison, for judging what hashing finds. Prefix
 * filter (Chaudhuri, Ganti & Kaushik 2006; Bayardo, Ma & Srikant 2007): when sets are sorted by how rare their values are,
 * sets of similarity t or more share one of the first |A| − ⌈t·|A|⌉ + 1 of A and of B.
 */
export interface SimilarPair {
  first: number;
  second: number;
  jaccard: number;
}

/** Each set has distinct values. */
export function similarPairs(sets: readonly Uint32Array[], threshold: number): SimilarPair[] {
  const counts = new Map<number, number>();
  for (const set of sets) for (const value of set) counts.set(value, (counts.get(value) ?? 0) + 1);
  const holders = new Map<number, number[]>();
  const pairs: SimilarPair[] = [];
  const contents = sets.map((set) => new Set(set));
  for (const [second, set] of sets.entries()) {
    const sorted = [...set].sort((a, b) => (counts.get(a) as number) - (counts.get(b) as number) || a - b);
    const prefix = sorted.slice(0, set.length - Math.ceil(threshold * set.length - 1e-9) + 1);
    const candidates = new Set<number>();
    for (const value of prefix) {
      // A value that no other set has makes no pair.
      if (counts.get(value) === 1) continue;
      const list = holders.get(value);
      if (list === undefined) holders.set(value, [second]);
      else {
        for (const first of list) candidates.add(first);
        list.push(second);
      }
    }
    for (const first of candidates) {
      const smaller = Math.min(sets[first].length, set.length);
      if (smaller < threshold * Math.max(sets[first].length, set.length) - 1e-9) continue;
      let common = 0;
      for (const value of sets[first]) if (contents[second].has(value)) common++;
      const jaccard = common / (sets[first].length + set.length - common);
      if (jaccard >= threshold - 1e-12) pairs.push({ first, second, jaccard });
    }
  }
  return pairs;
}

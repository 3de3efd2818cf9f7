/** How well found clusters agree with known ones, by pairs of documents that share a cluster. */
export interface PairScores {
  /** Pairs in one found cluster, in one gold cluster, and in both. */
  found: number;
  gold: number;
  both: number;
  precision: number;
  recall: number;
}

/** Scores of found labels against gold labels, one of each per document; equal labels are one cluster. */
export function pairScores(found: readonly unknown[], gold: readonly unknown[]): PairScores {
  return scoresOf(pairs(found), pairs(gold), pairs(found.map((label, i) => `${String(label)}\0${String(gold[i])}`)));
}

/** All pairs of several collections taken together. */
export function addScores(scores: readonly PairScores[]): PairScores {
  const total = (of: 'found' | 'gold' | 'both'): number => scores.reduce((sum, score) => sum + score[of], 0);
  return scoresOf(total('found'), total('gold'), total('both'));
}

export function f1({ precision, recall }: { precision: number; recall: number }): number {
  return precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

function scoresOf(found: number, gold: number, both: number): PairScores {
  return { found, gold, both, precision: both / found, recall: both / gold };
}

function pairs(labels: readonly unknown[]): number {
  const sizes = new Map<unknown, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  let sum = 0;
  for (const size of sizes.values()) sum += (size * (size - 1)) / 2;
  return sum;
}

/** Makes the tables of an estimated model: every n-gram that is kept, hashed from its last word to its first. */
import type { EstimatedLevel } from './kneser-ney.ts';
import { fromUnits } from './log10.ts';
import { walkNgrams } from './ngram-walk.ts';
import { createTables, insertNgrams, type NgramTables } from './tables.ts';

/** Seeds that are tried before giving up; each fails with a chance of about 10⁻² for a model of 50 million n-grams. */
const MOST_SEEDS = 100;
/** n-grams that go into the tables at once. */
const BATCH = 4096;

/** The tables of `levels`: the same for the same n-grams. */
export function buildTables(levels: readonly EstimatedLevel[]): NgramTables {
  for (let seed = 1; seed <= MOST_SEEDS; seed++) {
    const tables = tryBuild(levels, seed);
    if (tables !== undefined) return tables;
  }
  throw new Error(`hashing n-grams: ${MOST_SEEDS} seeds all gave two n-grams that look the same`);
}

function tryBuild(levels: readonly EstimatedLevel[], seed: number): NgramTables | undefined {
  const unigrams = levels[0];
  const tables = createTables(
    levels.map(({ size }) => size),
    unigrams.size,
    seed,
  );
  for (let i = 0; i < unigrams.words.length; i++) {
    if (unigrams.kept?.[i] === 0) continue;
    tables.unigrams[2 * unigrams.words[i]] = fromUnits(unigrams.logProbabilities[i]);
    if (levels.length > 1) tables.unigrams[2 * unigrams.words[i] + 1] = fromUnits(unigrams.logBackoffs[i]);
  }
  for (let order = 2; order <= levels.length; order++) {
    const { logProbabilities, logBackoffs } = levels[order - 1];
    const batch = { ids: new Uint32Array(order * BATCH), values: new Float32Array(2 * BATCH), count: 0 };
    const walk = walkNgrams(levels, order);
    for (let i = walk.next(); ; i = walk.next()) {
      if (i < 0 || batch.count === BATCH) {
        // Suffixes of n-grams that are kept are kept.
        if (insertNgrams(tables, order, batch, true) < batch.count) return undefined;
        batch.count = 0;
      }
      if (i < 0) break;
      batch.ids.set(walk.words, order * batch.count);
      batch.values[2 * batch.count] = fromUnits(logProbabilities[i]);
      batch.values[2 * batch.count++ + 1] = order < levels.length ? fromUnits(logBackoffs[i]) : 0;
    }
  }
  return tables;
}

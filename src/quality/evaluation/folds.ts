/**
 * Which documents a model may learn from and which judge it, decided by a seeded hash of their ids: the same whatever the
 * order in which documents arrive, and documents of one id never fall on both sides of a label's split.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { sampleFraction } from '../../core/random.ts';

/** Whether a document is held out: about `share` of all ids, each decided by itself, so that more documents change nothing. */
export function isHeldOut(id: string, { share, seed }: { share: number; seed: number }): boolean {
  return sampleFraction(seed, id) < share;
}

export interface FoldOptions {
  /** At least 2. */
  folds: number;
  seed: number;
}

/**
 * Stratified k-fold: a fold in [0, `folds`) for each document. The ids of each label are dealt to the folds in the order of
 * their hash, a label beginning where the one before it ended, so that folds differ by at most one id of each label and by
 * at most one in all. Documents of one label and id share a fold.
 *
 * @param truth [documents], label indices into `labels`
 * @throws CorpusmillError CONFIG_INVALID for fewer than 2 folds, or a label with fewer ids than folds
 */
export function stratifiedFolds(
  ids: readonly string[],
  truth: Int32Array | Uint8Array,
  labels: readonly string[],
  { folds, seed }: FoldOptions,
): Int32Array {
  if (!Number.isSafeInteger(folds) || folds < 2) {
    throw new CorpusmillError('CONFIG_INVALID', `cannot cross-validate with ${folds} folds`, {
      hint: 'give a whole number of at least 2; 5 and 10 are usual',
    });
  }
  const foldOf = new Int32Array(ids.length);
  let dealt = 0;
  labels.forEach((label, index) => {
    const documents = new Map<string, number[]>();
    for (let i = 0; i < ids.length; i++) {
      if (truth[i] !== index) continue;
      const same = documents.get(ids[i]);
      if (same === undefined) documents.set(ids[i], [i]);
      else same.push(i);
    }
    if (documents.size < folds) {
      const found = `cannot cross-validate in ${folds} folds: the label ${JSON.stringify(label)} has ${documents.size} documents of different ids`;
      throw new CorpusmillError('CONFIG_INVALID', found, {
        hint: 'every fold needs a document of every label; take fewer folds, or label more documents',
      });
    }
    const keyed = [...documents].map(([id, same]) => ({ id, same, key: sampleFraction(seed, id) }));
    keyed.sort((a, b) => a.key - b.key || (a.id < b.id ? -1 : 1));
    for (const { same } of keyed) {
      const fold = dealt++ % folds;
      for (const document of same) foldOf[document] = fold;
    }
  });
  return foldOf;
}

export interface FoldFigure {
  /** Of the folds in which the figure is defined; undefined where it is in none. */
  mean: number | undefined;
  /** Sample standard deviation (n − 1) of these; undefined for fewer than two. */
  deviation: number | undefined;
  /** By fold. */
  values: (number | undefined)[];
}

/** Mean and spread of a figure over folds. */
export function overFolds(values: readonly (number | undefined)[]): FoldFigure {
  const defined = values.filter((value) => value !== undefined);
  const mean = defined.reduce((sum, value) => sum + value, 0) / defined.length;
  const squares = defined.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    mean: defined.length === 0 ? undefined : mean,
    deviation: defined.length < 2 ? undefined : Math.sqrt(squares / (defined.length - 1)),
    values: [...values],
  };
}

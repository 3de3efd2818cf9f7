/** Which documents a report shows: those nearest a decision, and the mistakes a model was surest of. */

/**
 * The `count` documents with the smallest keys, smallest first, equal ones by id: the same whatever the order of documents.
 * One pass that holds `count` places; no sort of all.
 *
 * @param among the documents to choose from; all unless given
 */
export function smallest(
  count: number,
  keys: Float64Array,
  ids: readonly string[],
  among: Iterable<number> = keys.keys(),
): number[] {
  const before = (a: number, b: number): boolean =>
    keys[a] !== keys[b] ? keys[a] < keys[b] : ids[a] !== ids[b] ? ids[a] < ids[b] : a < b;
  const found: number[] = [];
  for (const document of among) {
    if (found.length >= count && (count === 0 || !before(document, found[count - 1]))) continue;
    let low = 0;
    let high = found.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(found[middle], document)) low = middle + 1;
      else high = middle;
    }
    found.splice(low, 0, document);
    if (found.length > count) found.pop();
  }
  return found;
}

export interface MistakeKind {
  /** Label indices. */
  truth: number;
  predicted: number;
  count: number;
  /** The surest, surest first. */
  documents: number[];
}

/**
 * Every pair of labels that was confused, the most frequent first, with the `count` mistakes of largest confidence.
 * @param confidence [documents], how sure the model was of what it predicted
 */
export function surestMistakes(
  count: number,
  confidence: Float64Array,
  truth: Int32Array | Uint8Array,
  predicted: Int32Array,
  ids: readonly string[],
): MistakeKind[] {
  const kinds = new Map<string, { truth: number; predicted: number; documents: number[] }>();
  for (let i = 0; i < predicted.length; i++) {
    if (truth[i] === predicted[i]) continue;
    const key = `${truth[i]} ${predicted[i]}`;
    const kind = kinds.get(key);
    if (kind === undefined) kinds.set(key, { truth: truth[i], predicted: predicted[i], documents: [i] });
    else kind.documents.push(i);
  }
  const unsure = confidence.map((value) => -value);
  return [...kinds.values()]
    .map(({ documents, ...kind }) => ({
      ...kind,
      count: documents.length,
      documents: smallest(count, unsure, ids, documents),
    }))
    .sort((a, b) => b.count - a.count || a.truth - b.truth || a.predicted - b.predicted);
}

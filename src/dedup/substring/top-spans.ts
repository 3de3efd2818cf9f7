/**
 * The spans that were found most often, for the report. Equal ones are found by sorting their 64-bit hashes; that two
 * different spans share one has a probability of n²/2^65 among n.
 */
import type { LineDetails } from '../../core/run-summary.ts';
import type { BarrierContext } from '../../core/stage.ts';

const SPANS_SHOWN = 30;
const EXCERPT_CHARS = 300;

interface Frequent {
  hash: bigint;
  occurrences: number;
  /** Index of the first in the list of spans, and the documents that have it. */
  first: number;
  documents: number;
}

/**
 * Most frequent first, ties by place; `cuts` and `hashes` as in EditOutcome. Counts what was cut or marked: a first
 * occurrence that stays is not among them.
 */
export async function topSpans(
  cuts: Uint32Array,
  hashes: BigUint64Array,
  context: BarrierContext,
): Promise<LineDetails['top']> {
  const frequent = mostFrequent(hashes);
  const byHash = new Map(frequent.map((entry) => [entry.hash, entry]));
  const lastDocument = new Map<bigint, number>();
  for (let i = 0; i < hashes.length && frequent.length > 0; i++) {
    const entry = byHash.get(hashes[i]);
    if (entry === undefined) continue;
    if (entry.first === -1) entry.first = i;
    if (lastDocument.get(entry.hash) === cuts[3 * i]) continue;
    lastDocument.set(entry.hash, cuts[3 * i]);
    entry.documents++;
  }
  const ordinals = [...new Set(frequent.map(({ first }) => cuts[3 * first]))].sort((a, b) => a - b);
  const texts = await context.readTexts(ordinals);
  const textOf = new Map(ordinals.map((ordinal, i) => [ordinal, texts[i]]));
  return frequent
    .sort((a, b) => b.occurrences - a.occurrences || a.first - b.first)
    .map(({ first, documents, occurrences }) => {
      const span = textOf.get(cuts[3 * first])!.slice(cuts[3 * first + 1], cuts[3 * first + 2]);
      // The cut may halve a surrogate pair.
      return { text: span.trim().slice(0, EXCERPT_CHARS).toWellFormed(), documents, occurrences };
    });
}

/** The hashes that stand most often, at least twice; of equals the smaller. */
function mostFrequent(hashes: BigUint64Array): Frequent[] {
  const sorted = hashes.slice().sort();
  let frequent: Frequent[] = [];
  const prune = (): void => {
    frequent.sort((a, b) => b.occurrences - a.occurrences || (a.hash < b.hash ? -1 : 1));
    frequent = frequent.slice(0, SPANS_SHOWN);
  };
  for (let i = 0; i < sorted.length; ) {
    let end = i + 1;
    while (end < sorted.length && sorted[end] === sorted[i]) end++;
    if (end - i > 1) frequent.push({ hash: sorted[i], occurrences: end - i, first: -1, documents: 0 });
    if (frequent.length >= 16 * SPANS_SHOWN) prune();
    i = end;
  }
  prune();
  return frequent;
}

/**
 * Removal of repeated spans: text of at least `minLength` tokens (or characters, or bytes) that stands in more than one
 * place of the corpus is kept once, wherever it stands: mastheads, licences, quotations, whole paragraphs in pages that
 * are no copies of each other otherwise.
 *
 * Exact: what goes is what a suffix array over the whole corpus would show (Lee et al. 2022, ExactSubstr). But such an array
 * needs 8 to 16 bytes for each byte of the corpus. Here fingerprints tell first which regions can hold a repeat at all
 * (regions.ts), and only of those is an array built (repeats.ts), in partitions where they do not fit the memory
 * (partitions.ts). The result does not depend on that, nor on workers or parts.
 *
 * Cost: features of about .6 bytes for each token (8 bytes for each thirteenth); the observer and the decision are measured
 * by `npm run bench -- substring`. Documents with a repeated fingerprint are read again, those with a repeat twice.
 */
import type { LineDetails } from '../../core/run-summary.ts';
import { type BarrierContext, type BarrierResult, defineBarrier } from '../../core/stage.ts';
import { makeEdits, type SourceCounts } from './edits.ts';
import { createSubstringObserver } from './features.ts';
import { type Options, options, resolve } from './options.ts';
import { eachCandidateText } from './partitions.ts';
import { findRegions } from './regions.ts';
import { findRepeats } from './repeats.ts';
import { createSpanList } from './span-list.ts';
import { topSpans } from './top-spans.ts';

export const substring = defineBarrier({
  kind: 'barrier',
  name: 'dedup.substring',
  summary: 'Remove or mark spans of text that stand in more than one place of the corpus.',
  source:
    'ExactSubstr (Lee et al. 2022, Deduplicating Training Data Makes Language Models Better); candidate regions by ' +
    'winnowing (Schleimer, Wilkerson & Aiken 2003); suffix arrays by SA-IS (Nong, Zhang & Chan 2009).',
  version: 1,
  options,
  reasons: { emptied: 'After its repeated spans were cut, less is left than `minLeft` allows.' },
  scope: 'document',
  edits: true,
  createObserver: (given) => {
    const { unit, minLength } = resolve(given);
    return createSubstringObserver(unit, minLength);
  },
  decide,
});

/** `LineDetails` and what this stage knows besides; lengths are in units. */
export interface SubstringDetails extends LineDetails {
  /** Documents dropped for what was left of them. */
  dropped: number;
  /** Spans found, those of dropped documents included, and how many there are of each length. */
  spans: number;
  spanLengths: Record<string, number>;
  sources: Record<string, SourceCounts>;
  /** Regions with a repeated fingerprint, over which suffix arrays were built. */
  candidates: { regions: number; length: number };
}

async function decide(given: Options, context: BarrierContext): Promise<BarrierResult> {
  const resolved = resolve(given);
  const { unit, minLength, minDocuments, keep, cut, action, minLeft } = resolved;
  const parts = [...context.parts].sort((a, b) => a.firstOrdinal - b.firstOrdinal);
  const { regions, seen } = await findRegions(resolved, parts, context);

  context.progress(0.5, `finding repeats in ${regions.symbols} ${unit}`);
  const found = createSpanList();
  await eachCandidateText(regions, minLength, context.memoryBytes, (text) => {
    context.signal.throwIfAborted();
    findRepeats(text, resolved, found);
  });
  const spans = found.union();

  context.progress(0.8, 'fitting the cuts to the texts');
  const outcome = await makeEdits(resolved, parts, spans, context);
  const { edits, keptAs, emptied, lengths } = outcome;
  context.progress(0.95, 'describing the repeats');
  const details: SubstringDetails = {
    kind: 'lines',
    unit,
    documents: seen.documents,
    edited: edits.documents,
    dropped: emptied.size,
    seen: seen.symbols,
    removed: outcome.symbols,
    bytesRemoved: outcome.bytes,
    spans: lengths.length,
    spanLengths: lengthHistogram(lengths),
    sources: Object.fromEntries(context.inputs.map((name, i) => [name, outcome.sources[i]])),
    candidates: { regions: regions.count, length: regions.symbols },
    top: await topSpans(outcome.cuts, outcome.hashes, context),
    settings: { unit, minLength, minDocuments, keep, cut, action, minLeft },
  };
  context.progress(1);
  return {
    keptAs,
    reasonOf: (ordinal) => ({ reason: 'emptied', value: emptied.get(ordinal)!, threshold: minLeft }),
    edits,
    details,
  };
}

/** Spans by length: the number of those of 2^k up to 2^(k+1) − 1 units under 2^k. */
function lengthHistogram(lengths: Uint32Array): Record<string, number> {
  const histogram: Record<string, number> = {};
  for (const length of lengths) {
    const bin = String(2 ** (31 - Math.clz32(length)));
    histogram[bin] = (histogram[bin] ?? 0) + 1;
  }
  return histogram;
}

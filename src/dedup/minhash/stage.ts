/**
 * Near-duplicate removal: MinHash signatures of token shingles, banded for locality-sensitive hashing, candidate pairs
 * checked on their texts, connected pairs clustered, one member of each cluster kept.
 *
 * By default bands are wide (3-token shingles, 40 bands × 4 rows: half of the pairs at Jaccard .36 become candidates)
 * and the check decides: containment at two resolutions (likeness.ts). With a number for `verify`, or a `threshold`, the
 * check is the Jaccard similarity of 5-token shingles. A token is a word or one CJK character (shingles.ts).
 * FineWeb's setting, unchecked: `{ shingleTokens: 5, numBands: 14, rowsPerBand: 8, verify: 0 }`.
 * Similarity is joined transitively, as in all peers: A~B and B~C put A and C into one cluster.
 *
 * The order of unions, the number of parts and of workers do not matter; only input order and options do.
 * Cost: features of 8 bytes per band and 12 more per document (332 by default); `decide` takes 12 bytes per document
 * for one band's keys at a time, within half of `memoryBytes`, 4 for clusters, 8 per candidate pair within a quarter, and
 * at most 480 MiB of shingle sets. The observer runs at about 340 MB of text per second and core with the native
 * kernels, at 110–140 with WebAssembly, at 50–60 with the plain twin.
 */
import { defineBarrier } from '../../core/stage.ts';
import { observeForIndex } from '../index/observe.ts';
import { INDEX_ROLE, indexFiles, inIndexReason } from '../index/options.ts';
import { keepMistakes } from '../keep.ts';
import { helpToVerify } from '../verify.ts';
import { decideMinhash } from './decide.ts';
import { createMinhashObserver } from './observer.ts';
import { minhashOptions, resolveMinhash } from './options.ts';

export const minhash = defineBarrier({
  kind: 'barrier',
  name: 'dedup.minhash',
  summary: 'Drop near-copies: documents that share most of their token shingles with another.',
  source:
    'MinHash, resemblance and containment (Broder 1997) with banding (Indyk & Motwani 1998); ' +
    'optimal bands as in datasketch and RedPajama-V2.',
  version: 4,
  options: minhashOptions,
  checkInputs: ({ keep }, inputs) => (keep === undefined || keep === 'root' ? [] : keepMistakes(keep, inputs)),
  optionFiles: ({ index }) => indexFiles(index),
  reasons: { duplicate: 'Most of its shingles are those of a kept document.', ...inIndexReason },
  scope: 'document',
  makes: [INDEX_ROLE],
  createObserver(given, context) {
    const resolved = resolveMinhash(given, context.seed);
    return observeForIndex(createMinhashObserver(resolved, given), given, resolved.rule);
  },
  decide: decideMinhash,
  help: helpToVerify,
});

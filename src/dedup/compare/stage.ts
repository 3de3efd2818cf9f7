/**
 * Two corpora compared: the first input of the pipeline with the second. Every document of either gets one verdict:
 *
 *   unchanged  the same text under the same id, or where one has no id, the same text
 *   renamed    the same text under another id
 *   changed    another text under the same id
 *   near       a near-copy of a document of the other corpus, by the check of `dedup.minhash`
 *   removed    of the first corpus, and none of these; new: of the second
 *
 * The first three tie documents in pairs, so that of three equal texts against two one is left over; what is left over is
 * looked at for near-copies, which may be copies of any document of the other corpus. An id that was made up from file and
 * position (`a/x.jsonl#17`) is none; text files are known by their path.
 *
 * Nothing is dropped. Cost: that of `dedup.exact` and `dedup.minhash` together, and reading the documents that differ.
 */
import { defineBarrier } from '../../core/stage.ts';
import { helpToVerify } from '../verify.ts';
import { decideComparison } from './decide.ts';
import { createCompareObserver } from './observer.ts';
import { compareOptions } from './options.ts';

export const compare = defineBarrier({
  kind: 'barrier',
  name: 'compare',
  summary: 'Compare two inputs: new, removed, changed documents and near-copies. Drops nothing.',
  source: 'Exact keys and MinHash as in `dedup.exact` and `dedup.minhash`.',
  version: 1,
  options: compareOptions,
  checkInputs: (_, inputs) =>
    inputs.length === 2 ? [] : [{ path: [], name: `${inputs.length} inputs`, expected: 'two inputs to compare' }],
  scope: 'document',
  makes: ['changes'],
  createObserver: (options, { seed }) => createCompareObserver(options, seed),
  decide: decideComparison,
  help: helpToVerify,
});

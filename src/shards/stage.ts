/**
 * The `shards` sink: documents in, packed token shards out.
 *
 *   encode   a task per part: text → token ids, on disk                     encode-step.ts
 *   pack     a task per window of documents: token counts → rows            pack-step.ts
 *   write    a task per shard: rows → Arrow file; then the manifest         write-step.ts
 *
 * Every task reads only files that earlier steps finished and writes one file of its own, whole or not at all, so tasks
 * run in any order on any number of workers, are taken up again after a crash, and give the same bytes.
 */
import { defineSink } from '../core/stage.ts';
import { encodeStep } from './encode-step.ts';
import { shardOptions } from './options.ts';
import { packStep } from './pack-step.ts';
import { writeStep } from './write-step.ts';

export const shardsStage = defineSink({
  kind: 'sink',
  name: 'shards',
  summary: 'Tokenize the documents, pack them into rows of fixed length and write Arrow shards with a manifest',
  source:
    'Packing: Ding et al. 2024, "Fewer Truncations Improve Language Modeling", arXiv 2404.10830. ' +
    'Files: Arrow IPC streams as HF datasets and TRL read them.',
  version: 1,
  options: shardOptions,
  optionFiles: (options) => [options.tokenizer],
  needs: [{ role: 'tokenizer' }],
  steps: [encodeStep, packStep, writeStep],
});

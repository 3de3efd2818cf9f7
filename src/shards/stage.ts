/**
 * The `shards` sink: documents in, packed token shards out.
 *
 *   encode   a task per part: text → token ids, on disk                              encode-step.ts
 *   split    a task per group of parts: which documents are held out                 split-step.ts
 *   deal     a task per group of parts: documents → windows, over the whole corpus   deal-step.ts
 *   pack     a task per window: token counts → pieces in rows                        pack-step.ts
 *   route    a task per group of parts: pieces → shards, over all rows               route-step.ts
 *   write    a task per shard: rows → Arrow file, pieces → Parquet; then manifests   write-step.ts
 *
 * Dealing and routing are the two passes of a shuffle that needs no more memory than a group of parts, a window or a
 * shard takes, whatever the size of the corpus.
 *
 * Every task reads only files that earlier steps finished and writes one file of its own, whole or not at all, so tasks
 * run in any order on any number of workers, are taken up again after a crash, and give the same bytes.
 */
import { resolve } from 'node:path';
import { defineSink } from '../core/stage.ts';
import { tokenizerFiles } from '../tokenizer/formats/load-tokenizer.ts';
import { dealStep } from './deal-step.ts';
import { encodeStep } from './encode-step.ts';
import { shardOptions } from './options.ts';
import { packStep } from './pack-step.ts';
import { routeStep } from './route-step.ts';
import { forgetScratch } from './scratch-file.ts';
import { splitStep } from './split-step.ts';
import { writeStep } from './write-step.ts';

export const shardsStage = defineSink({
  kind: 'sink',
  name: 'shards',
  summary: 'Tokenize the documents, pack them into rows of fixed length and write Arrow shards with a manifest',
  source:
    'Packing: Ding et al. 2024, "Fewer Truncations Improve Language Modeling", arXiv 2404.10830. ' +
    'Files: Arrow IPC streams as HF datasets and TRL read them.',
  version: 3,
  options: shardOptions,
  optionFiles: ({ tokenizer, conversations }) => [tokenizer, conversations?.template],
  keyFiles: ({ tokenizer, conversations }, baseDir) => {
    const template = conversations?.template;
    return [...tokenizerFiles(tokenizer, baseDir), ...(template === undefined ? [] : [resolve(baseDir, template)])];
  },
  needs: [{ role: 'tokenizer' }],
  release: forgetScratch,
  steps: [encodeStep, splitStep, dealStep, packStep, routeStep, writeStep],
});

/**
 * Second step of the shards sink, where a validation set is asked for: how many documents of each part are held out, and
 * the ids of those, which training must not have. Reads keys and ids (split.ts), 20 to 100 bytes a document.
 */
import { join } from 'node:path';
import { xxh64 } from '../core/hash.ts';
import type { SinkContext, SinkStep } from '../core/stage.ts';
import { writeFileAtomic } from '../io/atomic.ts';
import type { EncodedCorpus } from './encode-step.ts';
import { encodedPartName, openEncodedPart } from './encoded-part.ts';
import { isSplit, type ShardOptions, shuffleBytes } from './options.ts';
import { type PartGroup, partGroups } from './part-groups.ts';
import { bytesOf } from './positioned-read.ts';
import { withScratchFile } from './scratch-file.ts';
import { asFraction, IdSet, thresholdFor } from './split.ts';

/** The sets that a run writes: one, or training and validation. */
export interface SplitCorpus {
  /** Documents whose key is below it are held out; 0 where nothing is. */
  threshold: number;
  /** Documents of each part (as in EncodedCorpus.parts) that are held out; empty where nothing is. */
  heldOut: number[];
  /** Files of hashes of their ids. */
  idFiles: string[];
}

interface SplitTask extends PartGroup {
  threshold: number;
}

interface SplitResult {
  heldOut: number[];
  idFile: string;
}

export const splitStep = {
  name: 'split',

  async plan(options, context, earlier): Promise<SplitTask[]> {
    const [corpus] = earlier as [EncodedCorpus];
    if (!isSplit(options)) return [];
    const threshold = await thresholdOf(options, corpus, context);
    return partGroups(corpus, shuffleBytes(options)).map((group) => ({ ...group, threshold }));
  },

  async run(_options, task: SplitTask, context): Promise<SplitResult> {
    const heldOut: number[] = [];
    const hashes: bigint[] = [];
    for (const { part } of task.parts) {
      const encoded = openEncodedPart(join(context.workDir, encodedPartName(part)));
      try {
        const [keys, { ends, bytes }] = [encoded.splitKeys(), encoded.ids()];
        const before = hashes.length;
        for (let d = 0; d < keys.length; d++) {
          if (keys[d] < task.threshold) hashes.push(xxh64(bytes.subarray(d === 0 ? 0 : ends[d - 1], ends[d])));
        }
        heldOut.push(hashes.length - before);
      } finally {
        encoded.close();
      }
    }
    const idFile = `held-out-${String(task.group).padStart(5, '0')}.bin`;
    await writeFileAtomic(join(context.workDir, idFile), bytesOf(BigUint64Array.from(hashes)));
    return { heldOut, idFile };
  },

  async merge(options, results: SplitResult[], context, earlier): Promise<SplitCorpus> {
    const [corpus] = earlier as [EncodedCorpus];
    return {
      threshold: isSplit(options) ? await thresholdOf(options, corpus, context) : 0,
      heldOut: results.flatMap((result) => result.heldOut),
      idFiles: results.map(({ idFile }) => idFile),
    };
  },
} satisfies SinkStep<ShardOptions>;

/** The ids of held-out documents, for the workers that leave them out of training. */
export function readHeldOutIds(files: readonly string[], workDir: string): IdSet {
  const all: BigUint64Array[] = [];
  for (const name of files) {
    withScratchFile(join(workDir, name), 'reading the ids of held-out documents', (file) => {
      all.push(file.read(0, new BigUint64Array(file.size / 8)));
    });
  }
  const joined = new BigUint64Array(all.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const hashes of all) {
    joined.set(hashes, at);
    at += hashes.length;
  }
  return new IdSet(joined);
}

async function thresholdOf(
  { validation, validationDocuments }: ShardOptions,
  { parts }: EncodedCorpus,
  { workDir }: Pick<SinkContext, 'workDir'>,
): Promise<number> {
  if (validationDocuments === undefined) return asFraction(validation ?? 0);
  async function* keys(): AsyncGenerator<Float64Array> {
    for (const { part } of parts) {
      const encoded = openEncodedPart(join(workDir, encodedPartName(part)));
      try {
        yield encoded.splitKeys();
      } finally {
        encoded.close();
      }
    }
  }
  return thresholdFor(validationDocuments, keys());
}

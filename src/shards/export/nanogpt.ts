/**
 * What nanoGPT's train.py reads: `train.bin` and `val.bin`, uint16 tokens of documents end to end, each ended by the
 * end-of-text token, and `meta.pkl` with the size of the vocabulary (data/openwebtext/prepare.py and train.py, read at
 * commit 3adf61e). Raw numbers without a header, so numpy.memmap opens them.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { sampleFraction } from '../../core/random.ts';
import type { AtomicFile } from '../../io/atomic.ts';
import type { ShardManifest } from '../manifest.ts';
import { bytesOf } from '../positioned-read.ts';
import type { DocumentGroup } from './documents.ts';

export interface NanoGptOptions {
  /** Id put after documents that do not end with it. */
  eot: number;
  /** Share of the documents that go to val.bin, chosen by a hash of seed and id. */
  validationShare: number;
  seed: number;
}

/** Throws CorpusmillError('USAGE') when the ids do not fit 16 bits. */
export function checkNanoGpt({ tokenizer }: Pick<ShardManifest, 'tokenizer'>): void {
  if (tokenizer.vocabSize <= 0x10000) return;
  throw new CorpusmillError(
    'USAGE',
    `exporting shards: nanoGPT reads uint16, a vocabulary of ${tokenizer.vocabSize} needs more`,
    { hint: 'Export to megatron, mds or npy, or train a tokenizer of at most 65,536 entries.' },
  );
}

/** Documents and tokens of each file. */
export interface NanoGptCounts {
  documents: number;
  tokens: number;
}

/** Writes the documents of `groups` to train.bin and, by `validationShare`, val.bin. */
export async function writeNanoGpt(
  files: { train: AtomicFile; val: AtomicFile },
  groups: AsyncIterable<DocumentGroup>,
  { eot, validationShare, seed }: NanoGptOptions,
): Promise<{ train: NanoGptCounts; val: NanoGptCounts }> {
  const counts = { train: { documents: 0, tokens: 0 }, val: { documents: 0, tokens: 0 } };
  let document = 0;
  for await (const { tokens, lengths, ids } of groups) {
    // A document may get an end-of-text token more than it has.
    const rooms = { train: room(tokens.length + lengths.length), val: room(tokens.length + lengths.length) };
    let at = 0;
    for (let i = 0; i < lengths.length; i++, document++) {
      const own = tokens.subarray(at, at + lengths[i]);
      at += lengths[i];
      const isHeldOut = validationShare > 0 && sampleFraction(seed, ids[i] || String(document)) < validationShare;
      const side = isHeldOut ? 'val' : 'train';
      const into = rooms[side];
      into.ids.set(own, into.filled);
      into.filled += own.length;
      if (own[own.length - 1] !== eot) into.ids[into.filled++] = eot;
      counts[side].documents++;
    }
    for (const side of ['train', 'val'] as const) {
      const { ids: written, filled } = rooms[side];
      await files[side].write(bytesOf(written.subarray(0, filled)));
      counts[side].tokens += filled;
    }
  }
  return counts;
}

function room(length: number): { ids: Uint16Array; filled: number } {
  return { ids: new Uint16Array(length), filled: 0 };
}

/** `{'vocab_size': n}` in Python's pickle format, protocol 0. */
export function vocabularyPickle(vocabSize: number): Uint8Array {
  return Buffer.from(`(dS'vocab_size'\nI${vocabSize}\ns.`, 'latin1');
}

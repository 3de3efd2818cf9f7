/**
 * Exact deduplication: documents whose text is the same, byte for byte or after a loose normalization.
 *
 * A document's key is 128 bits: xxHash64 of its UTF-8 text under two seeds. Among n distinct documents the probability
 * that any two share a key is about n²/2^129: 1.5e-21 for a billion, if xxHash behaves as random (it is not
 * cryptographic: someone who crafts texts can make them collide).
 *
 * Cost: 20 bytes of features per document; `decide` takes 4 bytes per document and 28–36 per distinct key over at most
 * 16 M keys at a time (key-groups.ts).
 */
import { z } from 'zod';
import { xxh64 } from '../core/hash.ts';
import { type BarrierContext, type BarrierResult, defineBarrier, type Observer } from '../core/stage.ts';
import { describeClusters, keepLongest } from './clusters.ts';
import { createColumnWriter } from './columns.ts';
import { createFeatureReader, eachRepeat } from './key-groups.ts';
import { readLengths } from './lengths.ts';

const KEY_WORDS = 4;
const LENGTH_COLUMN = KEY_WORDS;
const LARGE_BUFFER = 16 << 20;
/** Any two seeds; the second is 2^64 divided by the golden ratio. */
const SECOND_SEED = 0x9e3779b97f4a7c15n;

const options = z.object({
  normalize: z
    .enum(['raw', 'loose'])
    .default('raw')
    .describe(
      'What must be the same: `raw`, the text byte for byte; `loose`, the text after NFKC, lower case, runs of white ' +
        'space as one space, and trimming.',
    ),
  keep: z
    .enum(['first', 'longest'])
    .default('first')
    .describe('Which member of a cluster is kept: the first in input order, or the longest (of equals the first).'),
});

type Options = z.output<typeof options>;

export const exact = defineBarrier({
  kind: 'barrier',
  name: 'dedup.exact',
  summary: 'Drop documents whose text is the same as that of another.',
  source: 'Exact deduplication by document hash, as in CCNet (Wenzek et al. 2020) and C4; xxHash64 twice (Collet).',
  version: 1,
  options,
  reasons: { duplicate: 'The text is the same as that of a kept document.' },
  scope: 'document',
  createObserver: ({ normalize }) => createExactObserver(normalize),
  decide,
});

/** Leaves per row four words of key and the length in UTF-16 units. */
export function createExactObserver(normalize: Options['normalize']): Observer {
  const writer = createColumnWriter(KEY_WORDS + 1);
  const row = new Uint32Array(KEY_WORDS + 1);
  const hashes = new BigUint64Array(row.buffer.slice(0, 16));
  const hashWords = new Uint32Array(hashes.buffer);
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(1 << 16);
  return {
    observe({ text }) {
      const compared = normalize === 'raw' ? text : normalizeLoosely(text);
      // A UTF-16 unit takes at most three bytes. What a huge document needed is given back after it.
      const needed = compared.length * 3;
      if (needed > bytes.length || (bytes.length > LARGE_BUFFER && needed < bytes.length / 4)) {
        bytes = new Uint8Array(Math.max(1 << 16, needed + (needed >>> 2)));
      }
      const { written } = encoder.encodeInto(compared, bytes);
      const encoded = bytes.subarray(0, written);
      hashes[0] = xxh64(encoded);
      hashes[1] = xxh64(encoded, SECOND_SEED);
      row.set(hashWords);
      row[LENGTH_COLUMN] = text.length;
      writer.push(row);
    },
    finish: writer.finish,
  };
}

/** NFKC, lower case, runs of white space (as JavaScript's `\s` knows it) as one space, trimmed. */
export function normalizeLoosely(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

async function decide({ normalize, keep }: Options, context: BarrierContext): Promise<BarrierResult> {
  const keptAs = new Uint32Array(context.rows);
  for (let i = 0; i < keptAs.length; i++) keptAs[i] = i;
  const reader = createFeatureReader(context);
  context.progress(0, 'matching keys');
  await eachRepeat(reader, { firstColumn: 0, words: KEY_WORDS }, (first, ordinal) => {
    keptAs[ordinal] = first;
  });
  if (keep === 'longest') keepLongest(keptAs, await readLengths(reader, context.rows, LENGTH_COLUMN));
  context.progress(0.9, 'describing clusters');
  const details = await describeClusters('exact', keptAs, context, { normalize, keep, keyBits: 128 });
  context.progress(1);
  return { keptAs, details };
}

/**
 * Exact deduplication: documents that are the same in their text, their URL or any other field.
 *
 * A document's key is 128 bits: xxHash64 of the UTF-8 of what is compared, under two seeds. Among n distinct values the
 * probability that any two share a key is about n²/2^129: 1.5e-21 for a billion, if xxHash behaves as random (it is not
 * cryptographic: someone who crafts texts can make them collide).
 *
 * Cost: 28 bytes of features per document, 8 more where the rule for what is kept needs a rank; `decide` matches keys in
 * bounded memory (key-groups.ts).
 */
import { z } from 'zod';
import type { Document } from '../core/document.ts';
import { xxh64 } from '../core/hash.ts';
import { fieldValue } from '../core/meta-field.ts';
import { type BarrierContext, type BarrierResult, defineBarrier, type Observer } from '../core/stage.ts';
import { createTokenizer } from '../text/folded-tokens.ts';
import { describeClusters } from './clusters.ts';
import { createColumnWriter } from './columns.ts';
import { keepByRule, keepMistakes, keepOption, rankOf, rankWords, writeRank } from './keep.ts';
import { createFeatureReader, eachRepeat } from './key-groups.ts';

const KEY_WORDS = 4;
/** Columns behind the key. `present` is 0 for a document without the field that is compared; `rank` takes two. */
const COLUMNS = { length: 4, tokens: 5, present: 6, rank: 7 };
const LARGE_BUFFER = 16 << 20;
/** Any two seeds; the second is 2^64 divided by the golden ratio. */
const SECOND_SEED = 0x9e3779b97f4a7c15n;

const options = z.object({
  by: z
    .string()
    .min(1)
    .default('text')
    .describe(
      'What must be the same: `text`, `id`, or a path into meta (`url`). Documents without the field are kept.',
    ),
  normalize: z
    .enum(['raw', 'loose', 'url'])
    .default('raw')
    .describe(
      'How it is compared: `raw`, byte for byte; `loose`, after NFKC, lower case, runs of white space as one space, and ' +
        'trimming; `url`, as web addresses without scheme, `www.`, default port, fragment and closing slash.',
    ),
  keep: keepOption('first'),
});

type Options = z.output<typeof options>;

export const exact = defineBarrier({
  kind: 'barrier',
  name: 'dedup.exact',
  summary: 'Drop documents whose text, URL or other field is the same as that of another.',
  source: 'Exact deduplication by document hash, as in CCNet (Wenzek et al. 2020) and C4; xxHash64 twice (Collet).',
  version: 2,
  options,
  checkInputs: ({ keep }, inputs) => keepMistakes(keep, inputs),
  reasons: { duplicate: 'The text (or the field compared) is the same as that of a kept document.' },
  scope: 'document',
  createObserver: createExactObserver,
  decide,
});

/** Leaves per row four words of key, the length in UTF-16 units, the number of tokens, presence, and the rank. */
export function createExactObserver({ by, normalize, keep }: Options): Observer {
  const rank = rankOf(keep);
  const row = new Uint32Array(COLUMNS.rank + rankWords(keep));
  const writer = createColumnWriter(row.length);
  const compared = comparedValue(by);
  const tokenizer = createTokenizer();
  const key = createKey();
  return {
    observe(document) {
      const value = compared(document);
      key(value === undefined ? '' : normalizers[normalize](value), row);
      row[COLUMNS.length] = document.text.length;
      row[COLUMNS.tokens] = tokenizer.tokenize(document.text);
      row[COLUMNS.present] = value === undefined ? 0 : 1;
      if (rank !== undefined) writeRank(row, COLUMNS.rank, rank(document));
      writer.push(row);
    },
    finish: writer.finish,
  };
}

/** Writes the 128-bit key of a string into the first four words of a row. */
export function createKey(): (value: string, row: Uint32Array) => void {
  const hashes = new BigUint64Array(2);
  const words = new Uint32Array(hashes.buffer);
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(1 << 16);
  return (value, row) => {
    // A UTF-16 unit takes at most three bytes. What a huge document needed is given back after it.
    const needed = value.length * 3;
    if (needed > bytes.length || (bytes.length > LARGE_BUFFER && needed < bytes.length / 4)) {
      bytes = new Uint8Array(Math.max(1 << 16, needed + (needed >>> 2)));
    }
    const { written } = encoder.encodeInto(value, bytes);
    const encoded = bytes.subarray(0, written);
    hashes[0] = xxh64(encoded);
    hashes[1] = xxh64(encoded, SECOND_SEED);
    row.set(words);
  };
}

/** What of a document is compared; undefined where it has none. */
function comparedValue(by: string): (document: Document) => string | undefined {
  if (by === 'text') return ({ text }) => text;
  if (by === 'id') return ({ id }) => id;
  const path = by.split('.');
  return ({ meta }) => {
    const value = fieldValue(meta, path);
    if (typeof value === 'string') return value === '' ? undefined : value;
    return value === undefined || value === null ? undefined : JSON.stringify(value);
  };
}

const normalizers: Record<Options['normalize'], (value: string) => string> = {
  raw: (value) => value,
  loose: normalizeLoosely,
  url: normalizeUrl,
};

/** A web address without what does not change the page; anything that is none is compared as it is. */
export function normalizeUrl(value: string): string {
  const address = value.trim();
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z\d+.-]*:/i.test(address) ? address : `http://${address}`);
  } catch {
    return address;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return address;
  // `http:` drops its own default port when parsed, not that of the other.
  const host = url.host.replace(/^www\./, '').replace(/:(80|443)$/, '');
  return `${host}${url.pathname.replace(/\/+$/, '')}${url.search}`;
}

/** NFKC, lower case, runs of white space (as JavaScript's `\s` knows it) as one space, trimmed. */
export function normalizeLoosely(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

async function decide({ by, normalize, keep }: Options, context: BarrierContext): Promise<BarrierResult> {
  const keptAs = new Uint32Array(context.rows);
  for (let i = 0; i < keptAs.length; i++) keptAs[i] = i;
  const reader = createFeatureReader(context);
  context.progress(0, 'matching keys');
  const keys = { firstColumn: 0, words: KEY_WORDS, presentColumn: COLUMNS.present };
  await eachRepeat(reader, keys, (first, ordinal) => {
    keptAs[ordinal] = first;
  });
  await keepByRule(keep, keptAs, reader, COLUMNS);
  context.progress(0.9, 'describing clusters');
  const details = await describeClusters('exact', keptAs, context, { by, normalize, keep, keyBits: 128 });
  context.progress(1);
  return { keptAs, details };
}

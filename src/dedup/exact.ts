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
import { createColumnWriter } from '../core/columns.ts';
import type { Document } from '../core/document.ts';
import { createFeatureReader, type RowSet, rowsWith } from '../core/feature-reader.ts';
import { fieldValue } from '../core/meta-field.ts';
import { native } from '../core/native.ts';
import { createSourceColumn, sourceFieldOption } from '../core/sources.ts';
import { type BarrierContext, type BarrierResult, defineBarrier, type Observer } from '../core/stage.ts';
import { type TextSource, textOf, textString, textUnits } from '../core/stored-text.ts';
import { rowsLeft, type TextRows } from '../core/utf8-column.ts';
import { readTokens } from '../text/folded-tokens.ts';
import { describeClusters, reportClustersOption } from './clusters.ts';
import { observeForIndex } from './index/observe.ts';
import { INDEX_ROLE, indexFiles, indexOptions, inIndexReason } from './index/options.ts';
import { findKnown, type KeyLayout, leaveIndex } from './index/use.ts';
import { keepByRule, keepMistakes, keepOption, rankOf, rankWords, writeRank } from './keep.ts';
import { eachRepeat } from './key-groups.ts';
import { writeRowLengths } from './lengths.ts';
import { normalizeLoosely, writeLooseKeys } from './loose-key.ts';
import { KEY_WORDS, writeTextKey, writeTextKeys } from './text-key.ts';

/** Raised when the same value and options would give another key. */
const INDEX_KEY_VERSION = 1;
/** Columns behind the key. `present` is 0 for a document without the field that is compared; `rank` takes two. */
const COLUMNS = { length: 4, tokens: 5, present: 6, rank: 7 };

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
  sourceField: sourceFieldOption(),
  reportClusters: reportClustersOption(),
  ...indexOptions(),
});

type Options = z.output<typeof options>;

export const exact = defineBarrier({
  kind: 'barrier',
  name: 'dedup.exact',
  summary: 'Drop documents whose text, URL or other field is the same as that of another.',
  source: 'Exact deduplication by document hash, as in CCNet (Wenzek et al. 2020) and C4; xxHash64 twice (Collet).',
  version: 3,
  options,
  checkInputs: ({ keep }, inputs) => keepMistakes(keep, inputs),
  optionFiles: ({ index }) => indexFiles(index),
  reasons: { duplicate: 'The text (or the field compared) is the same as that of a kept document.', ...inIndexReason },
  scope: 'document',
  makes: [INDEX_ROLE],
  createObserver: (given) => observeForIndex(createExactObserver(given), given),
  decide,
});

/** Leaves per row four words of key, the length in UTF-16 units, the number of tokens, presence, the rank, and the source where that is a field. */
export function createExactObserver({
  by,
  normalize,
  keep,
  sourceField,
}: Pick<Options, 'by' | 'normalize' | 'keep' | 'sourceField'>): Observer {
  const rank = rankOf(keep);
  const source = createSourceColumn(sourceField);
  const sourceAt = COLUMNS.rank + rankWords(keep);
  const row = new Uint32Array(sourceAt + source.words);
  const writer = createColumnWriter(row.length);
  const compared = comparedValue(by);
  const writeKeys = { raw: writeTextKeys, loose: writeLooseKeys, url: undefined }[normalize];
  const isOfText = by === 'text' && rank === undefined && source.words === 0;
  return {
    ...(native !== undefined && isOfText && writeKeys !== undefined && { observeTexts: observeBy(writeKeys) }),
    observe(document) {
      const value = compared(document);
      writeTextKey(value === undefined ? '' : normalizers[normalize](value), row);
      const text = textOf(document);
      row[COLUMNS.length] = textUnits(text);
      row[COLUMNS.tokens] = readTokens(text);
      row[COLUMNS.present] = value === undefined ? 0 : 1;
      if (rank !== undefined) writeRank(row, COLUMNS.rank, rank(document));
      source.write(row, sourceAt, document);
      writer.push(row);
    },
    finish: () => writer.finish(source.trailer()),
  };

  function observeBy(writeKeys: typeof writeTextKeys): (rows: TextRows) => void {
    return (rows) => {
      const block = writer.block(rows.to - rows.from, rowsLeft(rows));
      writeKeys(rows, block);
      writeRowLengths(rows, block, COLUMNS);
      const present = block.at + COLUMNS.present * block.stride;
      block.words.fill(1, present, present + rows.to - rows.from);
    };
  }
}

/** What of a document is compared; undefined where it has none. */
function comparedValue(by: string): (document: Document) => TextSource | undefined {
  if (by === 'text') return textOf;
  if (by === 'id') return ({ id }) => id;
  const path = by.split('.');
  return ({ meta }) => {
    const value = fieldValue(meta, path);
    if (typeof value === 'string') return value === '' ? undefined : value;
    return value === undefined || value === null ? undefined : JSON.stringify(value);
  };
}

const normalizers: Record<Options['normalize'], (value: TextSource) => TextSource> = {
  raw: (value) => value,
  loose: (value) => normalizeLoosely(textString(value)),
  url: (value) => normalizeUrl(textString(value)),
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

async function decide(given: Options, context: BarrierContext): Promise<BarrierResult> {
  const { by, normalize, keep } = given;
  const reader = createFeatureReader(context);
  const rows = await rowsWith(reader, COLUMNS.present);
  const layout = indexLayout(given, rows);
  const known = await findKnown(reader, context, given, layout);
  context.progress(0, 'matching keys');
  const keptAs = new Uint32Array(context.rows);
  for (let i = 0; i < keptAs.length; i++) keptAs[i] = i;
  const keys = { firstColumn: 0, words: KEY_WORDS, rows } as const;
  await eachRepeat(reader, keys, { memoryBytes: context.memoryBytes / 2 }, (pairs) => {
    for (let i = 0; i < pairs.length; i += 2) keptAs[pairs[i + 1]] = pairs[i];
  });
  const dropKnown = known.drop(keptAs);
  await keepByRule(keep, keptAs, reader, COLUMNS);
  const { counts: index, ...dropped } = dropKnown(keptAs);
  const describe = () =>
    describeClusters(
      {
        method: 'exact',
        keptAs,
        reader,
        columns: { tokens: COLUMNS.tokens, source: COLUMNS.rank + rankWords(keep) },
        fingerprint: { of: `${by}, ${normalize}`, first: 0, count: 2 },
        options: given,
        settings: { by, normalize, keep, keyBits: 128 },
      },
      context,
    );
  const left = await leaveIndex(reader, context, given, { layout, known, keptAs });
  context.progress(1);
  return { keptAs, ...dropped, ...left, details: { ...(index && { index }) }, describe };
}

function indexLayout({ by, normalize }: Options, rows: RowSet | undefined): KeyLayout {
  const sketch = { shingleTokens: 0, tokens: false, maxValues: 0 };
  const options = { by, normalize, keyVersion: INDEX_KEY_VERSION };
  return { stage: 'dedup.exact', options, sketch, keys: 1, keyWords: KEY_WORDS, rows, rule: undefined };
}

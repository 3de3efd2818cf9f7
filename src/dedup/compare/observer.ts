/**
 * What the comparison keeps of a document: its exact keys (columns below) and, behind them in the same blob, what
 * `dedup.minhash` keeps. Two words of id and four of text lie next to each other, so that two columns and four, four in a
 * row, or the first two are three different keys.
 */

import { createColumnWriter } from '../../core/columns.ts';
import type { Document } from '../../core/document.ts';
import type { FeaturePart, Observer } from '../../core/stage.ts';
import { textOf } from '../../core/stored-text.ts';
import { normalizeLoosely } from '../loose-key.ts';
import { createMinhashObserver } from '../minhash/observer.ts';
import { minhashOptions, type ResolvedMinhash, resolveMinhash } from '../minhash/options.ts';
import { writeTextKey } from '../text-key.ts';
import type { CompareOptions } from './options.ts';

export const COLUMNS = { id: 0, text: 2, hasId: 6 };
const COLUMN_COUNT = 7;

/** How near-copies are found. */
export function nearRule({ threshold }: CompareOptions, seed: number): ResolvedMinhash {
  return resolveMinhash(minhashOptions.parse({ threshold }), seed);
}

export function createCompareObserver(options: CompareOptions, seed: number): Observer {
  const near = options.near ? createMinhashObserver(nearRule(options, seed), {}) : undefined;
  const writer = createColumnWriter(COLUMN_COUNT);
  const row = new Uint32Array(COLUMN_COUNT);
  const words = new Uint32Array(4);
  const isLoose = options.normalize === 'loose';
  return {
    observe(document) {
      const id = ownId(document);
      writeTextKey(id ?? '', words);
      row[COLUMNS.id] = words[0];
      row[COLUMNS.id + 1] = words[1];
      writeTextKey(isLoose ? normalizeLoosely(document.text) : textOf(document), words);
      row.set(words, COLUMNS.text);
      row[COLUMNS.hasId] = id === undefined ? 0 : 1;
      writer.push(row);
      near?.observe(document);
    },
    finish: () => joinBlobs(writer.finish(), near?.finish() ?? new Uint8Array()),
  };
}

/**
 * The id that a document has in both corpora, or undefined. Made-up ids begin with the input's name: of text files they are
 * the path, of records file and place, which says nothing of another version of the file.
 */
export function ownId({ id, meta }: Document): string | undefined {
  const prefix = `${String(meta['source'])}/`;
  if (!id.startsWith(prefix)) return id;
  if (/#\d+$/.test(id)) return undefined;
  return Object.keys(meta).length === 1 ? id.slice(prefix.length) : id;
}

/** Two blobs as one: the length of the first in eight bytes, then both. */
function joinBlobs(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(HEADER_BYTES + first.length + second.length);
  new DataView(joined.buffer).setUint32(0, first.length, true);
  joined.set(first, HEADER_BYTES);
  joined.set(second, HEADER_BYTES + first.length);
  return joined;
}

const HEADER_BYTES = 8;

/** The parts with the one or the other of their blobs as their features. */
export function partsWith(which: 'keys' | 'near', parts: readonly FeaturePart[]): FeaturePart[] {
  return parts.map((part) => {
    let start: Promise<number> | undefined;
    const startOf = async (): Promise<number> => {
      if (which === 'keys') return HEADER_BYTES;
      const header = await part.features({ offset: 0, length: HEADER_BYTES });
      return HEADER_BYTES + new DataView(header.buffer, header.byteOffset).getUint32(0, true);
    };
    return {
      ...part,
      rowInfo: () => part.rowInfo(),
      features: async (range, into) => {
        const from = await (start ??= startOf());
        if (range !== undefined) return part.features({ offset: from + range.offset, length: range.length }, into);
        const blob = await part.features();
        const keys = new DataView(blob.buffer, blob.byteOffset).getUint32(0, true);
        return which === 'keys' ? blob.subarray(from, from + keys) : blob.subarray(from);
      },
    };
  });
}

/**
 * The verdict on every document of two corpora. Documents of the first come before those of the second, so a group of
 * equal keys is cut in two by one ordinal. 9 bytes a document besides the tables of the matching.
 */

import { createFeatureReader, type FeatureReader, type RowSet, rowsWith } from '../../core/feature-reader.ts';
import { type BarrierContext, NOBODY } from '../../core/stage.ts';
import { eachGroup, keyRecords } from '../key-groups.ts';
import { minhashColumns } from '../minhash/observer.ts';
import { createUnionFind } from '../union-find.ts';
import { createCandidates, verifyCandidates } from '../verify.ts';
import { COLUMNS, nearRule, partsWith } from './observer.ts';
import type { CompareOptions } from './options.ts';

/** By number as in `Matching.kinds`; 0 is a document without a partner: removed, or new. */
export const KINDS = ['alone', 'unchanged', 'renamed', 'changed', 'near'] as const;
const [ALONE, UNCHANGED, RENAMED, CHANGED, NEAR] = KINDS.map((_, i) => i);

export interface Matching {
  /** First ordinal of the second corpus. */
  border: number;
  /** By ordinal: place in KINDS. */
  kinds: Uint8Array;
  /** By ordinal: the document of the other corpus that it belongs to, or NOBODY. */
  partners: Uint32Array;
}

/** Documents of the other corpus that a document of one bucket is compared with. */
const PARTNERS_TRIED = 4;

export async function matchCorpora(options: CompareOptions, context: BarrierContext): Promise<Matching> {
  const border = await firstOfSecond(context);
  const matching: Matching = {
    border,
    kinds: new Uint8Array(context.rows),
    partners: new Uint32Array(context.rows).fill(NOBODY),
  };
  const parts = partsWith('keys', context.parts);
  const reader = createFeatureReader({ parts, memoryBytes: context.memoryBytes, signal: context.signal });
  const withId = await rowsWith(reader, COLUMNS.hasId);
  const alive = await rowsWith(reader);
  const match = pairer(matching, reader, context);
  const text = { firstColumn: COLUMNS.text, words: 4 } as const;
  context.progress(0.05, 'matching ids and texts');
  await match({ firstColumn: COLUMNS.id, words: 4 }, open(matching, withId), () => UNCHANGED);
  context.progress(0.1, 'matching texts');
  const named = (ordinal: number): boolean => withId === undefined || hasRow(withId, ordinal);
  await match(text, open(matching, alive), (a, b) => (named(a) && named(b) ? RENAMED : UNCHANGED));
  context.progress(0.2, 'matching ids');
  await match({ firstColumn: COLUMNS.id, words: 2 }, open(matching, withId), () => CHANGED);
  if (options.near) await matchNear(matching, options, context);
  return matching;
}

/** Counts the documents of the first input, which the engine reads first. */
async function firstOfSecond({ parts, rows }: BarrierContext): Promise<number> {
  let border = 0;
  for (const part of [...parts].sort((a, b) => a.firstOrdinal - b.firstOrdinal)) {
    const info = await part.rowInfo();
    for (let row = 0; row < part.rows; row++) {
      if (info[2 * row + 1] !== 0) return border;
      border++;
    }
  }
  return rows;
}

function hasRow(set: RowSet, ordinal: number): boolean {
  return ((set[ordinal >>> 5] >>> (ordinal & 31)) & 1) === 1;
}

/** The rows of a set that have no partner yet. */
function open({ kinds }: Matching, within: RowSet | undefined): RowSet {
  const set = new Uint32Array((kinds.length + 31) >>> 5);
  for (let i = 0; i < kinds.length; i++) {
    if (kinds[i] === ALONE && (within === undefined || hasRow(within, i))) set[i >>> 5] |= 1 << (i & 31);
  }
  return set;
}

/** Ties documents of equal keys in pairs, the first to the first. */
function pairer({ border, kinds, partners }: Matching, reader: FeatureReader, context: BarrierContext) {
  return async (
    columns: { firstColumn: number; words: 2 | 4 },
    rows: RowSet,
    kindOf: (a: number, b: number) => number,
  ): Promise<void> => {
    const records = keyRecords(reader, { ...columns, rows });
    await eachGroup(records, { memoryBytes: context.memoryBytes / 2 }, (ids) => {
      const second = countBelow(ids, border);
      for (let i = 0; i < second && second + i < ids.length; i++) {
        const [a, b] = [ids[i], ids[second + i]];
        kinds[a] = kinds[b] = kindOf(a, b);
        partners[a] = b;
        partners[b] = a;
      }
    });
  };
}

function countBelow(ascending: Uint32Array, border: number): number {
  let count = 0;
  while (count < ascending.length && ascending[count] < border) count++;
  return count;
}

/** Near-copies of what is left, among all documents of the other corpus. */
async function matchNear(matching: Matching, options: CompareOptions, context: BarrierContext): Promise<void> {
  const { border, kinds, partners } = matching;
  if (!kinds.includes(ALONE)) return;
  const { shape, rule } = nearRule(options, context.seed);
  const parts = partsWith('near', context.parts);
  const reader = createFeatureReader({ parts, memoryBytes: context.memoryBytes, signal: context.signal });
  const rows = await rowsWith(reader, minhashColumns(shape).shingles);
  const candidates = createCandidates(context);
  for (let band = 0; band < shape.bands; band++) {
    context.progress(0.3 + (0.3 * band) / shape.bands, `band ${band + 1} of ${shape.bands}`);
    const records = keyRecords(reader, { firstColumn: 2 * band, words: 2, rows });
    await eachGroup(records, { memoryBytes: context.memoryBytes / 2 }, (ids) => {
      const second = countBelow(ids, border);
      if (second === 0 || second === ids.length) return;
      for (let i = 0; i < ids.length; i++) {
        if (kinds[ids[i]] !== ALONE) continue;
        const [from, to] = i < second ? [second, ids.length] : [0, second];
        for (let other = from; other < to && other < from + PARTNERS_TRIED; other++) {
          candidates.add(Math.max(ids[i], ids[other]), Math.min(ids[i], ids[other]));
        }
      }
    });
  }
  context.progress(0.6, `checking ${candidates.close()} candidate pairs`);
  const sets = createUnionFind(context.rows);
  // `rule` is undefined only for conventions that check nothing, which the options do not offer.
  await verifyCandidates(candidates, sets, context, { rule: rule! });
  const roots = sets.roots();
  // A set's smallest member is of the first corpus where it has one there, and only such sets tell of near-copies.
  const firstOfB = new Uint32Array(context.rows).fill(NOBODY);
  for (let b = context.rows - 1; b >= border; b--) firstOfB[roots[b]] = b;
  for (let i = 0; i < kinds.length; i++) {
    if (kinds[i] !== ALONE || roots[i] >= border || firstOfB[roots[i]] === NOBODY) continue;
    kinds[i] = NEAR;
    partners[i] = i < border ? firstOfB[roots[i]] : roots[i];
  }
}

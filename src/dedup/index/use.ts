/** A dedup decision's two dealings with indexes: what those of earlier runs have already, and the index that it leaves. */
import { join, resolve } from 'node:path';
import type { FeatureReader, RowSet } from '../../core/feature-reader.ts';
import { type BarrierContext, type BarrierResult, NOBODY } from '../../core/stage.ts';
import { keyRecords } from '../key-groups.ts';
import type { LikenessRule } from '../likeness.ts';
import type { UnionFind } from '../union-find.ts';
import { createCandidates } from '../verify.ts';
import { checkAgainstIndex } from './check.ts';
import { contentOfRun } from './content.ts';
import { type IndexMatches, noMatches, type SettledClusters, settleClusters } from './matches.ts';
import { IN_INDEX, INDEX_ROLE, type IndexOptions, indexFiles } from './options.ts';
import { probeIndex } from './probe.ts';
import { type IndexReader, openIndexes } from './read.ts';
import { type IndexShape, writeIndex } from './write.ts';

/** Indexed documents of one key that a new document is compared with: as many as the rounds of a check in one run. */
const CHECKED_PER_KEY = 16;

/** How a stage's keys lie in its features, and what an index of them must agree in. */
export interface KeyLayout extends IndexShape {
  /** Rows that have keys (`rowsWith`). */
  rows: RowSet | undefined;
  /** Undefined: an equal key is enough. */
  rule: LikenessRule | undefined;
}

/** What earlier runs' indexes say of this run's documents. */
export interface KnownDocuments {
  reader: IndexReader | undefined;
  /** For `VerifyOptions.settle`. */
  settle(sets: UnionFind): (cluster: number) => boolean;
  /** After all joining: takes the clusters' smallest members, and later the decision, which it changes. */
  drop(roots: Uint32Array): (keptAs: Uint32Array) => DroppedAsKnown;
}

export type DroppedAsKnown = Pick<BarrierResult, 'reasonOf' | 'outsideIds'> & {
  /** For `details.index`; undefined when there is no index. */
  counts: { documents: number; candidatePairs: number; checked: number; inIndex: number } | undefined;
};

/** Compares this run's keys with those of the indexes that its options name. Throws as `openIndexes`. */
export async function findKnown(
  reader: FeatureReader,
  context: BarrierContext,
  { index: folders }: IndexOptions,
  layout: KeyLayout,
): Promise<KnownDocuments> {
  if (folders === undefined) {
    return { reader: undefined, settle: () => () => false, drop: () => () => ({ counts: undefined }) };
  }
  const index = await openIndexes(
    indexFiles(folders).map((folder) => resolve(context.baseDir, folder)),
    layout,
  );
  const { rule, keys, keyWords, rows } = layout;
  let matches: IndexMatches = noMatches(context.rows);
  const candidates = createCandidates(context, 'in-index');
  const take =
    rule === undefined
      ? (ordinal: number, row: number): void => {
          if (matches.row(ordinal) === undefined) matches.set(ordinal, row, 1);
        }
      : candidates.add;
  const options = { memoryBytes: context.memoryBytes / 2, perKey: rule === undefined ? 1 : CHECKED_PER_KEY };
  for (let key = 0; key < keys; key++) {
    context.progress(0, `index: key ${key + 1} of ${keys}`);
    const records = keyRecords(reader, { firstColumn: key * keyWords, words: keyWords, rows });
    await probeIndex(records, () => index.keys(key), options, take);
  }
  const candidatePairs = candidates.close();
  let checked = 0;
  if (rule === undefined) {
    candidates.remove();
  } else {
    context.progress(0, `checking ${candidatePairs} pairs with the index`);
    ({ matches, checked } = await checkAgainstIndex(candidates, index, rule, context));
  }

  let settled: SettledClusters | undefined;
  return {
    reader: index,
    settle(sets) {
      settled ??= settleClusters(matches, sets, context.rows);
      return settled.isSettled;
    },
    drop(roots) {
      settled ??= settleClusters(matches, { find: (ordinal) => roots[ordinal] }, context.rows);
      const standing = settled.standingRows(roots);
      return (keptAs) => {
        let inIndex = 0;
        for (let ordinal = 0; ordinal < keptAs.length; ordinal++) {
          if (standing[ordinal] === 0) continue;
          keptAs[ordinal] = NOBODY;
          inIndex++;
        }
        return {
          counts: { documents: index.documents, candidatePairs, checked, inIndex },
          reasonOf: (ordinal) => (standing[ordinal] === 0 ? { reason: 'duplicate' } : reasonOf(ordinal, matches, rule)),
          outsideIds: (ordinals) => idsOf(ordinals, standing, index),
        };
      };
    },
  };
}

function reasonOf(ordinal: number, matches: IndexMatches, rule: LikenessRule | undefined) {
  // Without a measured pair of its own it goes with its cluster.
  if (rule === undefined || matches.row(ordinal) === undefined) return { reason: IN_INDEX };
  const threshold = rule.kind === 'jaccard' ? rule.threshold : rule.minShingles;
  return { reason: IN_INDEX, value: matches.likeness(ordinal), threshold };
}

async function idsOf(
  ordinals: readonly number[],
  standing: Uint32Array,
  index: IndexReader,
): Promise<Map<number, string>> {
  const outside = ordinals.filter((ordinal) => standing[ordinal] !== 0);
  const rows = [...new Set(outside.map((ordinal) => standing[ordinal] - 1))].sort((a, b) => a - b);
  const ids = await index.ids(rows);
  const byRow = new Map(rows.map((row, i) => [row, ids[i]]));
  return new Map(outside.map((ordinal) => [ordinal, byRow.get(standing[ordinal] - 1)!]));
}

/** Leaves the index that the options ask for; the artifacts of the stage's result. */
export async function leaveIndex(
  reader: FeatureReader,
  context: BarrierContext,
  { writeIndex: what, indexed }: IndexOptions,
  { layout, known, keptAs }: { layout: KeyLayout; known: KnownDocuments; keptAs: Uint32Array },
): Promise<{ artifacts?: Record<string, string> }> {
  if (what === false) return {};
  context.progress(0.9, 'writing the index');
  const { rows, rule: _, ...shape } = layout;
  const own = contentOfRun(reader, context, { keptAs, rows, which: indexed }, layout.keyWords);
  const earlier = what === 'merged' ? (known.reader?.contents ?? []) : [];
  await writeIndex(join(context.outputDir, 'index'), [...earlier, own], shape);
  return { artifacts: { [INDEX_ROLE]: 'index' } };
}

/**
 * Third step of the shards sink: every document is dealt to a window, the documents that are packed together.
 *
 * Where rows are shuffled, a document's place is a keyed permutation of its number in the set, so that a window draws on
 * the whole corpus; else windows are stretches of it. Each task deals the documents of a group of parts into one file
 * (bucket-file.ts), from which a window takes its share. Cost: 12 bytes of scratch a document, about .7 µs.
 */
import { join } from 'node:path';
import { xxh64 } from '../core/hash.ts';
import { native } from '../core/native.ts';
import { mix32 } from '../core/random.ts';
import type { SinkStep } from '../core/stage.ts';
import { bucketStarts, writeBuckets } from './bucket-file.ts';
import type { EncodedCorpus } from './encode-step.ts';
import { encodedPartName, openEncodedPart } from './encoded-part.ts';
import { DEALT_WORDS, type Dealt, dealDocuments, LEFT_OUT } from './kernels/deal-documents.ts';
import type { EvenParts } from './kernels/even-parts.ts';
import { sortRecords } from './kernels/sort-records.ts';
import { isSplit, type ShardOptions, shuffleBytes } from './options.ts';
import { windowsFor } from './packing.ts';
import { type PartGroup, partGroups } from './part-groups.ts';
import type { IdSet } from './split.ts';
import { SPLIT_NAMES } from './split.ts';
import { readHeldOutIds, type SplitCorpus } from './split-step.ts';

export interface SourceCount {
  name: string;
  documents: number;
  tokens: number;
}

/** One set of shards: all documents, or one side of the split. */
export interface ShardSetPlan {
  /** Folder below the output folder; '' for the folder itself. */
  folder: string;
  /** Numbers of its windows: [firstWindow, firstWindow + windows). */
  firstWindow: number;
  windows: number;
  /** Documents that have a place in a window; a few of them may be left out. */
  places: number;
  /** Seed of its permutations. */
  seed: number;
  sources: SourceCount[];
  /** Training documents that have the id of a held-out one. */
  leftOut: number;
}

export interface DealtCorpus {
  sets: ShardSetPlan[];
  groups: number;
}

interface DealTask extends PartGroup {
  /** For each set the number of its documents in earlier groups. */
  before: number[];
  sets: Pick<ShardSetPlan, 'firstWindow' | 'windows' | 'places' | 'seed'>[];
  threshold: number;
  idFiles: string[];
}

interface DealResult {
  sources: SourceCount[][];
  leftOut: number;
}

export const dealStep = {
  name: 'deal',

  async plan(options, context, earlier): Promise<DealTask[]> {
    const [corpus, { threshold, heldOut, idFiles }] = earlier as [EncodedCorpus, SplitCorpus];
    const sets = setsOf(options, corpus, heldOut, context.seed);
    const before = sets.map(() => 0);
    return partGroups(corpus, shuffleBytes(options)).map((group) => {
      const task = { ...group, before: [...before], sets, threshold, idFiles };
      group.parts.forEach(({ documents }, i) => {
        const held = heldOut[group.firstPart + i] ?? 0;
        before[0] += documents - held;
        if (sets.length > 1) before[1] += held;
      });
      return task;
    });
  },

  async run(options, task: DealTask, context): Promise<DealResult> {
    const { sets, threshold } = task;
    const heldOutIds = threshold > 0 ? readHeldOutIds(task.idFiles, context.workDir) : undefined;
    const documents = task.parts.reduce((sum, part) => sum + part.documents, 0);
    const dealt: Dealt = {
      window: new Uint32Array(documents),
      records: new Uint32Array(DEALT_WORDS * documents),
      counts: new Uint32Array(sets.reduce((sum, set) => sum + set.windows, 0)),
      next: Float64Array.from(task.before),
      dealt: 0,
      documents: 0,
    };
    const parts = sets.map((set) => windowsOf(set, options.shuffle));
    const sources = sets.map(() => new Map<string, SourceCount>());
    let leftOut = 0;
    for (const { part } of task.parts) {
      const encoded = openEncodedPart(join(context.workDir, encodedPartName(part)));
      try {
        const { numbers, names } = encoded.sources();
        const sides = heldOutIds && sidesOf(encoded.splitKeys(), threshold, encoded.ids(), heldOutIds);
        const documents = { lengths: encoded.lengths(), sources: numbers, sourceCount: names.length, sides };
        addTallies(sources, names, dealDocuments(dealt, parts, documents, native));
        for (const side of sides ?? []) if (side === LEFT_OUT) leftOut++;
      } finally {
        encoded.close();
      }
    }
    const { starts, ends } = bucketStarts(dealt.counts);
    const words = sortRecords(dealt.window.subarray(0, dealt.dealt), dealt.records, DEALT_WORDS, starts, native);
    await writeBuckets(join(context.workDir, dealtName(task.group)), { width: DEALT_WORDS, ends, words });
    return { sources: sources.map((map) => [...map.values()]), leftOut };
  },

  async merge(options, results: DealResult[], context, earlier): Promise<DealtCorpus> {
    const [corpus, { heldOut }] = earlier as [EncodedCorpus, SplitCorpus];
    const sets = setsOf(options, corpus, heldOut, context.seed).map((set, s) => {
      const sum = new Map<string, SourceCount>();
      for (const { sources } of results) {
        for (const { name, documents, tokens } of sources[s]) {
          const total = sum.get(name) ?? { name, documents: 0, tokens: 0 };
          sum.set(name, { name, documents: total.documents + documents, tokens: total.tokens + tokens });
        }
      }
      const sources = [...sum.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
      const leftOut = s === 0 ? results.reduce((total, result) => total + result.leftOut, 0) : 0;
      return { ...set, sources, leftOut };
    });
    return { sets, groups: results.length };
  },
} satisfies SinkStep<ShardOptions>;

function windowsOf({ firstWindow, windows, places, seed }: DealTask['sets'][number], shuffle: boolean): EvenParts {
  return { first: firstWindow, parts: windows, items: places, seed: shuffle ? seed : undefined };
}

/** The set of each document; training documents that have the id of a held-out one are left out. */
function sidesOf(
  keys: Float64Array,
  threshold: number,
  { ends, bytes }: { ends: Uint32Array; bytes: Uint8Array },
  heldOut: IdSet,
): Uint8Array {
  const sides = new Uint8Array(keys.length);
  for (let d = 0; d < keys.length; d++) {
    if (keys[d] < threshold) sides[d] = 1;
    else if (heldOut.has(xxh64(bytes.subarray(d === 0 ? 0 : ends[d - 1], ends[d])))) sides[d] = LEFT_OUT;
  }
  return sides;
}

function addTallies(
  sources: readonly Map<string, SourceCount>[],
  names: readonly string[],
  tallies: Float64Array,
): void {
  for (const [set, map] of sources.entries()) {
    for (const [i, name] of names.entries()) {
      const at = 2 * (set * names.length + i);
      if (tallies[at] > 0) count(map, name, tallies[at], tallies[at + 1]);
    }
  }
}

/** Name of a group's dealt documents within the work folder. */
export function dealtName(group: number): string {
  return `dealt-${String(group).padStart(5, '0')}.bin`;
}

function setsOf(
  options: ShardOptions,
  { documents }: EncodedCorpus,
  heldOut: readonly number[],
  seed: number,
): Omit<ShardSetPlan, 'sources' | 'leftOut'>[] {
  const held = heldOut.reduce((sum, count) => sum + count, 0);
  const places = isSplit(options) ? [documents - held, held] : [documents];
  let firstWindow = 0;
  return places.map((count, s) => {
    const windows = windowsFor(count, options.windowDocuments);
    const folder = places.length === 1 ? '' : SPLIT_NAMES[s];
    const set = { folder, firstWindow, windows, places: count, seed: mix32(mix32(seed) + s) };
    firstWindow += windows;
    return set;
  });
}

function count(sources: Map<string, SourceCount>, name: string, documents: number, tokens: number): void {
  const known = sources.get(name);
  if (known === undefined) sources.set(name, { name, documents, tokens });
  else {
    known.documents += documents;
    known.tokens += tokens;
  }
}

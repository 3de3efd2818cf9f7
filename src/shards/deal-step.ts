/**
 * Third step of the shards sink: every document is dealt to a window, the documents that are packed together.
 *
 * Where rows are shuffled, a document's place is a keyed permutation of its number in the set, so that a window draws on
 * the whole corpus; else windows are stretches of it. Each task deals the documents of a group of parts into one file
 * (bucket-file.ts), from which a window takes its share. Cost: 12 bytes of scratch a document, about .7 µs.
 */
import { join } from 'node:path';
import { xxh64 } from '../core/hash.ts';
import { keyedPermutation, mix32 } from '../core/random.ts';
import type { SinkStep } from '../core/stage.ts';
import { bucketStarts, writeBuckets } from './bucket-file.ts';
import type { EncodedCorpus } from './encode-step.ts';
import { encodedPartName, openEncodedPart } from './encoded-part.ts';
import { isSplit, type ShardOptions, shuffleBytes } from './options.ts';
import { equalBorders, partOf, windowsFor } from './packing.ts';
import { type PartGroup, partGroups } from './part-groups.ts';
import type { IdSet } from './split.ts';
import { SPLIT_NAMES } from './split.ts';
import { readHeldOutIds, type SplitCorpus } from './split-step.ts';

/** Words of a dealt record: the place in the window, the document counted within the group, its tokens. */
export const DEALT_WORDS = 3;

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
      next: [...task.before],
      dealt: 0,
      documents: 0,
      leftOut: 0,
      sources: sets.map(() => new Map()),
    };
    const placeOf = sets.map((set) => windowPlaces(set, options.shuffle));
    for (const { part } of task.parts) {
      const encoded = openEncodedPart(join(context.workDir, encodedPartName(part)));
      try {
        const lengths = encoded.lengths();
        const sources = encoded.sources();
        const held = heldOutIds && {
          keys: encoded.splitKeys(),
          threshold,
          ids: encoded.ids(),
          heldOut: heldOutIds,
        };
        dealPart(dealt, placeOf, lengths, sources, held);
      } finally {
        encoded.close();
      }
    }
    const { ends, words } = byWindow(dealt);
    await writeBuckets(join(context.workDir, dealtName(task.group)), { width: DEALT_WORDS, ends, words });
    return { sources: dealt.sources.map((map) => [...map.values()]), leftOut: dealt.leftOut };
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

/** The documents of a group so far. */
interface Dealt {
  /** [documents]: the window of each, among those of all sets. */
  window: Uint32Array;
  /** [documents] of DEALT_WORDS */
  records: Uint32Array;
  /** [windows]: documents of each. */
  counts: Uint32Array;
  /** Number that the next document of each set has in it. */
  next: number[];
  /** Documents that have a place, all of them, and those left out. */
  dealt: number;
  documents: number;
  leftOut: number;
  sources: Map<string, SourceCount>[];
}

/** A document's number in the set → its window and its place there. The result is the same object each time. */
function windowPlaces(
  { firstWindow, windows, places, seed }: DealTask['sets'][number],
  shuffle: boolean,
): (number: number) => { window: number; place: number } {
  const borders = equalBorders(places, windows);
  const permute = shuffle ? keyedPermutation(places, seed) : undefined;
  const found = { window: 0, place: 0 };
  return (number) => {
    const place = permute?.(number) ?? number;
    const window = partOf(borders, place);
    found.window = firstWindow + window;
    found.place = place - borders[window];
    return found;
  };
}

// The loops of this file stand in functions of their own: V8 compiles a function whole when a loop in it gets hot, and that
// of a long `async run` took it 60 ms, more than the loop.

function dealPart(
  dealt: Dealt,
  placeOf: readonly ReturnType<typeof windowPlaces>[],
  lengths: Uint32Array,
  { numbers, names }: { numbers: Uint32Array; names: readonly string[] },
  held:
    | { keys: Float64Array; threshold: number; ids: { ends: Uint32Array; bytes: Uint8Array }; heldOut: IdSet }
    | undefined,
): void {
  const { window, records, counts, next } = dealt;
  const tallies = placeOf.map(() => ({
    documents: new Float64Array(names.length),
    tokens: new Float64Array(names.length),
  }));
  for (let d = 0; d < lengths.length; d++) {
    const inGroup = dealt.documents++;
    const set = held !== undefined && held.keys[d] < held.threshold ? 1 : 0;
    const number = next[set]++;
    if (set === 0 && held !== undefined && isHeldOut(held, d)) {
      dealt.leftOut++;
      continue;
    }
    tallies[set].documents[numbers[d]]++;
    tallies[set].tokens[numbers[d]] += lengths[d];
    const found = placeOf[set](number);
    window[dealt.dealt] = found.window;
    counts[found.window]++;
    const at = DEALT_WORDS * dealt.dealt++;
    records[at] = found.place;
    records[at + 1] = inGroup;
    records[at + 2] = lengths[d];
  }
  for (const [set, { documents, tokens }] of tallies.entries()) {
    for (const [i, name] of names.entries())
      if (documents[i] > 0) count(dealt.sources[set], name, documents[i], tokens[i]);
  }
}

/** Whether a training document has the id of a held-out one. */
function isHeldOut(
  { ids, heldOut }: { ids: { ends: Uint32Array; bytes: Uint8Array }; heldOut: IdSet },
  d: number,
): boolean {
  return heldOut.has(xxh64(ids.bytes.subarray(d === 0 ? 0 : ids.ends[d - 1], ids.ends[d])));
}

/** The records sorted by window. */
function byWindow({ window, records, counts, dealt }: Dealt): { ends: Float64Array; words: Uint32Array } {
  const { starts, ends } = bucketStarts(counts);
  const words = new Uint32Array(DEALT_WORDS * dealt);
  for (let i = 0; i < dealt; i++) {
    const at = DEALT_WORDS * starts[window[i]]++;
    for (let k = 0; k < DEALT_WORDS; k++) words[at + k] = records[DEALT_WORDS * i + k];
  }
  return { ends, words };
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

/**
 * Fifth step of the shards sink: every piece is sent to the shard that holds its row.
 *
 * Where rows are shuffled, a row's place in the set is a keyed permutation of its number, over all windows: no table, and
 * any row may follow any other. Each task takes the pieces of a group of parts from all windows and sorts them by shard
 * into one file (bucket-file.ts). A corpus whose tokens fit the machine's page cache keeps them where they are, and shards
 * read piece by piece; of a larger one, or one of more parts than are kept open, the tokens travel along, so that every read is a long one and the disk seeks once
 * for each shard and group: 1 TB of tokens needs 256 MiB here. The shards' bytes are the same either way.
 */
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { native } from '../core/native.ts';
import { mix32 } from '../core/random.ts';
import type { SinkStep } from '../core/stage.ts';
import { type BucketBytes, bucketStarts, readBucket, writeBuckets } from './bucket-file.ts';
import type { DealtCorpus, ShardSetPlan } from './deal-step.ts';
import type { EncodedCorpus } from './encode-step.ts';
import { encodedPartName, openEncodedPart } from './encoded-part.ts';
import type { EvenParts } from './kernels/even-parts.ts';
import { PACKED_WORDS } from './kernels/group-pieces.ts';
import {
  countByShard,
  type GroupDocuments,
  type PlacedPieces,
  placePieces,
  ROUTED,
  routePieces,
} from './kernels/route-pieces.ts';
import { type ShardOptions, shuffleBytes } from './options.ts';
import { type PackedCorpus, packedName } from './pack-step.ts';
import { type PartGroup, partGroups } from './part-groups.ts';
import { MOST_OPEN_PARTS } from './row-tokens.ts';
import { tokenBytes } from './shard-rows.ts';

/** Bytes beside them: ids, and where tokens travel along these and whether a loss is taken at each. */
export const ROUTED_BYTES = { ids: 0, tokens: 1, trained: 2 } as const;

/** A corpus is taken to fit the page cache when its tokens are at most this share of the machine's memory. */
const PAGE_CACHE_SHARE = 1 / 4;

/** Tells the permutation of rows from that of documents. */
const ROWS = 0x726f7773;

interface RoutedSet {
  /** Number of the set's first shard, and how many it has. */
  firstShard: number;
  shards: number;
  rows: number;
}

export interface RoutedCorpus {
  sets: RoutedSet[];
  groups: number;
  sources: string[];
}

interface RouteTask extends PartGroup {
  /** Whether tokens travel along. */
  copies: boolean;
  /** Rows of each window. */
  windowRows: number[];
  sets: (RoutedSet & Pick<ShardSetPlan, 'firstWindow' | 'windows' | 'seed'>)[];
  /** Names of all sources. */
  sources: string[];
}

type Earlier = [EncodedCorpus, unknown, DealtCorpus, PackedCorpus];

export const routeStep = {
  name: 'route',

  async plan(options, _context, earlier): Promise<RouteTask[]> {
    const [corpus, , dealt, packed] = earlier as Earlier;
    const sets = routedSets(options, corpus, packed).map((set, s) => {
      const { firstWindow, windows, seed } = dealt.sets[s];
      return { ...set, firstWindow, windows, seed };
    });
    const bytes = corpus.tokens * tokenBytes(corpus.type);
    const isLarge = bytes > Math.max(shuffleBytes(options), totalmem() * PAGE_CACHE_SHARE);
    const copies = options.shuffle && (isLarge || corpus.parts.length > MOST_OPEN_PARTS);
    const sources = sourcesOf(dealt);
    return partGroups(corpus, shuffleBytes(options)).map((group) => ({
      ...group,
      copies,
      windowRows: packed.windows,
      sets,
      sources,
    }));
  },

  async run(options, task: RouteTask, context): Promise<null> {
    const group = readGroup(task, context.workDir);
    const pieces = placedPieces(options, task, group.tokenAt.length, context.workDir);
    const shards = task.sets.reduce((sum, set) => sum + set.shards, 0);
    const { starts, ends } = bucketStarts(countByShard(pieces.shard, shards));
    const { words, ids, idBytes } = routePieces(pieces, group, starts, native);
    const sections: BucketBytes[] = [{ ends: running(idBytes), bytes: ids }];
    if (task.copies) sections.push(...copiedTokens(task, words, ends, context.workDir));
    await writeBuckets(join(context.workDir, routedName(task.group)), { width: ROUTED.words, ends, words }, sections);
    return null;
  },

  async merge(options, results: null[], _context, earlier): Promise<RoutedCorpus> {
    const [corpus, , dealt, packed] = earlier as Earlier;
    return { sets: routedSets(options, corpus, packed), groups: results.length, sources: sourcesOf(dealt) };
  },
} satisfies SinkStep<ShardOptions>;

/** Name of a group's routed pieces within the work folder. */
export function routedName(group: number): string {
  return `routed-${String(group).padStart(5, '0')}.bin`;
}

/** Shards of equal size rather than a small last one. */
function routedSets(options: ShardOptions, corpus: EncodedCorpus, { reports }: PackedCorpus): RoutedSet[] {
  let firstShard = 0;
  return reports.map(({ rows, pieces }) => {
    // One side of a split may have no document: a hash holds out none of a few.
    if (rows === 0) return { firstShard, shards: 0, rows };
    const rowsPerShard = Math.max(1, Math.floor(options.targetShardBytes / rowBytes(options, corpus, pieces / rows)));
    const set = { firstShard, shards: Math.min(rows, evened(Math.ceil(rows / rowsPerShard))), rows };
    firstShard += set.shards;
    return set;
  });
}

/** An even number where there are several, so that two workers end together. */
function evened(shards: number): number {
  return shards < 2 ? shards : shards + (shards % 2);
}

/** What a piece in the table beside a shard takes of memory while it is written. */
const TABLE_BYTES = 64;

/** Bytes of an average row: tokens, labels, lengths and padding in the file, and its pieces in the table. */
function rowBytes(options: ShardOptions, { type }: EncodedCorpus, pieces: number): number {
  const perToken = tokenBytes(type) + (options.conversations === undefined ? 0 : 4);
  return options.contextLength * perToken + 12 + pieces * (4 + (options.provenance ? TABLE_BYTES : 0));
}

function sourcesOf({ sets }: DealtCorpus): string[] {
  return [...new Set(sets.flatMap(({ sources }) => sources.map(({ name }) => name)))].sort();
}

function placedPieces(options: ShardOptions, task: RouteTask, documents: number, workDir: string): PlacedPieces {
  const windows: { words: Uint32Array; set: number; firstRow: number }[] = [];
  /** [documents + 1]: pieces of each document; a document lies in one window. */
  const first = new Uint32Array(documents + 1);
  for (const [s, set] of task.sets.entries()) {
    let firstRow = 0;
    for (let window = set.firstWindow; window < set.firstWindow + set.windows; window++) {
      const { words } = readBucket(join(workDir, packedName(window)), task.group);
      windows.push({ words, set: s, firstRow });
      countPieces(words, first);
      firstRow += task.windowRows[window];
    }
  }
  for (let d = 0; d < documents; d++) first[d + 1] += first[d];
  const placed = { words: new Uint32Array(PACKED_WORDS * first[documents]), shard: new Uint32Array(first[documents]) };
  const rows = task.sets.map((set) => rowsOf(options, set));
  for (const { words, set, firstRow } of windows) placePieces(words, first, rows[set], firstRow, placed, native);
  return placed;
}

function countPieces(words: Uint32Array, first: Uint32Array): void {
  for (let i = 0; i < words.length; i += PACKED_WORDS) first[words[i] + 1]++;
}

function rowsOf({ shuffle }: ShardOptions, { rows, shards, firstShard, seed }: RouteTask['sets'][number]): EvenParts {
  return { first: firstShard, parts: shards, items: rows, seed: shuffle ? mix32(seed ^ ROWS) : undefined };
}

function readGroup(task: RouteTask, workDir: string): GroupDocuments {
  const documents = task.parts.reduce((sum, part) => sum + part.documents, 0);
  const numberOf = new Map(task.sources.map((name, i) => [name, i]));
  const group: GroupDocuments = {
    part: new Uint32Array(documents),
    tokenAt: new Uint32Array(documents),
    source: new Uint32Array(documents),
    idEnds: new Float64Array(documents + 1),
    ids: new Uint8Array(),
  };
  const ids: Uint8Array[] = [];
  let first = 0;
  for (const { part } of task.parts) {
    const encoded = openEncodedPart(join(workDir, encodedPartName(part)));
    try {
      const lengths = encoded.lengths();
      const { numbers, names } = encoded.sources();
      const { ends, bytes } = encoded.ids();
      const sources = names.map((name) => numberOf.get(name) ?? 0);
      addPart(group, first, part, lengths, ends, numbers, sources);
      first += lengths.length;
      ids.push(bytes);
    } finally {
      encoded.close();
    }
  }
  return { ...group, ids: Buffer.concat(ids) };
}

/** The documents of a part, from number `first` of the group on. */
function addPart(
  { part, tokenAt, source, idEnds }: GroupDocuments,
  first: number,
  number: number,
  lengths: Uint32Array,
  ends: Uint32Array,
  numbers: Uint32Array,
  sources: readonly number[],
): void {
  const idsBefore = idEnds[first];
  let token = 0;
  for (let d = 0; d < lengths.length; d++) {
    part[first + d] = number;
    tokenAt[first + d] = token;
    source[first + d] = sources[numbers[d]];
    idEnds[first + d + 1] = idsBefore + ends[d];
    token += lengths[d];
  }
}

/** The tokens of all pieces, in the order of `words`: part by part, each read from end to end. */
function copiedTokens(task: RouteTask, words: Uint32Array, ends: Float64Array, workDir: string): BucketBytes[] {
  const count = words.length / ROUTED.words;
  /** [pieces + 1]: tokens before each piece. */
  const before = new Float64Array(count + 1);
  const piecesOf = new Map<number, number[]>();
  for (let i = 0; i < count; i++) {
    before[i + 1] = before[i] + words[ROUTED.words * i + ROUTED.length];
    const part = words[ROUTED.words * i + ROUTED.part];
    const members = piecesOf.get(part);
    if (members === undefined) piecesOf.set(part, [i]);
    else members.push(i);
  }
  let tokens: Uint8Array | undefined;
  let trained: Uint8Array | undefined;
  let width = 1;
  for (const { part: number } of task.parts) {
    const encoded = openEncodedPart(join(workDir, encodedPartName(number)));
    try {
      const { bytesPerToken, tokensAt, trainedAt } = encoded;
      width = bytesPerToken;
      tokens ??= new Uint8Array(before[count] * width);
      const own = encoded.read(tokensAt, new Uint8Array(encoded.tokens * width));
      const marks = trainedAt > 0 ? encoded.read(trainedAt, new Uint8Array(encoded.tokens)) : undefined;
      if (marks !== undefined) trained ??= new Uint8Array(before[count]);
      for (const i of piecesOf.get(number) ?? []) {
        const from = words[ROUTED.words * i + ROUTED.token];
        const to = from + words[ROUTED.words * i + ROUTED.length];
        tokens.set(own.subarray(from * width, to * width), before[i] * width);
        if (marks !== undefined) trained?.set(marks.subarray(from, to), before[i]);
      }
    } finally {
      encoded.close();
    }
  }
  const tokenEnds = ends.map((end) => before[end]);
  const sections = [{ ends: tokenEnds.map((end) => end * width), bytes: tokens ?? new Uint8Array() }];
  return trained === undefined ? sections : [...sections, { ends: tokenEnds, bytes: trained }];
}

function running(sizes: Float64Array): Float64Array {
  let sum = 0;
  return sizes.map((size) => {
    sum += size;
    return sum;
  });
}

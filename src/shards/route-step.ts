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
import { keyedPermutation, mix32 } from '../core/random.ts';
import type { SinkStep } from '../core/stage.ts';
import { type BucketBytes, bucketStarts, readBucket, writeBuckets } from './bucket-file.ts';
import type { DealtCorpus, ShardSetPlan } from './deal-step.ts';
import type { EncodedCorpus } from './encode-step.ts';
import { encodedPartName, openEncodedPart } from './encoded-part.ts';
import { type ShardOptions, shuffleBytes } from './options.ts';
import { PACKED_WORDS, type PackedCorpus, packedName } from './pack-step.ts';
import { equalBorders, partOf } from './packing.ts';
import { type PartGroup, partGroups } from './part-groups.ts';
import { MOST_OPEN_PARTS } from './row-tokens.ts';
import { tokenBytes } from './shard-rows.ts';

/**
 * Words of a routed piece: its row within the shard, its place in the row, its tokens, its first token in the document,
 * its part, its first token in the part, its source, the bytes of its document's id. Pieces lie as their tokens do.
 */
export const ROUTED = {
  row: 0,
  at: 1,
  length: 2,
  start: 3,
  part: 4,
  token: 5,
  source: 6,
  idBytes: 7,
  words: 8,
} as const;

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
    const { ends, words, ids } = byShard(pieces, group, shards);
    const sections: BucketBytes[] = [ids];
    if (task.copies) sections.push(...copiedTokens(task, words, ends, context.workDir));
    await writeBuckets(join(context.workDir, routedName(task.group)), { width: ROUTED.words, ends, words }, sections);
    return null;
  },

  async merge(options, results: null[], _context, earlier): Promise<RoutedCorpus> {
    const [corpus, , dealt, packed] = earlier as Earlier;
    return { sets: routedSets(options, corpus, packed), groups: results.length, sources: sourcesOf(dealt) };
  },
} satisfies SinkStep<ShardOptions>;

// Loops in functions of their own: why is said in deal-step.ts.

/** The records of pieces sorted by shard, within a shard by document, as they come; and the ids of their documents. */
function byShard(
  pieces: PlacedPieces,
  group: Group,
  shards: number,
): { ends: Float64Array; words: Uint32Array; ids: BucketBytes } {
  const count = pieces.shard.length;
  const counts = new Uint32Array(shards);
  for (let i = 0; i < count; i++) counts[pieces.shard[i]]++;
  const { starts, ends } = bucketStarts(counts);
  const words = new Uint32Array(ROUTED.words * count);
  const documentOf = new Uint32Array(count);
  const idBytes = new Float64Array(shards);
  for (let i = 0; i < count; i++) {
    const piece = starts[pieces.shard[i]]++;
    const document = pieces.words[PACKED_WORDS * i];
    const start = pieces.words[PACKED_WORDS * i + 1];
    const bytes = group.idEnds[document + 1] - group.idEnds[document];
    const to = ROUTED.words * piece;
    words[to + ROUTED.row] = pieces.words[PACKED_WORDS * i + 3];
    words[to + ROUTED.at] = pieces.words[PACKED_WORDS * i + 4];
    words[to + ROUTED.length] = pieces.words[PACKED_WORDS * i + 2];
    words[to + ROUTED.start] = start;
    words[to + ROUTED.part] = group.part[document];
    words[to + ROUTED.token] = group.tokenAt[document] + start;
    words[to + ROUTED.source] = group.source[document];
    words[to + ROUTED.idBytes] = bytes;
    documentOf[piece] = document;
    idBytes[pieces.shard[i]] += bytes;
  }
  return { ends, words, ids: { ends: running(idBytes), bytes: idsOf(documentOf, group, idBytes) } };
}

/** The ids of documents end to end; `sizes` add up to their bytes. */
function idsOf(documents: Uint32Array, { idEnds, ids }: Group, sizes: Float64Array): Uint8Array {
  const out = new Uint8Array(sizes.reduce((sum, bytes) => sum + bytes, 0));
  for (let piece = 0, to = 0; piece < documents.length; piece++) {
    const end = idEnds[documents[piece] + 1];
    for (let i = idEnds[documents[piece]]; i < end; i++) out[to++] = ids[i];
  }
  return out;
}

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
    const set = { firstShard, shards: Math.ceil(rows / rowsPerShard), rows };
    firstShard += set.shards;
    return set;
  });
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

/** Pieces of a group in the order of its documents. */
interface PlacedPieces {
  /** As packed, but the row is the one within the shard. */
  words: Uint32Array;
  shard: Uint32Array;
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
  const places = task.sets.map((set) => rowPlaces(options, set));
  for (const { words, set, firstRow } of windows) placePieces(words, first, firstRow, places[set], placed);
  return placed;
}

function countPieces(words: Uint32Array, first: Uint32Array): void {
  for (let i = 0; i < words.length; i += PACKED_WORDS) first[words[i] + 1]++;
}

/** Puts the pieces of a window where those of their documents go; `first` goes along. */
function placePieces(
  packed: Uint32Array,
  first: Uint32Array,
  firstRow: number,
  placeOf: ReturnType<typeof rowPlaces>,
  { words, shard }: PlacedPieces,
): void {
  for (let i = 0; i < packed.length; i += PACKED_WORDS) {
    const piece = first[packed[i]]++;
    const place = placeOf(firstRow + packed[i + 3]);
    shard[piece] = place.shard;
    const to = PACKED_WORDS * piece;
    for (let k = 0; k < PACKED_WORDS; k++) words[to + k] = packed[i + k];
    words[to + 3] = place.row;
  }
}

/** Row of the set → its shard and row within it. The result is the same object each time. */
function rowPlaces(
  options: ShardOptions,
  set: RouteTask['sets'][number],
): (row: number) => { shard: number; row: number } {
  const { rows, shards, firstShard, seed } = set;
  const borders = equalBorders(rows, shards);
  const permute = options.shuffle ? keyedPermutation(rows, mix32(seed ^ ROWS)) : undefined;
  const found = { shard: 0, row: 0 };
  return (row) => {
    const place = permute?.(row) ?? row;
    const shard = partOf(borders, place);
    found.shard = firstShard + shard;
    found.row = place - borders[shard];
    return found;
  };
}

/** The documents of a group, one after another. */
interface Group {
  /** [documents]: part, first token within the part, source as in the task's names. */
  part: Uint32Array;
  tokenAt: Uint32Array;
  source: Uint32Array;
  /** [documents + 1] */
  idEnds: Float64Array;
  ids: Uint8Array;
}

function readGroup(task: RouteTask, workDir: string): Group {
  const documents = task.parts.reduce((sum, part) => sum + part.documents, 0);
  const numberOf = new Map(task.sources.map((name, i) => [name, i]));
  const group: Group = {
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
  { part, tokenAt, source, idEnds }: Group,
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

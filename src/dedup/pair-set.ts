/**
 * A set of pairs of ordinals that is filled in any order and read in ascending order, as often as needed: candidates of
 * all bands, failures of a check. An external sort: pairs gather in a buffer; a full one is sorted and rid of repeats
 * (bands find the same pair again and again); what then still fills it goes to scratch as a sorted run, and the runs are
 * merged, 32 at a time, into one file when the set is closed.
 *
 * Memory: 8 to 32 bytes a different pair, at most `maxBytes` and 64 KiB for each file open; beyond that 8 bytes on disk, twice
 * while files are merged. Time: 10–20 ns a pair to sort (100,000 and 10 M), 65 without the add-on.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { largeWords } from '../core/large-pages.ts';
import { native } from '../core/native.ts';

const FIRST_PAIRS = 1 << 14;
/** Memory that nothing was written to costs nothing; what is copied into a larger buffer was written for nothing. */
const GROWTH = 4;
/** Pairs of a run that are in memory while it is read: 64 KiB. */
export const PAIRS_PER_READ = 1 << 13;
/** So many runs of one size are merged into one of the next, so that few files are open at a time. */
const RUNS_PER_MERGE = 32;

export interface PairSetOptions {
  /** Scratch folder for pairs beyond `maxBytes`. */
  workDir: string;
  /** Of the files there, for this set alone. */
  name: string;
  maxBytes: number;
}

export interface PairSet {
  add(major: number, minor: number): void;
  /** Adds pairs that lie one behind the other, each (minor, major). */
  addPairs(pairs: Uint32Array): void;
  /** Different pairs; known when it is closed. */
  readonly size: number;
  /** Ends the adding; how many different pairs there are. */
  close(): number;
  /** Of a closed set: its pairs by `major`, then `minor`. */
  read(): PairCursor;
  /** The same, thousands at a time: words (minor, major) each, good until the next are asked for. */
  blocks(): Generator<Uint32Array, void, void>;
  /** Removes what lies in scratch. */
  remove(): void;
  /** The same, and it is open for other pairs: its memory is used again. */
  reset(): void;
  /** Of a closed set, which is then another's: what `openPairs` needs. */
  data(): PairData;
}

/** A closed set as plain data: its pairs, (minor, major) each, or the file they lie in. */
export type PairData = { size: number } & ({ words: Uint32Array } | { path: string });

/** The set whose data it is, in this thread or another. */
export function openPairs(data: PairData): PairSet {
  const { size } = data;
  const closed = (): never => {
    throw new Error('a closed set of pairs takes no more');
  };
  return {
    size,
    add: closed,
    addPairs: closed,
    close: closed,
    reset: closed,
    data: () => data,
    read: () => ('words' in data ? readMemory(data.words, size) : readFile(data.path)),
    blocks: () => ('words' in data ? memoryBlocks(data.words, size) : fileBlocks(data.path)),
    remove() {
      if ('path' in data) unlinkSync(data.path);
    },
  };
}

/** Stands before the first pair until `next` is called. Ended by `next` that returns false, or by `end`. */
export interface PairCursor {
  major: number;
  minor: number;
  /** False when there is no further pair. */
  next(): boolean;
  end(): void;
}

export function createPairSet({ workDir, name, maxBytes }: PairSetOptions): PairSet {
  const most = Math.max(1, Math.floor(maxBytes / 8));
  let buffer = createBuffer(Math.min(FIRST_PAIRS, most));
  let used = 0;
  // By generation: runs as they were spilled, then those merged once, twice …
  const runs: string[][] = [];
  let files = 0;
  let size = 0;

  const makeRoom = (): void => {
    used = sortPairs(buffer, used);
    const capacity = buffer.length >>> 1;
    // Half full after repeats have gone: another round over the same buffer would be too short to pay.
    if (used <= capacity >>> 1) return;
    if (capacity < most) {
      const larger = createBuffer(Math.min(GROWTH * capacity, most));
      larger.set(buffer.subarray(0, 2 * used));
      buffer = larger;
    } else {
      spill();
    }
  };
  const newFile = (): string => join(workDir, `${name}-${files++}.pairs`);
  const spill = (): void => {
    const path = newFile();
    const file = openSync(path, 'w');
    writeAll(file, buffer.subarray(0, 2 * used));
    closeSync(file);
    used = 0;
    addRun(path, 0);
  };
  const addRun = (path: string, generation: number): void => {
    const peers = (runs[generation] ??= []);
    peers.push(path);
    if (peers.length < RUNS_PER_MERGE) return;
    const merged = newFile();
    mergeRuns(peers.splice(0), merged);
    addRun(merged, generation + 1);
  };
  const reset = (): void => {
    for (const path of runs.splice(0).flat()) unlinkSync(path);
    if (buffer.length === 0) buffer = createBuffer(Math.min(FIRST_PAIRS, most));
    used = 0;
    size = 0;
  };
  return {
    get size() {
      return size;
    },
    add(major, minor) {
      if (2 * used === buffer.length) makeRoom();
      buffer[2 * used] = minor;
      buffer[2 * used + 1] = major;
      used++;
    },
    addPairs(pairs) {
      for (let at = 0; at < pairs.length; ) {
        if (2 * used === buffer.length) makeRoom();
        const taken = pairs.subarray(at, at + buffer.length - 2 * used);
        buffer.set(taken, 2 * used);
        used += taken.length >>> 1;
        at += taken.length;
      }
    },
    close() {
      used = sortPairs(buffer, used);
      if (runs.length === 0) {
        size = used;
        return size;
      }
      if (used > 0) spill();
      buffer = createBuffer(0);
      const merged = newFile();
      size = mergeRuns(runs.flat(), merged);
      runs.splice(0, runs.length, [merged]);
      return size;
    },
    read: () => (runs.length === 0 ? readMemory(buffer, used) : readFile(runs[0][0])),
    blocks: () => (runs.length === 0 ? memoryBlocks(buffer, used) : fileBlocks(runs[0][0])),
    data: () => (runs.length === 0 ? { size, words: buffer.slice(0, 2 * used) } : { size, path: runs[0][0] }),
    remove() {
      reset();
      buffer = createBuffer(0);
    },
    reset,
  };
}

function createBuffer(pairs: number): Uint32Array<ArrayBuffer> {
  return largeWords(2 * pairs);
}

/** Sorts the first `count` pairs and drops repeats; how many are left. */
const sortPairs = native?.sortPairs ?? sortPairsTwin;

/** The native sort's twin. */
export function sortPairsTwin(buffer: Uint32Array<ArrayBuffer>, count: number): number {
  // A pair is one little-endian 64-bit number, `major` above `minor`; without a comparator V8 sorts them natively.
  new BigUint64Array(buffer.buffer, buffer.byteOffset, count).sort();
  let kept = 0;
  for (let at = 0; at < 2 * count; at += 2) {
    if (kept > 0 && buffer[at] === buffer[kept - 2] && buffer[at + 1] === buffer[kept - 1]) continue;
    buffer[kept++] = buffer[at];
    buffer[kept++] = buffer[at + 1];
  }
  return kept >>> 1;
}

function writeAll(file: number, words: Uint32Array): void {
  const bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at, Math.min(bytes.length - at, 1 << 26));
}

function readMemory(buffer: Uint32Array, count: number): PairCursor {
  let at = -2;
  const cursor: PairCursor = {
    major: 0,
    minor: 0,
    next() {
      at += 2;
      if (at >= 2 * count) return false;
      cursor.minor = buffer[at];
      cursor.major = buffer[at + 1];
      return true;
    },
    end() {},
  };
  return cursor;
}

function* memoryBlocks(buffer: Uint32Array, count: number): Generator<Uint32Array, void, void> {
  const words = buffer.subarray(0, 2 * count);
  for (let at = 0; at < words.length; at += 2 * PAIRS_PER_READ) yield words.subarray(at, at + 2 * PAIRS_PER_READ);
}

function* fileBlocks(path: string): Generator<Uint32Array, void, void> {
  const file = openSync(path, 'r');
  try {
    const buffer = createBuffer(PAIRS_PER_READ);
    const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    for (;;) {
      const words = readPairs(file, bytes) >>> 2;
      if (words === 0) return;
      yield buffer.subarray(0, words);
    }
  } finally {
    closeSync(file);
  }
}

function readFile(path: string): PairCursor {
  let file: number | undefined = openSync(path, 'r');
  const buffer = createBuffer(PAIRS_PER_READ);
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  let at = 0;
  let end = 0;
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  const cursor: PairCursor = {
    major: 0,
    minor: 0,
    next() {
      if (at === end) {
        if (file === undefined) return false;
        at = 0;
        end = readPairs(file, bytes) >>> 2;
        if (end === 0) {
          close();
          return false;
        }
      }
      cursor.minor = buffer[at++];
      cursor.major = buffer[at++];
      return true;
    },
    end: close,
  };
  return cursor;
}

/** Fills `bytes` as far as the file goes: whole pairs, since files hold nothing else. */
function readPairs(file: number, bytes: Uint8Array): number {
  let filled = 0;
  while (filled < bytes.length) {
    const read = readSync(file, bytes, filled, bytes.length - filled, null);
    if (read === 0) break;
    filled += read;
  }
  return filled;
}

/** Merges sorted runs into one without repeats, and removes them; how many pairs it holds. */
function mergeRuns(runs: readonly string[], target: string): number {
  const cursors = runs.map(readFile);
  let open = cursors.filter((cursor) => cursor.next());
  const out = openSync(target, 'w');
  const buffer = createBuffer(PAIRS_PER_READ);
  let used = 0;
  let size = 0;
  let [major, minor] = [-1, -1];
  while (open.length > 0) {
    let least = open[0];
    for (const cursor of open) {
      if (cursor.major < least.major || (cursor.major === least.major && cursor.minor < least.minor)) least = cursor;
    }
    if (least.major !== major || least.minor !== minor) {
      ({ major, minor } = least);
      buffer[used++] = minor;
      buffer[used++] = major;
      size++;
      if (used === buffer.length) {
        writeAll(out, buffer);
        used = 0;
      }
    }
    if (!least.next()) open = open.filter((cursor) => cursor !== least);
  }
  writeAll(out, buffer.subarray(0, used));
  closeSync(out);
  for (const path of runs) unlinkSync(path);
  return size;
}

/**
 * A scratch file of records sorted by bucket, from which a bucket is read without the rest: how each step of the shards
 * sink hands the next one its share. Records are `width` uint32 words; beside them a bucket may have bytes (ids, tokens).
 * Little-endian, sections in this order:
 *
 *   header   8 × uint32: magic, version, buckets, width, byte sections, 0, 0, 0
 *   ends     float64[1 + byte sections][buckets]   end of each bucket in the records, and in each byte section
 *   records  uint32[records][width]
 *   bytes    of section 0, of section 1 …
 *
 * This is the distribution pass of an external permutation (Sanders 1998, "Random permutations on distributed, external
 * and hierarchical memory"): every task reads its input from end to end, deals it out to buckets in memory and writes
 * one file; whoever wants a bucket reads one stretch of each file. With m bytes of memory a bucket of all files fits it
 * as long as stretches stay larger than a disk's block: m² / 64 kB, 1 TB of tokens for 256 MiB.
 */
import { writeFileAtomic } from '../io/atomic.ts';
import { bytesOf } from './positioned-read.ts';
import { notWhole, withScratchFile } from './scratch-file.ts';

const MAGIC = 0x4b424d43; // "CMBK"
const VERSION = 1;
const HEADER_BYTES = 32;

/** Bytes beside the records. */
export interface BucketBytes {
  /** [buckets]: end of each bucket's bytes. */
  ends: Float64Array;
  bytes: Uint8Array;
}

/** Writes records that are sorted by bucket; `ends[b]` is the number of records in buckets 0 … b. */
export async function writeBuckets(
  path: string,
  records: { width: number; ends: Float64Array; words: Uint32Array },
  sections: readonly BucketBytes[] = [],
): Promise<void> {
  const { width, ends, words } = records;
  const header = Uint32Array.of(MAGIC, VERSION, ends.length, width, sections.length, 0, 0, 0);
  await writeFileAtomic(path, [
    bytesOf(header),
    bytesOf(ends),
    ...sections.map((section) => bytesOf(section.ends)),
    bytesOf(words),
    ...sections.map(({ bytes }) => bytes),
  ]);
}

/** One bucket: its records, and its bytes of each section. */
export interface Bucket {
  words: Uint32Array;
  bytes: Uint8Array[];
}

/** Reads a bucket. Throws CorpusmillError('INPUT_CORRUPT') when the file is not whole. */
export function readBucket(path: string, bucket: number): Bucket {
  return withScratchFile(path, 'reading a scratch file', (file) => {
    const [magic, version, buckets, width, sections] = file.words(0, HEADER_BYTES / 4);
    if (magic !== MAGIC || version !== VERSION || bucket >= buckets) {
      throw notWhole(`reading a scratch file: ${path} is none of version ${VERSION} with a bucket ${bucket}`);
    }
    const endsAt = (section: number) => HEADER_BYTES + section * buckets * 8;
    const doubles = (position: number, count: number) => file.read(position, new Float64Array(count));
    /** Start and end of the bucket, and the end of the section. */
    const rangeOf = (section: number): [number, number, number] => {
      const at = endsAt(section) + bucket * 8;
      const [last] = doubles(endsAt(section + 1) - 8, 1);
      if (bucket === 0) return [0, doubles(at, 1)[0], last];
      const [start, end] = doubles(at - 8, 2);
      return [start, end, last];
    };
    const recordsAt = endsAt(1 + sections);
    const [start, end, records] = rangeOf(0);
    const words = file.words(recordsAt + start * width * 4, (end - start) * width);
    const bytes: Uint8Array[] = [];
    let sectionAt = recordsAt + records * width * 4;
    for (let section = 0; section < sections; section++) {
      const [from, to, size] = rangeOf(1 + section);
      bytes.push(file.read(sectionAt + from, new Uint8Array(to - from)));
      sectionAt += size;
    }
    return { words, bytes };
  });
}

/** Where records of each bucket begin when sorted, from how many there are of each; `ends` are the same's ends. */
export function bucketStarts(counts: Uint32Array): { starts: Float64Array; ends: Float64Array } {
  const starts = new Float64Array(counts.length);
  const ends = new Float64Array(counts.length);
  let before = 0;
  for (let b = 0; b < counts.length; b++) {
    starts[b] = before;
    before += counts[b];
    ends[b] = before;
  }
  return { starts, ends };
}

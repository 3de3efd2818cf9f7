/**
 * Mergeable statistics: counts, log-scaled histograms and a seeded reservoir. All are plain JSON values, so a worker's
 * share can be stored beside its part and merged later; merging is commutative and associative, so neither the number
 * of workers nor their order shows in a result.
 */

/** Histogram of positive sizes in power-of-two buckets: bucket k counts values in [2^k, 2^(k+1)), bucket 0 also 0. */
export interface SizeHistogram {
  buckets: number[];
  count: number;
  sum: number;
  min: number;
  max: number;
}

export function sizeHistogram(): SizeHistogram {
  return { buckets: [], count: 0, sum: 0, min: Number.MAX_SAFE_INTEGER, max: 0 };
}

export function addSize(histogram: SizeHistogram, size: number): void {
  const bucket = bucketOf(size);
  while (histogram.buckets.length <= bucket) histogram.buckets.push(0);
  histogram.buckets[bucket]++;
  histogram.count++;
  histogram.sum += size;
  if (size < histogram.min) histogram.min = size;
  if (size > histogram.max) histogram.max = size;
}

/** The bucket of a size: floor(log2). */
function bucketOf(size: number): number {
  if (size < 2) return 0;
  return size < 2 ** 32 ? 31 - Math.clz32(size) : Math.floor(Math.log2(size));
}

export function mergeSizes(into: SizeHistogram, from: SizeHistogram): void {
  while (into.buckets.length < from.buckets.length) into.buckets.push(0);
  for (let i = 0; i < from.buckets.length; i++) into.buckets[i] += from.buckets[i];
  into.count += from.count;
  into.sum += from.sum;
  into.min = Math.min(into.min, from.min);
  into.max = Math.max(into.max, from.max);
}

/** Documents and UTF-8 bytes of text. */
export interface Volume {
  documents: number;
  bytes: number;
}

export function addVolume(into: Volume, from: Volume): void {
  into.documents += from.documents;
  into.bytes += from.bytes;
}

/** A dropped document kept as an example; `key` orders the reservoir and depends on seed and id alone. */
export interface DropSample {
  key: number;
  id: string;
  source: string;
  reason: string;
  /** The measured value that broke the threshold, where there is one. */
  value?: number | undefined;
  threshold?: number | undefined;
  /** The start of the text, at most `EXCERPT_CHARS` UTF-16 units. */
  excerpt: string;
  /** UTF-8 bytes of the whole text. */
  bytes: number;
}

export const EXCERPT_CHARS = 600;
export const SAMPLES_PER_REASON = 5;

/** Keeps the `capacity` samples with the smallest keys: the same set whatever the order of arrival, also where ids repeat. */
export function mergeSamples(into: DropSample[], from: readonly DropSample[], capacity = SAMPLES_PER_REASON): void {
  into.push(...from);
  into.sort(bySample);
  into.length = Math.min(into.length, capacity);
}

/** Samples of equal rank are equal in all that a report shows. */
function bySample(a: DropSample, b: DropSample): number {
  return (
    a.key - b.key ||
    compare(a.id, b.id) ||
    compare(a.source, b.source) ||
    a.bytes - b.bytes ||
    (a.value ?? 0) - (b.value ?? 0) ||
    compare(a.excerpt, b.excerpt)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What one stage did, summed over documents. */
export interface StageStats {
  /** Instance name (the stage's `name`, unique within the pipeline). */
  name: string;
  /** Registered stage name, for example `filter.c4`. */
  stage: string;
  input: Volume;
  output: Volume;
  /** Documents whose text the stage changed and kept. */
  changed: number;
  /** UTF-8 bytes by which changed documents became shorter, and by which they became longer. */
  bytesRemoved?: number;
  bytesAdded?: number;
  /** Documents the stage made out of others by splitting (pieces minus originals). */
  added: number;
  dropped: Record<string, Volume>;
  samples: Record<string, DropSample[]>;
  /** Documents by whatever else the stage counted them under (`MapStage.counted`); absent where it counted nothing. */
  counts?: Record<string, number>;
}

export function stageStats(name: string, stage: string): StageStats {
  return {
    name,
    stage,
    input: { documents: 0, bytes: 0 },
    output: { documents: 0, bytes: 0 },
    changed: 0,
    bytesRemoved: 0,
    bytesAdded: 0,
    added: 0,
    dropped: {},
    samples: {},
  };
}

/** Adds `from` to `into`; both describe the same stage. */
export function mergeStageStats(into: StageStats, from: StageStats): void {
  addVolume(into.input, from.input);
  addVolume(into.output, from.output);
  into.changed += from.changed;
  into.bytesRemoved = (into.bytesRemoved ?? 0) + (from.bytesRemoved ?? 0);
  into.bytesAdded = (into.bytesAdded ?? 0) + (from.bytesAdded ?? 0);
  into.added += from.added;
  for (const [reason, volume] of Object.entries(from.dropped)) {
    into.dropped[reason] ??= { documents: 0, bytes: 0 };
    addVolume(into.dropped[reason], volume);
  }
  for (const [reason, samples] of Object.entries(from.samples)) {
    into.samples[reason] ??= [];
    mergeSamples(into.samples[reason], samples);
  }
  for (const [name, documents] of Object.entries(from.counts ?? {})) countUnder(into, name, documents);
}

/** Adds documents to one of a stage's further counts. */
export function countUnder(stats: StageStats, name: string, documents: number): void {
  stats.counts ??= {};
  stats.counts[name] = (stats.counts[name] ?? 0) + documents;
}

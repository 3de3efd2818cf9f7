/**
 * `dedup.substring` on web-mix, in process, CPU seconds of one thread: the observer, the decision in one text and in
 * partitions, and its share of the text. No peer runs here: the reference (Lee et al. 2022) is a program over one file of
 * the whole corpus; the figure to hold beside is its suffix array's, which is sorted alone (MB of UTF-8 per second).
 *
 * Peak memory is that of array buffers, looked at between the steps of deciding, above what was there before; the suffix
 * array itself (18 bytes a candidate) comes and goes between two looks.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Document } from '../src/core/document.ts';
import { native } from '../src/core/native.ts';
import type { BarrierContext, FeaturePart } from '../src/core/stage.ts';
import { substring } from '../src/dedup/substring/stage.ts';
import { suffixArray, suffixArrayTwin } from '../src/dedup/substring/suffix-array.ts';
import type { Bench } from './bench.ts';
import { webMixPath } from './web-mix.ts';

const PART_ROWS = 1500;
const SUFFIX_ARRAY_BYTES = 10_000_000;
/** So little that the candidate text of tokens is cut into several partitions. */
const SMALL_MEMORY = 20_000_000;

export const substringBench: Bench = {
  name: 'substring',
  summary: 'repeated spans of web-mix by tokens, characters and bytes: observer, decision, memory, suffix array alone',
  async run() {
    const documents = gunzipSync(readFileSync(webMixPath()))
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line): Document => ({ id: '', text: (JSON.parse(line) as { text: string }).text, meta: {} }));
    const megabytes = documents.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) / 1e6;
    const table: (string | number)[][] = [
      ['unit', 'observer MB/s', 'features MB', 'decide MB/s', 'peak MB', 'candidates', 'MB removed'],
    ];
    const figures: Record<string, number> = {};
    for (const unit of ['tokens', 'characters', 'bytes'] as const) {
      const observed = observe(documents, { unit });
      const whole = await decide(documents, observed.parts, { unit }, 2 ** 30);
      const { details, edits } = whole;
      const row = {
        ObserverMbPerSecond: megabytes / observed.seconds,
        FeaturesMb: observed.bytes / 1e6,
        DecideMbPerSecond: megabytes / whole.seconds,
        PeakMb: whole.peakBytes / 1e6,
        CandidateShare: (details['candidates'] as { length: number }).length / Number(details['seen']),
        RemovedMb: (edits?.bytesRemoved ?? 0) / 1e6,
      };
      const rounded = Object.entries(row).map(([key, value]) => [key, Number(value.toFixed(2))] as const);
      table.push([unit, ...rounded.map(([, value]) => value)]);
      for (const [key, value] of rounded) figures[unit + key] = value;
      if (unit !== 'tokens') continue;
      const divided = await decide(documents, observed.parts, { unit }, SMALL_MEMORY);
      if (JSON.stringify(divided.details) !== JSON.stringify(details))
        throw new Error('the partitions found otherwise');
      figures['tokensDividedMbPerSecond'] = Number((megabytes / divided.seconds).toFixed(2));
    }
    const text = Int32Array.from(
      Buffer.from(documents.map(({ text }) => text).join('\n')).subarray(0, SUFFIX_ARRAY_BYTES),
    );
    const order = new Int32Array(text.length);
    const speed = (sort: typeof suffixArray): number =>
      Number((text.length / 1e6 / cpuSeconds(() => sort(text, 256, order))).toFixed(2));
    figures['suffixArrayMbPerSecond'] = speed(suffixArray);
    figures['suffixArrayTwinMbPerSecond'] = speed(suffixArrayTwin);
    return {
      table,
      figures,
      notes: [`${documents.length} documents, ${megabytes.toFixed(1)} MB; native: ${native !== undefined}.`],
    };
  },
};

function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  return secondsSince(before);
}

function secondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function observe(documents: readonly Document[], options: Record<string, unknown>) {
  const given = substring.options.parse(options);
  const parts: FeaturePart[] = [];
  let bytes = 0;
  const seconds = cpuSeconds(() => {
    for (let firstOrdinal = 0; firstOrdinal < documents.length; firstOrdinal += PART_ROWS) {
      const observer = substring.createObserver(given, { name: 'substring', seed: 1, baseDir: '.' });
      const own = documents.slice(firstOrdinal, firstOrdinal + PART_ROWS);
      for (const document of own) observer.observe(document);
      const blob = observer.finish();
      bytes += blob.length;
      parts.push({
        part: parts.length,
        rows: own.length,
        firstOrdinal,
        alive: undefined,
        features: async (range) => (range ? blob.subarray(range.offset, range.offset + range.length) : blob),
        rowInfo: async () => new Uint32Array(2 * own.length),
      });
    }
  });
  return { parts, bytes, seconds };
}

async function decide(
  documents: readonly Document[],
  parts: readonly FeaturePart[],
  options: Record<string, unknown>,
  memoryBytes: number,
) {
  const workDir = mkdtempSync(join(tmpdir(), 'corpusmill-substring-'));
  const before = process.memoryUsage().arrayBuffers;
  let peak = before;
  const look = (): void => {
    peak = Math.max(peak, process.memoryUsage().arrayBuffers);
  };
  const context: BarrierContext = {
    name: 'substring',
    seed: 1,
    baseDir: '.',
    parts,
    rows: documents.length,
    inputs: ['web-mix'],
    outputDir: '.',
    workDir,
    memoryBytes,
    readDocuments: async (ordinals) => {
      look();
      return ordinals.map((ordinal) => documents[ordinal]);
    },
    readTexts: async (ordinals) => {
      look();
      return ordinals.map((ordinal) => documents[ordinal].text);
    },
    withTexts: async () => {},
    progress: look,
    signal: new AbortController().signal,
  };
  const start = process.cpuUsage();
  try {
    const { details = {}, edits } = await substring.decide(substring.options.parse(options), context);
    return { details, edits, seconds: secondsSince(start), peakBytes: peak - before };
  } finally {
    rmSync(workDir, { recursive: true });
  }
}

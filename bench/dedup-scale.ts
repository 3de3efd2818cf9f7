/**
 * Does deduplication hold its promises at ten million documents? `dedup.minhash` through the command line, two workers,
 * over a made-up corpus with planted near-copies (planted-corpus.ts), at one million documents and at ten:
 *
 * - peak resident memory of the whole process, which must stay inside 2 GiB;
 * - seconds at ten million over those at one, on the wall and of the processor: linear would be 10;
 * - planted pairs found, beside the number that theory expects: for each pair the probability 1 − (1 − J^rows)^bands at
 *   its exact similarity J, computed here from the words themselves, and the standard deviation that goes with it.
 *
 * Two settings: `fineweb` (5-word shingles, 14 × 8, unchecked), where finding is bands alone, so that theory says all; and
 * `default` (3-word shingles, 40 × 4, checked by containment), where a pair counts as expected only if its two texts, by
 * themselves, pass the check.
 *
 * Needs about 8 GB of disk. Inputs are cached. `CORPUSMILL_SCALE_DOCUMENTS` makes it smaller than ten million (a multiple
 * of 200); with `CORPUSMILL_SCALE_RESUME=1` finished runs of an earlier, interrupted bench are taken as they are.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSummary } from '../src/core/run-summary.ts';
import { createLikeness, type LikenessRule } from '../src/dedup/likeness.ts';
import { minhashOptions, resolveMinhash } from '../src/dedup/minhash/options.ts';
import type { Bench } from './bench.ts';
import { runCli } from './cli-run.ts';
import { jaccard, type PlantedCorpus, plantedCorpus, spell, type Words, writePlantedCorpus } from './planted-corpus.ts';
import { benchCache } from './web-mix.ts';

const DOCUMENTS = 10_000_000;
const WORKERS = 2;
/** Similarities are shown in bins of .1 from here on. */
const FIRST_BIN = 0.3;

const SETTINGS: Record<string, Record<string, unknown>> = {
  fineweb: { shingleTokens: 5, numBands: 14, rowsPerBand: 8, verify: 0 },
  default: {},
};

export const dedupScale: Bench = {
  name: 'dedup-scale',
  summary: 'Near-copies among 10 M documents: peak memory, time beside 1 M, planted pairs found beside theory',
  async run() {
    const documents = Number(process.env['CORPUSMILL_SCALE_DOCUMENTS'] ?? DOCUMENTS);
    const table: (string | number)[][] = [
      [
        'setting',
        'documents',
        'seconds',
        'CPU s',
        'decide s',
        'peak MiB',
        'bytes/doc',
        'pairs found',
        'expected',
        'sigmas',
      ],
    ];
    const bins: string[] = [];
    const figures: Record<string, number | null> = { documents };
    for (const name of Object.keys(SETTINGS)) {
      const small = await measure(name, documents / 10);
      const large = await measure(name, documents);
      for (const result of [small, large]) {
        const { all } = result;
        table.push([
          name,
          result.documents,
          result.seconds.toFixed(1),
          result.cpuSeconds?.toFixed(1) ?? '',
          result.decideSeconds.toFixed(1),
          result.peakMiB === null ? 'not known' : Math.round(result.peakMiB),
          Math.round(result.featureBytes / result.documents),
          all.found,
          Math.round(all.expected),
          sigmas(all).toFixed(2),
        ]);
      }
      bins.push(
        `${name}, ${documents} documents, by similarity:\n${large.bins.map(binLine).filter(Boolean).join('\n')}`,
      );
      const prefix = name === 'fineweb' ? '' : 'default ';
      const figure = (label: string): string => (prefix === '' ? label : `${prefix}${label}`);
      figures[figure('peakMiB')] = large.peakMiB === null ? null : Math.round(large.peakMiB);
      figures[figure('timeRatio10Mto1M')] = Number((large.seconds / small.seconds).toFixed(2));
      const [cpu, cpuBefore] = [large.cpuSeconds, small.cpuSeconds];
      figures[figure('cpuRatio10Mto1M')] =
        cpu === null || cpuBefore === null ? null : Number((cpu / cpuBefore).toFixed(2));
      figures[figure('seconds')] = Number(large.seconds.toFixed(1));
      figures[figure('decideSeconds')] = Number(large.decideSeconds.toFixed(1));
      figures[figure('documentsPerSecond')] = Math.round(documents / large.seconds);
      figures[figure('plantedFound')] = large.all.found;
      figures[figure('plantedExpected')] = Math.round(large.all.expected);
      figures[figure('sigmas')] = Number(sigmas(large.all).toFixed(2));
      figures[figure('otherDuplicates')] = large.otherDuplicates;
      figures[figure('featureBytesPerDocument')] = Math.round(large.featureBytes / documents);
    }
    figures['inputBytes'] = statSync(writePlantedCorpus(plantedCorpus(documents))).size;
    return { table, figures, notes: [...bins, 'Peak memory is read from /proc, which only Linux has.'] };
  },
};

/** Planted pairs of some range of similarity: those found, and the mean and variance that theory gives. */
interface Catch {
  pairs: number;
  found: number;
  expected: number;
  variance: number;
}

interface Measured {
  documents: number;
  seconds: number;
  cpuSeconds: number | null;
  /** Of the run's own phases, the one that matches and checks. */
  decideSeconds: number;
  peakMiB: number | null;
  featureBytes: number;
  all: Catch;
  bins: Catch[];
  /** Duplicates that were not planted: alike by chance. */
  otherDuplicates: number;
}

/** One run and what it found; kept in the cache until all runs of the bench are through. */
async function measure(name: string, documents: number): Promise<Measured> {
  const note = join(benchCache(), `dedup-scale-${name}-${documents}.json`);
  if (process.env['CORPUSMILL_SCALE_RESUME'] === '1' && existsSync(note)) {
    say(`${name}, ${documents} documents: as measured before`);
    return JSON.parse(readFileSync(note, 'utf8')) as Measured;
  }
  const corpus = plantedCorpus(documents);
  const input = writePlantedCorpus(corpus);
  const folder = join(benchCache(), `dedup-scale-run-${process.pid}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  try {
    const pipeline = join(folder, 'scale.yaml');
    const output = join(folder, 'out');
    const stages = [{ stage: 'dedup.minhash', ...SETTINGS[name] }];
    writeFileSync(pipeline, JSON.stringify({ name: 'scale', output, inputs: [{ name: 'made', path: input }], stages }));
    say(`${name}, ${documents} documents: ${Math.round(statSync(input).size / 1e6)} MB …`);
    const run = await runCli(['run', pipeline, '--workers', String(WORKERS), '--json'], {
      eachSecond({ seconds, peakMiB }) {
        if (seconds % 15 === 0) say(`  ${seconds} s, peak ${Math.round(peakMiB ?? 0)} MiB, ${phaseNow(output)}`);
      },
    });
    const counted = countPairs(corpus, name, readDecisions(output, documents));
    const summary = JSON.parse(readFileSync(join(output, 'summary.json'), 'utf8')) as RunSummary;
    const timing = JSON.parse(readFileSync(join(output, 'timing.json'), 'utf8')) as {
      phases: { title: string; seconds: number }[];
    };
    const result: Measured = {
      documents,
      ...run,
      decideSeconds: timing.phases.find(({ title }) => title === 'dedup.minhash')!.seconds,
      featureBytes: bytesUnder(join(barrierFolder(output), 'features')),
      ...counted,
      otherDuplicates: Number(summary.barriers[0].details['duplicates']) - counted.all.found,
    };
    const { found, expected } = counted.all;
    say(
      `${name}, ${documents} documents: ${run.seconds.toFixed(1)} s, found ${found}, expected ${Math.round(expected)}`,
    );
    writeFileSync(note, JSON.stringify(result));
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function say(line: string): void {
  process.stderr.write(`dedup-scale: ${line}\n`);
}

function phaseNow(output: string): string {
  const phases = join(output, 'phases');
  const barrier = existsSync(phases) && readdirSync(phases).find((phase) => phase.endsWith('dedup.minhash'));
  return barrier && existsSync(join(phases, barrier, 'decide')) ? 'deciding' : 'observing';
}

function barrierFolder(output: string): string {
  const phases = join(output, 'phases');
  return join(phases, readdirSync(phases).find((phase) => phase.endsWith('dedup.minhash'))!);
}

/** For every document, by its place in the input, the one that stands for it. */
function readDecisions(output: string, documents: number): Uint32Array {
  const folder = join(barrierFolder(output), 'decide', 'decisions');
  const keptAs = new Uint32Array(documents);
  const bytes = new Uint8Array(keptAs.buffer);
  let at = 0;
  for (const part of readdirSync(folder).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))) {
    const own = readFileSync(join(folder, part));
    bytes.set(own, at);
    at += own.length;
  }
  if (at !== bytes.length) throw new Error(`decisions on ${at / 4} documents, not ${documents}`);
  return keptAs;
}

function countPairs(corpus: PlantedCorpus, name: string, keptAs: Uint32Array): { all: Catch; bins: Catch[] } {
  const { shape, shingleTokens, rule } = resolveMinhash(minhashOptions.parse(SETTINGS[name]), 0);
  const passes = rule === undefined ? () => true : passesAlone(rule);
  const empty = (): Catch => ({ pairs: 0, found: 0, expected: 0, variance: 0 });
  const bins = Array.from({ length: 10 }, empty);
  for (let index = 0; index < corpus.pairs; index++) {
    const { original, copy } = corpus.pair(index);
    const [a, b] = [corpus.words(original), corpus.words(copy)];
    const similarity = jaccard(a, b, shingleTokens);
    const candidate = 1 - (1 - similarity ** shape.rows) ** shape.bands;
    const expected = passes(a, b) ? candidate : 0;
    const bin = bins[Math.min(9, Math.floor(similarity * 10))];
    bin.pairs++;
    if (keptAs[original] === keptAs[copy]) bin.found++;
    bin.expected += expected;
    bin.variance += expected * (1 - expected);
  }
  const all = empty();
  for (const bin of bins) {
    all.pairs += bin.pairs;
    all.found += bin.found;
    all.expected += bin.expected;
    all.variance += bin.variance;
  }
  return { all, bins };
}

/** Whether two documents pass the check when nothing else is there. */
function passesAlone(rule: LikenessRule): (a: Words, b: Words) => boolean {
  const likeness = createLikeness(rule);
  return (a, b) => {
    likeness.open(a.map(spell).join(' '));
    const held = likeness.hold();
    likeness.open(b.map(spell).join(' '));
    return likeness.compare(held) !== 'apart';
  };
}

function sigmas({ found, expected, variance }: Catch): number {
  return variance === 0 ? 0 : (found - expected) / Math.sqrt(variance);
}

function binLine(bin: Catch, i: number): string {
  if (bin.pairs === 0 || i / 10 < FIRST_BIN) return '';
  const share = (count: number): string => (count / bin.pairs).toFixed(4);
  return (
    `  ${(i / 10).toFixed(1)}–${((i + 1) / 10).toFixed(1)}: ${bin.pairs} pairs, found ${share(bin.found)}, ` +
    `expected ${share(bin.expected)}, ${sigmas(bin).toFixed(2)} sigmas`
  );
}

function bytesUnder(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

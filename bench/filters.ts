/**
 * The map chain on real web text: normalize and the four filter families, in CPU seconds of one thread, in process, on
 * texts already read. MB are 10⁶ UTF-8 bytes of text.
 *
 * Input: all of web-mix (half English, half Chinese and others); and a sample of its documents that datatrove's same four filters get in
 * the same run (bench/peers/filters_datatrove.py, environment by bench/peers/setup.sh), each side as its project is used:
 * datatrove with spaCy words. A sample of the English part goes to NVIDIA NeMo Curator's English pipeline (its own 28 filter
 * classes, bench/peers/nemo.py), to the same chain and to `filter.nemo`, which has the same 28 filters.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { MapDefinition, MapStage } from '../src/core/stage.ts';
import { c4 } from '../src/filters/c4.ts';
import { fineweb } from '../src/filters/fineweb.ts';
import { gopherQuality } from '../src/filters/gopher-quality.ts';
import { gopherRepetition } from '../src/filters/gopher-repetition.ts';
import { nemo } from '../src/filters/nemo/stage.ts';
import { normalize } from '../src/filters/normalize.ts';
import type { Bench } from './bench.ts';
import { runPythonPeer } from './python-peer.ts';
import { webMixPath } from './web-mix.ts';

const CHAIN: readonly MapDefinition[] = [
  normalize,
  gopherQuality,
  gopherRepetition,
  c4,
  fineweb,
] as unknown as readonly MapDefinition[];

/** Every so manieth document goes to datatrove too: about 30 s of its time. */
const SAMPLE_EVERY = 16;
/** Every so manieth English document goes to NeMo Curator: about 10 s of its time. */
const NEMO_EVERY = 4;

interface Text {
  id: string;
  text: string;
  lang: string;
}

export const filters: Bench = {
  name: 'filters',
  summary: 'normalize and the four filter families: MB/s per core beside datatrove and NeMo Curator',
  async run() {
    const lines = gunzipSync(readFileSync(webMixPath())).toString('utf8').trimEnd().split('\n');
    const all = lines.map((line) => JSON.parse(line) as Text);
    const english = all.filter(({ lang }) => lang === 'en');
    const others = all.filter(({ lang }) => lang !== 'en');
    const sample = all.filter((_, i) => i % SAMPLE_EVERY === 0);
    const table: (string | number)[][] = [['what', 'input', 'documents', 'MB', 'kept', 'MB/s per core']];
    const add = (what: string, input: string, texts: readonly Text[], run: Run): number => {
      const megabytes = megabytesOf(texts);
      table.push([what, input, texts.length, megabytes.toFixed(1), run.kept, (megabytes / run.seconds).toFixed(2)]);
      return megabytes / run.seconds;
    };

    chainOver(english, CHAIN); // compiles the code
    const whole = add('chain', 'web-mix', all, chainOver(all, CHAIN));
    const onEnglish = add('chain', 'English part', english, chainOver(english, CHAIN));
    add('chain', 'other languages', others, chainOver(others, CHAIN));
    for (const definition of CHAIN) add(definition.name, 'English part', english, chainOver(english, [definition]));

    const ours = add(
      'chain',
      'sample',
      sample,
      best(() => chainOver(sample, CHAIN)),
    );
    const datatrove = runPeer('filters_datatrove.py', [], sample);
    const theirs = typeof datatrove === 'string' ? undefined : add('datatrove', 'sample', sample, datatrove);
    const sampleOfEnglish = english.filter((_, i) => i % NEMO_EVERY === 0);
    const chainBesideNemo = add(
      'chain',
      'English sample',
      sampleOfEnglish,
      best(() => chainOver(sampleOfEnglish, CHAIN)),
    );
    const ourNemo = add(
      nemo.name,
      'English sample',
      sampleOfEnglish,
      best(() => chainOver(sampleOfEnglish, [nemo as unknown as MapDefinition])),
    );
    const curator = runPeer('nemo.py', ['chain'], sampleOfEnglish);
    const nemoCurator =
      typeof curator === 'string' ? undefined : add('NeMo Curator', 'English sample', sampleOfEnglish, curator);
    const notes = [
      'every filter alone and on the whole text finds lines and words anew; in the chain they are found once',
      'kept differs a little: datatrove splits words by spaCy, corpusmill by UAX #29; given the same words they agree on every document (tests/filters/parity.test.ts)',
      'NeMo Curator takes one of equally frequent n-grams by its hash seed, so kept differs by a few from run to run; ratioToNemo is the chain beside its 28 filters, nemoStageRatioToNemo filter.nemo beside them',
    ];
    if (typeof datatrove === 'string') notes.push(datatrove);
    if (typeof curator === 'string') notes.push(curator);
    return {
      table,
      figures: {
        mbPerSecondPerCore: round(whole),
        englishMbPerSecondPerCore: round(onEnglish),
        sampleMbPerSecondPerCore: round(ours),
        datatroveMbPerSecondPerCore: theirs === undefined ? null : round(theirs),
        ratioToDatatrove: theirs === undefined ? null : round(ours / theirs),
        nemoMbPerSecondPerCore: nemoCurator === undefined ? null : round(nemoCurator),
        ratioToNemo: nemoCurator === undefined ? null : round(chainBesideNemo / nemoCurator),
        nemoStageMbPerSecondPerCore: round(ourNemo),
        nemoStageRatioToNemo: nemoCurator === undefined ? null : round(ourNemo / nemoCurator),
      },
      notes,
    };
  },
};

interface Run {
  seconds: number;
  kept: number;
}

function chainOver(texts: readonly Text[], definitions: readonly MapDefinition[]): Run {
  const context = { name: 'bench', seed: 0, baseDir: '' };
  const stages: MapStage[] = definitions.map((definition) =>
    definition.create(definition.options.parse({}), { ...context, name: definition.name }),
  );
  let kept = 0;
  const start = process.cpuUsage();
  for (const { id, text } of texts) {
    const document = { id, text, meta: {} };
    if (stages.every((stage) => stage.process(document).action === 'keep')) kept++;
  }
  const { user, system } = process.cpuUsage(start);
  return { seconds: (user + system) / 1e6, kept };
}

/** The quickest of three. */
function best(run: () => Run): Run {
  return [run(), run(), run()].reduce((a, b) => (b.seconds < a.seconds ? b : a));
}

/** A peer's figures, or why there are none. */
function runPeer(script: string, args: readonly string[], texts: readonly Text[]): Run | string {
  const output = runPythonPeer(
    script,
    args,
    texts.map(({ text }) => text),
  );
  if (typeof output === 'string') return output;
  const { cpuSeconds, kept } = JSON.parse(output.at(-1) ?? '{}') as { cpuSeconds: number; kept: number };
  return { seconds: cpuSeconds, kept };
}

function megabytesOf(texts: readonly Text[]): number {
  return texts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) / 1e6;
}

function round(value: number): number {
  return Number(value.toFixed(2));
}

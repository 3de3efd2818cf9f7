/**
 * The map chain on real web text: normalize and the four filter families, in CPU seconds of one thread, in process, on
 * texts already read. MB are 10⁶ UTF-8 bytes of text.
 *
 * Input: all of web-mix (half English, half Chinese and others); and a sample of its documents that datatrove's same four filters get in
 * the same run (bench/peers/filters_datatrove.py, environment by bench/peers/setup.sh), each side as its project is used:
 * datatrove with spaCy words. NVIDIA NeMo Curator's English pipeline (28 heuristics) is not run here: its speed is the one
 * measured for shared/research on a machine of this kind, and said to be so.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { packageRoot } from '../src/core/native.ts';
import type { MapDefinition, MapStage } from '../src/core/stage.ts';
import { c4 } from '../src/filters/c4.ts';
import { fineweb } from '../src/filters/fineweb.ts';
import { gopherQuality } from '../src/filters/gopher-quality.ts';
import { gopherRepetition } from '../src/filters/gopher-repetition.ts';
import { normalize } from '../src/filters/normalize.ts';
import type { Bench } from './bench.ts';
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
const NEMO_MB_PER_SECOND = 0.78;

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
    const datatrove = runDatatrove(sample);
    const theirs = typeof datatrove === 'string' ? undefined : add('datatrove', 'sample', sample, datatrove);
    const notes = [
      'every filter alone and on the whole text finds lines and words anew; in the chain they are found once',
      'kept differs a little: datatrove splits words by spaCy, corpusmill by UAX #29; given the same words they agree on every document (tests/filters/parity.test.ts)',
      `NeMo Curator is not run here: ratioToNemo is the English part's MB/s per core over ${NEMO_MB_PER_SECOND}, which its 28-filter English pipeline reached on English articles on a machine of this kind`,
    ];
    if (typeof datatrove === 'string') notes.push(datatrove);
    return {
      table,
      figures: {
        mbPerSecondPerCore: round(whole),
        englishMbPerSecondPerCore: round(onEnglish),
        sampleMbPerSecondPerCore: round(ours),
        datatroveMbPerSecondPerCore: theirs === undefined ? null : round(theirs),
        ratioToDatatrove: theirs === undefined ? null : round(ours / theirs),
        nemoMbPerSecondPerCore: null,
        ratioToNemo: round(onEnglish / NEMO_MB_PER_SECOND),
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

/** datatrove's figures, or why there are none. */
function runDatatrove(texts: readonly Text[]): Run | string {
  const python = join(
    process.env['CORPUSMILL_PEERS'] ?? join(homedir(), '.cache', 'corpusmill', 'peers'),
    'bin',
    'python',
  );
  const { status, stdout, stderr, error } = spawnSync(
    python,
    [join(packageRoot(), 'bench', 'peers', 'filters_datatrove.py')],
    {
      input: texts.map(({ text }) => JSON.stringify(text)).join('\n'),
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    },
  );
  if (error !== undefined || status !== 0) {
    const cause = error?.message ?? stderr.trim().split('\n').at(-1);
    return `datatrove did not run (${cause}); bench/peers/setup.sh sets it up`;
  }
  const { cpuSeconds, kept } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as {
    cpuSeconds: number;
    kept: number;
  };
  return { seconds: cpuSeconds, kept };
}

function megabytesOf(texts: readonly Text[]): number {
  return texts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) / 1e6;
}

function round(value: number): number {
  return Number(value.toFixed(2));
}

/**
 * Decision parity: how often corpusmill's verdicts are those of the toolkit whose convention it follows.
 *
 * - datatrove: verdict and rule of Gopher quality and repetition, FineWeb quality and C4 (and its text) on 4,191 real
 *   documents (shared/goldens/filters; UAX #29 words on both sides).
 * - NeMo Curator: verdicts of each of its 28 filters alone on 316 hand-made documents (shared/goldens/peers).
 * - DCLM: verdict, reason and text of its chain on the same documents (parity-dclm.ts).
 * - NeMo Curator once more on English documents that are in no file of golden values, its filter classes run beside
 *   (bench/peers/nemo.py). Where verdicts differ because of n-grams that are equally frequent, of which Python takes
 *   another in every process, they are counted apart.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { MapDefinition, Measurement, OptionSchema } from '../src/core/stage.ts';
import { c4 } from '../src/filters/c4.ts';
import { fineweb } from '../src/filters/fineweb.ts';
import { gopherQuality } from '../src/filters/gopher-quality.ts';
import { gopherRepetition } from '../src/filters/gopher-repetition.ts';
import { nemo } from '../src/filters/nemo/stage.ts';
import type { Bench } from './bench.ts';
import { type Agreement, dclmAgreement } from './parity-dclm.ts';
import { runPythonPeer } from './python-peer.ts';
import { webMixPath } from './web-mix.ts';

/** Every so manieth English document of web-mix goes to NeMo Curator: about 40 s of its time. */
const NEMO_EVERY = 4;

type Judge = (text: string) => { verdict: string; text: string };

export const parity: Bench = {
  name: 'parity',
  summary: 'verdicts beside datatrove, NeMo Curator and DCLM: how many agree',
  async run() {
    const real = readReal();
    const agreements: Record<string, Agreement> = {
      gopherQuality: besideDatatrove(real, 'gopher_quality', judgeOf(gopherQuality)),
      gopherRepetition: besideDatatrove(real, 'gopher_repetition', judgeOf(gopherRepetition)),
      finewebQuality: besideDatatrove(real, 'fineweb_quality', judgeOf(fineweb)),
      c4: besideDatatrove(real, 'c4_quality', judgeOf(c4)),
      nemo: besideNemoGolden(),
      dclm: dclmAgreement(),
    };
    const notes = [
      'nemo counts verdicts of single filters, the others documents; of c4 the resulting text must be the same too',
    ];
    const live = besideNemo(real.english.filter((_, i) => i % NEMO_EVERY === 0));
    if (typeof live === 'string') {
      notes.push(live);
    } else {
      agreements['nemoReal'] = live.verdicts;
      agreements['nemoRealDocuments'] = live.documents;
      notes.push(
        `nemoReal: ${live.tied} of the differing verdicts hang on which of equally frequent n-grams NeMo's process takes; other verdicts or scores that differ: ${live.others.slice(0, 10).join('; ') || 'none'}`,
      );
    }
    const table: (string | number)[][] = [['what', 'agree', 'of', 'share']];
    const figures: Record<string, number> = {};
    for (const [what, { agree, total }] of Object.entries(agreements)) {
      table.push([what, agree, total, `${((100 * agree) / total).toFixed(2)} %`]);
      figures[`${what}Agree`] = agree;
      figures[`${what}Total`] = total;
    }
    if (typeof live !== 'string') figures['nemoRealTied'] = live.tied;
    return { table, figures, notes };
  },
};

/** A stage with default options as a function. */
function judgeOf<S extends OptionSchema>(definition: MapDefinition<S>): Judge {
  const stage = definition.create(definition.options.parse({}), { name: definition.name, seed: 0, baseDir: '' });
  return (text) => {
    const document = { id: '', text, meta: {} };
    const verdict = stage.process(document);
    return { verdict: verdict.action === 'drop' ? verdict.reason : verdict.action, text: document.text };
  };
}

/** Agreements among `checks`. */
function count(checks: Iterable<boolean>): Agreement {
  let agree = 0;
  let total = 0;
  for (const isSame of checks) {
    total++;
    if (isSame) agree++;
  }
  return { agree, total };
}

// ---- datatrove -----------------------------------------------------------------------------------------------------

interface Real {
  decisions: { id: string; spacy: Record<string, string>; uax29?: Record<string, string> }[];
  texts: Map<string, string>;
  english: string[];
}

function readReal(): Real {
  const decisions = rows<Real['decisions'][number]>('goldens/filters/decisions.jsonl.gz');
  const documents = rows<{ id: string; text: string; lang: string }>('data/web-mix.jsonl.gz');
  return {
    decisions,
    texts: new Map(documents.map(({ id, text }) => [id, text])),
    english: documents.filter(({ lang }) => lang === 'en').map(({ text }) => text),
  };
}

function besideDatatrove({ decisions, texts }: Real, name: string, judge: Judge): Agreement {
  return count(
    decisions.map(({ id, spacy, uax29 }) => {
      const wanted = uax29 ?? spacy;
      const { verdict, text } = judge(texts.get(id) as string);
      const sha1 = wanted[`${name}.sha1`];
      const isSameText = verdict !== 'keep' || sha1 === undefined || sha1 === hash(text);
      return verdict === wanted[name] && isSameText;
    }),
  );
}

const hash = (text: string): string => createHash('sha1').update(text).digest('hex');

// ---- NeMo Curator --------------------------------------------------------------------------------------------------

/** Each of the 28 filters alone, but for those where the peer raises an error. */
function besideNemoGolden(): Agreement {
  const measure = nemoMeasurements();
  const golden = rows<{ text: string; scores: Record<string, { keep?: boolean }> }>(
    'goldens/peers/nemo_english_heuristics.jsonl.gz',
  );
  return count(
    golden.flatMap(({ text, scores }) => {
      const ours = measure(text);
      return Object.values(scores).flatMap(({ keep }, i) => (keep === undefined ? [] : [keep === !ours[i].broken]));
    }),
  );
}

/** What NeMo's own classes give, or why they did not run. */
function besideNemo(
  texts: readonly string[],
): { verdicts: Agreement; documents: Agreement; tied: number; others: string[] } | string {
  const output = runPythonPeer('nemo.py', ['scores'], texts);
  if (typeof output === 'string') return output;
  const measure = nemoMeasurements();
  const verdicts: boolean[] = [];
  const documents: boolean[] = [];
  const others: string[] = [];
  let tied = 0;
  output.forEach((line, at) => {
    const { topTies, ...scores } = JSON.parse(line) as Record<string, [number, boolean] | string> & {
      topTies: Record<string, [number, number]>;
    };
    const ours = measure(texts[at]);
    const filters = Object.entries(scores) as [string, [number, boolean] | string][];
    filters.forEach(([name, outcome], i) => {
      if (typeof outcome === 'string') return;
      const [score, keep] = outcome;
      const { value, broken, max = 0 } = ours[i];
      const isSame = keep === !broken;
      verdicts.push(isSame);
      if (isSame && Math.abs((value as number) - score) <= 1e-9) return;
      const [least, most] = topTies[/^RepeatingTopNGramsFilter(\d+)$/.exec(name)?.[1] ?? ''] ?? [1, 0];
      const isTied = least <= score && score <= most && (isSame || (least <= max && most > max));
      if (!isTied)
        others.push(`${name}: ${score}, here ${value}, text ${at}: ${JSON.stringify(texts[at].slice(0, 40))}`);
      else if (!isSame) tied++;
    });
    const theirs = filters.every(([, outcome]) => typeof outcome !== 'string' && outcome[1]);
    documents.push(theirs === ours.every(({ broken }) => !broken));
  });
  return { verdicts: count(verdicts), documents: count(documents), tied, others };
}

/** Values and verdicts of the 28 rules. */
function nemoMeasurements(): (text: string) => Measurement[] {
  const stage = nemo.create(nemo.options.parse({}), { name: nemo.name, seed: 0, baseDir: '' });
  return (text) => stage.explain?.({ id: '', text, meta: {} }) ?? [];
}

function rows<T>(path: string): T[] {
  const lines = gunzipSync(readFileSync(join(webMixPath(), '..', '..', path)))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}

/**
 * Tokenizers measured side by side on a stream of documents. Each document is encoded once by each; sums are kept for all
 * documents, for each language and for each source, so memory depends on vocabularies and groups and not on the text:
 * about 50 KiB a group and tokenizer of 150,000 tokens.
 *
 * The model is Figure 3 of the Qwen report (arXiv:2309.16609, §2.2): tokens by language as a multiple of a base
 * tokenizer's, lower is better. Intervals are of a bootstrap over documents (bootstrap.ts). Nothing in a report depends on
 * the clock; speeds are given apart.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { corpusmillVersion } from '../../core/version.ts';
import { drawWeights, REPLICATES } from './bootstrap.ts';
import { GroupSums } from './group-sums.ts';
import type { JudgedTokenizer } from './judged-tokenizer.ts';
import { measureTokenizer, type TextMeasure } from './measured-tokenizer.ts';
import { cutIndentation, cutNumbers, cutProbes } from './probes.ts';
import { createTextSpans, readTextSpans } from './text-spans.ts';
import type { TokenizerFigures, TokenizerReport } from './tokenizer-report-schema.ts';
import { vocabularyOverlap } from './vocabulary-overlap.ts';
import { vocabularyMakeup, vocabularyUse } from './vocabulary-use.ts';

/** Groups told apart; further names are counted together as `(others)`. */
const MAX_GROUPS = 500;
const OTHERS = '(others)';
const ROWS_SHOWN = 100;
const EXAMPLES = 5;
const EXCERPT_UNITS = 40;

export interface ComparedDocument {
  id: string;
  text: string;
  /** Null: it has none. */
  language: string | null;
  source: string | null;
}

export interface ComparisonOptions {
  title: string;
  /** Name of the tokenizer that relative figures are against; default: the first. */
  base?: string | undefined;
  /** Of the bootstrap. Default 0. */
  seed?: number | undefined;
}

export interface Comparison {
  add(document: ComparedDocument): void;
  /** The report on all that was added. `badRecords`: records that could not become documents. */
  report(badRecords?: number): TokenizerReport;
  /** Encoding speed of each tokenizer so far in bytes of text a second, by this machine's clock. */
  bytesPerSecond(): number[];
}

/** Throws USAGE where there is no tokenizer, two have one name, or none is the base. */
export function createComparison(judged: readonly JudgedTokenizer[], options: ComparisonOptions): Comparison {
  const { title, seed = 0 } = options;
  const base = baseIndex(judged, options.base);
  const tokenizers = judged.map(measureTokenizer);
  const vocabSizes = judged.map(({ vocabSize }) => vocabSize);
  const all = new GroupSums(vocabSizes);
  const groups = { language: new Map<string | null, GroupSums>(), source: new Map<string | null, GroupSums>() };
  const roundTrips = judged.map((): TokenizerReport['tokenizers'][number]['roundTrip'] => ({
    exact: 0,
    normalized: 0,
    changed: 0,
    unaligned: 0,
    examples: [],
  }));
  const seconds = new Float64Array(judged.length);
  const spans = createTextSpans();
  const weights = new Uint8Array(REPLICATES);
  const quantities = new Float64Array(judged.length + 1);

  function groupOf(by: 'language' | 'source', name: string | null): GroupSums {
    const known = groups[by];
    const key = name === null || known.has(name) || known.size < MAX_GROUPS ? name : OTHERS;
    let group = known.get(key);
    if (group === undefined) known.set(key, (group = new GroupSums(vocabSizes)));
    return group;
  }

  const figuresOf = (group: GroupSums): TokenizerFigures[] =>
    judged.map(({ unknownId }, t) => group.figures(t, base, unknownId !== undefined));

  return {
    add({ id, text, language, source }) {
      readTextSpans(text, spans);
      quantities[0] = spans.bytes;
      const own = [all, groupOf('language', language), groupOf('source', source)];
      for (let t = 0; t < tokenizers.length; t++) {
        const measure = tokenizers[t].measure(text, spans);
        quantities[t + 1] = measure.ids.length;
        seconds[t] += measure.seconds;
        noteRoundTrip(roundTrips[t], id, text, measure);
        for (const group of own) group.addTokens(t, measure.ids, measure.sums);
      }
      drawWeights(id, seed, weights);
      for (const group of own) group.addText(spans, weights, quantities);
    },

    report(badRecords = 0) {
      const used = tokenizers.map(({ judged: tokenizer, vocabulary, counts }) => ({ tokenizer, vocabulary, counts }));
      const ofAll = figuresOf(all);
      return {
        format: 'corpusmill-tokenizer-report',
        version: 1,
        corpusmillVersion: corpusmillVersion(),
        title,
        base: judged[base].name,
        replicates: REPLICATES,
        seed,
        measured: { ...all.totals },
        badRecords,
        tokenizers: used.map(({ tokenizer, vocabulary, counts }, t) => ({
          name: tokenizer.name,
          hash: tokenizer.hash,
          vocabSize: tokenizer.vocabSize,
          pattern: tokenizer.pattern,
          figures: ofAll[t],
          roundTrip: roundTrips[t],
          vocabulary: vocabularyMakeup(counts, vocabulary),
          usage: vocabularyUse(counts, vocabulary),
          numbers: cutNumbers(tokenizer),
          indentation: cutIndentation(tokenizer),
        })),
        groups: (['language', 'source'] as const)
          .map((by) => groupRows(by, groups[by], figuresOf))
          .filter(({ rows }) => rows.length > 0),
        overlap: used.flatMap((one, t) => (t === base ? [] : [vocabularyOverlap(used[base], one)])),
        probes: cutProbes(judged),
      };
    },

    bytesPerSecond: () => Array.from(seconds, (each) => all.totals.bytes / each),
  };
}

function baseIndex(judged: readonly JudgedTokenizer[], base: string | undefined): number {
  const names = judged.map(({ name }) => name);
  if (names.length === 0) throw new CorpusmillError('USAGE', 'there is no tokenizer to measure');
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new CorpusmillError('USAGE', `two tokenizers are called ${JSON.stringify(twice)}`);
  const index = base === undefined ? 0 : names.indexOf(base);
  if (index >= 0) return index;
  throw new CorpusmillError('USAGE', `no tokenizer is called ${JSON.stringify(base)}`, {
    hint: `they are called ${names.map((name) => JSON.stringify(name)).join(', ')}`,
  });
}

function noteRoundTrip(
  totals: TokenizerReport['tokenizers'][number]['roundTrip'],
  document: string,
  text: string,
  { roundTrip, decoded, aligned }: TextMeasure,
): void {
  totals[roundTrip]++;
  if (!aligned) totals.unaligned++;
  if (roundTrip !== 'changed' || totals.examples.length === EXAMPLES) return;
  let at = 0;
  while (at < text.length && text[at] === decoded[at]) at++;
  const excerpt = (from: string): string => from.slice(at, at + EXCERPT_UNITS).toWellFormed();
  totals.examples.push({ document, at, expected: excerpt(text), found: excerpt(decoded) });
}

/** Most bytes first; of equal ones by name. A single group without a name says nothing and is left out. */
function groupRows(
  by: 'language' | 'source',
  groups: ReadonlyMap<string | null, GroupSums>,
  figuresOf: (group: GroupSums) => TokenizerFigures[],
): TokenizerReport['groups'][number] {
  if (groups.size === 1 && groups.has(null)) return { by, rows: [], more: 0 };
  const sorted = [...groups].sort(
    ([a, { totals: one }], [b, { totals: two }]) => two.bytes - one.bytes || ((a ?? '') < (b ?? '') ? -1 : 1),
  );
  return {
    by,
    rows: sorted.slice(0, ROWS_SHOWN).map(([name, group]) => ({
      name,
      ...group.totals,
      tokenizers: figuresOf(group),
    })),
    more: Math.max(0, sorted.length - ROWS_SHOWN),
  };
}

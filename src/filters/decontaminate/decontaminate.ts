/**
 * Decontamination: find documents that hold items of the benchmarks a model will be judged by.
 *
 * Sources: the 13-gram rule of GPT-3 (Brown et al. 2020, arXiv:2005.14165, appendix C; 12-grams in datatrove's NGramsDecontFilter), and
 * the rule of the Qwen2 and Qwen2.5 technical reports (arXiv:2412.15115): longest common subsequence of at least 13 tokens
 * and 0.6 of the shorter text. Tokens: src/text/folded-tokens.ts (lower-cased words without punctuation; a Chinese, Japanese or Korean
 * character is one). GPT-3 removes 200 characters around a match, Qwen the whole document, as this stage does.
 *
 * Which items were hit is counted under `benchmark: id`, once per document; `explain` names them for one document. Cost: the n-gram
 * rule about that of the tokens; the LCS rule as much again where benchmarks share phrases with the documents.
 */
import { z } from 'zod';
import { CorpusmillError } from '../../core/errors.ts';
import { defineMap, drop, KEEP, type MapStage } from '../../core/stage.ts';
import { createTokenizer } from '../../text/folded-tokens.ts';
import { readBenchmark } from './benchmark-files.ts';
import { createLcsSearch, createNgramSearch, type Hit } from './search.ts';
import { createSequences, type Sequences, sequenceLength } from './sequences.ts';

const QWEN = 'Qwen2.5 technical report';

const benchmark = z.union([
  z.string().min(1),
  z.strictObject({
    path: z.string().min(1).describe('JSONL, a JSON array, or text with one item a line; plain or .gz'),
    fields: z
      .array(z.string().min(1))
      .min(1)
      .nullable()
      .default(null)
      .describe('Fields with text, each searched for by itself; null: every string of the item'),
    idField: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe('Field that names the item in the report; null: its number'),
  }),
]);

const options = z.strictObject({
  benchmarks: z
    .record(z.string().min(1), benchmark)
    .describe('Benchmark files by name: {gsm8k: gsm8k.jsonl, mmlu: {path: mmlu.jsonl, fields: [question]}}'),
  rule: z
    .enum(['ngram', 'lcs'])
    .default('ngram')
    .describe(`ngram: tokens in a row (GPT-3); lcs: longest common subsequence (${QWEN})`),
  action: z
    .enum(['drop', 'annotate'])
    .default('drop')
    .describe('drop the document, or keep it and list the items in meta.decontaminate'),
  ngram: z.int().min(2).max(100).default(13).describe('Tokens in a row that are a hit, rule ngram (GPT-3: 13)'),
  shortItemTokens: z
    .int()
    .min(2)
    .nullable()
    .default(null)
    .describe(
      'Texts of fewer tokens than ngram but at least this many are searched for whole, rule ngram (GPT-3: 8); null: not searched for',
    ),
  minLcs: z.int().min(2).default(13).describe(`Fewest tokens of the common subsequence, rule lcs (${QWEN}: 13)`),
  minLcsShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.6)
    .describe(`Smallest share of the shorter text that it is, rule lcs (${QWEN}: 0.6)`),
  seedTokens: z
    .int()
    .min(2)
    .default(5)
    .describe('Tokens in a row that a document must share with a text to be compared with it, rule lcs'),
  windowItems: z
    .number()
    .min(1.5)
    .nullable()
    .default(2.5)
    .describe(
      'How far the common subsequence may be spread over the document, in lengths of the benchmark text, rule lcs; ' +
        'null: over all of it (then long documents match by their common words)',
    ),
  maxItemsPerNgram: z
    .int()
    .min(1)
    .default(64)
    .describe('An n-gram that more benchmark texts hold is their boilerplate and is not searched for'),
});

export type DecontaminateOptions = z.output<typeof options>;

export const decontaminate = defineMap({
  kind: 'map',
  name: 'filter.decontaminate',
  summary: 'Drop or mark documents that hold items of benchmark files; the report lists the items.',
  source: 'Brown et al. 2020 (arXiv:2005.14165), appendix C; Qwen2.5 technical report (arXiv:2412.15115)',
  version: 1,
  options,
  optionFiles: (given) => Object.values(given.benchmarks).map((file) => (typeof file === 'string' ? file : file.path)),
  reasons: {
    contaminated: 'holds an item of that benchmark; the value is the longest run, or the share, that is common',
  },
  create(given, { baseDir }) {
    return createStage(given, baseDir);
  },
});

function createStage(given: DecontaminateOptions, baseDir: string): MapStage {
  const items = Object.entries(given.benchmarks).flatMap(([name, file]) => {
    const full = typeof file === 'string' ? { path: file, fields: null, idField: null } : file;
    return readBenchmark(name, full, baseDir);
  });
  const sequences = createSequences(items);
  checkLengths(sequences, given);
  const search = given.rule === 'ngram' ? createNgramSearch(sequences, given) : createLcsSearch(sequences, given);
  const threshold = given.rule === 'ngram' ? given.ngram : given.minLcsShare;
  const tokenizer = createTokenizer();
  const hitsIn = (text: string): Hit[] => {
    const count = tokenizer.tokenize(text);
    return search(tokenizer.tokens, count);
  };
  const counted: string[] = [];
  return {
    counted,
    process(document) {
      const hits = hitsIn(document.text);
      if (hits.length === 0) return KEEP;
      const names = namesOf(sequences, hits);
      for (const name of names) counted.push(name);
      const strongest = hits.reduce((best, hit) => (hit.value > best.value ? hit : best));
      if (given.action === 'annotate') {
        document.meta['decontaminate'] = { rule: given.rule, value: strongest.value, items: names };
        return KEEP;
      }
      const [item] = sequences.items[strongest.sequence];
      return drop(`contaminated:${item.benchmark}`, strongest.value, threshold);
    },
    explain(document) {
      return hitsIn(document.text).map((hit) => ({
        rule: `contaminated:${namesOf(sequences, [hit]).join(', ')}`,
        value: hit.value,
        max: threshold,
        broken: given.action === 'drop',
      }));
    },
  };
}

/** `benchmark: id` of every item hit, once, in the order of the files. */
function namesOf({ items }: Sequences, hits: readonly Hit[]): string[] {
  const names = hits.flatMap(({ sequence }) => items[sequence].map((item) => `${item.benchmark}: ${item.id}`));
  return [...new Set(names)];
}

/** A benchmark of which nothing is long enough to be found would pass every document in silence. */
function checkLengths(sequences: Sequences, given: DecontaminateOptions): void {
  const least = given.rule === 'lcs' ? given.minLcs : Math.min(given.ngram, given.shortItemTokens ?? given.ngram);
  const searchable = new Set<string>();
  for (let i = 0; i < sequences.count; i++) {
    if (sequenceLength(sequences, i) >= least)
      for (const { benchmark } of sequences.items[i]) searchable.add(benchmark);
  }
  for (const name of Object.keys(given.benchmarks)) {
    if (searchable.has(name)) continue;
    throw new CorpusmillError('CONFIG_INVALID', `benchmarks.${name}: no text in it has ${least} tokens or more`, {
      hint: given.rule === 'lcs' ? 'Lower minLcs, or name other fields.' : 'Lower ngram, or set shortItemTokens.',
    });
  }
}

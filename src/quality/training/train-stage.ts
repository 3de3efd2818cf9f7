/**
 * The stage `quality.train`: a model from labelled texts, for the stages behind it (`quality.score`) and for other pipelines.
 *
 * Texts come from files, or are documents of the pipeline itself, by their input or by what earlier stages wrote into their
 * meta. Documents go on unchanged, examples or not. With more examples of a label than `maxPerLabel`, those with the lowest
 * hash of id are taken; a share by another hash is held out and judges the model: `quality-report.json` beside it, shown by
 * `corpusmill quality report`. A language model learns from the positives alone.
 *
 * Cost: 12 bytes of features per document; training runs in one worker.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { createColumnWriter } from '../../core/columns.ts';
import type { Document } from '../../core/document.ts';
import { CorpusmillError } from '../../core/errors.ts';
import { createFeatureReader } from '../../core/feature-reader.ts';
import { hashString32 } from '../../core/random.ts';
import {
  type BarrierContext,
  type BarrierResult,
  defineBarrier,
  type InputMistake,
  type Observer,
} from '../../core/stage.ts';
import { firstUnits } from '../../text/first-units.ts';
import { languageOf, sourceOf } from '../document-groups.ts';
import { isHeldOut } from '../evaluation/folds.ts';
import { createLanguageModelTrainer } from '../ngram-lm/trainer.ts';
import { QUALITY_REPORT, REPORT_ROLE, writeReportFile } from '../report-file.ts';
import { readExampleFiles } from './example-files.ts';
import { createLabeller, exampleSource, type LabelRule, labelledSource, pathsOf } from './example-source.ts';
import { type Example, fitClassifier } from './fit.ts';
import { NEGATIVE, orderLabels, POSITIVE } from './label-order.ts';
import { kindOptions, modelFileName } from './model-kinds.ts';
import { MODEL_KINDS, OPTION_OF } from './option-names.ts';

/** Role of the artifact. */
export const MODEL_ROLE = 'model';

const labelName = z.string().regex(/^\S+$/, 'a label is one word, without white space');

const options = z
  .object({
    model: z
      .enum(MODEL_KINDS)
      .default('fasttext')
      .describe(
        'fasttext: words and n-grams, for many examples; naive-bayes; logistic, gbdt, forest: statistics of the text, for ' +
          'few; ngram-lm: a language model, of the positives alone.',
      ),
    positives: z.array(exampleSource).default([]).describe('Texts of the label `positive`.'),
    negatives: z.array(exampleSource).default([]).describe('Texts of the label `negative`.'),
    labels: z
      .record(labelName, z.array(exampleSource).min(1))
      .default({})
      .describe('Texts of further labels: `{ news: [{ input: news }], spam: [{ path: spam.jsonl }] }`.'),
    labelled: z
      .array(labelledSource)
      .default([])
      .describe(
        'Texts that name their own label in labelField: files labelled by people, or documents of the pipeline.',
      ),
    maxPerLabel: z.int().min(1).default(200_000).describe('Examples of a label at most.'),
    maxChars: z
      .int()
      .min(100)
      .nullable()
      .default(null)
      .describe('Learn from so many UTF-16 units of a text; null: all.'),
    holdOut: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.1)
      .describe('Share of the examples that judges the model instead of teaching it, chosen by a hash of the id.'),
    folds: z
      .int()
      .min(0)
      .max(100)
      .default(0)
      .describe(
        'Judge by so many folds in place of holdOut: for few examples. The model itself learns from all. 0: none.',
      ),
    ...kindOptions,
  })
  .superRefine((given, context) => {
    const complain = (path: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [path], message });
    };
    for (const [kind, option] of Object.entries(OPTION_OF)) {
      if (kind !== given.model && given[option] !== undefined) {
        complain(option, `is about \`model: ${kind}\`, and the model is ${given.model}`);
      }
    }
    if (given.folds === 1) complain('folds', 'one fold judges nothing: give 2 or more, or 0');
    const isLanguageModel = given.model === 'ngram-lm';
    const fixed = [given.positives.length > 0, given.negatives.length > 0].filter(Boolean).length;
    const known = fixed + Object.keys(given.labels).length;
    if (isLanguageModel) {
      if (given.positives.length === 0) complain('positives', 'a language model learns from positives: name some');
      if (known > 1 || given.labelled.length > 0) complain('model', 'a language model learns from positives alone');
      if (given.folds > 0) complain('folds', 'is for classifiers');
    } else if (given.labelled.length === 0 && known < 2) {
      complain(
        'positives',
        'a classifier needs texts of at least two labels: positives and negatives, labels, or labelled',
      );
    }
  });

export type TrainOptions = z.output<typeof options>;

/** Columns: index of the label in the part's dictionary, plus one; the draw; whether it is held out. */
const COLUMNS = 3;

export const qualityTrain = defineBarrier({
  kind: 'barrier',
  name: 'quality.train',
  summary:
    'Train a quality model on labelled texts: a fastText classifier, trees, logistic regression, a language model.',
  source: 'As DCLM (arXiv:2406.11794) and CCNet (arXiv:1911.00359) train theirs; methods as each kind names them.',
  version: 1,
  options,
  scope: 'document',
  makes: [MODEL_ROLE, REPORT_ROLE],
  optionFiles: (given) => rulesOf(given).flatMap(({ source }) => pathsOf(source)),
  checkInputs(given, inputs) {
    const mistakes: InputMistake[] = [];
    for (const { source, path } of rulesOf(given)) {
      if (source.input === undefined || inputs.includes(source.input)) continue;
      mistakes.push({ path: [...path, 'input'], name: source.input, expected: 'the name of an input' });
    }
    return mistakes;
  },
  createObserver: createExampleObserver,
  decide,
});

type PlacedRule = LabelRule & { path: string[] };

/** The sources in the order in which a text that several fit is given its label. */
function rulesOf({ positives, negatives, labels, labelled }: TrainOptions): PlacedRule[] {
  const fixed = (label: string, sources: readonly LabelRule['source'][], path: string[]): PlacedRule[] =>
    sources.map((source, i) => ({ source, label: { fixed: label }, path: [...path, String(i)] }));
  return [
    ...fixed(POSITIVE, positives, ['positives']),
    ...fixed(NEGATIVE, negatives, ['negatives']),
    ...Object.entries(labels).flatMap(([label, sources]) => fixed(label, sources, ['labels', label])),
    ...labelled.map((source, i) => ({
      source,
      label: { field: source.labelField.split('.') },
      path: ['labelled', String(i)],
    })),
  ];
}

/** Seeds of the draw that chooses examples, and of the one that holds some out. */
const DRAW = 0x6a09e667;
const HOLD_OUT = 0xbb67ae85;

/** The label of a document, if it is an example; of the rules those about the pipeline's documents. */
function createExampleLabeller(given: TrainOptions): (document: Document) => string | undefined {
  const labellers = rulesOf(given)
    .filter(({ source }) => source.path === undefined)
    .map(createLabeller);
  return (document) => {
    for (const labeller of labellers) {
      const label = labeller(document);
      if (label !== undefined) return label;
    }
    return undefined;
  };
}

function isHeld(id: string, { holdOut, folds }: TrainOptions, seed: number): boolean {
  return folds === 0 && isHeldOut(id, { share: holdOut, seed: seed ^ HOLD_OUT });
}

export function createExampleObserver(given: TrainOptions, { seed }: { seed: number }): Observer {
  const labelOf = createExampleLabeller(given);
  const labels = new Map<string, number>();
  const row = new Uint32Array(COLUMNS);
  const writer = createColumnWriter(COLUMNS);
  return {
    observe(document) {
      const label = labelOf(document);
      if (label === undefined) {
        row.fill(0);
      } else {
        let index = labels.get(label);
        if (index === undefined) labels.set(label, (index = labels.size));
        row[0] = index + 1;
        row[1] = hashString32(document.id, seed ^ DRAW);
        row[2] = isHeld(document.id, given, seed) ? 1 : 0;
      }
      writer.push(row);
    },
    finish: () => writer.finish([...labels.keys()]),
  };
}

async function decide(given: TrainOptions, context: BarrierContext): Promise<BarrierResult> {
  const draws = new Map<string, number[]>();
  const note = (label: string, draw: number): void => {
    const known = draws.get(label);
    if (known === undefined) draws.set(label, [draw]);
    else known.push(draw);
  };
  const fileRules = rulesOf(given).filter(({ source }) => source.path !== undefined);
  for await (const { label, draw } of pipelineCandidates(context)) note(label, draw);
  for await (const { label, draw } of fileCandidates(fileRules, context)) note(label, draw);
  const labels = orderLabels(draws.keys());
  const counts = labels.map((label) => draws.get(label)!.length);
  if (labels.length === 0) {
    throw new CorpusmillError('CONFIG_INVALID', `${context.name}: found no examples: no text fits its sources`, {
      hint: 'check the names of inputs, the fields and their values, and the stages before it that drop documents',
    });
  }
  // The draw up to which examples of a label are taken.
  const limits = new Map(labels.map((label) => [label, limitOf(draws.get(label)!, given.maxPerLabel)] as const));
  const examples = chosenExamples(given, context, fileRules, labels, limits);
  context.progress(0.2, 'reading the examples');
  if (given.model === 'ngram-lm') return trainLanguageModel(given, context, examples);
  const { model: kind } = given;
  const { trained, learnt, warnings, report } = await fitClassifier(
    examples,
    {
      kind,
      options: given,
      labels,
      seed: context.seed,
      folds: given.folds,
      title: `${context.name}: ${kind}`,
      protocol:
        given.folds > 0
          ? `${given.folds}-fold cross-validation, stratified, seed ${context.seed}`
          : `${(100 * given.holdOut).toFixed(0)} % held out by hash of id, seed ${context.seed}`,
    },
    context.progress,
  );
  const file = modelFileName(kind, given);
  trained.save(join(context.outputDir, file));
  if (report !== undefined) {
    await writeReportFile(context.outputDir, report);
  }
  const [first] = report?.models ?? [];
  return {
    artifacts: { [MODEL_ROLE]: file, ...(report && { [REPORT_ROLE]: QUALITY_REPORT }) },
    details: {
      kind: 'quality-model',
      model: kind,
      ...(warnings.length > 0 && { warnings }),
      file,
      examples: Object.fromEntries(labels.map((label, i) => [label, counts[i]])),
      learntFrom: Object.fromEntries(labels.map((label, i) => [label, learnt[i]])),
      ...(report && { judgedOn: report.documents, ...shownFigures(first.figures) }),
      training: trained.details,
    },
  };
}

/** The figures that a run's report shows. */
function shownFigures(figures: Record<string, number | null>): Record<string, number> {
  const shown = ['auc', 'accuracy', 'macroF1'].flatMap((name) => {
    const value = figures[name];
    return value === null || value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(shown);
}

async function trainLanguageModel(
  given: TrainOptions,
  context: BarrierContext,
  examples: AsyncIterable<Example>,
): Promise<BarrierResult> {
  const trainer = createLanguageModelTrainer(given.ngramLm ?? {});
  let learnt = 0;
  const held: string[] = [];
  for await (const { text, isHeldOut } of examples) {
    if (isHeldOut) {
      held.push(text);
      continue;
    }
    trainer.add(text);
    learnt++;
  }
  context.progress(0.5, `estimating a language model of ${learnt} texts`);
  const trained = trainer.finish();
  const file = modelFileName('ngram-lm', given);
  await trained.save(join(context.outputDir, file));
  await trained.saveArpa(join(context.outputDir, 'model.arpa'));
  let log10 = 0;
  let events = 0;
  for (const text of held) {
    const score = trained.model.score(text);
    log10 += score.log10;
    events += score.tokens + score.sentences;
  }
  return {
    artifacts: { [MODEL_ROLE]: file },
    details: {
      kind: 'quality-model',
      model: given.model,
      file,
      learntFrom: learnt,
      ...(events > 0 && { heldOutTexts: held.length, heldOutPerplexity: 10 ** (-log10 / events) }),
      training: trained.details,
    },
  };
}

/** The largest draw that is taken when no more than `most` may be. */
function limitOf(draws: readonly number[], most: number): number {
  if (draws.length <= most) return 0xffffffff;
  return Uint32Array.from(draws).sort()[most - 1];
}

interface Candidate {
  label: string;
  draw: number;
}

async function* pipelineCandidates(
  context: BarrierContext,
): AsyncGenerator<Candidate & { ordinal: number; isHeldOut: boolean }> {
  const reader = createFeatureReader(context);
  for (const part of reader.parts) {
    if (part.rows === 0) continue;
    const names = JSON.parse(new TextDecoder().decode(await reader.trailer(part))) as string[];
    if (names.length === 0) continue;
    const [label, draw, held] = (await reader.columns(part)).map((column) => column.slice());
    for (let row = 0; row < part.rows; row++) {
      if (label[row] === 0 || part.alive?.[row] === 0) continue;
      const ordinal = part.firstOrdinal + row;
      yield { label: names[label[row] - 1], draw: draw[row], ordinal, isHeldOut: held[row] === 1 };
    }
  }
}

async function* fileCandidates(
  rules: readonly PlacedRule[],
  { baseDir, seed }: BarrierContext,
): AsyncGenerator<Candidate & { document: Document }> {
  for (const rule of rules) {
    const labelOf = createLabeller(rule);
    for await (const document of readExampleFiles(rule.source, baseDir)) {
      const label = labelOf(document);
      if (label !== undefined) yield { label, draw: hashString32(document.id, seed ^ DRAW), document };
    }
  }
}

/** Documents of a part that are read at once. */
const READ_AT_ONCE = 2000;

/** The chosen examples: the pipeline's documents in order, then the files'. */
async function* chosenExamples(
  given: TrainOptions,
  context: BarrierContext,
  fileRules: readonly PlacedRule[],
  labels: readonly string[],
  limits: ReadonlyMap<string, number>,
): AsyncGenerator<Example> {
  const indexOf = new Map(labels.map((label, i) => [label, i]));
  const exampleOf = (document: Document, label: string, isHeldOut: boolean): Example => ({
    id: document.id,
    text: given.maxChars === null ? document.text : firstUnits(document.text, given.maxChars),
    label: indexOf.get(label)!,
    isHeldOut,
    lang: languageOf(document),
    source: sourceOf(document),
  });
  let waiting: { ordinal: number; label: string; isHeldOut: boolean }[] = [];
  const flush = async (): Promise<Example[]> => {
    const read = await context.readDocuments(waiting.map(({ ordinal }) => ordinal));
    const ready = read.map((document, i) => exampleOf(document, waiting[i].label, waiting[i].isHeldOut));
    waiting = [];
    return ready;
  };
  for await (const { label, draw, ordinal, isHeldOut } of pipelineCandidates(context)) {
    if (draw > limits.get(label)!) continue;
    waiting.push({ ordinal, label, isHeldOut });
    if (waiting.length === READ_AT_ONCE) yield* await flush();
  }
  yield* await flush();
  for await (const { label, draw, document } of fileCandidates(fileRules, context)) {
    if (draw <= limits.get(label)!) yield exampleOf(document, label, isHeld(document.id, given, context.seed));
  }
}

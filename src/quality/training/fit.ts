/**
 * Training a classifier and judging it by texts that it did not learn from: a share held out by hash of id, or k folds.
 *
 * Texts come as a stream in a fixed order, so that a training holds what its model needs and not the texts; held-out ones are
 * kept until the model is there, and all of them where there are folds.
 */
import { CorpusmillError } from '../../core/errors.ts';
import { corpusmillVersion } from '../../core/version.ts';
import type { Classifier, ClassifierKind, TrainedClassifier } from '../classifier.ts';
import { evaluate } from '../evaluation/evaluate.ts';
import type { EvaluationInput, ModelScores } from '../evaluation/evaluation-input.ts';
import { stratifiedFolds } from '../evaluation/folds.ts';
import type { QualityReport } from '../evaluation/quality-report-schema.ts';
import { createTrainer, type KindOptions } from './model-kinds.ts';
import { createSpacelessTexts } from './spaceless.ts';

export interface Example {
  id: string;
  text: string;
  /** Index of its label. */
  label: number;
  isHeldOut: boolean;
  lang: string | undefined;
  source: string | undefined;
}

export interface FitOptions {
  kind: ClassifierKind;
  options: KindOptions;
  labels: readonly string[];
  seed: number;
  /** 0: texts that are held out judge; 2 and more: each text is judged by a model that the other folds made. */
  folds: number;
  /** Of the report. */
  title: string;
  protocol: string;
}

export interface Fit {
  trained: TrainedClassifier;
  /** Texts of each label that it learnt from. */
  learnt: number[];
  /** What is likely to be wrong with it; in the report too. */
  warnings: string[];
  /** Undefined where no text was held out, or those have one label alone. */
  report: QualityReport | undefined;
}

/** UTF-16 units of the texts that folds, or a held-out share, may take. */
const MAX_HELD_CHARS = 400 * 2 ** 20;

/** Trains, and judges. Throws CONFIG_INVALID where there is nothing to learn from, or too much to hold. */
export async function fitClassifier(
  examples: AsyncIterable<Example>,
  given: FitOptions,
  progress: (fraction: number, note: string) => void,
): Promise<Fit> {
  const { kind, options, labels, seed, folds } = given;
  const trainer = createTrainer(kind, options, labels, seed);
  const spaceless = kind === 'fasttext' && !options.fasttext?.maxn ? createSpacelessTexts() : undefined;
  const learnt = labels.map(() => 0);
  const held: Example[] = [];
  let heldChars = 0;
  for await (const example of examples) {
    const isJudged = folds > 0 || example.isHeldOut;
    if (folds > 0 || !example.isHeldOut) {
      trainer.add(example.text, example.label);
      spaceless?.add(example.text);
      learnt[example.label]++;
    }
    if (!isJudged) continue;
    held.push(example);
    heldChars += example.text.length;
    if (heldChars > MAX_HELD_CHARS) throw tooMuch(folds);
  }
  progress(0.4, `training ${kind} on ${learnt.reduce((sum, count) => sum + count, 0)} texts`);
  const trained = trainer.finish();
  progress(0.7, 'judging it');
  const judged = folds > 0 ? await judgeByFolds(held, given, trained, progress) : judgeHeldOut(held, trained, labels);
  const warning = spaceless?.warning();
  const warnings = warning === undefined ? [] : [warning];
  return {
    trained,
    learnt,
    warnings,
    report: judged && evaluate({ ...input(judged, given), baseline: LINE_LENGTH, warnings }),
  };
}

interface Judged {
  examples: readonly Example[];
  /** Of two labels the second one's probability, of more all, example by example. */
  scores: Float64Array;
  folds: Int32Array | undefined;
  unscored: number;
  telling: ModelScores['telling'];
  details: Record<string, unknown>;
  kind: ClassifierKind;
}

function judgeHeldOut(
  held: readonly Example[],
  { classifier, details }: TrainedClassifier,
  labels: readonly string[],
): Judged | undefined {
  const scores: number[] = [];
  const examples: Example[] = [];
  const places = placesOf(classifier, labels);
  for (const example of held) {
    const probabilities = classifier.probabilities(example.text);
    if (probabilities === undefined) continue;
    examples.push(example);
    pushScores(scores, probabilities, places);
  }
  if (new Set(examples.map(({ label }) => label)).size < 2) return undefined;
  return {
    examples,
    scores: Float64Array.from(scores),
    folds: undefined,
    unscored: held.length - examples.length,
    telling: tellingOf(classifier, labels),
    details,
    kind: classifier.kind,
  };
}

async function judgeByFolds(
  held: readonly Example[],
  { kind, options, labels, seed, folds }: FitOptions,
  { classifier, details }: TrainedClassifier,
  progress: (fraction: number, note: string) => void,
): Promise<Judged> {
  const truth = Int32Array.from(held, ({ label }) => label);
  const foldOf = stratifiedFolds(
    held.map(({ id }) => id),
    truth,
    labels,
    { folds, seed },
  );
  const scoresOf = new Array<number[] | undefined>(held.length);
  for (let fold = 0; fold < folds; fold++) {
    progress(0.4 + (0.55 * fold) / folds, `fold ${fold + 1} of ${folds}`);
    const trainer = createTrainer(kind, options, labels, seed);
    for (let i = 0; i < held.length; i++) if (foldOf[i] !== fold) trainer.add(held[i].text, held[i].label);
    const model = trainer.finish().classifier;
    const places = placesOf(model, labels);
    for (let i = 0; i < held.length; i++) {
      if (foldOf[i] !== fold) continue;
      const probabilities = model.probabilities(held[i].text);
      if (probabilities !== undefined) pushScores((scoresOf[i] = []), probabilities, places);
    }
  }
  const scored = held.flatMap((_, i) => (scoresOf[i] === undefined ? [] : [i]));
  return {
    examples: scored.map((i) => held[i]),
    scores: Float64Array.from(scored.flatMap((i) => scoresOf[i]!)),
    folds: Int32Array.from(scored, (i) => foldOf[i]),
    unscored: held.length - scored.length,
    telling: tellingOf(classifier, labels),
    details,
    kind,
  };
}

/** Where the probabilities stand that are judged: of two labels the second's, of more all. A kind may order its labels as it likes. */
function placesOf(classifier: Classifier, labels: readonly string[]): number[] {
  const judged = labels.length === 2 ? labels.slice(1) : labels;
  return judged.map((label) => classifier.labels.indexOf(label));
}

/** fastText's probabilities are 1e-5 too high, as its own are; none is above 1 here. A label that was left out has 0. */
function pushScores(scores: number[], probabilities: Float64Array, places: readonly number[]): void {
  for (const place of places) scores.push(place < 0 ? 0 : Math.min(1, probabilities[place]));
}

const TELLING = 20;

function tellingOf(classifier: Classifier, labels: readonly string[]): ModelScores['telling'] {
  if (classifier.telling === undefined) return undefined;
  return labels
    .filter((label) => classifier.labels.includes(label))
    .map((label) => ({ label, features: classifier.telling!(classifier.labels.indexOf(label), TELLING) }));
}

/** What a model of two labels must beat to be worth its cost. */
const LINE_LENGTH = 'mean line length';

function input(judged: Judged, given: FitOptions): EvaluationInput {
  const { examples, scores, folds, unscored, telling, details, kind } = judged;
  const model: ModelScores = { name: kind, kind, scores, ...(telling && { telling }), details };
  const lengths: ModelScores = {
    name: LINE_LENGTH,
    scores: Float64Array.from(examples, ({ text }) => meanLineLength(text)),
    scale: 'any',
  };
  return {
    corpusmillVersion: corpusmillVersion(),
    title: given.title,
    protocol: given.protocol,
    labels: given.labels,
    ids: examples.map(({ id }) => id),
    truth: Int32Array.from(examples, ({ label }) => label),
    ...(examples.some(({ lang }) => lang !== undefined) && { lang: examples.map(({ lang }) => lang) }),
    source: examples.map(({ source }) => source),
    text: (document) => examples[document].text,
    ...(folds && { folds }),
    models: given.labels.length === 2 ? [model, lengths] : [model],
    leftOut: unscored === 0 ? [] : [{ reason: 'the model knows no part of the text', documents: unscored }],
  };
}

/** UTF-16 units by line that is not blank. */
function meanLineLength(text: string): number {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.length === 0 ? 0 : lines.reduce((sum, line) => sum + line.length, 0) / lines.length;
}

function tooMuch(folds: number): CorpusmillError {
  const what = folds > 0 ? 'cross-validation holds every text' : 'the held-out texts are held until the model is there';
  return new CorpusmillError(
    'CONFIG_INVALID',
    `training a quality model: ${what}, and they are over 400 M characters`,
    {
      hint: 'lower maxPerLabel or maxChars, or holdOut',
    },
  );
}

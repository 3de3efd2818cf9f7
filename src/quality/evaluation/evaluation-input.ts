/** What an evaluation is given, and the checks at its border: behind them every score has its place in an order. */
import { CorpusmillError } from '../../core/errors.ts';
import type { ClassifierKind, TellingFeature } from '../classifier.ts';
import type { Binning } from './calibration.ts';

/** Labelled documents and what each of some models says of them. All columns are [documents]. */
export interface EvaluationInput {
  corpusmillVersion: string;
  title: string;
  /** How documents and scores came about, for readers: `hold-out of 20 % by id, seed 1`. */
  protocol?: string;
  /** Two or more. */
  labels: readonly string[];
  /** Of two labels the one that a high score speaks for; the second unless given. Not for more than two. */
  positive?: string;
  ids: readonly string[];
  /** Indices into `labels`. */
  truth: Int32Array | Uint8Array;
  /** Languages and sources, for their tables; undefined for a document that has none. */
  lang?: readonly (string | undefined)[];
  source?: readonly (string | undefined)[];
  /** The text of a document, by its place in `ids`, asked for those that the report shows. */
  text?: (document: number) => string;
  /** The fold that each document was held out in, 0 and up; every model's scores are then those of its folds. */
  folds?: Int32Array | Uint8Array;
  models: readonly ModelScores[];
  /** The name of the model that the AUC of the others is compared with, of two labels. */
  baseline?: string;
  /** Documents that are not in the columns because a model could not score them, and why. */
  leftOut?: readonly { reason: string; documents: number }[];
  /** What a reader must know of how the models came about: a clause each. */
  warnings?: readonly string[];
  /** Bins of the calibration curve; 10 of equal width unless given. */
  calibration?: { binning: Binning; bins: number };
  /** Documents nearest the threshold; 20 unless given. */
  nearest?: number;
  /** The most confident mistakes of each kind; 10 unless given. */
  mistakes?: number;
}

export interface ModelScores {
  /** Unique. */
  name: string;
  kind?: ClassifierKind | (string & {});
  /**
   * Of two labels [documents]: what speaks for the positive one. Of more [documents, labels]: what speaks for each, row by row.
   */
  scores: Float64Array;
  /** `probability` unless given: scores in [0, 1], which can be calibrated. `any`: of any size, a larger one speaking more. */
  scale?: 'probability' | 'any';
  /**
   * Of two labels: a score from which a document is predicted to be positive, or the rule that finds one on these documents.
   * Unless given .5 for probabilities, the best by F1 for others.
   */
  threshold?: number | 'f1' | 'youden';
  telling?: readonly { label: string; features: readonly TellingFeature[] }[];
  details?: Record<string, unknown>;
}

/**
 * @throws CorpusmillError CONFIG_INVALID for no documents, fewer than two labels, names that are not there or are there twice;
 *   INPUT_CORRUPT for a score that is no number or no probability. RangeError for columns of different lengths (a defect of the
 *   caller).
 */
export function checkInput(input: EvaluationInput): void {
  const { labels, positive, ids, truth, models, baseline } = input;
  const documents = ids.length;
  if (documents === 0) {
    throw invalid('there are no documents to evaluate on', 'give labelled documents that the model did not learn from');
  }
  if (labels.length < 2) {
    throw invalid(`cannot evaluate with the labels ${quoted(labels)}`, 'an evaluation needs at least two labels');
  }
  if (positive !== undefined && (labels.length !== 2 || !labels.includes(positive))) {
    const found = `the positive label ${JSON.stringify(positive)} is not one of two labels; the labels are ${quoted(labels)}`;
    throw invalid(found, 'name one of two labels, or leave it out');
  }
  if (models.length === 0) throw invalid('there is no model to evaluate', 'name at least one model');
  const names = models.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw invalid(`two models are called ${JSON.stringify(twice)}`, 'give each model a name of its own');
  }
  if (baseline !== undefined && !names.includes(baseline)) {
    const found = `the baseline ${JSON.stringify(baseline)} is not among the models ${quoted(names)}`;
    throw invalid(found, 'name one of the models that are evaluated');
  }
  const columns = { truth, lang: input.lang, source: input.source, folds: input.folds };
  for (const [name, column] of Object.entries(columns)) {
    if (column !== undefined) checkLength(name, column.length, documents);
  }
  for (let i = 0; i < documents; i++) {
    if (!(truth[i] >= 0 && truth[i] < labels.length))
      throw new RangeError(`truth[${i}] is ${truth[i]}, no label index`);
    if (input.folds !== undefined && input.folds[i] < 0) throw new RangeError(`folds[${i}] is ${input.folds[i]}`);
  }
  for (const model of models) checkScores(model, ids, labels.length === 2 ? 1 : labels.length);
}

function checkScores({ name, scores, scale, threshold }: ModelScores, ids: readonly string[], columns: number): void {
  checkLength(`the scores of ${name}`, scores.length, ids.length * columns);
  for (let i = 0; i < scores.length; i++) {
    if (Number.isFinite(scores[i])) {
      if (scale === 'any' || (scores[i] >= 0 && scores[i] <= 1)) continue;
    }
    const which = `the model ${name} gives the document ${JSON.stringify(ids[Math.floor(i / columns)])} the score ${scores[i]}`;
    if (Number.isFinite(scores[i])) {
      throw new CorpusmillError('INPUT_CORRUPT', `${which}, which is no probability`, {
        hint: 'probabilities lie between 0 and 1; evaluate other scores on the scale any',
      });
    }
    throw new CorpusmillError('INPUT_CORRUPT', `${which}, which is no finite number`, {
      hint: 'leave documents out that the model cannot score, or give them a score',
    });
  }
  if (typeof threshold === 'number' && !Number.isFinite(threshold)) {
    throw invalid(`the threshold of the model ${name} is ${threshold}`, "give a finite number, 'f1' or 'youden'");
  }
}

function checkLength(what: string, found: number, expected: number): void {
  if (found !== expected) throw new RangeError(`${what}: ${found} values where ${expected} are expected`);
}

function invalid(message: string, hint: string): CorpusmillError {
  return new CorpusmillError('CONFIG_INVALID', message, { hint });
}

function quoted(names: readonly string[]): string {
  return names.length === 0 ? '(none)' : names.map((name) => JSON.stringify(name)).join(', ');
}

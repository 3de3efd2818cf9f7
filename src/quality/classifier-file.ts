/**
 * The file of a classifier that was trained here (fastText models have their own format, src/quality/fasttext).
 *
 * One JSON object, UTF-8, a member a line:
 *
 *     { "format": "corpusmill-classifier", "version": 1, "kind": "logistic", "labels": ["drop", "keep"],
 *       "seed": 1, "options": {…}, "details": {…},
 *       …the model, by kind: the schemas in bayes/, logistic/ and trees/ say what… }
 *
 * `labels` are in the order of the probabilities; `options` and `seed` are what the model was trained with, `details` what
 * training reported: both for people, and a reader ignores them but for the options that scoring needs. Numbers are written
 * in the shortest form that reads back as the same double, so a model read scores bit for bit like the model written.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { CorpusmillError } from '../core/errors.ts';
import { writeFileAtomicSync } from '../io/atomic.ts';
import type { ClassifierKind } from './classifier.ts';

export type JsonClassifierKind = Exclude<ClassifierKind, 'fasttext'>;

const CLASSIFIER_FORMAT = 'corpusmill-classifier';
const CLASSIFIER_FILE_VERSION = 1;
const KINDS: readonly JsonClassifierKind[] = ['naive-bayes', 'logistic', 'gbdt', 'forest'];

/** What every such file has. Each kind's schema extends it: the members of its model stand beside these. */
export const classifierFileSchema = z.strictObject({
  format: z.literal(CLASSIFIER_FORMAT),
  version: z.literal(CLASSIFIER_FILE_VERSION),
  kind: z.enum(KINDS),
  labels: z.array(z.string().min(1)).min(2),
  seed: z.number().int(),
  options: z.record(z.string(), z.json()),
  details: z.record(z.string(), z.json()),
});

/** A file whose kind is known and whose model is not checked yet. */
export interface ClassifierFile {
  path: string;
  kind: JsonClassifierKind;
  content: Record<string, unknown>;
}

/**
 * Writes the file atomically, the same bytes for the same content: members in the order given, one a line.
 * Throws OUTPUT_FAILED.
 */
export function writeClassifierFile(
  path: string,
  kind: JsonClassifierKind,
  content: Readonly<Record<string, unknown>>,
): void {
  const members = { format: CLASSIFIER_FORMAT, version: CLASSIFIER_FILE_VERSION, kind, ...content };
  const lines = Object.entries(members).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  writeFileAtomicSync(path, (file) => writeFileSync(file, `{\n${lines.join(',\n')}\n}\n`));
}

/** Reads a file as far as its kind. Throws INPUT_NOT_FOUND, or INPUT_CORRUPT where it is no classifier of this format. */
export function openClassifierFile(path: string): ClassifierFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CorpusmillError('INPUT_NOT_FOUND', `cannot open the classifier ${path}: ${(error as Error).message}`, {
      hint: 'name a file that training has written',
      cause: error,
    });
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw corruptClassifier(path, `it is not JSON (${(error as Error).message})`);
  }
  const { format, version, kind } = (content ?? {}) as Record<string, unknown>;
  if (format !== CLASSIFIER_FORMAT) {
    throw corruptClassifier(path, `its format is ${JSON.stringify(format) ?? 'not named'}, not "${CLASSIFIER_FORMAT}"`);
  }
  if (version !== CLASSIFIER_FILE_VERSION) {
    throw new CorpusmillError(
      'INPUT_CORRUPT',
      `${path}: a classifier file of version ${JSON.stringify(version)}; this corpusmill reads ${CLASSIFIER_FILE_VERSION}`,
      { hint: 'train the model again, or use the corpusmill that wrote it' },
    );
  }
  const known = KINDS.find((one) => one === kind);
  if (known === undefined)
    throw corruptClassifier(path, `kind is ${JSON.stringify(kind)}, not one of ${KINDS.join(', ')}`);
  return { path, kind: known, content: content as Record<string, unknown> };
}

/** The file's content as its kind's schema has it. Throws INPUT_CORRUPT naming the first member that is not so. */
export function parseClassifierFile<T>(schema: z.ZodType<T>, { path, content }: ClassifierFile): T {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue.path.map((step, i) =>
    typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${String(step)}`,
  );
  throw corruptClassifier(path, `${place.join('') || 'the object'}: ${issue.message}`);
}

/** The error of a file that is no classifier, or a damaged one. */
export function corruptClassifier(path: string, found: string): CorpusmillError {
  return new CorpusmillError('INPUT_CORRUPT', `${path} is no classifier that can be used: ${found}`, {
    hint: 'the file is damaged or was made by something else: train the model again',
  });
}

/** A quality model of any kind, from the file that training wrote, fastText's own, or a published ARPA. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { z } from 'zod';
import { CorpusmillError } from '../core/errors.ts';
import type { Classifier } from './classifier.ts';
import { loadClassifier } from './fasttext/classifier.ts';
import { MAGIC } from './fasttext/model-file.ts';
import { loadClassifierFile } from './json-classifiers.ts';
import { readArpa } from './ngram-lm/arpa-reader.ts';
import { createLanguageModel, type LanguageModel, type LanguageModelData } from './ngram-lm/model.ts';
import { loadLanguageModel, startsLanguageModel } from './ngram-lm/model-file.ts';
import type { tokenFormSchema } from './ngram-lm/options.ts';

export type QualityModel =
  | { kind: 'classifier'; classifier: Classifier }
  | { kind: 'ngram-lm'; languageModel: LanguageModel };

/** ARPA files that have been read in this thread. */
const readArpas = new Map<string, Promise<LanguageModelData>>();
const arpas = new Map<string, LanguageModelData>();

const ARPA = /\.arpa(\.gz|\.zst)?$/;

/**
 * Reads what cannot be read at once: to be waited for before `loadModel`. `form`: how an ARPA file of another program cuts texts
 * into tokens; ours say it themselves. Throws INPUT_NOT_FOUND, INPUT_CORRUPT; CONFIG_INVALID where the form is not known.
 */
export async function prepareModel(path: string, form?: z.input<typeof tokenFormSchema>): Promise<void> {
  if (!ARPA.test(path)) return;
  let reading = readArpas.get(path);
  if (reading === undefined) readArpas.set(path, (reading = readArpa(path, form)));
  arpas.set(path, await reading);
}

/**
 * A model by its file: fastText's `.bin` and `.ftz` and our own by their first bytes, ARPA by its name.
 * Throws INPUT_NOT_FOUND, or INPUT_CORRUPT for a file that is none of these.
 */
export function loadModel(path: string): QualityModel {
  const arpa = arpas.get(path);
  if (arpa !== undefined) return { kind: 'ngram-lm', languageModel: createLanguageModel(arpa) };
  const start = firstBytes(path);
  if (ARPA.test(path)) {
    // Of a pipeline that is only checked. That there is a language model is all that can be said of it.
    return {
      kind: 'ngram-lm',
      get languageModel(): LanguageModel {
        throw new Error(`${path} is not read: prepareModel is to be waited for`);
      },
    };
  }
  if (start.length >= 4 && start.readInt32LE(0) === MAGIC) {
    return { kind: 'classifier', classifier: loadClassifier(path) };
  }
  if (start.toString('latin1').trimStart().startsWith('{')) {
    return { kind: 'classifier', classifier: loadClassifierFile(path) };
  }
  if (startsLanguageModel(start)) {
    return { kind: 'ngram-lm', languageModel: createLanguageModel(loadLanguageModel(path)) };
  }
  throw new CorpusmillError(
    'INPUT_CORRUPT',
    `reading the model ${path}: its first bytes, ${JSON.stringify(start.toString('latin1', 0, 12))}, are those of no model`,
    { hint: 'name a file that training has written, a fastText model (.bin, .ftz) or an ARPA file (.arpa, .arpa.gz)' },
  );
}

function firstBytes(path: string): Buffer {
  try {
    const file = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(64);
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new CorpusmillError('INPUT_NOT_FOUND', `cannot open the model ${path}: ${(error as Error).message}`, {
      hint: 'name a file that training has written, a fastText model (.bin, .ftz) or an ARPA file',
      cause: error,
    });
  }
}

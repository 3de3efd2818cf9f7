/**
 * Where lid.176.ftz lies: fastText's compressed language identification model (176 languages, 0.9 MB), which the npm package
 * fasttext.wasm.js carries. Of that package only this file is used.
 *
 * Source: Joulin et al. 2016 (arXiv:1607.01759, arXiv:1612.03651); model licence CC BY-SA 3.0.
 */
import { createRequire } from 'node:module';
import { CorpusmillError } from '../core/errors.ts';

const INSIDE_PACKAGE = [
  'fasttext.wasm.js/dist/models/language-identification/assets/lid.176.ftz',
  'fasttext.wasm.js/dist/fastText/models/lid.176.ftz',
];

/** Absolute path of lid.176.ftz. Throws INPUT_NOT_FOUND where the package is not installed or no longer has it. */
export function bundledLanguageModel(): string {
  const require = createRequire(import.meta.url);
  for (const file of INSIDE_PACKAGE) {
    try {
      return require.resolve(file);
    } catch {
      // The package's layout differs between its versions: try the next.
    }
  }
  throw new CorpusmillError(
    'INPUT_NOT_FOUND',
    'the language model lid.176.ftz of the package fasttext.wasm.js is not there',
    {
      hint: 'run npm install again, or name a model of your own: `model: ./lid.176.bin`',
    },
  );
}

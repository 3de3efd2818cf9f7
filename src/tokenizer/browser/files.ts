/** Stands for node:fs/promises in bundles for browsers (scripts/browser-input.mjs). */
import { CorpusmillError } from '../../core/errors.ts';

/** Always throws: the page fetches the file and gives its content to `Tokenizer.fromJson`. */
export async function readFile(path: string): Promise<Uint8Array> {
  throw new CorpusmillError('INPUT_UNREADABLE', `reading ${path}: there are no files in a browser`, {
    hint: 'Fetch the file and give its content to Tokenizer.fromJson.',
  });
}

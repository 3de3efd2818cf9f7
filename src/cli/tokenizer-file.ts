/** The tokenizer that a command line names. */
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Reads a tokenizer.json, or the one of a folder. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE or INPUT_CORRUPT. */
export async function loadTokenizerFile(given: string, cwd: string): Promise<Tokenizer> {
  const path = resolve(cwd, given);
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const { Tokenizer } = await import('../tokenizer/tokenizer.ts');
  return Tokenizer.fromFile(isFolder ? join(path, 'tokenizer.json') : path);
}

/**
 * `name=path`, or a path alone, whose name is its folder's where the file is called tokenizer.json, as it mostly is;
 * names that come twice get a number.
 */
export function namedTokenizers(given: readonly string[], cwd: string): { name: string; path: string }[] {
  const taken = new Set<string>();
  return given.map((one) => {
    const [, asked, rest] = /^([^=/\\]+)=(.+)$/s.exec(one) ?? [];
    const path = rest ?? one;
    const base = asked ?? nameOfPath(resolve(cwd, path));
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base} ${n}`;
    taken.add(name);
    return { name, path };
  });
}

function nameOfPath(path: string): string {
  const file = basename(path);
  if (/^tokenizer\.(json|model|tiktoken)$/.test(file)) return basename(dirname(path)) || file;
  return file.replace(/\.(json|model|tiktoken)$/, '');
}

/** The tokenizer that a command line names. */
import { basename, dirname, resolve } from 'node:path';
import type { TextTokenizer } from '../tokenizer/text-tokenizer.ts';

/** Opens a file or folder of any format. Throws INPUT_NOT_FOUND, INPUT_UNREADABLE, INPUT_CORRUPT or CONFIG_INVALID. */
export async function loadTokenizerFile(given: string, cwd: string): Promise<TextTokenizer> {
  const { loadTokenizer } = await import('../tokenizer/formats/load-tokenizer.ts');
  return loadTokenizer(resolve(cwd, given));
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

/** From an entry of `inputs` to the InputSpec that the readers take: absolute paths, and a name where none is given. */
import { posix, resolve } from 'node:path';
import { escapeGlob, isGlob } from '../../io/files.ts';

/**
 * Absolute form of a file or glob. The folder is escaped when a glob follows it: a folder named `[old]` is no pattern.
 */
export function resolveGlob(folder: string, path: string): string {
  return resolve(isGlob(path) ? escapeGlob(folder) : folder, path);
}

/** An input for each path, named after its file; `taken` are names that others have, and gets these. */
export function namedInputs(paths: readonly string[], taken = new Set<string>()): { name: string; path: string }[] {
  return paths.map((path) => {
    const name = inputNameOf([path], taken);
    taken.add(name);
    return { name, path };
  });
}

/** A name for an input that has none: its file's name without extensions, or the folder that a glob starts in. */
export function inputNameOf(paths: readonly string[], taken: ReadonlySet<string>): string {
  const parts = (paths[0] ?? '').split('/');
  const firstGlob = parts.findIndex((part) => isGlob(part));
  const source = (firstGlob === -1 ? posix.basename(paths[0] ?? '') : parts[firstGlob - 1]) ?? '';
  const stem = source.replace(/^\.+/, '').replace(/\..*$/s, '');
  const base = stem.replaceAll(/[^\p{L}\p{N}_-]+/gu, '-').replace(/^[-_]+/, '') || 'input';
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
  return name;
}

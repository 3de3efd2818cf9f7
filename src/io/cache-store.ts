/**
 * Small texts that are kept between runs, each in a file of the user's cache folder: what was measured on this machine, which
 * costs time to measure again and nothing else to lose.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { systemCode } from '../core/errors.ts';
import { writeFileAtomic } from './atomic.ts';

export interface CacheStore {
  /** The text kept under a name; undefined where there is none. Throws what the file system does. */
  read(name: string): Promise<string | undefined>;
  /** Throws CorpusmillError OUTPUT_FAILED. */
  write(name: string, text: string): Promise<void>;
}

/** `$XDG_CACHE_HOME/corpusmill`, or `~/.cache/corpusmill` where that is not set to an absolute path. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const set = env['XDG_CACHE_HOME'];
  const isUsable = set !== undefined && isAbsolute(set);
  return join(isUsable ? set : join(homedir(), '.cache'), 'corpusmill');
}

/** Texts as `<name>.json` in a folder, which is made when something is first written. */
export function cacheStore(folder: string = cacheFolder()): CacheStore {
  const pathOf = (name: string): string => join(folder, `${name}.json`);
  return {
    async read(name) {
      try {
        return await readFile(pathOf(name), 'utf8');
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    },
    write: (name, text) => writeFileAtomic(pathOf(name), text),
  };
}

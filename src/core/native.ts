/**
 * The native add-on, or nothing. Every native kernel has a TypeScript twin; callers write `native?.kernel ?? twin`.
 * `CORPUSMILL_NATIVE=0` forces the twins. A missing add-on is said once per process, on standard error.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import type { NativeAddon } from './native-addon.ts';

/** The package root, from src/core/ and from dist/src/core/ alike: the nearest folder up with a package.json. */
export function packageRoot(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, 'package.json'))) dir = dirname(dir);
  return dir;
}

function load(): NativeAddon | undefined {
  if (process.env['CORPUSMILL_NATIVE'] === '0') return undefined;
  const require = createRequire(import.meta.url);
  try {
    return require('node-gyp-build')(packageRoot()) as NativeAddon;
  } catch {
    if (isMainThread && process.env['CORPUSMILL_NATIVE'] !== 'quiet') {
      process.stderr.write(
        'corpusmill: the native add-on is not built; running its TypeScript twins, which are slower ' +
          '(a C++20 compiler and `npm run build:native` build it; CORPUSMILL_NATIVE=0 silences this).\n',
      );
    }
    return undefined;
  }
}

export const native: NativeAddon | undefined = load();

/**
 * The native add-on, or nothing. Every native kernel has a TypeScript twin; callers write `native?.kernel ?? twin`.
 * `CORPUSMILL_NATIVE=0` forces the twins. A missing add-on is said once per process, on standard error.
 */
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import type { NativeAddon } from './native-addon.ts';
import { packageRoot } from './package-root.ts';

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

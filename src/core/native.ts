/**
 * The native add-on, or nothing. Every native kernel has a TypeScript twin; callers write `native?.kernel ?? twin`.
 * `CORPUSMILL_NATIVE=0` forces the twins. A missing add-on is said once per process, on standard error.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';

/** The functions that `native/addon.cc` exports. */
export interface NativeAddon {
  /** See src/dedup/minhash-kernel.ts for the contract. `path` indexes `minhashPaths()`, the fastest by default. */
  minhashSignature(
    hashes: Uint32Array,
    count: number,
    multipliers: Uint32Array,
    increments: Uint32Array,
    signature: Uint32Array,
    path?: number,
  ): void;
  /** See src/text/word-break.ts: the number of words, −1 when `starts` is full, −2 when only the twin can do this text. */
  breakWords(units: Uint16Array, length: number, classes: Uint8Array, starts: Uint32Array, ends: Uint32Array): number;
  /** See src/text/words.ts; `totals` gets properWords, properChars, alphaWords. False: only the twin can do this text. */
  readWords(
    units: Uint16Array,
    starts: Uint32Array,
    ends: Uint32Array,
    count: number,
    charFlags: Uint8Array,
    hasSurrogates: 0 | 1,
    flags: Uint8Array,
    low: Int32Array,
    high: Int32Array,
    unitsBefore: Uint32Array,
    charsBefore: Uint32Array,
    lowBefore: Int32Array,
    highBefore: Int32Array,
    stream: Uint16Array,
    totals: Uint32Array,
  ): boolean;
  /** The instruction sets that this processor can run, slowest first. */
  minhashPaths(): string[];
}

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

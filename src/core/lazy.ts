/**
 * What a process needs only sometimes is made when first asked for: packages of hundreds of files, tables over all of Unicode.
 * Every command and every worker imports every stage, and few run more than a handful of them.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** A function that calls `make` the first time and gives the same value ever after. */
export function lazy<T extends object | string>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

/**
 * A function that loads an npm package the first time, synchronously, since a stage's `process` is synchronous. Throws what
 * Node throws where the package is not installed. Give its type: `lazyPackage<typeof import('tldts')>('tldts')`.
 */
export function lazyPackage<T extends object>(name: string): () => T {
  return lazy(() => require(name) as T);
}

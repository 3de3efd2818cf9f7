/** Chooses what computes: the native kernels where they were built, otherwise the TypeScript reference. */
import { CorpusmillError } from '../core/errors.ts';
import type { Backend } from './backend.ts';
import { createNativeBackend } from './native/backend.ts';
import { createReferenceBackend } from './reference/backend.ts';

export type BackendChoice = 'auto' | 'native' | 'reference';

/**
 * A backend. `auto` takes the native one if there is one. `threads` (native only) is by default every processor that this
 * process may use. Throws a CorpusmillError when the native one is asked for and the add-on is not built.
 */
export function openBackend(choice: BackendChoice = 'auto', options: { threads?: number } = {}): Backend {
  if (choice === 'reference') return createReferenceBackend();
  const backend = createNativeBackend(options);
  if (backend !== undefined) return backend;
  if (choice === 'auto') return createReferenceBackend();
  throw new CorpusmillError('USAGE', 'the native backend was asked for, but the native add-on is not built', {
    hint: '`npm run build:native` builds it (it needs a C++20 compiler); CORPUSMILL_NATIVE=0 must not be set.',
  });
}

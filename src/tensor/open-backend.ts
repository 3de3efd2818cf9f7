/**
 * Chooses what computes.
 *
 * `auto` takes the native kernels where they were built. A GPU is then only taken when it is asked for by name: native results
 * are the same to the bit for every number of threads and on every machine with the same vector instructions, so that a run can
 * be stopped here and gone on with there; loading a GPU's driver costs every command a good part of a second and is at the mercy of the driver; and a
 * processor's own graphics are often the slower choice. Without the add-on `auto` takes a GPU if there is a real one, and
 * otherwise the TypeScript reference. A software adapter is never its choice: it is slower than the native kernels by far, and is
 * there to test kernels with.
 */
import { CorpusmillError } from '../core/errors.ts';
import { cacheStore } from '../io/cache-store.ts';
import type { Backend, BackendChoice } from './backend.ts';
import { createNativeBackend } from './native/backend.ts';
import { createReferenceBackend } from './reference/backend.ts';
import { tileTable } from './webgpu/autotune.ts';
import { createWebGpuBackend, type WebGpuBackend, type WebGpuOptions } from './webgpu/backend.ts';
import { openNodeGpu } from './webgpu/open-node.ts';

export interface OpenBackendOptions {
  /** Of the native backend; by default every processor that this process may use. */
  readonly threads?: number;
  /** Of the WebGPU backend. */
  readonly gpu?: WebGpuOptions;
}

/**
 * A backend. Throws a CorpusmillError USAGE when one is asked for by name that is not to be had here: the add-on is not built,
 * no package `webgpu`, no adapter.
 */
export async function openBackend(choice: BackendChoice = 'auto', options: OpenBackendOptions = {}): Promise<Backend> {
  if (choice === 'reference') return createReferenceBackend();
  if (choice === 'webgpu') return openWebGpu(options.gpu);
  const backend = createNativeBackend(options.threads === undefined ? {} : { threads: options.threads });
  if (backend !== undefined) return backend;
  if (choice === 'auto') return (await openRealGpu(options.gpu)) ?? createReferenceBackend();
  throw new CorpusmillError('USAGE', 'the native backend was asked for, but the native add-on is not built', {
    hint: '`npm run build:native` builds it (it needs a C++20 compiler); CORPUSMILL_NATIVE=0 must not be set.',
  });
}

/** The WebGPU of this program: a browser's, or Dawn in Node. */
export async function openGpu(): Promise<GPU> {
  return (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu ?? (await openNodeGpu());
}

/**
 * On a real GPU products take the tiles that were fastest there, measured the first time (two seconds) and kept in the user's
 * cache folder; CORPUSMILL_AUTOTUNE=0 does without.
 */
async function openWebGpu(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const gpu = await openGpu();
  const { products } = options;
  if (products?.tuned !== undefined || process.env['CORPUSMILL_AUTOTUNE'] === '0')
    return createWebGpuBackend(gpu, options);
  const tuned = await tileTable(gpu, cacheStore(), options);
  return createWebGpuBackend(gpu, { ...options, products: { ...products, tuned } });
}

/** A WebGPU backend that is no software; undefined where there is none, for whatever reason. */
async function openRealGpu(options?: WebGpuOptions): Promise<WebGpuBackend | undefined> {
  try {
    const backend = await openWebGpu(options);
    if (!backend.adapter.isSoftware) return backend;
    await backend.dispose();
  } catch {
    // Asked for by nobody: `corpusmill doctor` says what is wrong with it.
  }
  return undefined;
}

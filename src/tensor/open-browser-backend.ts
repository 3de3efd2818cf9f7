/** Chooses what computes in a browser: WebGPU where there is an adapter, otherwise the TypeScript reference. */
import { CorpusmillError } from '../core/errors.ts';
import type { Backend } from './backend.ts';
import { createReferenceBackend } from './reference/backend.ts';
import type { AdapterDescription } from './webgpu/adapter.ts';
import { createWebGpuBackend, type WebGpuOptions } from './webgpu/backend.ts';

export type BrowserBackendChoice = 'auto' | 'webgpu' | 'reference';

export interface BrowserBackend {
  readonly backend: Backend;
  /** Of WebGPU. */
  readonly adapter: AdapterDescription | undefined;
  /** Why it is not WebGPU, in a sentence; undefined where it is, or where it was not asked for. */
  readonly reason: string | undefined;
}

/**
 * A backend of a page or a worker of one. `auto` never fails: without WebGPU it gives the reference and says why. Throws a
 * CorpusmillError USAGE where `webgpu` is asked for and cannot be had.
 */
export async function openBrowserBackend(
  choice: BrowserBackendChoice = 'auto',
  options: WebGpuOptions = {},
): Promise<BrowserBackend> {
  if (choice === 'reference') return { backend: createReferenceBackend(), adapter: undefined, reason: undefined };
  try {
    const gpu = browserGpu();
    if ((await gpu.requestAdapter()) === null) {
      throw new CorpusmillError('USAGE', 'this browser has WebGPU, but finds no graphics adapter for it', {
        hint: 'chrome://gpu or about:support says why; a newer graphics driver may help.',
      });
    }
    const backend = await createWebGpuBackend(gpu, options);
    return { backend, adapter: backend.adapter, reason: undefined };
  } catch (error) {
    if (choice === 'webgpu') throw error;
    return { backend: createReferenceBackend(), adapter: undefined, reason: (error as Error).message };
  }
}

/** Its own reasons, in the order in which they are met. */
function browserGpu(): GPU {
  const { navigator, isSecureContext } = globalThis as {
    navigator?: { gpu?: GPU };
    isSecureContext?: boolean;
  };
  if (navigator?.gpu !== undefined) return navigator.gpu;
  if (isSecureContext === false) {
    throw new CorpusmillError('USAGE', 'browsers give WebGPU to safe pages alone', {
      hint: 'Open the page by https://, or by http://localhost.',
    });
  }
  throw new CorpusmillError('USAGE', 'this browser has no WebGPU', {
    hint: 'Chrome and Edge 113, Safari 26 and Firefox 141 (on Windows) have it, and later ones; on Linux it may have to be enabled.',
  });
}

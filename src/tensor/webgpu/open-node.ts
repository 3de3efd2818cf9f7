/**
 * WebGPU in Node: Dawn, by the optional dependency `webgpu`.
 *
 * The object that Dawn's `create` returns is held for ever: it is the instance behind every device, and when it is
 * collected under a live one the process crashes.
 */
import { CorpusmillError } from '../../core/errors.ts';

interface Dawn {
  create(options: string[]): GPU;
  readonly globals: Record<string, unknown>;
}

let instance: GPU | undefined;

/** Dawn's entry point. Throws a CorpusmillError USAGE where the package is not installed or does not load here. */
export async function openNodeGpu(): Promise<GPU> {
  if (instance !== undefined) return instance;
  let dawn: Dawn;
  try {
    dawn = (await import('webgpu')) as unknown as Dawn;
  } catch (cause) {
    throw new CorpusmillError('USAGE', `WebGPU cannot be loaded: ${(cause as Error).message.split('\n')[0]}`, {
      hint: 'It comes with the optional dependency `webgpu` 0.6.2: run `npm install` without --omit=optional.',
      cause,
    });
  }
  Object.assign(globalThis, dawn.globals);
  // CORPUSMILL_WEBGPU holds options of Dawn, such as `backend=vulkan` or `adapter=NVIDIA`, separated by spaces.
  const options = (process.env['CORPUSMILL_WEBGPU'] ?? '').split(/\s+/).filter((option) => option !== '');
  // allow_unsafe_apis shows experimental features. Kernels here write workgroup memory before they read it, so Dawn need not
  // clear it: that costs time in every workgroup, and software adapters seconds per kernel to compile.
  instance = dawn.create(['enable-dawn-features=allow_unsafe_apis,disable_workgroup_init', ...options]);
  return instance;
}

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
  instance = dawn.create(dawnOptions());
  return instance;
}

/**
 * Options of Dawn: matrices of subgroups and f16 on NVIDIA cards are there only when asked for; kernels here write workgroup
 * memory before they read it, so it need not be cleared, which costs time in every workgroup and software adapters seconds for
 * each kernel to compile; and without the quantization that hides times from web pages kernels can be timed. CORPUSMILL_WEBGPU adds options, such as `backend=vulkan` or
 * `adapter=NVIDIA`, separated by spaces.
 */
export function dawnOptions(env: NodeJS.ProcessEnv = process.env): string[] {
  const own = (env['CORPUSMILL_WEBGPU'] ?? '').split(/\s+/).filter((option) => option !== '');
  return [
    'enable-dawn-features=allow_unsafe_apis,disable_workgroup_init,vulkan_enable_f16_on_nvidia',
    'disable-dawn-features=timestamp_quantization',
    ...own,
  ];
}

/**
 * The adapter that tests run on: the software renderer that comes with Chromium, so that they do the same everywhere; with
 * CORPUSMILL_TEST_GPU=1, or where VK_ICD_FILENAMES or VK_DRIVER_FILES name a driver, what Dawn finds. Without an adapter the
 * tests of WebGPU are skipped, and say so.
 */
import { existsSync } from 'node:fs';
import { describe } from 'vitest';
import { type AdapterOptions, type OpenedDevice, openDevice } from '../../../src/tensor/webgpu/adapter.ts';
import { createWebGpuBackend, type WebGpuBackend, type WebGpuOptions } from '../../../src/tensor/webgpu/backend.ts';
import { openNodeGpu } from '../../../src/tensor/webgpu/open-node.ts';

/** Of Debian's package, Ubuntu's, and Google's own. */
const SWIFTSHADERS = [
  '/usr/lib/chromium/vk_swiftshader_icd.json',
  '/usr/lib/chromium-browser/vk_swiftshader_icd.json',
  '/opt/google/chrome/vk_swiftshader_icd.json',
];

let gpu: GPU | undefined;
let reason = '';
try {
  const isNamed = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES'].some((name) => process.env[name] !== undefined);
  const software = SWIFTSHADERS.find(existsSync);
  if (!isNamed && software !== undefined && process.env['CORPUSMILL_TEST_GPU'] !== '1') {
    process.env['VK_ICD_FILENAMES'] = software;
  }
  gpu = await openNodeGpu();
  if ((await gpu.requestAdapter()) === null) {
    gpu = undefined;
    reason = "no adapter: `corpusmill doctor` says why, Debian's packages libvulkan1 and chromium have one in software";
  }
} catch (error) {
  gpu = undefined;
  reason = (error as Error).message;
}

/** `describe`, skipped with a reason in its title where there is no adapter. */
export const describeWithWebGpu = gpu === undefined ? describeSkipped : describe;

function describeSkipped(name: string): void {
  describe.skip(`${name} (skipped: ${reason})`, () => {});
}

export function webGpuBackend(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  return createWebGpuBackend(gpu as GPU, options);
}

/** A device alone, for tests of what lies below the backend. */
export function openTestDevice(options: AdapterOptions = {}): Promise<OpenedDevice> {
  return openDevice(gpu as GPU, options);
}

/** The GPU itself, inside `describeWithWebGpu`. */
export function testGpu(): GPU {
  return gpu as GPU;
}

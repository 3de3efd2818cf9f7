/**
 * The adapter that tests run on: what Dawn finds, or else Chromium's software renderer. Without either the tests of
 * WebGPU are skipped, and say so.
 */
import { existsSync } from 'node:fs';
import { describe } from 'vitest';
import { type AdapterOptions, type OpenedDevice, openDevice } from '../../../src/tensor/webgpu/adapter.ts';
import { createWebGpuBackend, type WebGpuBackend, type WebGpuOptions } from '../../../src/tensor/webgpu/backend.ts';
import { openNodeGpu } from '../../../src/tensor/webgpu/open-node.ts';

const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

let gpu: GPU | undefined;
let reason = '';
try {
  if (process.env['VK_ICD_FILENAMES'] === undefined && existsSync(SWIFTSHADER))
    process.env['VK_ICD_FILENAMES'] = SWIFTSHADER;
  gpu = await openNodeGpu();
  if ((await gpu.requestAdapter()) === null) {
    gpu = undefined;
    reason = 'no adapter';
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

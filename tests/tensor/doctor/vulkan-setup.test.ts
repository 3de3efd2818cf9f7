/** What of Vulkan a machine has, read from made folders. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { isSoftwareDriver, readVulkanSetup } from '../../../src/tensor/doctor/vulkan-setup.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function machine(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'corpusmill-vulkan-'));
  folders.push(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

const manifest = (library: string): string =>
  JSON.stringify({ file_format_version: '1.0.0', ICD: { library_path: library, api_version: '1.3.277' } });

it('a bare machine has nothing', () => {
  expect(readVulkanSetup({}, machine({}))).toEqual({
    loader: undefined,
    drivers: [],
    strayDrivers: [],
    hasNvidia: false,
    hasRenderNode: false,
    swiftShader: undefined,
  });
});

it('a loader, drivers and cards are found where they lie', () => {
  const root = machine({
    'usr/lib/x86_64-linux-gnu/libvulkan.so.1': '',
    'usr/share/vulkan/icd.d/radeon_icd.x86_64.json': manifest('/usr/lib/x86_64-linux-gnu/libvulkan_radeon.so'),
    'etc/vulkan/icd.d/nvidia_icd.json': manifest('libGLX_nvidia.so.0'),
    'etc/vulkan/icd.d/broken.json': '{',
    'dev/dri/renderD128': '',
    'dev/nvidia0': '',
    'usr/lib/chromium/vk_swiftshader_icd.json': manifest('./libvk_swiftshader.so'),
  });
  const setup = readVulkanSetup({}, root);
  expect(setup.loader).toBe(join(root, 'usr/lib/x86_64-linux-gnu/libvulkan.so.1'));
  expect(setup.drivers.map(({ library }) => library)).toEqual([
    'libGLX_nvidia.so.0',
    '/usr/lib/x86_64-linux-gnu/libvulkan_radeon.so',
  ]);
  expect(setup).toMatchObject({ hasNvidia: true, hasRenderNode: true });
  expect(setup.swiftShader).toBe(join(root, 'usr/lib/chromium/vk_swiftshader_icd.json'));
  expect(setup.drivers.some(isSoftwareDriver)).toBe(false);
});

it('the environment names other drivers than those of the system', () => {
  const root = machine({
    'etc/vulkan/icd.d/nvidia_icd.json': manifest('libGLX_nvidia.so.0'),
    'mine.json': manifest('libvk_swiftshader.so'),
  });
  const { drivers } = readVulkanSetup({ VK_ICD_FILENAMES: `${join(root, 'mine.json')}:${root}/none.json` }, root);
  expect(drivers.map(({ library }) => library)).toEqual(['libvk_swiftshader.so']);
  expect(drivers.every(isSoftwareDriver)).toBe(true);
});

it('drivers that a container has mounted elsewhere are told apart', () => {
  const root = machine({ 'usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json': manifest('libGLX_nvidia.so.0') });
  const { drivers, strayDrivers } = readVulkanSetup({}, root);
  expect(drivers).toEqual([]);
  expect(strayDrivers).toHaveLength(1);
});

/** What `doctor` says of a machine, from what was seen on it. */
import { describe, expect, it } from 'vitest';
import { type BackendDiagnosis, diagnose, type Observations } from '../../../src/tensor/doctor/diagnose.ts';
import type { VulkanDriver, VulkanSetup } from '../../../src/tensor/doctor/vulkan-setup.ts';

const works = { state: 'works', instructionSet: 'avx2', instructionSets: ['scalar', 'avx2'], threads: 8 } as const;
const noVulkan: VulkanSetup = {
  loader: undefined,
  drivers: [],
  strayDrivers: [],
  hasNvidia: false,
  hasRenderNode: false,
  swiftShader: undefined,
};
const driver = (library: string, path = `/usr/share/vulkan/icd.d/${library}.json`): VulkanDriver => ({
  path,
  library,
  apiVersion: '1.3.0',
});
const linux = (vulkan: Partial<VulkanSetup>, log = ''): Observations => ({
  native: works,
  webgpu: { stage: 'adapter', log },
  vulkan: { ...noVulkan, loader: '/usr/lib/libvulkan.so.1', ...vulkan },
  platform: 'linux',
});
const adapter = (description: string, isSoftware: boolean): Observations['webgpu'] => ({
  stage: 'works',
  milliseconds: 3,
  adapter: { vendor: 'nvidia', architecture: 'hopper', device: '', description, isSoftware },
  features: ['shader-f16', 'timestamp-query', 'bgra8unorm-storage'],
  limits: { maxBufferSize: 4294967295, maxTextureDimension1D: 8192 },
});
const webgpu = (seen: Observations): BackendDiagnosis => diagnose(seen).backends[1];

describe('the choice of auto', () => {
  const off = { state: 'off' } as const;
  it.each<[string, Observations['native'], Observations['webgpu'], string]>([
    ['native kernels where they are built', works, { stage: 'package', message: 'no' }, 'native'],
    ['native kernels also beside a GPU', works, adapter('NVIDIA H200', false), 'native'],
    ['a GPU without the add-on', off, adapter('NVIDIA H200', false), 'webgpu'],
    ['never a software adapter', off, adapter('SwiftShader', true), 'reference'],
    ['plain TypeScript where nothing else works', off, { stage: 'crash', message: 'x', log: '' }, 'reference'],
  ])('%s', (_, native, probe, auto) => {
    expect(diagnose({ native, webgpu: probe, platform: 'linux' }).auto).toBe(auto);
  });
});

describe('why there is no adapter', () => {
  it.each<[string, Observations, RegExp, RegExp]>([
    ["Vulkan's loader is missing", linux({ loader: undefined }), /libvulkan\.so\.1/, /apt-get install libvulkan1/],
    ['no driver and no card', linux({}), /no Vulkan driver/, /chromium/],
    ['no driver, an AMD or Intel card', linux({ hasRenderNode: true }), /no Vulkan driver/, /mesa-vulkan-drivers/],
    ['an NVIDIA card without its Vulkan', linux({ hasNvidia: true }), /NVIDIA/, /NVIDIA_DRIVER_CAPABILITIES=all/],
    [
      'a driver where Vulkan does not look',
      linux({ strayDrivers: [driver('libGLX_nvidia.so.0', '/usr/local/nvidia/icd.json')] }),
      /does not look/,
      /VK_DRIVER_FILES=\/usr\/local\/nvidia\/icd\.json/,
    ],
    ['Mesa 22, whose lavapipe is too old', linux({ drivers: [driver('libvulkan_lvp.so')] }), /software/, /Mesa 25/],
    [
      'a driver that finds no card',
      linux({ drivers: [driver('libGLX_nvidia.so.0')] }, 'Warning: vkCreateInstance failed\n    at check (x.cpp:1)\n'),
      /libGLX_nvidia\.so\.0.*: vkCreateInstance failed$/,
      /--gpus all/,
    ],
    ['a Mac', { ...linux({}), vulkan: undefined, platform: 'darwin' }, /no adapter/, /Metal/],
    ['Windows', { ...linux({}), vulkan: undefined, platform: 'win32' }, /no adapter/, /Direct3D 12/],
  ])('%s', (_, seen, summary, fix) => {
    const found = webgpu(seen);
    expect(found.works).toBe(false);
    expect(found.summary).toMatch(summary);
    expect(found.fix).toMatch(fix);
  });
});

describe('other ends of WebGPU', () => {
  const failed = (probe: Observations['webgpu']): BackendDiagnosis => webgpu({ ...linux({}), webgpu: probe });

  it('a package that is not installed, and one whose binary does not load', () => {
    const missing = failed({ stage: 'package', message: "Cannot find package 'webgpu'" });
    expect(missing.fix).toContain('npm install webgpu@0.6.2');
    const old = failed({ stage: 'package', message: "version `GLIBC_2.34' not found" });
    expect(old.fix).toContain('glibc 2.34');
  });

  it('a driver that crashed', () => {
    const found = failed({ stage: 'crash', message: 'the process that tried it ended with SIGSEGV', log: 'oops\n' });
    expect(found).toMatchObject({ works: false, summary: 'the process that tried it ended with SIGSEGV: oops' });
  });

  it('a kernel with a wrong result', () => {
    const { stage: _, ...seen } = adapter('Odd card', false) as Extract<Observations['webgpu'], { stage: 'works' }>;
    const found = failed({ ...seen, stage: 'result', message: 'entry 3 of a test is 0' });
    expect(found).toMatchObject({ works: false, summary: 'Odd card computes wrongly: entry 3 of a test is 0' });
  });

  it('an adapter: its name, the features that kernels use, the limits that decide', () => {
    const found = failed(adapter('NVIDIA H200', false));
    expect(found).toMatchObject({ works: true, isSoftware: false, summary: 'NVIDIA H200' });
    expect(found.facts).toMatchObject({
      vendor: 'nvidia',
      features: ['shader-f16', 'timestamp-query'],
      missingFeatures: ['subgroups', 'chromium-experimental-subgroup-matrix'],
      maxBufferSize: 4294967295,
    });
    expect(found.facts).not.toHaveProperty('maxTextureDimension1D');
  });

  it('software is for tests, and a card that is there is pointed to', () => {
    expect(failed(adapter('SwiftShader driver', true)).summary).toContain('tests of correctness only');
    const beside = webgpu({ ...linux({ hasNvidia: true }), webgpu: adapter('SwiftShader driver', true) });
    expect(beside.fix).toContain('A card is there');
  });
});

describe('the native backend', () => {
  const native = (check: Observations['native']): BackendDiagnosis =>
    diagnose({ ...linux({}), native: check }).backends[0];
  it('says with what it computes', () => {
    expect(native(works)).toMatchObject({ works: true, summary: 'avx2, 8 threads' });
  });
  it('names the tools that are missing', () => {
    const found = native({ state: 'missing', missingTools: ['a C++ compiler', 'make'] });
    expect(found.summary).toContain('not on the PATH: a C++ compiler, make');
    expect(found.fix).toContain('npm run build:native');
  });
  it('was built from other sources, or switched off', () => {
    expect(native({ state: 'broken', message: 'does not fit these sources' }).fix).toContain('build:native');
    expect(native({ state: 'off' }).summary).toContain('CORPUSMILL_NATIVE=0');
  });
});

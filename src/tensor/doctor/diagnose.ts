/**
 * Which backends work on this machine, and for those that do not, why and what to do: pure, from what the checks beside it saw.
 */
import type { BACKEND_CHOICES } from '../backend.ts';
import { nameOfAdapter } from '../webgpu/adapter.ts';
import type { NativeCheck } from './native-check.ts';
import { isSoftwareDriver, type VulkanSetup } from './vulkan-setup.ts';
import type { WebGpuProbe } from './webgpu-probe.ts';

export type BackendName = Exclude<(typeof BACKEND_CHOICES)[number], 'auto'>;

export interface BackendDiagnosis {
  readonly backend: BackendName;
  readonly works: boolean;
  /** What it computes with, or why it does not work: one line. */
  readonly summary: string;
  /** What to do, where there is something to do. */
  readonly fix?: string;
  /** WebGPU on the processor: for tests of kernels, not for training. */
  readonly isSoftware?: boolean;
  /** Figures in the order in which they are shown. */
  readonly facts: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

export interface Diagnosis {
  readonly backends: readonly BackendDiagnosis[];
  /** What `--backend auto` takes here. */
  readonly auto: BackendName;
}

export interface Observations {
  readonly native: NativeCheck;
  readonly webgpu: WebGpuProbe;
  /** Undefined where Vulkan is not what Dawn uses. */
  readonly vulkan?: VulkanSetup | undefined;
  readonly platform: NodeJS.Platform;
}

/** The choice of `auto` is that of open-backend.ts. */
export function diagnose(seen: Observations): Diagnosis {
  const backends = [diagnoseNative(seen), diagnoseWebGpu(seen), REFERENCE];
  const [native, webgpu] = backends;
  const isRealGpu = webgpu.works && webgpu.isSoftware !== true;
  return { backends, auto: native.works ? 'native' : isRealGpu ? 'webgpu' : 'reference' };
}

const REFERENCE: BackendDiagnosis = {
  backend: 'reference',
  works: true,
  summary: 'plain TypeScript: works everywhere, hundreds of times slower',
  facts: {},
};

function diagnoseNative({ native: check, platform }: Observations): BackendDiagnosis {
  const broken = (summary: string, fix: string): BackendDiagnosis => ({
    backend: 'native',
    works: false,
    summary,
    fix,
    facts: {},
  });
  switch (check.state) {
    case 'works': {
      const { instructionSet, instructionSets, threads } = check;
      return {
        backend: 'native',
        works: true,
        summary: `${instructionSet}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
        facts: { instructionSet, instructionSets, threads },
      };
    }
    case 'off':
      return broken('switched off by CORPUSMILL_NATIVE=0', 'Unset CORPUSMILL_NATIVE.');
    case 'missing': {
      const { missingTools } = check;
      const tools =
        missingTools.length === 0
          ? ''
          : `Install ${missingTools.join(', ')} (${platform === 'darwin' ? 'xcode-select --install' : 'Debian: apt-get install g++ make python3'}), then `;
      const why = missingTools.length === 0 ? '' : `; not on the PATH: ${missingTools.join(', ')}`;
      return broken(
        `the add-on is not built${why}`,
        `${tools}run \`npm run build:native\`, which says what is in the way.`,
      );
    }
    case 'broken':
      return broken(check.message, 'Run `npm run build:native`, which builds it anew.');
  }
}

/** Limits that decide what fits and how kernels are cut. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** Features that kernels use, and without which they take another way. */
const FEATURES = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix', 'timestamp-query'] as const;

function diagnoseWebGpu(seen: Observations): BackendDiagnosis {
  const probe = seen.webgpu;
  const failed = (summary: string, fix: string, facts: BackendDiagnosis['facts'] = {}): BackendDiagnosis => ({
    backend: 'webgpu',
    works: false,
    summary,
    fix,
    facts,
  });
  switch (probe.stage) {
    case 'package':
      return failed(
        `the package webgpu does not load: ${probe.message}`,
        /GLIBC|GLIBCXX/.test(probe.message)
          ? 'Its binary needs a newer system library: webgpu 0.6.2 loads with glibc 2.34 and newer.'
          : 'It is an optional dependency: run `npm install webgpu@0.6.2`.',
      );
    case 'crash':
      return failed(
        `${probe.message}${lastLine(probe.log)}`,
        'The driver is broken, or does not fit the kernel: install it anew, or choose another with VK_DRIVER_FILES.',
      );
    case 'adapter': {
      const [summary, fix] = noAdapter(probe.log, seen);
      return failed(summary, fix);
    }
    case 'device':
    case 'result': {
      const what = probe.stage === 'device' ? 'gives no device' : 'computes wrongly';
      return failed(`${nameOfAdapter(probe.adapter)} ${what}: ${probe.message}`, 'Update the driver.', factsOf(probe));
    }
    case 'works': {
      const { isSoftware } = probe.adapter;
      return {
        backend: 'webgpu',
        works: true,
        isSoftware,
        summary: `${nameOfAdapter(probe.adapter)}${isSoftware ? ': software, for tests of correctness only' : ''}`,
        ...(isSoftware && { fix: softwareFix(seen) }),
        facts: factsOf(probe),
      };
    }
  }
}

function factsOf({ adapter, features, limits }: Extract<WebGpuProbe, { stage: 'works' | 'device' | 'result' }>) {
  const { vendor, architecture, device, description } = adapter;
  return {
    ...(vendor !== '' && { vendor }),
    ...(architecture !== '' && { architecture }),
    ...(device !== '' && { device }),
    ...(description !== '' && { description }),
    features: FEATURES.filter((feature) => features.includes(feature)),
    missingFeatures: FEATURES.filter((feature) => !features.includes(feature)),
    ...Object.fromEntries(LIMITS.filter((name) => limits[name] !== undefined).map((name) => [name, limits[name]])),
  };
}

/** Why there is no adapter, and what helps. */
function noAdapter(log: string, { vulkan, platform }: Observations): [summary: string, fix: string] {
  if (vulkan === undefined) {
    const fix =
      platform === 'win32'
        ? 'It needs a graphics driver with Direct3D 12.'
        : platform === 'darwin'
          ? 'It needs Metal, which every Mac since 2012 has; a virtual machine may lack it.'
          : 'Dawn has no driver for this system: the native backend does without.';
    return [`no adapter${lastLine(log)}`, fix];
  }
  const { loader, drivers, strayDrivers, hasNvidia, hasRenderNode, swiftShader } = vulkan;
  if (loader === undefined) {
    return [
      "no adapter: Vulkan's loader is missing (libvulkan.so.1)",
      'Debian and Ubuntu: apt-get install libvulkan1.',
    ];
  }
  if (drivers.length > 0) {
    const libraries = [...new Set(drivers.map(({ library }) => library))].join(', ');
    if (drivers.every(isSoftwareDriver)) {
      return [
        `no adapter: Dawn does not take the only driver, which is software (${libraries})`,
        `Mesa 22 (Debian 12) lacks what WebGPU needs: take Mesa 25 from bookworm-backports${swiftShader === undefined ? '' : `, or set VK_ICD_FILENAMES=${swiftShader}`}. Either is for tests of correctness only.`,
      ];
    }
    return [
      `no adapter: drivers are installed (${libraries}), none finds a card${lastLine(log)}`,
      hasNvidia || hasRenderNode
        ? 'The driver does not fit the card or the kernel: `vulkaninfo` (package vulkan-tools) says more.'
        : 'No card is visible: a container needs /dev/dri, or `--gpus all` with NVIDIA_DRIVER_CAPABILITIES=all.',
    ];
  }
  if (strayDrivers.length > 0) {
    const [{ path }] = strayDrivers;
    return [`no adapter: a driver lies where Vulkan does not look (${path})`, `Set VK_DRIVER_FILES=${path}.`];
  }
  if (hasNvidia) {
    return [
      "no adapter: the kernel runs an NVIDIA card, but NVIDIA's Vulkan driver is not installed",
      'Install the package libnvidia-gl of the version of the driver; a container needs NVIDIA_DRIVER_CAPABILITIES=all.',
    ];
  }
  const forTests =
    swiftShader === undefined
      ? "For tests of correctness Debian's package chromium brings a software driver."
      : `For tests of correctness VK_ICD_FILENAMES=${swiftShader} has a software driver.`;
  return [
    'no adapter: no Vulkan driver is installed',
    `${hasRenderNode ? 'AMD and Intel: apt-get install mesa-vulkan-drivers (Mesa 23 or newer).' : 'A GPU needs its driver; none is visible here.'} ${forTests}`,
  ];
}

/** A software adapter where a card could be. */
function softwareFix({ vulkan }: Observations): string {
  if (vulkan?.hasNvidia === true || vulkan?.hasRenderNode === true) {
    return "A card is there: unset VK_ICD_FILENAMES, install the card's Vulkan driver.";
  }
  return 'Train with the native backend; a GPU needs its driver.';
}

/** The last line that says something, after a colon. */
function lastLine(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '' && !/^\s+at /.test(line));
  const last = lines
    .at(-1)
    ?.replace(/^(Warning|Error): /, '')
    .trim();
  return last === undefined ? '' : `: ${last}`;
}

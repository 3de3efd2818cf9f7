/**
 * What a Linux machine has of Vulkan, by looking at files: the loader, the drivers' manifests, the devices of the kernel. Dawn
 * says no more than that there is no adapter; which of these is missing says what to do about it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface VulkanDriver {
  /** Of the manifest. */
  readonly path: string;
  /** The library that it names, such as `libGLX_nvidia.so.0`. */
  readonly library: string;
  /** The version of Vulkan that it names. */
  readonly apiVersion: string;
}

export interface VulkanSetup {
  /** Where `libvulkan.so.1` lies; undefined: in none of the places where it is looked for. */
  readonly loader: string | undefined;
  readonly drivers: readonly VulkanDriver[];
  /** Manifests that lie where the loader does not look, of containers that have the driver mounted. */
  readonly strayDrivers: readonly VulkanDriver[];
  /** An NVIDIA card that the kernel's driver runs. */
  readonly hasNvidia: boolean;
  /** Cards of the kernel's graphics drivers: AMD, Intel and others. */
  readonly hasRenderNode: boolean;
  /** SwiftShader's manifest, where Debian's Chromium is installed. */
  readonly swiftShader: string | undefined;
}

const LIBRARY_FOLDERS = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/lib/x86_64-linux-gnu',
  '/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
  '/lib64',
  '/lib',
];
const MANIFEST_FOLDERS = [
  '/etc/vulkan/icd.d',
  '/usr/local/etc/vulkan/icd.d',
  '/usr/share/vulkan/icd.d',
  '/usr/local/share/vulkan/icd.d',
];
/** Where container runtimes of Kubernetes mount NVIDIA's driver. */
const STRAY_FOLDERS = ['/usr/local/nvidia/share/vulkan/icd.d', '/opt/nvidia/share/vulkan/icd.d'];
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** @param root folder that stands for `/`, for tests */
export function readVulkanSetup(env: NodeJS.ProcessEnv = process.env, root = '/'): VulkanSetup {
  const at = (path: string): string => join(root, path);
  const folders = [...(env['LD_LIBRARY_PATH'] ?? '').split(':').filter((path) => path !== ''), ...LIBRARY_FOLDERS];
  const loader = folders.map((folder) => at(join(folder, 'libvulkan.so.1'))).find(existsSync);
  const named = env['VK_DRIVER_FILES'] ?? env['VK_ICD_FILENAMES'];
  const paths =
    named === undefined ? manifestsIn(MANIFEST_FOLDERS.map(at)) : named.split(':').filter((path) => path !== '');
  const dri = at('/dev/dri');
  return {
    loader,
    drivers: paths.flatMap(readDriver),
    strayDrivers: manifestsIn(STRAY_FOLDERS.map(at)).flatMap(readDriver),
    hasNvidia: existsSync(at('/dev/nvidia0')) || existsSync(at('/proc/driver/nvidia/version')),
    hasRenderNode: namesIn(dri).some((name) => name.startsWith('renderD')),
    swiftShader: existsSync(at(SWIFTSHADER)) ? at(SWIFTSHADER) : undefined,
  };
}

/** Drivers that are no hardware. */
export function isSoftwareDriver({ library, path }: VulkanDriver): boolean {
  return /swiftshader|lvp|lavapipe/i.test(`${library} ${basename(path)}`);
}

function manifestsIn(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    namesIn(folder)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(folder, name)),
  );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Nothing where there is no such manifest, or it is none. */
function readDriver(path: string): VulkanDriver[] {
  try {
    const { ICD } = JSON.parse(readFileSync(path, 'utf8')) as { ICD?: { library_path?: string; api_version?: string } };
    return [{ path, library: ICD?.library_path ?? '', apiVersion: ICD?.api_version ?? '' }];
  } catch {
    return [];
  }
}

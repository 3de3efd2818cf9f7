/**
 * An adapter and its device, with all the limits and features that the adapter has and kernels can use.
 *
 * In a browser `navigator.gpu` is there; in Node it comes from Dawn (open-node.ts). Nothing here knows which.
 */
import { CorpusmillError } from '../../core/errors.ts';

/** Features that kernels use where they are there. */
const FEATURES = ['timestamp-query', 'shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'] as const;
export type DeviceFeature = (typeof FEATURES)[number];

/** Limits that are raised to what the adapter has: a device gets WebGPU's small defaults unless it asks. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupsPerDimension',
] as const;
export type DeviceLimit = (typeof LIMITS)[number] | 'minStorageBufferOffsetAlignment';

export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** Drawn by the processor: correct, and slow. */
  readonly isSoftware: boolean;
}

export interface OpenedDevice {
  readonly device: GPUDevice;
  readonly limits: Readonly<Record<DeviceLimit, number>>;
  readonly adapter: AdapterDescription;
  readonly features: ReadonlySet<DeviceFeature>;
}

export interface AdapterOptions {
  readonly powerPreference?: GPUPowerPreference;
  /** Features to do without, for tests. */
  readonly without?: readonly DeviceFeature[];
  /** Limits lower than the adapter's, for tests: kernels keep to them, also where they are below WebGPU's defaults. */
  readonly limits?: Readonly<Record<string, number>>;
}

/** Names by which software renderers go. */
const SOFTWARE = /swiftshader|lavapipe|llvmpipe|basic render|warp/i;

/** Throws a CorpusmillError USAGE when there is no adapter. */
export async function requestAdapter(gpu: GPU, options: AdapterOptions = {}): Promise<GPUAdapter> {
  const adapter = await gpu.requestAdapter({ powerPreference: options.powerPreference ?? 'high-performance' });
  if (adapter !== null) return adapter;
  throw new CorpusmillError('USAGE', 'the WebGPU backend was asked for, but no adapter is there', {
    hint: 'It needs a Vulkan, Metal or Direct3D 12 driver: `corpusmill doctor` says what is missing here.',
  });
}

/** Throws a CorpusmillError USAGE when there is no adapter, or it gives no device. */
export async function openDevice(gpu: GPU, options: AdapterOptions = {}): Promise<OpenedDevice> {
  const adapter = await requestAdapter(gpu, options);
  const features = FEATURES.filter(
    (feature) => adapter.features.has(feature) && options.without?.includes(feature) !== true,
  );
  const requiredLimits: Record<string, number> = {};
  for (const name of LIMITS) requiredLimits[name] = Math.min(adapter.limits[name], options.limits?.[name] ?? Infinity);
  let device: GPUDevice;
  try {
    device = await adapter.requestDevice({ requiredFeatures: features as GPUFeatureName[], requiredLimits });
  } catch (cause) {
    throw new CorpusmillError('USAGE', `the WebGPU adapter gives no device: ${(cause as Error).message}`, { cause });
  }
  return {
    device,
    adapter: describeAdapter(adapter.info),
    features: new Set(features),
    limits: limitsOf(device, options),
  };
}

/** A device has at least WebGPU's defaults, whatever it is asked for: lower ones are kept here. */
function limitsOf({ limits }: GPUDevice, options: AdapterOptions): OpenedDevice['limits'] {
  const kept = LIMITS.map((name) => [name, Math.min(limits[name], options.limits?.[name] ?? Infinity)] as const);
  const { minStorageBufferOffsetAlignment } = limits;
  return { ...(Object.fromEntries(kept) as OpenedDevice['limits']), minStorageBufferOffsetAlignment };
}

/** What an adapter says of itself, and whether it is software. */
export function describeAdapter(
  info: Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description' | 'isFallbackAdapter'>,
): AdapterDescription {
  const { vendor, architecture, device, description } = info;
  const isSoftware = info.isFallbackAdapter === true || SOFTWARE.test(`${architecture} ${device} ${description}`);
  return { vendor, architecture, device, description, isSoftware };
}

/** The adapter in a few words, such as `NVIDIA H100`. */
export function nameOfAdapter({ vendor, architecture, device, description }: AdapterDescription): string {
  if (description !== '') return description;
  return [vendor, architecture, device].filter((part) => part !== '').join(' ') || 'an adapter without a name';
}

/**
 * The WebGPU backend: programs as WGSL kernels on whatever adapter there is, in Node by Dawn and in browsers by
 * `navigator.gpu`. Calls take effect in the order of the device's queue, which is the order in which they are made.
 *
 * WebGPU tells of some errors only later (no room for a buffer, a kernel that does not compile, a lost device): they
 * reject the next run or read, and every one after it, because what memory holds is then unknown.
 */
import type { Backend, Buffer, BufferData, DType, Executable, Program } from '../backend.ts';
import { checkRange } from '../buffer-range.ts';
import { checkProgram } from '../check-program.ts';
import { type AdapterDescription, type AdapterOptions, type OpenedDevice, openDevice } from './adapter.ts';
import { DeviceErrors, deviceLost, deviceRefuses } from './device-errors.ts';
import { type DeviceContext, WebGpuExecutable } from './executable.ts';
import { usableMatrix } from './kernels/product-matrix.ts';
import type { MatrixConfig, ProductOptions } from './kernels/product-variant.ts';
import { DeviceMemory } from './memory.ts';
import { type CompileProgress, Pipelines } from './pipelines.ts';
import { Turns } from './turns.ts';

export interface WebGpuBackend extends Backend {
  readonly name: 'webgpu';
  readonly adapter: AdapterDescription;
  readonly features: OpenedDevice['features'];
  /** The device itself, for what draws with it, and for tests of its loss. */
  readonly device: GPUDevice;
  /** Buffers and pipelines made so far: both stand still once every program has run. */
  counts(): { buffers: number; bytes: number; pipelines: number };
}

export interface WebGpuOptions extends AdapterOptions {
  /** How matrix products are computed; by default in float32, by kernels chosen by rule. */
  readonly products?: Partial<Pick<ProductOptions, 'precision' | 'tuned' | 'force' | 'isSoftware'>>;
  /** Told of each kernel that is begun or compiled. The first run of a program waits for its kernels. */
  readonly onCompile?: CompileProgress;
  /** Kernels one after another (see pipelines.ts); default: on software adapters in Node. */
  readonly compileInTurn?: boolean;
}

interface Entry {
  readonly buffer: GPUBuffer;
}

/** Throws a CorpusmillError USAGE when `gpu` has no adapter. */
export async function createWebGpuBackend(gpu: GPU, options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const opened = await openDevice(gpu, options);
  // Dawn in Node is asked again and again for what it has ready; a browser tells.
  const isTold = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu === gpu;
  return new DeviceBackend(opened, { compileInTurn: !isTold && opened.adapter.isSoftware, ...options });
}

class DeviceBackend implements WebGpuBackend {
  readonly name = 'webgpu';
  readonly adapter: AdapterDescription;
  readonly features: OpenedDevice['features'];
  readonly device: GPUDevice;
  readonly #context: DeviceContext;
  readonly #entries = new WeakMap<Buffer, Entry>();
  readonly #buffers = new Set<GPUBuffer>();
  #isDisposed = false;

  constructor(
    { device, adapter, features, limits }: OpenedDevice,
    { products = {}, onCompile, compileInTurn = false }: WebGpuOptions,
  ) {
    this.adapter = adapter;
    this.features = features;
    this.device = device;
    const errors = new DeviceErrors();
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      errors.report(deviceRefuses(`WebGPU: ${event.error.message}`));
    });
    void device.lost.then(({ message, reason }) => {
      if (this.#isDisposed) return;
      errors.report(deviceLost(message === '' ? reason : message));
    });
    const memory = new DeviceMemory(device, errors);
    this.#context = {
      device,
      features,
      products: { isSoftware: adapter.isSoftware, precision: 'f32', matrix: matrixOf(device, features), ...products },
      memory,
      pipelines: new Pipelines(device, errors, { inTurn: compileInTurn, onProgress: onCompile }),
      limits: {
        maxBindingWords: Math.floor(limits.maxStorageBufferBindingSize / 4),
        alignmentWords: limits.minStorageBufferOffsetAlignment / 4,
        maxBindings: limits.maxStorageBuffersPerShaderStage,
        maxWorkgroups: limits.maxComputeWorkgroupsPerDimension,
        maxInvocations: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
        maxWorkgroupBytes: limits.maxComputeWorkgroupStorageSize,
      },
      bufferOf: (program, slot) => this.#entryOf(program.buffers[slot - 1]).buffer,
      errors,
      turns: new Turns(),
    };
  }

  createBuffer(dtype: DType, length: number, name: string): Buffer {
    const buffer: Buffer = Object.freeze({ dtype, length, name });
    const made = this.#context.memory.create(length, `buffer ${name}`);
    this.#entries.set(buffer, { buffer: made });
    this.#buffers.add(made);
    return buffer;
  }

  write(buffer: Buffer, data: BufferData, offset = 0): void {
    checkRange(buffer, offset, data.length);
    if (buffer.dtype === 'i32' ? !(data instanceof Int32Array) : !(data instanceof Float32Array)) {
      throw new TypeError(`buffer ${buffer.name} is ${buffer.dtype}, its data are a ${data.constructor.name}`);
    }
    const { buffer: target } = this.#entryOf(buffer);
    if (data.length === 0) return;
    const { turns } = this.#context;
    const put = (values: BufferData): void => {
      this.device.queue.writeBuffer(target, 4 * offset, values.buffer, values.byteOffset, values.byteLength);
    };
    // Whoever gave the data may change them by the time that their turn comes.
    const kept = turns.areTaken ? data.slice() : data;
    void turns.take(() => put(kept));
  }

  async read(buffer: Buffer, offset = 0, length = buffer.length - offset): Promise<BufferData> {
    checkRange(buffer, offset, length);
    const { buffer: source } = this.#entryOf(buffer);
    if (length === 0) return buffer.dtype === 'f32' ? new Float32Array(0) : new Int32Array(0);
    return this.#context.turns.take(() => this.#copy(source, buffer.dtype, offset, length));
  }

  async #copy(source: GPUBuffer, dtype: DType, offset: number, length: number): Promise<BufferData> {
    const { memory } = this.#context;
    const page = memory.page(4 * length);
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(source, 4 * offset, page, 0, 4 * length);
    this.device.queue.submit([encoder.finish()]);
    let bytes: ArrayBuffer;
    try {
      await page.mapAsync(1, 0, 4 * length);
      bytes = page.getMappedRange(0, 4 * length).slice(0);
      page.unmap();
    } catch (cause) {
      return this.#context.errors.explain(cause);
    }
    memory.release(page);
    await this.#context.errors.settled();
    return dtype === 'f32' ? new Float32Array(bytes) : new Int32Array(bytes);
  }

  compile(program: Program): Executable {
    for (const buffer of program.buffers) this.#entryOf(buffer);
    checkProgram(program);
    return new WebGpuExecutable(this.#context, program);
  }

  disposeBuffer(buffer: Buffer): void {
    const { buffer: made } = this.#entryOf(buffer);
    this.#entries.delete(buffer);
    this.#buffers.delete(made);
    const { memory, turns } = this.#context;
    void turns.take(() => memory.free(made));
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.#context.turns.take(() => {});
    await this.device.queue.onSubmittedWorkDone().catch(() => {});
    for (const buffer of this.#buffers) this.#context.memory.free(buffer);
    this.#context.memory.dispose();
    this.device.destroy();
  }

  counts(): { buffers: number; bytes: number; pipelines: number } {
    const { memory, pipelines } = this.#context;
    return { ...memory.counts, pipelines: pipelines.count };
  }

  #entryOf(buffer: Buffer): Entry {
    const entry = this.#entries.get(buffer);
    if (entry === undefined)
      throw new TypeError(`buffer ${buffer.name} belongs to another backend, or was disposed of`);
    return entry;
  }
}

function matrixOf(device: GPUDevice, features: OpenedDevice['features']): MatrixConfig | undefined {
  const isThere = features.has('chromium-experimental-subgroup-matrix') && features.has('shader-f16');
  return isThere && features.has('subgroups') ? usableMatrix(device.adapterInfo) : undefined;
}

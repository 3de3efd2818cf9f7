/**
 * Compiled kernels, each once per way in which its operands share buffers. All that a program needs are begun at once and
 * compiled side by side, on as many threads as the driver has for it; one after another they take long where a driver is
 * slow.
 *
 * Or else in turn, while the caller waits: Dawn in Node learns that a kernel is ready by asking all the time, which takes a
 * core away from the compiler. Where the processor draws, on two cores, that costs twice what is won (measured: 44 kernels, 12 s
 * in turn, 23 s side by side; in Chromium 91 and 59 s).
 */
import { type DeviceErrors, deviceRefuses } from './device-errors.ts';
import { type KernelSource, moduleOf } from './kernel.ts';

const COMPUTE = 0x04; // GPUShaderStage COMPUTE

export interface CompiledKernel {
  /** Undefined until `ready`, and for ever where the kernel does not compile: then `DeviceErrors` has why. */
  readonly pipeline: GPUComputePipeline | undefined;
  /** Never rejects. */
  readonly ready: Promise<void>;
}

/** Told of each kernel that is begun or compiled: how many are compiled, of how many. */
export type CompileProgress = (compiled: number, begun: number) => void;

export interface PipelineOptions {
  /** One after another, before `get` returns. */
  readonly inTurn?: boolean;
  readonly onProgress?: CompileProgress | undefined;
}

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #made = new Map<string, CompiledKernel>();
  readonly #layouts: GPUBindGroupLayout[] = [];
  readonly #texts = new Map<string, string>();
  readonly #errors: DeviceErrors;
  readonly #options: PipelineOptions;
  #compiled = 0;

  constructor(device: GPUDevice, errors: DeviceErrors, options: PipelineOptions = {}) {
    this.#device = device;
    this.#errors = errors;
    this.#options = options;
  }

  /** Uniforms at binding 0, then so many storage buffers. Not `auto`, which leaves out what a kernel does not touch. */
  layout(storageBuffers: number): GPUBindGroupLayout {
    this.#layouts[storageBuffers] ??= this.#device.createBindGroupLayout({
      entries: Array.from({ length: storageBuffers + 1 }, (_, binding) => ({
        binding,
        visibility: COMPUTE,
        buffer: { type: binding === 0 ? ('uniform' as const) : ('storage' as const) },
      })),
    });
    return this.#layouts[storageBuffers];
  }

  get count(): number {
    return this.#made.size;
  }

  /** The pipeline of a kernel whose operands have these bindings, begun where it is not there. */
  get(kernel: KernelSource, bindingOf: readonly number[]): CompiledKernel {
    const key = `${kernel.name} ${bindingOf.join()}`;
    const made = this.#made.get(key);
    if (made !== undefined) {
      if (this.#texts.get(kernel.name) !== kernel.body) {
        throw new TypeError(`two kernels are named ${kernel.name}: a name must say all that its text depends on`);
      }
      return made;
    }
    this.#texts.set(kernel.name, kernel.body);
    const code = moduleOf(kernel, bindingOf);
    this.#device.pushErrorScope('validation');
    const module = this.#device.createShaderModule({ code, label: kernel.name });
    const layout = this.#device.createPipelineLayout({
      bindGroupLayouts: [this.layout(storageBindings(kernel, bindingOf))],
    });
    const descriptor = { layout, compute: { module, entryPoint: 'main' }, label: kernel.name };
    const told = async (message: string): Promise<undefined> => this.#report(kernel, code, module, message);
    const begun = this.#options.inTurn === true ? this.#inTurn(descriptor, told) : this.#aside(descriptor, told);
    this.#made.set(key, begun);
    this.#options.onProgress?.(this.#compiled, this.#made.size);
    return begun;
  }

  /** Within an error scope, which it ends. */
  #inTurn(descriptor: GPUComputePipelineDescriptor, told: (message: string) => Promise<undefined>): CompiledKernel {
    const pipeline = this.#device.createComputePipeline(descriptor);
    const check = this.#device.popErrorScope().then((error) => (error === null ? undefined : told(error.message)));
    this.#errors.watch(check);
    this.#compiled++;
    return { pipeline, ready: Promise.resolve() };
  }

  /** The same, not waiting for it. */
  #aside(descriptor: GPUComputePipelineDescriptor, told: (message: string) => Promise<undefined>): CompiledKernel {
    // What is wrong with the module is told again where its pipeline is made.
    this.#errors.watch(this.#device.popErrorScope());
    let pipeline: GPUComputePipeline | undefined;
    const ready = this.#device
      .createComputePipelineAsync(descriptor)
      .catch((error: Error) => told(error.message))
      .then((compiled) => {
        pipeline = compiled;
        this.#compiled++;
        this.#options.onProgress?.(this.#compiled, this.#made.size);
      });
    return {
      get pipeline() {
        return pipeline;
      },
      ready,
    };
  }

  /** Why a kernel does not compile, and at which line. */
  async #report(kernel: KernelSource, code: string, module: GPUShaderModule, message: string): Promise<undefined> {
    const { messages } = await module.getCompilationInfo().catch(() => ({ messages: [] }));
    const [first] = messages.filter(({ type }) => type === 'error');
    const line = first === undefined ? '' : `: ${code.split('\n')[first.lineNum - 1]?.trim()}`;
    this.#errors.report(deviceRefuses(`kernel ${kernel.name} does not compile: ${first?.message ?? message}${line}`));
  }
}

/** Storage buffers that a kernel binds: those of its operands, and that of faults. */
export function storageBindings(kernel: KernelSource, bindingOf: readonly number[]): number {
  return Math.max(-1, ...bindingOf) + 1 + (kernel.faults === true ? 1 : 0);
}

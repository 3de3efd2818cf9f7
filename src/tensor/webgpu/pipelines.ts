/** Compiled kernels, each once per way in which its operands share buffers. */
import { type DeviceErrors, deviceRefuses } from './device-errors.ts';
import { type KernelSource, moduleOf } from './kernel.ts';

const COMPUTE = 0x04; // GPUShaderStage COMPUTE

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #made = new Map<string, GPUComputePipeline>();
  readonly #layouts: GPUBindGroupLayout[] = [];
  readonly #texts = new Map<string, string>();
  readonly #errors: DeviceErrors;

  constructor(device: GPUDevice, errors: DeviceErrors) {
    this.#device = device;
    this.#errors = errors;
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

  /** The pipeline of a kernel whose operands have these bindings. What the compiler finds wrong is told later. */
  get(kernel: KernelSource, bindingOf: readonly number[]): GPUComputePipeline {
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
    const pipeline = this.#device.createComputePipeline({
      layout: this.#device.createPipelineLayout({
        bindGroupLayouts: [this.layout(storageBindings(kernel, bindingOf))],
      }),
      compute: { module, entryPoint: 'main' },
      label: kernel.name,
    });
    const check = this.#device.popErrorScope().then(async (error) => {
      if (error === null) return;
      const { messages } = await module.getCompilationInfo();
      const [first] = messages.filter(({ type }) => type === 'error');
      const line = first === undefined ? '' : `: ${code.split('\n')[first.lineNum - 1]?.trim()}`;
      this.#errors.report(
        deviceRefuses(`kernel ${kernel.name} does not compile: ${first?.message ?? error.message}${line}`),
      );
    });
    this.#errors.watch(check);
    this.#made.set(key, pipeline);
    return pipeline;
  }
}

/** Storage buffers that a kernel binds: those of its operands, and that of faults. */
export function storageBindings(kernel: KernelSource, bindingOf: readonly number[]): number {
  return Math.max(-1, ...bindingOf) + 1 + (kernel.faults === true ? 1 : 0);
}

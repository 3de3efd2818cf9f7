/**
 * A program ready to run: its dispatches with their pipelines, bind groups and uniforms, all made once. A run encodes them
 * into one pass of one submission. The first one waits for pipelines that are still being compiled.
 *
 * Kernels that look at ids report a wrong one by the lowest entry that has it, in a word for each such instruction; the
 * words are read after the run, and name the instruction and the entry.
 */
import type { Executable, Instruction, OperationTiming, Place, Program } from '../backend.ts';
import { inputName } from '../graph.ts';
import { sumTimes } from '../operation-times.ts';
import { operationSpec } from '../operations.ts';
import type { DeviceFeature } from './adapter.ts';
import { type BoundRange, bind, OperandTooLarge } from './bindings.ts';
import { type DeviceErrors, tooLarge } from './device-errors.ts';
import { type Dispatch, SCRATCH } from './kernel.ts';
import { LOWERINGS } from './kernels/index.ts';
import type { ProductOptions } from './kernels/product-variant.ts';
import { type AdapterLimits, LoweringContext } from './lowering.ts';
import type { DeviceMemory } from './memory.ts';
import { type CompiledKernel, type Pipelines, storageBindings } from './pipelines.ts';
import { createTimestamps } from './timestamps.ts';
import type { Turns } from './turns.ts';

/** What programs share. */
export interface DeviceContext {
  readonly device: GPUDevice;
  readonly limits: AdapterLimits;
  readonly features: ReadonlySet<DeviceFeature>;
  readonly products: ProductOptions;
  readonly memory: DeviceMemory;
  readonly pipelines: Pipelines;
  /** The device's buffer of a program's buffer. */
  bufferOf(program: Program, slot: number): GPUBuffer;
  readonly errors: DeviceErrors;
  readonly turns: Turns;
}

/** Bytes between the uniforms of two dispatches: the largest alignment that WebGPU asks for. */
const UNIFORM_STRIDE = 256;
const UNIFORM = 0x40 | 0x08; // GPUBufferUsage UNIFORM | COPY_DST
const FAULTS = 0x80 | 0x04 | 0x08; // GPUBufferUsage STORAGE | COPY_SRC | COPY_DST
const NO_FAULT = 0xffffffff;

interface Prepared {
  readonly dispatch: Dispatch;
  readonly instruction: number;
  readonly compiled: CompiledKernel;
  readonly layout: GPUBindGroupLayout;
  readonly ranges: readonly BoundRange[];
  /** Of each operand: the word of its binding at which it begins. */
  readonly starts: readonly number[];
  /** Of each parameter. */
  readonly values: readonly number[];
}

export class WebGpuExecutable implements Executable {
  readonly #context: DeviceContext;
  readonly #program: Program;
  /** Those of the program, which may be disposed of while a run of it waits. */
  readonly #buffers: readonly GPUBuffer[];
  readonly #prepared: readonly Prepared[];
  readonly #uniforms: GPUBuffer;
  /** Instructions that may fail, in order of their words. */
  readonly #faulting: readonly number[];
  readonly #faults: { readonly words: GPUBuffer; readonly clean: GPUBuffer } | undefined;
  #groups: GPUBindGroup[] = [];
  #generation = -1;
  /** Until all pipelines are there. */
  #compiling: Promise<void> | undefined;
  readonly arenaLength: number;
  readonly scratchBytes: number;

  constructor(context: DeviceContext, program: Program) {
    this.#context = context;
    this.#program = program;
    this.#buffers = program.buffers.map((_, i) => context.bufferOf(program, i + 1));
    this.arenaLength = program.arenaLength;
    let scratchWords = 0;
    const lowered = program.instructions.map((instruction, index) => {
      const lowering = new LoweringContext(instruction, context.limits, context.features, context.products);
      const dispatches = about(program, instruction, index, () => LOWERINGS[instruction.operation](lowering));
      scratchWords = Math.max(scratchWords, lowering.scratchWords);
      return dispatches.filter(({ workgroups }) => workgroups.every((count) => count > 0));
    });
    this.scratchBytes = 4 * scratchWords;
    this.#faulting = lowered.flatMap((dispatches, index) =>
      dispatches.some(({ kernel }) => kernel.faults) ? index : [],
    );
    const count = lowered.reduce((sum, dispatches) => sum + dispatches.length, 0);
    const uniforms = new Uint8Array(Math.max(1, count) * UNIFORM_STRIDE);
    this.#prepared = lowered.flatMap((dispatches, index) =>
      dispatches.map((dispatch) =>
        about(program, program.instructions[index], index, () => this.#prepare(dispatch, index)),
      ),
    );
    this.#prepared.forEach((prepared, index) => {
      this.#writeUniforms(new DataView(uniforms.buffer, index * UNIFORM_STRIDE, UNIFORM_STRIDE), prepared);
    });
    const { memory, device } = context;
    // First, for it may find no room; nothing is left behind then.
    memory.reserve(program.arenaLength, scratchWords);
    this.#uniforms = memory.create(uniforms.length / 4, `uniforms of ${program.name}`, UNIFORM);
    device.queue.writeBuffer(this.#uniforms, 0, uniforms);
    if (this.#faulting.length > 0) {
      const words = memory.create(this.#faulting.length, `faults of ${program.name}`, FAULTS);
      const clean = memory.create(this.#faulting.length, `no faults of ${program.name}`, FAULTS);
      device.queue.writeBuffer(clean, 0, new Uint32Array(this.#faulting.length).fill(NO_FAULT));
      this.#faults = { words, clean };
    }
    const waited = this.#prepared.map(({ compiled }) => compiled).filter(({ pipeline }) => pipeline === undefined);
    if (waited.length > 0) {
      this.#compiling = Promise.all(waited.map(({ ready }) => ready)).then(() => {
        if (waited.every(({ pipeline }) => pipeline !== undefined)) this.#compiling = undefined;
      });
    }
  }

  get launches(): number {
    return this.#prepared.length;
  }

  run(): Promise<void> {
    return this.#context.turns.take(() => this.#submit(), this.#compiling);
  }

  profile(): Promise<OperationTiming[]> {
    return this.#context.turns.take(() => this.#timed(), this.#compiling);
  }

  async #submit(): Promise<void> {
    const { device, errors } = this.#context;
    // A kernel did not compile: the errors say which.
    if (this.#compiling !== undefined) return errors.settled();
    this.#bindGroups();
    const encoder = device.createCommandEncoder({ label: this.#program.name });
    this.#clearFaults(encoder);
    const pass = encoder.beginComputePass();
    this.#prepared.forEach((_, index) => this.#encode(pass, index));
    pass.end();
    await this.#finish(encoder);
  }

  async #timed(): Promise<OperationTiming[]> {
    const { device, features, errors } = this.#context;
    if (this.#compiling !== undefined) await errors.settled();
    this.#bindGroups();
    const instructions = this.#program.instructions;
    const timestamps = features.has('timestamp-query') ? createTimestamps(device, instructions.length) : undefined;
    const times = new Float64Array(instructions.length);
    let encoder = device.createCommandEncoder();
    this.#clearFaults(encoder);
    for (let i = 0, at = 0; i < instructions.length; i++) {
      const first = at;
      while (this.#prepared[at]?.instruction === i) at++;
      if (first === at) continue;
      const started = performance.now();
      const pass = encoder.beginComputePass(timestamps?.around(i));
      for (let index = first; index < at; index++) this.#encode(pass, index);
      pass.end();
      if (timestamps !== undefined) continue;
      // Without timestamps each instruction is waited for: what it takes includes the way there and back.
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      times[i] = performance.now() - started;
      encoder = device.createCommandEncoder();
    }
    timestamps?.resolve(encoder);
    await this.#finish(encoder);
    if (timestamps !== undefined) times.set(await timestamps.milliseconds());
    return sumTimes(instructions, times);
  }

  dispose(): void {
    const { memory, turns } = this.#context;
    void turns.take(() => {
      memory.free(this.#uniforms);
      if (this.#faults !== undefined) {
        memory.free(this.#faults.words);
        memory.free(this.#faults.clean);
      }
      this.#groups = [];
    });
  }

  #prepare(dispatch: Dispatch, instruction: number): Prepared {
    const { limits, pipelines } = this.#context;
    const { kernel } = dispatch;
    const bound = bind(kernel, dispatch.places, limits);
    const bindingOf = bound.operands.map(({ binding }) => binding);
    const compiled = pipelines.get(kernel, bindingOf);
    const layout = pipelines.layout(storageBindings(kernel, bindingOf));
    const values = Object.keys(kernel.parameters).map((name) => {
      const value = dispatch.parameters[name];
      if (value === undefined)
        throw new TypeError(`kernel ${kernel.name}: there is no value for its parameter ${name}`);
      return value;
    });
    const starts = bound.operands.map(({ at }) => at);
    return { dispatch, instruction, compiled, layout, ranges: bound.ranges, starts, values };
  }

  #writeUniforms(view: DataView, { dispatch: { kernel }, instruction, starts, values }: Prepared): void {
    let at = 0;
    const put = (type: string, value: number): void => {
      if (type === 'f32') view.setFloat32(at, value, true);
      else if (type === 'i32') view.setInt32(at, value, true);
      else view.setUint32(at, value, true);
      at += 4;
    };
    for (const start of starts) put('u32', start);
    if (kernel.faults === true) put('u32', this.#faulting.indexOf(instruction));
    Object.values(kernel.parameters).forEach((type, i) => {
      put(type, values[i]);
    });
  }

  /** Bind groups hold arena and scratch memory, which may have grown since. */
  #bindGroups(): void {
    const { device, memory } = this.#context;
    if (this.#generation === memory.generation) return;
    this.#generation = memory.generation;
    this.#groups = this.#prepared.map(({ dispatch, layout, ranges }, index) => {
      const buffers = ranges.map(({ slot, offset, length }) => {
        const buffer = this.#bufferOf(slot);
        const size = Math.min(Math.ceil((4 * length) / 16) * 16, buffer.size - 4 * offset);
        return { buffer, offset: 4 * offset, size };
      });
      if (dispatch.kernel.faults === true) {
        const { words } = this.#faults as { words: GPUBuffer };
        buffers.push({ buffer: words, offset: 0, size: words.size });
      }
      return device.createBindGroup({
        layout,
        entries: [
          { binding: 0, resource: { buffer: this.#uniforms, offset: index * UNIFORM_STRIDE, size: UNIFORM_STRIDE } },
          ...buffers.map((resource, i) => ({ binding: i + 1, resource })),
        ],
      });
    });
  }

  #bufferOf(slot: number): GPUBuffer {
    const { memory } = this.#context;
    if (slot === SCRATCH) return memory.scratch;
    return slot === 0 ? memory.arena : this.#buffers[slot - 1];
  }

  #encode(pass: GPUComputePassEncoder, index: number): void {
    const { compiled, dispatch } = this.#prepared[index];
    pass.setPipeline(compiled.pipeline as GPUComputePipeline);
    pass.setBindGroup(0, this.#groups[index]);
    pass.dispatchWorkgroups(...dispatch.workgroups);
  }

  #clearFaults(encoder: GPUCommandEncoder): void {
    if (this.#faults === undefined) return;
    encoder.copyBufferToBuffer(this.#faults.clean, 0, this.#faults.words, 0, 4 * this.#faulting.length);
  }

  /** Submits, waits, and throws what kernels or the device found. */
  async #finish(encoder: GPUCommandEncoder): Promise<void> {
    const { device, memory, errors } = this.#context;
    if (this.#faults === undefined) {
      device.queue.submit([encoder.finish()]);
      await device.queue.onSubmittedWorkDone();
      await errors.settled();
      return;
    }
    const bytes = 4 * this.#faulting.length;
    const page = memory.page(bytes);
    encoder.copyBufferToBuffer(this.#faults.words, 0, page, 0, bytes);
    device.queue.submit([encoder.finish()]);
    let words: Uint32Array;
    try {
      await page.mapAsync(1, 0, bytes);
      words = new Uint32Array(page.getMappedRange(0, bytes).slice(0));
      page.unmap();
    } catch (cause) {
      return errors.explain(cause);
    }
    memory.release(page);
    await errors.settled();
    const found = words.findIndex((word) => word !== NO_FAULT);
    if (found >= 0) throw this.#faultError(this.#faulting[found], words[found]);
  }

  #faultError(index: number, entry: number): RangeError {
    const instruction = this.#program.instructions[index];
    const spec = operationSpec(instruction.operation);
    const input = instruction.inputs.findIndex((place, i) => place !== undefined && spec.inputs[i]?.endsWith(':i32'));
    const place = instruction.inputs[input] as Place | undefined;
    const buffer =
      place !== undefined && place.slot > 0 ? ` (buffer ${this.#program.buffers[place.slot - 1].name})` : '';
    const name = input < 0 ? 'its ids' : inputName(spec, input).replace(/\??(:i32)?$/, '');
    return new RangeError(
      `program ${this.#program.name}: instruction ${index} (${instruction.operation}): entry ${entry} of ${name}${buffer} is out of range`,
    );
  }
}

/** What `call` returns; its errors name the instruction. */
function about<T>(program: Program, { operation }: Instruction, index: number, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof OperandTooLarge) {
      const { place, limitWords } = error;
      const tensor = place.slot > 0 ? `buffer ${program.buffers[place.slot - 1].name}` : 'one of its tensors';
      throw tooLarge(`program ${program.name}, ${operation}: ${tensor}`, 4 * place.length, 4 * limitWords);
    }
    const message = error instanceof Error ? error.message : String(error);
    const text = `program ${program.name}: instruction ${index} (${operation}): ${message}`;
    throw error instanceof RangeError ? new RangeError(text) : new TypeError(text);
  }
}

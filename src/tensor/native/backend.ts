/**
 * The native backend: programs run by the C++ kernels of native/tensor on a thread of their own with a team of helpers, off
 * the event loop. Here programs are turned into the list of numbers that native/tensor/program.cc checks and keeps, and
 * what it finds wrong into errors with the names of programs and buffers.
 */
import { availableParallelism } from 'node:os';
import { native } from '../../core/native.ts';
import type { NativeTensorBackend } from '../../core/native-tensor.ts';
import type { Backend, Buffer, BufferData, DType, Executable, Place, Program } from '../backend.ts';
import { checkRange } from '../buffer-range.ts';
import { sumTimes } from '../operation-times.ts';
import { OPERATIONS, type OperationName, type OperationSpec, operationSpec } from '../operations.ts';

/** An operation as the add-on knows it. */
export interface NativeOperation {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly string[];
  readonly inPlace: readonly (readonly [output: number, input: number])[];
  readonly mutates: readonly number[];
  readonly variadic: number;
}

/** What operations.ts says otherwise than the add-on's table, a line each: they must be built from the same sources. */
export function tableDifferences(table: readonly NativeOperation[]): string[] {
  const differences: string[] = [];
  for (const found of table) {
    if (!Object.hasOwn(OPERATIONS, found.name)) {
      differences.push(`${found.name} is not in operations.ts`);
      continue;
    }
    const spec = operationSpec(found.name as OperationName);
    const wanted = normalForm(found.name, spec);
    for (const key of Object.keys(wanted) as (keyof NativeOperation)[]) {
      const [ours, theirs] = [JSON.stringify(wanted[key]), JSON.stringify(found[key])];
      if (ours !== theirs)
        differences.push(`${found.name}: ${key} is ${theirs} in the add-on, ${ours} in operations.ts`);
    }
  }
  return differences;
}

function normalForm(name: string, spec: OperationSpec): NativeOperation {
  const { inputs, outputs, attributes, inPlace = [], mutates = [], variadic = 0 } = spec;
  return { name, inputs, outputs, attributes, inPlace, mutates, variadic };
}

export interface NativeBackendOptions {
  /** Threads that compute, at most 256; by default as many as the process may use. Results do not depend on it. */
  readonly threads?: number;
}

/**
 * A native backend, or undefined where the add-on is missing. Throws a TypeError when the add-on was built from other
 * sources than these.
 */
export function createNativeBackend(options: NativeBackendOptions = {}): Backend | undefined {
  if (native === undefined) return undefined;
  const table = native.tensorOperations();
  const differences = tableDifferences(table);
  if (differences.length > 0) {
    throw new TypeError(
      `the native add-on does not fit these sources (npm run build:native builds it anew): ${differences.join('; ')}`,
    );
  }
  const codes = new Map(table.map(({ name }, code) => [name, code]));
  const threads = options.threads ?? Math.min(availableParallelism(), 256);
  return new NativeBackend(new native.TensorBackend(threads), codes);
}

class NativeBackend implements Backend {
  readonly name = 'native';
  readonly #handle: NativeTensorBackend;
  readonly #codes: ReadonlyMap<string, number>;
  /** The add-on's numbers of this backend's buffers. */
  readonly #numbers = new WeakMap<Buffer, number>();
  #disposal: Promise<void> | undefined;

  constructor(handle: NativeTensorBackend, codes: ReadonlyMap<string, number>) {
    this.#handle = handle;
    this.#codes = codes;
  }

  createBuffer(dtype: DType, length: number, name: string): Buffer {
    const number = about(`buffer ${name}`, () => this.#handle.createBuffer(dtype === 'i32' ? 1 : 0, length));
    const buffer: Buffer = Object.freeze({ dtype, length, name });
    this.#numbers.set(buffer, number);
    return buffer;
  }

  write(buffer: Buffer, data: BufferData, offset = 0): void {
    about(`buffer ${buffer.name}`, () => this.#handle.write(this.#numberOf(buffer), data, offset));
  }

  async read(buffer: Buffer, offset = 0, length = buffer.length - offset): Promise<BufferData> {
    const number = this.#numberOf(buffer);
    checkRange(buffer, offset, length);
    const target = buffer.dtype === 'f32' ? new Float32Array(length) : new Int32Array(length);
    await about(`buffer ${buffer.name}`, () => this.#handle.read(number, target, offset));
    return target;
  }

  compile(program: Program): Executable {
    const buffers = Float64Array.from(program.buffers, (buffer) => this.#numberOf(buffer));
    const code = encode(program, this.#codes);
    const what = `program ${program.name}`;
    const bufferNames = program.buffers.map(({ name }) => name);
    const handle = this.#handle;
    const compiled = about(what, () => handle.compile(buffers, code, program.arenaLength), bufferNames);
    const run = async (profile: 0 | 1): Promise<Float64Array | undefined> => {
      try {
        return await handle.run(compiled.program, profile);
      } catch (error) {
        throw named(what, error, bufferNames);
      }
    };
    return {
      arenaLength: program.arenaLength,
      scratchBytes: compiled.scratchBytes,
      async run() {
        await run(0);
      },
      async profile() {
        const nanoseconds = (await run(1)) ?? new Float64Array(program.instructions.length);
        return sumTimes(
          program.instructions,
          nanoseconds.map((time) => time / 1e6),
        );
      },
      dispose() {
        handle.disposeProgram(compiled.program);
      },
    };
  }

  disposeBuffer(buffer: Buffer): void {
    about(`buffer ${buffer.name}`, () => this.#handle.disposeBuffer(this.#numberOf(buffer)));
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#handle.dispose();
    return this.#disposal;
  }

  #numberOf(buffer: Buffer): number {
    const number = this.#numbers.get(buffer);
    if (number === undefined) throw new TypeError(`buffer ${buffer.name} belongs to another backend`);
    return number;
  }
}

/** The program as numbers: see native/tensor/program.h. */
function encode(program: Program, codes: ReadonlyMap<string, number>): Float64Array {
  const code: number[] = [];
  const push = (place: Place | undefined): void => {
    if (place === undefined) code.push(-1, 0, 0, 0);
    else code.push(place.slot, place.offset, place.length, place.dtype === 'i32' ? 1 : 0);
  };
  program.instructions.forEach(({ operation, inputs, outputs, attributes }, index) => {
    const number = codes.get(operation);
    if (number === undefined) {
      throw new TypeError(
        `program ${program.name}: instruction ${index}: the native backend has no operation ${operation}`,
      );
    }
    code.push(number, inputs.length, outputs.length, attributes.length);
    for (const place of inputs) push(place);
    for (const place of outputs) push(place);
    for (const attribute of attributes) code.push(attribute);
  });
  return Float64Array.from(code);
}

/** What `call` returns; its errors say what they are about. */
function about<T>(what: string, call: () => T, bufferNames?: readonly string[]): T {
  try {
    return call();
  } catch (error) {
    throw named(what, error, bufferNames);
  }
}

/** The add-on counts a program's buffers; people know their names. */
function named(what: string, error: unknown, bufferNames: readonly string[] = []): Error {
  const message = (error instanceof Error ? error.message : String(error)).replace(
    /\bbuffer (\d+)\b/g,
    (whole, index) => {
      const name = bufferNames[Number(index)];
      return name === undefined ? whole : `buffer ${name}`;
    },
  );
  return error instanceof TypeError ? new TypeError(`${what}: ${message}`) : new RangeError(`${what}: ${message}`);
}

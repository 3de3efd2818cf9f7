/** Cases of one operation: every operand in a buffer of its own, or outputs where inputs lie; compared between backends. */
import { afterAll, expect } from 'vitest';
import type {
  Backend,
  BufferData,
  DType,
  Instruction,
  Place,
  Buffer as TensorBuffer,
} from '../../src/tensor/backend.ts';
import { inputName } from '../../src/tensor/graph.ts';
import { createNativeBackend } from '../../src/tensor/native/backend.ts';
import { type OperationName, operationSpec } from '../../src/tensor/operations.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';

export const native = createNativeBackend({ threads: 1 });
export const two = createNativeBackend({ threads: 2 });
export const reference = createReferenceBackend();

afterAll(async () => {
  await native?.dispose();
  await two?.dispose();
});

export interface OperationCase {
  readonly operation: OperationName;
  readonly inputs: readonly (BufferData | undefined)[];
  /** Lengths, undefined for an absent optional one; the types are those of the operation's table. */
  readonly outputs: readonly (number | undefined)[];
  readonly attributes: readonly number[];
}

/** Pairs [output, input] of this case that may share memory. */
export function inPlacePairs({ operation, inputs, outputs }: OperationCase): (readonly [number, number])[] {
  const pairs = operationSpec(operation).inPlace ?? [];
  return pairs.filter(([output, input]) => inputs[input] !== undefined && inputs[input].length === outputs[output]);
}

/** The values of the outputs, then those of the inputs that the operation mutates. */
export async function runOperation(
  backend: Backend,
  { operation, inputs, outputs, attributes }: OperationCase,
  inPlace?: readonly [output: number, input: number],
): Promise<BufferData[]> {
  const spec = operationSpec(operation);
  const buffers: TensorBuffer[] = [];
  const make = (dtype: DType, length: number, name: string): Place => {
    buffers.push(backend.createBuffer(dtype, length, name));
    return { slot: buffers.length, offset: 0, length, dtype };
  };
  const inputPlaces = inputs.map((values, i) => {
    if (values === undefined) return undefined;
    const place = make(values instanceof Int32Array ? 'i32' : 'f32', values.length, inputName(spec, i));
    backend.write(buffers[place.slot - 1], values);
    return place;
  });
  const outputPlaces = outputs.map((length, i) => {
    if (inPlace?.[0] === i) return inputPlaces[inPlace[1]];
    if (length === undefined) return undefined;
    const place = make(spec.outputs[i].endsWith(':i32') ? 'i32' : 'f32', length, spec.outputs[i]);
    // What was there before must not matter.
    const before = new (place.dtype === 'i32' ? Int32Array : Float32Array)(length).fill(77);
    backend.write(buffers[place.slot - 1], before);
    return place;
  });
  const instruction: Instruction = { operation, inputs: inputPlaces, outputs: outputPlaces, attributes };
  const program = { name: operation, buffers, instructions: [instruction], arenaLength: 0 };
  const executable = backend.compile(program);
  await executable.run();
  const fixed = spec.inputs.length - (spec.variadic ?? 0);
  const mutated = inputPlaces.filter((_, i) => {
    const name = i < fixed ? i : fixed + ((i - fixed) % (spec.variadic ?? 1));
    return spec.mutates?.includes(name) ?? false;
  });
  const places = [...outputPlaces, ...mutated].filter((place) => place !== undefined);
  const values = await Promise.all(places.map((place) => backend.read(buffers[place.slot - 1])));
  executable.dispose();
  for (const buffer of buffers) backend.disposeBuffer(buffer);
  return values;
}

export interface Tolerance {
  /** Of each value, and of the largest one. */
  readonly relative?: number;
  readonly ofLargest?: number;
  readonly absolute?: number;
}

/** Results below this may be 0: float32's normal range, or that of an e^x on the way there, ends. */
const TINY = 1e-36;

export function expectClose(found: BufferData, wanted: BufferData, tolerance: Tolerance, what: string): void {
  expect(found.length, what).toBe(wanted.length);
  if (wanted instanceof Int32Array) {
    expect(found, what).toEqual(wanted);
    return;
  }
  const { relative = 0, ofLargest = 0, absolute = TINY } = tolerance;
  let largest = 0;
  for (const value of wanted) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
  for (let i = 0; i < wanted.length; i++) {
    if (Object.is(found[i], wanted[i]) || found[i] === wanted[i]) continue;
    const allowed = relative * Math.abs(wanted[i]) + ofLargest * largest + absolute;
    if (Math.abs(found[i] - wanted[i]) <= allowed) continue;
    throw new Error(`${what}: entry ${i} is ${found[i]}, the reference has ${wanted[i]}`);
  }
}

/** The native kernel against the reference: with one thread, with two, and with outputs over inputs where they may be. */
export async function compare(given: OperationCase, tolerance: Tolerance): Promise<void> {
  const sizes = `${given.operation} [${given.attributes}]`;
  const wanted = await runOperation(reference, given);
  const found = await runOperation(native as Backend, given);
  wanted.forEach((values, i) => {
    expectClose(found[i], values, tolerance, `${sizes}, output ${i}`);
  });
  expectSame(await runOperation(two as Backend, given), found, `${sizes} on two threads`);
  for (const pair of inPlacePairs(given)) {
    expectSame(
      await runOperation(two as Backend, given, pair),
      found,
      `${sizes}, output ${pair[0]} over input ${pair[1]}`,
    );
  }
}

/**
 * Another backend against the reference, once more with outputs over inputs where they may be, unless `apart`: on WebGPU
 * operands that share memory are a kernel of their own to compile.
 */
export async function compareOn(
  backend: Backend,
  given: OperationCase,
  tolerance: Tolerance,
  { apart = false }: { readonly apart?: boolean } = {},
): Promise<void> {
  const sizes = `${given.operation} [${given.attributes}]`;
  const wanted = await runOperation(reference, given);
  for (const pair of apart ? [undefined] : [undefined, ...inPlacePairs(given)]) {
    const found = await runOperation(backend, given, pair);
    const what = pair === undefined ? sizes : `${sizes}, output ${pair[0]} over input ${pair[1]}`;
    wanted.forEach((values, i) => {
      expectClose(found[i], values, tolerance, `${what}, output ${i}`);
    });
  }
}

/** Bit for bit. */
function expectSame(a: readonly BufferData[], b: readonly BufferData[], what: string): void {
  a.forEach((values, i) => {
    const bits = (array: BufferData): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
    expect(bits(values).equals(bits(b[i])), `${what}, output ${i}`).toBe(true);
  });
}

/** A case, in the order of operations.ts. */
export function operation(
  name: OperationName,
  attributes: readonly number[],
  inputs: readonly (BufferData | undefined)[],
  outputs: readonly (number | undefined)[],
): OperationCase {
  return { operation: name, attributes, inputs, outputs };
}

/** Runs one operation on a backend with every operand in a buffer of its own, or outputs where inputs lie. */
import type { Backend, Buffer, BufferData, DType, Instruction, Place } from '../../src/tensor/backend.ts';
import { inputName } from '../../src/tensor/graph.ts';
import { type OperationName, operationSpec } from '../../src/tensor/operations.ts';

export interface OperationCase {
  readonly operation: OperationName;
  readonly inputs: readonly (BufferData | undefined)[];
  /** Lengths; the types are those of the operation's table. */
  readonly outputs: readonly number[];
  readonly attributes: readonly number[];
}

/** Pairs [output, input] of this case that may share memory. */
export function inPlacePairs({ operation, inputs, outputs }: OperationCase): (readonly [number, number])[] {
  const pairs = operationSpec(operation).inPlace ?? [];
  return pairs.filter(([output, input]) => inputs[input]?.length === outputs[output]);
}

/** The values of the outputs, then those of the inputs that the operation mutates. */
export async function runOperation(
  backend: Backend,
  { operation, inputs, outputs, attributes }: OperationCase,
  inPlace?: readonly [output: number, input: number],
): Promise<BufferData[]> {
  const spec = operationSpec(operation);
  const buffers: Buffer[] = [];
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

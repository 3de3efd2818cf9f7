/**
 * A case of one operation with all its operands in the arena, as they lie in real programs: one binding for all of them,
 * at offsets that are multiples of four words (vectors) or odd.
 */
import type {
  Backend,
  BufferData,
  DType,
  Instruction,
  Place,
  Buffer as TensorBuffer,
} from '../../../src/tensor/backend.ts';
import { operationSpec } from '../../../src/tensor/operations.ts';
import { expectClose, type OperationCase, reference, type Tolerance } from '../operation-case.ts';

/** Outputs, then all inputs as they are afterwards. */
export async function runInArena(backend: Backend, given: OperationCase, gap: number): Promise<BufferData[]> {
  const { operation, inputs, outputs, attributes } = given;
  const buffers: TensorBuffer[] = [];
  const before: Instruction[] = [];
  const after: Instruction[] = [];
  let arenaLength = gap;
  const inArena = (dtype: DType, length: number): Place => {
    const place = { slot: 0, offset: arenaLength, length, dtype };
    arenaLength += Math.ceil(length / 4) * 4 + gap;
    return place;
  };
  const outside = (dtype: DType, length: number, name: string): Place => {
    buffers.push(backend.createBuffer(dtype, length, name));
    return { slot: buffers.length, offset: 0, length, dtype };
  };
  const copy = (from: Place, to: Place): Instruction => ({
    operation: 'copy',
    inputs: [from],
    outputs: [to],
    attributes: [from.length],
  });
  const inputPlaces = inputs.map((values, i) => {
    if (values === undefined) return undefined;
    const dtype = values instanceof Int32Array ? 'i32' : 'f32';
    const source = outside(dtype, values.length, `input ${i}`);
    backend.write(buffers[source.slot - 1], values);
    const place = inArena(dtype, values.length);
    before.push(copy(source, place));
    return place;
  });
  const outputPlaces = outputs.map((length, i) =>
    length === undefined
      ? undefined
      : inArena(operationSpec(operation).outputs[i].endsWith(':i32') ? 'i32' : 'f32', length),
  );
  const results = [...outputPlaces, ...inputPlaces]
    .filter((place) => place !== undefined)
    .map((place, i) => {
      const result = outside(place.dtype, place.length, `result ${i}`);
      after.push(copy(place, result));
      return result;
    });
  const instruction = { operation, inputs: inputPlaces, outputs: outputPlaces, attributes };
  const program = { name: operation, buffers, instructions: [...before, instruction, ...after], arenaLength };
  const executable = backend.compile(program);
  await executable.run();
  const values = await Promise.all(results.map(({ slot }) => backend.read(buffers[slot - 1])));
  executable.dispose();
  for (const buffer of buffers) backend.disposeBuffer(buffer);
  return values;
}

/** Against the reference backend, with operands at multiples of four words and at odd ones; inputs must stay as they are. */
export async function compareInArena(backend: Backend, given: OperationCase, tolerance: Tolerance): Promise<void> {
  for (const gap of [4, 5]) {
    const wanted = await runInArena(reference, given, gap);
    const found = await runInArena(backend, given, gap);
    const what = `${given.operation} [${given.attributes}], ${gap} words between operands`;
    wanted.forEach((values, i) => {
      expectClose(found[i], values, tolerance, `${what}, ${i < given.outputs.length ? 'output' : 'place'} ${i}`);
    });
  }
}

/** Builds a small graph over given values, runs it on a backend and gives back the values of its outputs. */
import type { Backend, Buffer, BufferData, Executable } from '../../src/tensor/backend.ts';
import { elements, Graph, type Tensor } from '../../src/tensor/graph.ts';
import { plan } from '../../src/tensor/plan.ts';

export interface Leaf {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
  readonly dtype?: 'f32' | 'i32';
  /** No gradient is asked for. */
  readonly frozen?: boolean;
}

export interface Prepared {
  readonly executable: Executable;
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Buffer[];
  readonly tensors: readonly Tensor[];
}

export type Build = (tensors: readonly Tensor[], graph: Graph) => readonly (Tensor | undefined)[];

/** Makes buffers of the leaves and of the outputs of `build`, and compiles what `build` makes. */
export function prepare(backend: Backend, leaves: readonly Leaf[], build: Build): Prepared {
  const graph = new Graph('test');
  const inputs = leaves.map((leaf, i) => {
    const dtype = leaf.dtype ?? 'f32';
    const buffer = backend.createBuffer(dtype, elements(leaf.shape), `leaf ${i}`);
    backend.write(buffer, (dtype === 'f32' ? Float32Array : Int32Array).from(leaf.values));
    return buffer;
  });
  const tensors = leaves.map((leaf, i) =>
    graph.buffer(inputs[i], leaf.shape, { requiresGradient: leaf.dtype !== 'i32' && leaf.frozen !== true }),
  );
  const outputs = build(tensors, graph).map((tensor, i) => {
    if (tensor === undefined) throw new TypeError(`output ${i} of the test's graph is missing`);
    const buffer = backend.createBuffer(tensor.dtype, elements(tensor.shape), `output ${i}`);
    graph.assign(buffer, tensor);
    return buffer;
  });
  return { executable: backend.compile(plan(graph)), inputs, outputs, tensors };
}

/** The values of what `build` makes of the leaves. */
export async function evaluate(backend: Backend, leaves: readonly Leaf[], build: Build): Promise<BufferData[]> {
  const { executable, outputs, inputs } = prepare(backend, leaves, build);
  await executable.run();
  const values = await Promise.all(outputs.map((buffer) => backend.read(buffer)));
  executable.dispose();
  for (const buffer of [...inputs, ...outputs]) backend.disposeBuffer(buffer);
  return values;
}

/** Numbers from −1 to 1 that depend on the seed alone (a Weyl sequence, mixed: splitmix32). */
export function noise(length: number, seed: number, scale = 1, shift = 0): Float32Array {
  let state = Math.imul(seed + 1, 0x9e3779b9);
  return Float32Array.from({ length }, () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (((z ^ (z >>> 15)) >>> 0) / 2 ** 31 - 1) * scale + shift;
  });
}

/** Whole numbers from `low` to below `high`. */
export function wholeNumbers(length: number, seed: number, low: number, high: number): Int32Array {
  return Int32Array.from(noise(length, seed), (x) =>
    Math.min(high - 1, low + Math.floor(((x + 1) / 2) * (high - low))),
  );
}

/**
 * A forward pass over micro-batches without anything to train: no gradients and moments in memory, which are three quarters of
 * what a training step holds. For scores of a reward model and log-probabilities of a reference.
 */
import { ropeTables } from '../models/rope-tables.ts';
import type { ModelWeights } from '../models/weights.ts';
import type { Backend, Buffer, BufferData } from '../tensor/backend.ts';
import { elements, Graph, type Tensor } from '../tensor/graph.ts';
import { plan } from '../tensor/plan.ts';
import type { InputSpec, ObjectiveContext } from '../training/objective.ts';

export interface ForwardRun {
  /** `data` by the names of the inputs; members beside them are passed over. Returns the outputs by their names. */
  run(data: Readonly<Record<string, BufferData>>): Promise<Record<string, Float32Array>>;
  dispose(): void;
}

/** Builds, plans and compiles what `build` makes of the inputs. `time`: tokens of a row. */
export function createForwardRun(
  backend: Backend,
  weights: ModelWeights,
  inputs: Readonly<Record<string, InputSpec>>,
  time: number,
  build: (context: Omit<ObjectiveContext, 'seed'>) => Readonly<Record<string, Tensor>>,
): ForwardRun {
  const made: Buffer[] = [];
  const create = (dtype: 'f32' | 'i32', length: number, name: string): Buffer => {
    const buffer = backend.createBuffer(dtype, length, name);
    made.push(buffer);
    return buffer;
  };
  const { config } = weights;
  const graph = new Graph('forward');
  const given = new Map(
    Object.entries(inputs).map(([name, { dtype, shape }]) => [
      name,
      { shape, buffer: create(dtype, elements(shape), `input ${name}`) },
    ]),
  );
  const table = (values: Float32Array, name: string): Tensor => {
    const buffer = create('f32', values.length, name);
    backend.write(buffer, values);
    return graph.buffer(buffer, [time, config.headDim / 2]);
  };
  const rope = (): { cos: Tensor; sin: Tensor } | undefined => {
    if (config.architecture === 'gpt2') return undefined;
    const { cos, sin } = ropeTables(config, time);
    return { cos: table(cos, 'rope cos'), sin: table(sin, 'rope sin') };
  };
  const tables = rope();
  const outputs = new Map<string, Buffer>();
  graph.withTape('off', () => {
    const values = build({
      graph,
      config,
      weights: weights.tensors(graph),
      input: (name) => {
        const input = given.get(name);
        if (input === undefined) throw new TypeError(`forward run: there is no input ${name}`);
        return graph.buffer(input.buffer, input.shape);
      },
      forward: { ...(tables !== undefined && { rope: tables }), recompute: false },
    });
    for (const [name, value] of Object.entries(values)) {
      const buffer = create('f32', elements(value.shape), `output ${name}`);
      outputs.set(name, buffer);
      graph.assign(buffer, value);
    }
  });
  const executable = backend.compile(plan(graph));
  return {
    async run(data) {
      for (const [name, { buffer }] of given) backend.write(buffer, data[name]);
      await executable.run();
      const entries = [...outputs].map(async ([name, buffer]) => [name, await backend.read(buffer)] as const);
      return Object.fromEntries(await Promise.all(entries)) as Record<string, Float32Array>;
    },
    dispose() {
      executable.dispose();
      for (const buffer of made) backend.disposeBuffer(buffer);
    },
  };
}

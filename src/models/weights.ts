/**
 * The parameters of a model in a backend's memory, and how they begin.
 *
 * Initial values depend on the seed and the parameter's name alone: not on the backend, on the number of threads, or on
 * which other parameters there are.
 */
import { createRandom, hashString32 } from '../core/random.ts';
import type { Backend, Buffer } from '../tensor/backend.ts';
import { elements, type Graph } from '../tensor/graph.ts';
import type { ModelConfig } from './config.ts';
import type { Weights } from './forward.ts';
import { type Parameter, parametersOf } from './parameters.ts';

/** A parameter and where it lies. */
export interface StoredParameter extends Parameter {
  readonly buffer: Buffer;
}

export interface ModelWeights {
  readonly config: ModelConfig;
  readonly parameters: readonly StoredParameter[];
  /** The parameters as tensors of `graph`; the same call gives the same tensors. */
  tensors(graph: Graph, options?: { requiresGradient?: boolean }): Weights;
  /** Copies values in; throws a RangeError for an unknown name or a wrong number of them. */
  write(name: string, values: Float32Array): void;
  read(name: string): Promise<Float32Array>;
  /** Draws the initial values of all parameters. */
  initialize(seed: number): void;
  dispose(): void;
}

/** Buffers for all parameters of `config`, zero until they are written or initialised. */
export function createWeights(backend: Backend, config: ModelConfig): ModelWeights {
  const parameters = parametersOf(config).map(
    (parameter): StoredParameter => ({
      ...parameter,
      buffer: backend.createBuffer('f32', elements(parameter.shape), parameter.name),
    }),
  );
  const byName = new Map(parameters.map((parameter) => [parameter.name, parameter]));
  const find = (name: string): StoredParameter => {
    const parameter = byName.get(name);
    if (parameter === undefined) throw new RangeError(`weights: the model has no parameter ${name}`);
    return parameter;
  };
  return {
    config,
    parameters,
    tensors(graph, { requiresGradient = false } = {}) {
      return (name) => {
        const parameter = byName.get(name);
        return parameter && graph.buffer(parameter.buffer, parameter.shape, { requiresGradient });
      };
    },
    write(name, values) {
      const { buffer, shape } = find(name);
      if (values.length !== buffer.length) {
        throw new RangeError(`weights: ${name} is [${shape}], found ${values.length} values`);
      }
      backend.write(buffer, values);
    },
    async read(name) {
      return (await backend.read(find(name).buffer)) as Float32Array;
    },
    initialize(seed) {
      for (const parameter of parameters) backend.write(parameter.buffer, initialValues(parameter, seed));
    },
    dispose() {
      for (const { buffer } of parameters) backend.disposeBuffer(buffer);
    },
  };
}

/** The initial values of one parameter. Normal draws by Marsaglia's polar method (1964). */
export function initialValues(parameter: Parameter, seed: number): Float32Array {
  const values = new Float32Array(elements(parameter.shape));
  if (parameter.init.kind === 'zeros') return values;
  if (parameter.init.kind === 'ones') return values.fill(1);
  const { std } = parameter.init;
  const random = createRandom(hashString32(parameter.name, seed));
  for (let i = 0; i < values.length; i += 2) {
    let x: number;
    let y: number;
    let square: number;
    do {
      x = 2 * random.float() - 1;
      y = 2 * random.float() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const scale = std * Math.sqrt((-2 * Math.log(square)) / square);
    values[i] = x * scale;
    if (i + 1 < values.length) values[i + 1] = y * scale;
  }
  return values;
}

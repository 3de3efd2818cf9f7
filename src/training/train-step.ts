/**
 * One optimizer step as programs: micro-batches that write or add to the gradients, then the update. All memory is made
 * here, before the first step: weights, gradients, two moments, inputs, and the arena whose size the plan gives.
 *
 * The first micro-batch of a step writes the gradients and the others add to them, so that nothing is ever set to zero.
 */

import type { Weights } from '../models/forward.ts';
import { ropeTables } from '../models/rope-tables.ts';
import type { ModelWeights } from '../models/weights.ts';
import { gradients } from '../tensor/autograd.ts';
import type { Backend, Buffer, BufferData, Executable } from '../tensor/backend.ts';
import { elements, Graph, type Tensor } from '../tensor/graph.ts';
import { type OperationProfile, withCosts } from '../tensor/operation-cost.ts';
import { adamw, clipFactor, countNonFinite, globalNorm } from '../tensor/ops/optimizer.ts';
import { plan } from '../tensor/plan.ts';
import type { Objective } from './objective.ts';
import { type Precision, storedAs } from './precision.ts';

export interface TrainStepOptions {
  readonly objective: Objective;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Of matrices and embeddings; norms and biases have none. */
  readonly weightDecay: number;
  /** Gradients are scaled down to this global norm; 0: never. */
  readonly clipNorm: number;
  /** Of the residual branches and the embeddings. */
  readonly dropout?: number;
  /** Compute activations again for the gradient instead of keeping them. */
  readonly recompute?: boolean;
  /** Rows of the rotary tables: the longest sequence. */
  readonly maxPositions: number;
  /** What the forward pass sees of the float32 weights; default: all of it. */
  readonly precision?: Precision;
}

/** What the host knows of one update. */
export interface UpdateInputs {
  readonly learningRate: number;
  /** 1 for the first update. */
  readonly step: number;
  /** Gradients are multiplied by it before anything else (1 / loss scale). */
  readonly gradientScale?: number;
  /** A larger global norm skips the update; no limit unless given. */
  readonly spikeNorm?: number;
}

export interface UpdateResult {
  /** Of all gradients, before clipping. */
  readonly gradientNorm: number;
  /** False when the update was skipped: the norm was not finite, or a spike. */
  readonly updated: boolean;
}

/** A moment or a gradient of a parameter. */
export interface ParameterState {
  readonly name: string;
  readonly gradient: Buffer;
  readonly firstMoment: Buffer;
  readonly secondMoment: Buffer;
}

export interface TrainStepMemory {
  readonly weights: number;
  readonly gradients: number;
  readonly moments: number;
  /** Activations and everything else that lives within a run. */
  readonly arena: number;
  /** What kernels need besides. */
  readonly scratch: number;
}

export interface TrainStep {
  /** Runs one micro-batch; `data` by the names of the objective's inputs. Returns the metrics' values. */
  accumulate(
    data: Readonly<Record<string, BufferData>>,
    options?: { seed?: readonly [number, number]; lossScale?: number },
  ): Promise<Record<string, Float32Array>>;
  /** Applies the gradients of the micro-batches since the last update. */
  update(inputs: UpdateInputs): Promise<UpdateResult>;
  /** Forgets the micro-batches since the last update. */
  discard(): void;
  /** The metrics of a micro-batch without gradients and without dropout; the state of a step under way is left alone. */
  evaluate(data: Readonly<Record<string, BufferData>>): Promise<Record<string, Float32Array>>;
  /** How many entries of each gradient are not finite, for those that have any. */
  nonFinite(): Promise<{ name: string; count: number }[]>;
  /** Time and cost by operation of one micro-batch and one update, slowest first. */
  profile(data: Readonly<Record<string, BufferData>>): Promise<OperationProfile[]>;
  /** Kernels that those two launch, where the backend launches any. */
  readonly launches: number | undefined;
  readonly state: readonly ParameterState[];
  /** Bytes. */
  readonly memory: TrainStepMemory;
  dispose(): void;
}

/** Builds, plans and compiles the step. */
export function createTrainStep(backend: Backend, weights: ModelWeights, options: TrainStepOptions): TrainStep {
  const { objective } = options;
  const made: Buffer[] = [];
  const create = (dtype: 'f32' | 'i32', length: number, name: string): Buffer => {
    const buffer = backend.createBuffer(dtype, length, name);
    made.push(buffer);
    return buffer;
  };
  const inputs = new Map(
    Object.entries(objective.inputs).map(([name, { dtype, shape }]) => [
      name,
      { shape, buffer: create(dtype, elements(shape), `input ${name}`) },
    ]),
  );
  const state = weights.parameters.map(({ name, buffer: { length } }): ParameterState & { gradient: Buffer } => ({
    name,
    gradient: create('f32', length, `gradient of ${name}`),
    firstMoment: create('f32', length, `first moment of ${name}`),
    secondMoment: create('f32', length, `second moment of ${name}`),
  }));
  const tables = createTables();
  const seed = create('i32', 2, 'dropout seed');
  const metricBuffers = new Map<string, Buffer>();
  const precision = options.precision ?? 'float32';
  const lossScale = create('f32', 1, 'loss scale');
  backend.write(lossScale, Float32Array.of(1));

  const firstProgram = plan(buildMicroBatch('first'));
  const first = backend.compile(firstProgram);
  const next = backend.compile(plan(buildMicroBatch('next')));
  const norm = create('f32', 1, 'gradient norm');
  const factor = create('f32', 1, 'gradient factor');
  const limits = create('f32', 2, 'gradient limits');
  const scalars = create('f32', 3, 'optimizer scalars');
  const updateProgram = plan(buildUpdate());
  const update = backend.compile(updateProgram);
  const counts = create('f32', state.length, 'non-finite counts');
  let countProgram: Executable | undefined;
  let evaluation: Executable | undefined;
  let accumulated = 0;

  function createTables(): { cos: Buffer; sin: Buffer; shape: number[] } | undefined {
    const { config } = weights;
    if (config.architecture === 'gpt2') return undefined;
    const { cos, sin } = ropeTables(config, options.maxPositions);
    const shape = [options.maxPositions, config.headDim / 2];
    const buffers = { cos: create('f32', cos.length, 'rope cos'), sin: create('f32', sin.length, 'rope sin'), shape };
    backend.write(buffers.cos, cos);
    backend.write(buffers.sin, sin);
    return buffers;
  }

  /** The objective in `graph`, its metrics assigned to their buffers. */
  function buildObjective(graph: Graph, parameters: Weights, withDropout: boolean): Tensor {
    const { loss, metrics } = objective.build({
      graph,
      config: weights.config,
      weights: storedAs(precision, parameters),
      input: (name) => {
        const input = inputs.get(name);
        if (input === undefined) throw new TypeError(`objective ${objective.name} has no input ${name}`);
        return graph.buffer(input.buffer, input.shape);
      },
      forward: {
        ...(tables && {
          rope: { cos: graph.buffer(tables.cos, tables.shape), sin: graph.buffer(tables.sin, tables.shape) },
        }),
        ...(withDropout && options.dropout && { dropout: { rate: options.dropout, seed: graph.buffer(seed, [2]) } }),
        recompute: options.recompute ?? false,
      },
      ...(withDropout && { seed: graph.buffer(seed, [2]) }),
    });
    for (const [name, value] of Object.entries(metrics)) {
      const length = elements(value.shape);
      const buffer = metricBuffers.get(name) ?? create('f32', length, `metric ${name}`);
      metricBuffers.set(name, buffer);
      graph.assign(buffer, value);
    }
    return loss;
  }

  function buildMicroBatch(which: 'first' | 'next'): Graph {
    const graph = new Graph(`${objective.name} (${which} micro-batch)`);
    const parameters = weights.tensors(graph, { requiresGradient: true });
    const loss = buildObjective(graph, parameters, true);
    const leaves = weights.parameters.map(({ name }) => parameters(name) as Tensor);
    const held = state.map(({ gradient }, index) => graph.buffer(gradient, leaves[index].shape));
    const partial =
      which === 'next' ? new Map(leaves.map((leaf, index) => [leaf, held[index]])) : new Map<Tensor, Tensor>();
    // Only float16 scales its loss: a gradient of exactly 1 is what lets the output head write straight into its own.
    const scale = precision === 'f16' && { seed: graph.buffer(lossScale, [1]) };
    gradients(loss, leaves, { partial, ...scale }).forEach((gradient, index) => {
      if (gradient === undefined) {
        // A parameter that this objective does not use keeps a gradient of zero.
        if (which === 'next') return;
        const length = elements(leaves[index].shape);
        const [zero] = graph.emit('fill', [], [length, 0], [{ shape: leaves[index].shape }]);
        graph.assign(state[index].gradient, zero);
        return;
      }
      graph.assign(state[index].gradient, gradient);
    });
    return graph;
  }

  function buildUpdate(): Graph {
    const graph = new Graph(`${objective.name} (update)`);
    const leaf = (buffer: Buffer): Tensor => graph.buffer(buffer, [buffer.length]);
    const gradientNorm = globalNorm(
      graph,
      state.map(({ gradient }) => leaf(gradient)),
    );
    const clip = clipFactor(gradientNorm, leaf(limits), options.clipNorm);
    graph.assign(norm, gradientNorm);
    graph.assign(factor, clip);
    const groups = state.map(({ gradient, firstMoment, secondMoment }, index) => ({
      parameter: leaf(weights.parameters[index].buffer),
      gradient: leaf(gradient),
      firstMoment: leaf(firstMoment),
      secondMoment: leaf(secondMoment),
      decay: weights.parameters[index].decays ? options.weightDecay : 0,
    }));
    adamw(groups, leaf(scalars), clip, options);
    return graph;
  }

  function buildEvaluation(): Graph {
    const graph = new Graph(`${objective.name} (evaluation)`);
    graph.withTape('off', () => buildObjective(graph, weights.tensors(graph), false));
    return graph;
  }

  async function readMetrics(): Promise<Record<string, Float32Array>> {
    const entries = [...metricBuffers].map(async ([name, buffer]) => [name, await backend.read(buffer)] as const);
    return Object.fromEntries(await Promise.all(entries)) as Record<string, Float32Array>;
  }

  function writeInputs(data: Readonly<Record<string, BufferData>>): void {
    for (const [name, { buffer }] of inputs) {
      const values = data[name];
      if (values?.length !== buffer.length) {
        throw new TypeError(
          `train step: input ${name} has ${values?.length ?? 'no'} values, expected ${buffer.length}`,
        );
      }
      backend.write(buffer, values);
    }
  }

  function writeScalars({
    learningRate,
    step,
    gradientScale = 1,
    spikeNorm = Number.POSITIVE_INFINITY,
  }: UpdateInputs): void {
    const corrections = [1 - options.beta1 ** step, 1 - options.beta2 ** step];
    backend.write(scalars, Float32Array.of(learningRate, ...corrections));
    backend.write(limits, Float32Array.of(gradientScale, spikeNorm));
  }

  const bytes = (buffers: readonly Buffer[]): number => buffers.reduce((sum, { length }) => sum + 4 * length, 0);
  return {
    state,
    memory: {
      weights: bytes(weights.parameters.map(({ buffer }) => buffer)),
      gradients: bytes(state.map(({ gradient }) => gradient)),
      moments: bytes(state.flatMap(({ firstMoment, secondMoment }) => [firstMoment, secondMoment])),
      arena: 4 * Math.max(first.arenaLength, next.arenaLength, update.arenaLength),
      scratch: Math.max(first.scratchBytes, next.scratchBytes, update.scratchBytes),
    },
    launches: first.launches === undefined ? undefined : first.launches + (update.launches ?? 0),
    async accumulate(data, { seed: given, lossScale: scale } = {}) {
      writeInputs(data);
      if (given !== undefined) backend.write(seed, Int32Array.of(...given));
      if (scale !== undefined && precision !== 'f16') throw new TypeError('train step: only f16 scales its loss');
      if (scale !== undefined) backend.write(lossScale, Float32Array.of(scale));
      await (accumulated === 0 ? first : next).run();
      accumulated++;
      return readMetrics();
    },
    async evaluate(data) {
      evaluation ??= backend.compile(plan(buildEvaluation()));
      writeInputs(data);
      await evaluation.run();
      return readMetrics();
    },
    async update(given) {
      if (accumulated === 0) throw new TypeError('train step: an update without a micro-batch before it');
      accumulated = 0;
      writeScalars(given);
      await update.run();
      const [gradientNorm] = await backend.read(norm);
      const [applied] = await backend.read(factor);
      return { gradientNorm, updated: applied >= 0 };
    },
    discard() {
      accumulated = 0;
    },
    async nonFinite() {
      if (countProgram === undefined) {
        const graph = new Graph('non-finite gradients');
        const leaves = state.map(({ gradient }) => graph.buffer(gradient, [gradient.length]));
        graph.assign(counts, countNonFinite(graph, leaves));
        countProgram = backend.compile(plan(graph));
      }
      await countProgram.run();
      const found = await backend.read(counts);
      return state.map(({ name }, index) => ({ name, count: found[index] })).filter(({ count }) => count > 0);
    },
    async profile(data) {
      writeInputs(data);
      const forward = await first.profile();
      accumulated = 0;
      writeScalars({ learningRate: 0, step: 1 });
      return withCosts([...forward, ...(await update.profile())], [firstProgram, updateProgram]);
    },
    dispose() {
      for (const program of [first, next, update, countProgram, evaluation]) program?.dispose();
      for (const buffer of made) backend.disposeBuffer(buffer);
    },
  };
}

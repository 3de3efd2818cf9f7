/**
 * The graph: what a model computes, as a list of operations in the order in which they run. Building it computes nothing;
 * `plan` (plan.ts) gives every tensor its memory, and a backend runs the result as often as there are steps.
 *
 * A tensor is a node's output, a view of another tensor under another shape, or a leaf: a buffer of the backend, read as
 * it stands when the operation runs. Operations that need gradients leave a rule on the tape, which `gradients`
 * (autograd.ts) replays backwards into the same graph.
 */
import type { Buffer, DType } from './backend.ts';
import { type OperationName, type OperationSpec, operationSpec } from './operations.ts';

/** A tensor of a graph: a shape and where its values come from. */
export interface Tensor {
  readonly graph: Graph;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly source: TensorSource;
  readonly requiresGradient: boolean;
}

export type TensorSource =
  | { readonly kind: 'node'; readonly node: GraphNode; readonly output: number }
  | { readonly kind: 'buffer'; readonly buffer: Buffer; readonly offset: number }
  | { readonly kind: 'view'; readonly of: Tensor };

export interface GraphNode {
  readonly index: number;
  readonly operation: OperationName;
  readonly inputs: readonly (Tensor | undefined)[];
  /** Filled when the node is made; an absent optional output is undefined. */
  readonly outputs: (Tensor | undefined)[];
  readonly attributes: number[];
}

/** What a rule gives gradients to: see autograd.ts. */
export interface GradientSink {
  /** True when someone asks for the gradient of `tensor`. */
  wants(tensor: Tensor | undefined): tensor is Tensor;
  /** Adds what `produce` makes to the gradient of `tensor`; `addend` is what was there, to be included by `produce`. */
  accumulate(tensor: Tensor, produce: (addend: Tensor | undefined) => Tensor): void;
  /** Adds `gradient` to the gradient of `tensor`. */
  add(tensor: Tensor, gradient: Tensor): void;
}

/** Turns the gradients of a node's outputs (undefined: none arrived) into those of its inputs. */
export type GradientRule = (outputGradients: readonly (Tensor | undefined)[], sink: GradientSink) => void;

export interface TapeEntry {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly rule: GradientRule;
}

/** An output of a node: its shape, its type, and whether it is wanted at all. */
export interface OutputShape {
  readonly shape: readonly number[];
  readonly dtype?: DType;
}

/** A value to be in a buffer after the run. */
export interface Assignment {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly value: Tensor;
  /** The number of nodes there were when it was made: it takes place after them and before the rest. */
  readonly after: number;
}

export class Graph {
  readonly name: string;
  readonly nodes: GraphNode[] = [];
  readonly assignments: Assignment[] = [];
  /** The tape that rules go to; undefined while no gradient is recorded. */
  #tape: TapeEntry[] | undefined = [];
  readonly #leaves = new Map<Buffer, Tensor[]>();

  constructor(name: string) {
    this.name = name;
  }

  /** The rules recorded so far, or undefined while recording is off. */
  get tape(): readonly TapeEntry[] | undefined {
    return this.#tape;
  }

  /**
   * The buffer as a tensor of `shape`, from entry `offset` on. The same buffer, offset and shape give the same tensor, so
   * that a parameter used twice gathers one gradient.
   */
  buffer(
    buffer: Buffer,
    shape: readonly number[],
    options: { requiresGradient?: boolean; offset?: number } = {},
  ): Tensor {
    const offset = options.offset ?? 0;
    if (offset + elements(shape) > buffer.length) {
      throw new RangeError(
        `graph ${this.name}: ${buffer.name} has ${buffer.length} entries, asked for [${shape}] from ${offset} on`,
      );
    }
    const known = this.#leaves.get(buffer) ?? [];
    const requiresGradient = options.requiresGradient ?? false;
    const same = known.find(
      (leaf) =>
        leaf.source.kind === 'buffer' &&
        leaf.source.offset === offset &&
        leaf.requiresGradient === requiresGradient &&
        sameShape(leaf.shape, shape),
    );
    if (same !== undefined) return same;
    const leaf: Tensor = {
      graph: this,
      shape,
      dtype: buffer.dtype,
      source: { kind: 'buffer', buffer, offset },
      requiresGradient,
    };
    this.#leaves.set(buffer, [...known, leaf]);
    return leaf;
  }

  /** The same values, in the same order, under another shape. */
  reshape(tensor: Tensor, shape: readonly number[]): Tensor {
    if (elements(shape) !== elements(tensor.shape)) {
      throw new RangeError(`graph ${this.name}: [${tensor.shape}] has not the entries of [${shape}]`);
    }
    if (sameShape(shape, tensor.shape)) return tensor;
    const view: Tensor = { ...tensor, shape, source: { kind: 'view', of: tensor } };
    if (tensor.requiresGradient) {
      this.record([tensor], [view], ([gradient], sink) => {
        if (gradient !== undefined) sink.add(tensor, this.reshape(gradient, tensor.shape));
      });
    }
    return view;
  }

  /** Appends one operation. Outputs need gradients when `rule` is given, recording is on and an input needs one. */
  emit(
    operation: OperationName,
    inputs: readonly (Tensor | undefined)[],
    attributes: readonly number[],
    outputs: readonly (OutputShape | undefined)[],
    rule?: GradientRule,
  ): Tensor[] {
    checkEmit(this.name, operation, inputs, attributes, outputs);
    const node: GraphNode = { index: this.nodes.length, operation, inputs, outputs: [], attributes: [...attributes] };
    const sources = inputs.filter((input) => input?.requiresGradient === true) as Tensor[];
    const requiresGradient = rule !== undefined && this.#tape !== undefined && sources.length > 0;
    this.nodes.push(node);
    outputs.forEach((output, index) => {
      node.outputs.push(
        output && {
          graph: this,
          shape: output.shape,
          dtype: output.dtype ?? 'f32',
          source: { kind: 'node', node, output: index },
          requiresGradient: requiresGradient && (output.dtype ?? 'f32') === 'f32',
        },
      );
    });
    const made = node.outputs.filter((output) => output !== undefined);
    if (requiresGradient) this.record(sources, made, rule);
    return node.outputs as Tensor[];
  }

  /** Leaves a rule on the tape. */
  record(inputs: readonly Tensor[], outputs: readonly Tensor[], rule: GradientRule): void {
    this.#tape?.push({ inputs, outputs, rule });
  }

  /** Puts `value` into `buffer` once the nodes so far have run. */
  assign(buffer: Buffer, value: Tensor, offset = 0): void {
    if (value.dtype !== buffer.dtype || offset + elements(value.shape) > buffer.length) {
      throw new RangeError(
        `graph ${this.name}: ${value.dtype} [${value.shape}] does not fit ${buffer.name} at ${offset}`,
      );
    }
    this.assignments.push({ buffer, offset, value, after: this.nodes.length });
  }

  /** Runs `build` with a tape of its own, or without one, and returns what it made and that tape. */
  withTape<T>(mode: 'own' | 'off', build: () => T): { result: T; tape: readonly TapeEntry[] } {
    const outer = this.#tape;
    const own: TapeEntry[] = [];
    this.#tape = mode === 'own' ? own : undefined;
    try {
      return { result: build(), tape: own };
    } finally {
      this.#tape = outer;
    }
  }
}

/** The number of entries of a shape. */
export function elements(shape: readonly number[]): number {
  let product = 1;
  for (const size of shape) product *= size;
  return product;
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Rows and columns of a tensor read as a matrix: all axes but the last are rows. */
export function asMatrix(tensor: Tensor): { rows: number; columns: number } {
  const columns = tensor.shape[tensor.shape.length - 1] ?? 1;
  return { rows: columns === 0 ? 0 : elements(tensor.shape) / columns, columns };
}

/** A defect in the caller, not in a user's data: names of the table must fit what is given. */
function checkEmit(
  graph: string,
  operation: OperationName,
  inputs: readonly (Tensor | undefined)[],
  attributes: readonly number[],
  outputs: readonly (OutputShape | undefined)[],
): void {
  const spec: OperationSpec = operationSpec(operation);
  const fail = (what: string): never => {
    throw new TypeError(`graph ${graph}: ${operation} ${what}`);
  };
  if (spec.variadic === undefined && inputs.length !== spec.inputs.length) fail(`takes ${spec.inputs.length} inputs`);
  if (outputs.length !== spec.outputs.length) fail(`has ${spec.outputs.length} outputs`);
  if (spec.variadic === undefined && attributes.length !== spec.attributes.length) {
    fail(`has the attributes ${spec.attributes.join(', ')}`);
  }
  inputs.forEach((input, index) => {
    const name = inputName(spec, index);
    if (input === undefined) {
      if (!name.includes('?')) fail(`needs its input ${name}`);
      return;
    }
    const dtype = name.endsWith(':i32') ? 'i32' : 'f32';
    if (input.dtype !== dtype) fail(`wants ${dtype} for ${name}, found ${input.dtype}`);
  });
  outputs.forEach((output, index) => {
    if (output === undefined && !spec.outputs[index].includes('?')) fail(`needs its output ${spec.outputs[index]}`);
  });
}

/** The name of input `index`, repeating ones included. */
export function inputName(spec: OperationSpec, index: number): string {
  const fixed = spec.inputs.length - (spec.variadic ?? 0);
  if (index < fixed || spec.variadic === undefined) return spec.inputs[index];
  return spec.inputs[fixed + ((index - fixed) % spec.variadic)];
}

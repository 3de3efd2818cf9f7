/**
 * From a graph to a program: which operations are needed, where each tensor lies, and how large the arena is.
 *
 * 1. Operations whose results nobody asks for are left out.
 * 2. A value that is assigned to a buffer is written there at once where nothing between reads or writes that buffer;
 *    otherwise a copy is made.
 * 3. An output takes over the memory of an input that is used for the last time, where the operation allows it.
 * 4. What is left gets a place in the arena for as long as it is used: largest first, at the lowest offset that is free
 *    over its lifetime (the greedy-by-size order of Pisarchyk & Lee 2020, Efficient Memory Management for Deep Neural
 *    Net Inference).
 *
 * The arena's size is therefore known before anything is run, and it is exact: nothing else is allocated by a run.
 */
import type { Buffer, Instruction, Place, Program } from './backend.ts';
import { elements, type Graph, type GraphNode, type Tensor } from './graph.ts';
import { operationSpec } from './operations.ts';

/** Words to which places in the arena are aligned: 256 bytes, the strictest binding offset of WebGPU adapters. */
const ALIGNMENT = 64;

/** Where a tensor's values come from, views followed: a buffer's entries, or an output of a node. */
type Origin = { buffer: Buffer; offset: number } | { node: GraphNode; output: number };

/** The storage of one node output. */
interface Value {
  readonly length: number;
  /** First and last instruction that it must live for. */
  readonly first: number;
  last: number;
  /** A buffer that it is written to directly. */
  bound: { buffer: Buffer; offset: number } | undefined;
  /** The value whose memory it takes over. */
  over: Value | undefined;
  place: number;
}

type Step =
  | { readonly kind: 'node'; readonly node: GraphNode }
  | { readonly kind: 'copy'; readonly value: Tensor; readonly buffer: Buffer; readonly offset: number };

/** The program of a graph. */
export function plan(graph: Graph): Program {
  const steps = orderSteps(graph);
  const values = new Map<GraphNode, (Value | undefined)[]>();
  const valueFor = (tensor: Tensor): Value | undefined => {
    const origin = originOf(tensor);
    return 'node' in origin ? values.get(origin.node)?.[origin.output] : undefined;
  };

  steps.forEach((step, at) => {
    for (const input of stepInputs(step)) {
      const value = input && valueFor(input);
      if (value !== undefined) value.last = at;
    }
    if (step.kind !== 'node') return;
    values.set(
      step.node,
      step.node.outputs.map((output) =>
        output === undefined
          ? undefined
          : { length: elements(output.shape), first: at, last: at, bound: undefined, over: undefined, place: -1 },
      ),
    );
  });
  dropUnusedOptional(values, steps, valueFor);
  const kept = bindAssignments(steps, valueFor);
  takeOverInputs(kept, values, valueFor);
  const all = [...values.values()].flat().filter((value) => value !== undefined);
  const arenaLength = placeInArena(all);
  return writeProgram(graph, kept, values, arenaLength);
}

/** The needed nodes in order, with a copy step where each assignment takes place. */
function orderSteps(graph: Graph): Step[] {
  const needed = new Set<GraphNode>();
  const need = (tensor: Tensor | undefined): void => {
    const origin = tensor && originOf(tensor);
    if (origin !== undefined && 'node' in origin) needed.add(origin.node);
  };
  for (const assignment of graph.assignments) need(assignment.value);
  for (let index = graph.nodes.length - 1; index >= 0; index--) {
    const node = graph.nodes[index];
    if (operationSpec(node.operation).mutates !== undefined) needed.add(node);
    if (needed.has(node)) for (const input of node.inputs) need(input);
  }
  const steps: Step[] = [];
  let next = 0;
  for (let index = 0; index <= graph.nodes.length; index++) {
    for (; next < graph.assignments.length && graph.assignments[next].after === index; next++) {
      const { value, buffer, offset } = graph.assignments[next];
      steps.push({ kind: 'copy', value, buffer, offset });
    }
    const node = graph.nodes[index];
    if (node !== undefined && needed.has(node)) steps.push({ kind: 'node', node });
  }
  return steps;
}

/** Takes out optional outputs that nobody reads, so that kernels need not compute them. */
function dropUnusedOptional(
  values: ReadonlyMap<GraphNode, (Value | undefined)[]>,
  steps: readonly Step[],
  valueFor: (tensor: Tensor) => Value | undefined,
): void {
  const read = new Set<Value | undefined>(
    steps.flatMap((step) => stepInputs(step).map((input) => input && valueFor(input))),
  );
  for (const [node, outputs] of values) {
    operationSpec(node.operation).outputs.forEach((name, index) => {
      if (name.includes('?') && !read.has(outputs[index])) outputs[index] = undefined;
    });
  }
}

/**
 * Lets values be written straight to the buffer they are assigned to. Those copies become undefined in the result, so
 * that the numbers of the steps stay what the lifetimes say.
 */
function bindAssignments(
  steps: readonly Step[],
  valueFor: (tensor: Tensor) => Value | undefined,
): (Step | undefined)[] {
  const writes = new Map<Buffer, number[]>();
  const reads = new Map<Buffer, number[]>();
  const note = (map: Map<Buffer, number[]>, buffer: Buffer, at: number): void => {
    const list = map.get(buffer);
    if (list === undefined) map.set(buffer, [at]);
    else list.push(at);
  };
  steps.forEach((step, at) => {
    if (step.kind === 'copy') note(writes, step.buffer, at);
    const mutated = step.kind === 'node' ? mutatedInputs(step.node) : new Set<number>();
    stepInputs(step).forEach((input, index) => {
      const origin = input && originOf(input);
      if (origin === undefined || !('buffer' in origin)) return;
      note(mutated.has(index) ? writes : reads, origin.buffer, at);
    });
  });
  const boundTo = new Map<Buffer, Value[]>();
  return steps.map((step, at) => {
    if (step.kind !== 'copy') return step;
    const value = valueFor(step.value);
    if (value === undefined || value.bound !== undefined) return step;
    const maker = steps[value.first];
    if (maker.kind !== 'node') return step;
    const origin = originOf(step.value) as { node: GraphNode; output: number };
    const within = (places: readonly number[] | undefined, from: number, to: number): boolean =>
      places?.some((place) => place >= from && place <= to && place !== at) ?? false;
    if (within(writes.get(step.buffer), value.first, value.last)) return step;
    if (within(reads.get(step.buffer), value.first + 1, at)) return step;
    if (readsBesideInPlace(maker.node, origin.output, step)) return step;
    const others = boundTo.get(step.buffer) ?? [];
    if (others.some((other) => other.first <= value.last && value.first <= other.last)) return step;
    value.bound = { buffer: step.buffer, offset: step.offset };
    boundTo.set(step.buffer, [...others, value]);
    // The write takes place where the value is made, not where the copy was.
    writes.set(step.buffer, [...(writes.get(step.buffer) ?? []).filter((place) => place !== at), value.first]);
    return undefined;
  });
}

/** True when the node reads the buffer that it is to write, other than as an input that may share memory with the output. */
function readsBesideInPlace(node: GraphNode, output: number, copy: Step & { kind: 'copy' }): boolean {
  const allowed = operationSpec(node.operation).inPlace ?? [];
  return node.inputs.some((input, index) => {
    const origin = input && originOf(input);
    if (origin === undefined || !('buffer' in origin) || origin.buffer !== copy.buffer) return false;
    const sameEntries = origin.offset === copy.offset && elements(input!.shape) === elements(copy.value.shape);
    return !(sameEntries && allowed.some(([o, i]) => o === output && i === index));
  });
}

/** Gives outputs the memory of inputs that die with their operation. */
function takeOverInputs(
  steps: readonly (Step | undefined)[],
  values: ReadonlyMap<GraphNode, (Value | undefined)[]>,
  valueFor: (tensor: Tensor) => Value | undefined,
): void {
  steps.forEach((step, at) => {
    if (step?.kind !== 'node') return;
    const outputs = values.get(step.node)!;
    const inputs = step.node.inputs.map((input) => input && valueFor(input));
    const taken = new Set<Value>();
    for (const [o, i] of operationSpec(step.node.operation).inPlace ?? []) {
      const output = outputs[o];
      const input = inputs[i];
      if (output === undefined || output.bound !== undefined || output.over !== undefined) continue;
      if (input === undefined || input.bound !== undefined || input.last !== at || taken.has(input)) continue;
      if (input.length !== output.length || inputs.filter((other) => other === input).length > 1) continue;
      output.over = input;
      taken.add(input);
    }
  });
}

/** Sets the places of all values that are not in a buffer; returns the words of the arena. */
function placeInArena(values: readonly Value[]): number {
  const roots = new Map<Value, { first: number; last: number }>();
  for (const value of values) {
    if (value.bound !== undefined) continue;
    const root = rootOf(value);
    const known = roots.get(root);
    if (known === undefined) roots.set(root, { first: value.first, last: value.last });
    else {
      known.first = Math.min(known.first, value.first);
      known.last = Math.max(known.last, value.last);
    }
  }
  const order = [...roots.entries()].sort(([a, x], [b, y]) => b.length - a.length || x.first - y.first);
  const placed: { first: number; last: number; from: number; to: number }[] = [];
  let arenaLength = 0;
  for (const [root, { first, last }] of order) {
    const size = Math.ceil(root.length / ALIGNMENT) * ALIGNMENT;
    let from = 0;
    // `placed` is in order of `from`: the first gap that is large enough is the lowest.
    for (const other of placed) {
      if (other.last < first || other.first > last) continue;
      if (other.from - from >= size) break;
      from = Math.max(from, other.to);
    }
    root.place = from;
    const entry = { first, last, from, to: from + size };
    let low = 0;
    let high = placed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (placed[middle].from < from) low = middle + 1;
      else high = middle;
    }
    placed.splice(low, 0, entry);
    arenaLength = Math.max(arenaLength, entry.to);
  }
  return arenaLength;
}

function writeProgram(
  graph: Graph,
  steps: readonly (Step | undefined)[],
  values: ReadonlyMap<GraphNode, (Value | undefined)[]>,
  arenaLength: number,
): Program {
  const buffers: Buffer[] = [];
  const slots = new Map<Buffer, number>();
  const slotOf = (buffer: Buffer): number => {
    const known = slots.get(buffer);
    if (known !== undefined) return known;
    buffers.push(buffer);
    slots.set(buffer, buffers.length);
    return buffers.length;
  };
  const placeOf = (tensor: Tensor | undefined): Place | undefined => {
    if (tensor === undefined) return undefined;
    const length = elements(tensor.shape);
    const origin = originOf(tensor);
    if ('buffer' in origin) return { slot: slotOf(origin.buffer), offset: origin.offset, length, dtype: tensor.dtype };
    const value = values.get(origin.node)![origin.output];
    if (value === undefined) return undefined;
    if (value.bound !== undefined) {
      return { slot: slotOf(value.bound.buffer), offset: value.bound.offset, length, dtype: tensor.dtype };
    }
    return { slot: 0, offset: rootOf(value).place, length, dtype: tensor.dtype };
  };
  const instructions: Instruction[] = [];
  for (const step of steps) {
    if (step === undefined) continue;
    if (step.kind === 'node') {
      const { operation, inputs, outputs, attributes } = step.node;
      instructions.push({ operation, inputs: inputs.map(placeOf), outputs: outputs.map(placeOf), attributes });
      continue;
    }
    const length = elements(step.value.shape);
    const target: Place = { slot: slotOf(step.buffer), offset: step.offset, length, dtype: step.value.dtype };
    instructions.push({ operation: 'copy', inputs: [placeOf(step.value)], outputs: [target], attributes: [length] });
  }
  return { name: graph.name, buffers, instructions, arenaLength };
}

function rootOf(value: Value): Value {
  let root = value;
  while (root.over !== undefined) root = root.over;
  return root;
}

function originOf(tensor: Tensor): Origin {
  let at = tensor;
  while (at.source.kind === 'view') at = at.source.of;
  return at.source;
}

function stepInputs(step: Step): readonly (Tensor | undefined)[] {
  return step.kind === 'node' ? step.node.inputs : [step.value];
}

function mutatedInputs(node: GraphNode): ReadonlySet<number> {
  const spec = operationSpec(node.operation);
  if (spec.mutates === undefined) return new Set();
  const variadic = spec.variadic;
  if (variadic === undefined) return new Set(spec.mutates);
  const fixed = spec.inputs.length - variadic;
  const mutated = new Set<number>();
  for (let index = fixed; index < node.inputs.length; index++) {
    if (spec.mutates.includes(fixed + ((index - fixed) % variadic))) mutated.add(index);
  }
  return mutated;
}

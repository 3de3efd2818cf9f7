/**
 * The memory plan, by a property: a program whose tensors share memory computes what the same graph computes when every
 * tensor has memory of its own. Graphs are random: shared inputs, unused results, in-place candidates, buffers that are
 * read, written and added to.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Backend, Buffer, Instruction, Place, Program } from '../../src/tensor/backend.ts';
import { elements, Graph, type GraphNode, type Tensor } from '../../src/tensor/graph.ts';
import { add, affine, multiply, sum, unary } from '../../src/tensor/ops/elementwise.ts';
import { matmul } from '../../src/tensor/ops/matmul.ts';
import { addRmsNorm, rmsNorm } from '../../src/tensor/ops/norm.ts';
import { plan } from '../../src/tensor/plan.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';

const SIDE = 4;

/** The same graph with a place of its own for every tensor, and a copy for every assignment. */
function naiveProgram(graph: Graph): Program {
  const buffers: Buffer[] = [];
  const slotOf = (buffer: Buffer): number => {
    if (!buffers.includes(buffer)) buffers.push(buffer);
    return buffers.indexOf(buffer) + 1;
  };
  const places = new Map<GraphNode, (Place | undefined)[]>();
  let arenaLength = 0;
  const placeOf = (tensor: Tensor | undefined): Place | undefined => {
    if (tensor === undefined) return undefined;
    const { source } = tensor;
    if (source.kind === 'view') return placeOf(source.of);
    if (source.kind === 'node') return places.get(source.node)?.[source.output];
    return { slot: slotOf(source.buffer), offset: source.offset, length: elements(tensor.shape), dtype: tensor.dtype };
  };
  const instructions: Instruction[] = [];
  for (let at = 0; at <= graph.nodes.length; at++) {
    for (const { value, buffer, offset, after } of graph.assignments) {
      if (after !== at) continue;
      const length = elements(value.shape);
      const target = { slot: slotOf(buffer), offset, length, dtype: value.dtype };
      instructions.push({ operation: 'copy', inputs: [placeOf(value)], outputs: [target], attributes: [length] });
    }
    const node = graph.nodes[at];
    if (node === undefined) continue;
    const inputs = node.inputs.map(placeOf);
    const outputs = node.outputs.map((output): Place | undefined => {
      if (output === undefined) return undefined;
      const place = { slot: 0, offset: arenaLength, length: elements(output.shape), dtype: output.dtype };
      arenaLength += place.length;
      return place;
    });
    places.set(node, outputs);
    instructions.push({ operation: node.operation, inputs, outputs, attributes: node.attributes });
  }
  return { name: graph.name, buffers, instructions, arenaLength };
}

/** One step of a random graph: which operation, and which of the tensors so far it takes. */
type Move = readonly [operation: number, a: number, b: number, c: number];

function build(backend: Backend, moves: readonly Move[]): { graph: Graph; buffers: Buffer[] } {
  const graph = new Graph('random');
  const buffers = [0, 1, 2].map((index) => {
    const buffer = backend.createBuffer('f32', SIDE * SIDE, `buffer ${index}`);
    backend.write(
      buffer,
      Float32Array.from({ length: SIDE * SIDE }, (_, i) => Math.sin(i + 7 * index)),
    );
    return buffer;
  });
  const shape = [SIDE, SIDE];
  const leaf = (index: number): Tensor => graph.buffer(buffers[index % buffers.length], shape);
  const tensors: Tensor[] = [leaf(0), leaf(1)];
  const pick = (index: number): Tensor => tensors[index % tensors.length];
  for (const [operation, a, b, c] of moves) {
    const [x, y, z] = [pick(a), pick(b), pick(c)];
    const row = sum(z, 'columns');
    switch (operation) {
      case 0:
        tensors.push(add(x, y));
        break;
      case 1:
        tensors.push(matmul(x, y, { transposeB: true, addend: z, alpha: 0.25 }));
        break;
      case 2:
        tensors.push(unary('tanh', x));
        break;
      case 3:
        tensors.push(rmsNorm(x, row, 1e-3));
        break;
      case 4:
        tensors.push(...addRmsNorm(x, y, row, 1e-3));
        break;
      case 5:
        graph.assign(buffers[b % buffers.length], x);
        break;
      case 6:
        // Adding to a buffer: read it, add, write it back.
        graph.assign(buffers[b % buffers.length], add(leaf(b), affine(x, 0.5)));
        break;
      case 7:
        tensors.push(graph.reshape(multiply(x, y), shape));
        break;
      default:
        tensors.push(leaf(c));
    }
  }
  graph.assign(buffers[2], tensors[tensors.length - 1]);
  return { graph, buffers };
}

async function run(moves: readonly Move[], toProgram: (graph: Graph) => Program): Promise<number[][]> {
  const backend = createReferenceBackend();
  const { graph, buffers } = build(backend, moves);
  const executable = backend.compile(toProgram(graph));
  await executable.run();
  return Promise.all(buffers.map(async (buffer) => Array.from(await backend.read(buffer))));
}

describe('plan', () => {
  it('shares memory without changing a result', async () => {
    const index = fc.nat(40);
    const move = fc.tuple(fc.nat(8), index, index, index);
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 40 }), async (moves) => {
        expect(await run(moves, plan)).toEqual(await run(moves, naiveProgram));
      }),
      { numRuns: 1000 },
    );
  });

  it('uses no more memory for a long chain than for its two ends', () => {
    const backend = createReferenceBackend();
    const graph = new Graph('chain');
    const input = backend.createBuffer('f32', 64, 'input');
    const output = backend.createBuffer('f32', 64, 'output');
    let x = graph.buffer(input, [8, 8]);
    for (let i = 0; i < 50; i++) x = matmul(x, x);
    graph.assign(output, x);
    expect(plan(graph).arenaLength).toBe(128);
  });

  it('writes a result straight into the buffer that it is assigned to', () => {
    const backend = createReferenceBackend();
    const graph = new Graph('direct');
    const buffer = backend.createBuffer('f32', 64, 'gradient');
    const x = graph.buffer(backend.createBuffer('f32', 64, 'x'), [8, 8]);
    graph.assign(buffer, matmul(x, x, { addend: graph.buffer(buffer, [8, 8]) }));
    const { instructions, arenaLength } = plan(graph);
    expect(instructions.map(({ operation }) => operation)).toEqual(['matmul']);
    expect(arenaLength).toBe(0);
  });

  it('leaves out what nobody reads', () => {
    const backend = createReferenceBackend();
    const graph = new Graph('unread');
    const x = graph.buffer(backend.createBuffer('f32', 4, 'x'), [4]);
    unary('exp', x);
    graph.assign(backend.createBuffer('f32', 4, 'y'), unary('tanh', x));
    expect(plan(graph).instructions.map(({ operation }) => operation)).toEqual(['unary']);
  });
});

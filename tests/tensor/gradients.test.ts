/** Every gradient rule of src/tensor/ops against central differences in float64. */
import { describe, expect, it } from 'vitest';
import { checkpoint, gradients } from '../../src/tensor/autograd.ts';
import type { BufferData } from '../../src/tensor/backend.ts';
import { elements, type Graph, type Tensor } from '../../src/tensor/graph.ts';
import { UNARY_KINDS, type UnaryKind } from '../../src/tensor/operations.ts';
import { swiglu } from '../../src/tensor/ops/activation.ts';
import { attention, rope } from '../../src/tensor/ops/attention.ts';
import {
  add,
  affine,
  clamp,
  divide,
  dropout,
  maximum,
  minimum,
  multiply,
  roundTo,
  select,
  subtract,
  sum,
  unary,
} from '../../src/tensor/ops/elementwise.ts';
import { embedding, sumById } from '../../src/tensor/ops/embedding.ts';
import { linearCrossEntropy, linearLogProb } from '../../src/tensor/ops/loss.ts';
import { groupedLinear, linear, matmul } from '../../src/tensor/ops/matmul.ts';
import { combine, dispatch, expertLinear, loadBalancingLoss, route } from '../../src/tensor/ops/moe.ts';
import { addRmsNorm, layerNorm, rmsNorm } from '../../src/tensor/ops/norm.ts';
import { createFloat64Backend } from './float64-backend.ts';
import { type Build, evaluate, type Leaf, noise, prepare } from './graph-run.ts';

const backend = createFloat64Backend();

/** Σ of each output times numbers of its own, so that every entry of every output counts differently. */
function weightedSum(graph: Graph, outputs: readonly (Tensor | undefined)[], weights: readonly Tensor[]): Tensor {
  let total: Tensor | undefined;
  outputs.forEach((output, i) => {
    if (output === undefined) throw new TypeError('an output is missing');
    const length = elements(output.shape);
    const flat = graph.reshape(output, [length]);
    const part = length === 1 ? output : sum(multiply(flat, graph.reshape(weights[i], [length])));
    total = total === undefined ? part : add(total, part);
  });
  return total as Tensor;
}

/** Compares the gradients of all unfrozen leaves with differences of the loss. */
async function checkGradients(leaves: readonly Leaf[], build: Build): Promise<void> {
  const shapes = prepare(backend, leaves, build).outputs.map((buffer) => buffer.length);
  const weights = shapes.map((length, i): Leaf => ({ shape: [length], values: noise(length, 900 + i), frozen: true }));
  const all = [...leaves, ...weights];
  const loss: Build = (tensors, graph) => [
    weightedSum(graph, build(tensors.slice(0, leaves.length), graph), tensors.slice(leaves.length)),
  ];
  const wanted = leaves.flatMap((leaf, i) => (leaf.dtype === 'i32' || leaf.frozen ? [] : [i]));
  const found = await evaluate(backend, all, (tensors, graph) => {
    const [value] = loss(tensors, graph) as [Tensor];
    return gradients(
      value,
      wanted.map((i) => tensors[i]),
    );
  });
  const { executable, inputs, outputs } = prepare(backend, all, loss);
  const lossWith = async (buffer: number, values: BufferData): Promise<number> => {
    backend.write(inputs[buffer], values);
    await executable.run();
    return (await backend.read(outputs[0]))[0];
  };
  for (const [at, i] of wanted.entries()) {
    const values = Float64Array.from(Float32Array.from(leaves[i].values));
    const step = Math.max(1, Math.floor(values.length / 37));
    for (let entry = 0; entry < values.length; entry += step) {
      const h = 1e-5;
      const moved = (by: number): BufferData => {
        const copy = values.slice();
        copy[entry] += by;
        return copy as unknown as BufferData;
      };
      const difference = ((await lossWith(i, moved(h))) - (await lossWith(i, moved(-h)))) / (2 * h);
      const gradient = found[at][entry];
      const message = `leaf ${i}, entry ${entry}: ${gradient} against ${difference}`;
      expect(Math.abs(gradient - difference), message).toBeLessThan(1e-7 * (1 + Math.abs(difference)));
    }
    await lossWith(i, values as unknown as BufferData);
  }
}

const real = (shape: number[], seed: number, scale = 1, shift = 0): Leaf => ({
  shape,
  values: noise(elements(shape), seed, scale, shift),
});
const positive = (shape: number[], seed: number): Leaf => real(shape, seed, 0.9, 1.5);
const integers = (values: number[], shape = [values.length]): Leaf => ({ shape, values, dtype: 'i32' });
const frozen = (leaf: Leaf): Leaf => ({ ...leaf, frozen: true });

describe('gradients of entry-by-entry operations', () => {
  const onlyPositive: readonly UnaryKind[] = ['log', 'sqrt', 'reciprocal'];
  it.each([...UNARY_KINDS])('unary %s', async (kind) => {
    const x = onlyPositive.includes(kind) ? positive([3, 5], 1) : real([3, 5], 1, 3);
    await checkGradients([x], ([a]) => [unary(kind, a)]);
  });

  const pairs = { add, subtract, multiply, divide, maximum, minimum };
  const cases = Object.keys(pairs).flatMap((name) =>
    [[4, 3], [1], [4, 1], [4], [3]].map((shape) => [name as keyof typeof pairs, shape] as const),
  );
  it.each(cases)('%s with a second operand of shape %j', async (name, shape) => {
    await checkGradients([real([4, 3], 2), positive([...shape], 3)], ([a, b]) => [pairs[name](a, b)]);
  });

  it('an operand used on both sides', async () => {
    await checkGradients([positive([2, 3], 4)], ([a]) => [multiply(a, a), divide(affine(a, 2, 1), a), subtract(a, a)]);
  });

  it('maximum and minimum give half to each side of a tie', async () => {
    const leaves = [
      { shape: [2], values: [1, 2] },
      { shape: [2], values: [1, 3] },
    ];
    for (const [extremum, expected] of [
      [maximum, [0.5, 0, 0.5, 1]],
      [minimum, [0.5, 1, 0.5, 0]],
    ] as const) {
      const found = await evaluate(backend, leaves, ([a, b]) => gradients(sum(extremum(a, b)), [a, b]));
      expect(found.flatMap((values) => [...values])).toEqual(expected);
    }
  });

  it('affine, clamp, select and sums', async () => {
    await checkGradients([real([4, 3], 5, 2)], ([a]) => [affine(a, -1.5, 2), clamp(a, -0.7, 0.9)]);
    const condition = frozen({ shape: [4, 3], values: Array.from({ length: 12 }, (_, i) => i % 3) });
    await checkGradients([condition, real([4, 3], 6), real([4, 3], 7)], ([c, a, b]) => [select(c, a, b)]);
    await checkGradients([real([4, 3], 8)], ([a]) => [sum(a), sum(a, 'rows'), sum(a, 'columns')]);
    await checkGradients([real([4, 3], 8)], ([a], graph) => [sum(graph.reshape(multiply(a, a), [2, 6]), 'columns')]);
  });

  it('select keeps what is not a number on its own side', async () => {
    const leaves = [
      frozen({ shape: [2], values: [1, 0] }),
      { shape: [2], values: [2, -1] },
      frozen({ shape: [2], values: [5, 5] }),
    ];
    const [value] = await evaluate(backend, leaves, ([c, a, b]) => [select(c, unary('log', a), b)]);
    expect([...value]).toEqual([Math.log(2), 5]);
  });

  it('roundTo lets the gradient pass', async () => {
    const [found] = await evaluate(backend, [real([5], 9)], ([a]) =>
      gradients(sum(affine(roundTo('bf16', a), 3)), [a]),
    );
    expect([...found]).toEqual([3, 3, 3, 3, 3]);
  });

  it('dropout', async () => {
    await checkGradients([real([130], 10), integers([3, 4])], ([a, seed]) => [dropout(a, 0.25, seed, 7)]);
  });

  it('swiglu', async () => {
    await checkGradients([real([3, 4], 11, 3), real([3, 4], 12)], ([gate, up]) => [swiglu(gate, up)]);
    await checkGradients([real([3, 4], 11, 3)], ([a]) => [swiglu(a, a)]);
  });
});

describe('gradients of rows', () => {
  it('embedding, with rows used again, negative ids, and twice', async () => {
    const ids = integers([2, 0, 2, -1, 4]);
    await checkGradients([real([5, 3], 13), ids], ([table, i]) => [embedding(table, i)]);
    await checkGradients([real([5, 3], 13), ids], ([table, i]) => [multiply(embedding(table, i), embedding(table, i))]);
    const rows = elements(ids.shape);
    await checkGradients([real([rows, 3], 14), ids], ([x, i]) => [multiply(sumById(x, i, 5), sumById(x, i, 5))]);
  });

  it.each([false, true])('rope, interleaved %j', async (interleaved) => {
    const leaves = [real([3, 12], 14), frozen(real([6, 3], 15)), frozen(real([6, 3], 16)), integers([4, 0, 5])];
    await checkGradients(leaves, ([x, c, s, p]) => [rope(x, c, s, p, { headDim: 6, interleaved })]);
  });

  it('rmsNorm and addRmsNorm', async () => {
    const leaves = [real([3, 5], 17), real([3, 5], 18), real([5], 19)];
    await checkGradients([leaves[0], leaves[2]], ([x, w]) => [rmsNorm(x, w, 1e-5)]);
    await checkGradients([leaves[0], frozen(leaves[2])], ([x, w]) => [rmsNorm(x, w, 1e-5)]);
    await checkGradients([frozen(leaves[0]), leaves[2]], ([x, w]) => [rmsNorm(x, w, 1e-5)]);
    // Norms of heads: rows of the weight's size within x's rows; and x used beside its norm.
    await checkGradients([real([3, 10], 20), leaves[2]], ([x, w]) => [add(rmsNorm(x, w, 1e-5), x)]);
    await checkGradients(leaves, ([x, residual, w]) => addRmsNorm(x, residual, w, 1e-5));
    await checkGradients(leaves, ([x, residual, w]) => [addRmsNorm(x, residual, w, 1e-5)[1]]);
    await checkGradients([leaves[0], leaves[1], frozen(leaves[2])], ([x, residual, w]) => [
      addRmsNorm(x, residual, w, 1e-5)[0],
    ]);
    await checkGradients(leaves, ([x, residual, w]) => {
      const [total, normed] = addRmsNorm(x, residual, w, 1e-5);
      return addRmsNorm(multiply(normed, normed), total, w, 1e-5);
    });
  });

  const subsets = [0, 1, 2, 3, 4, 5, 6].map((bits) => [bits & 1, bits & 2, bits & 4].map((bit) => bit !== 0));
  it.each(subsets)('layerNorm with x, weight, bias frozen: %j, %j, %j', async (...isFrozen) => {
    const leaves = [real([3, 5], 21), real([5], 22), real([5], 23)].map((leaf, i) =>
      isFrozen[i] ? frozen(leaf) : leaf,
    );
    await checkGradients(leaves, ([x, w, b]) => [layerNorm(x, w, b, 1e-5)]);
    await checkGradients(leaves, ([x, w, b]) => [add(layerNorm(add(layerNorm(x, w, b, 1e-5), x), w, b, 1e-5), x)]);
  });
});

describe('gradients of products', () => {
  const flags = [false, true].flatMap((transposeA) => [false, true].map((transposeB) => ({ transposeA, transposeB })));
  it.each(flags)('matmul %j', async ({ transposeA, transposeB }) => {
    const a = real(transposeA ? [4, 3] : [3, 4], 24);
    const b = real(transposeB ? [5, 4] : [4, 5], 25);
    await checkGradients([a, b, real([5], 26), real([3, 5], 27)], ([x, y, bias, addend]) => [
      matmul(x, y, { transposeA, transposeB, alpha: 0.7, bias, addend }),
    ]);
  });

  it('linear layers that share a weight, and a product with itself', async () => {
    await checkGradients([real([3, 4], 28), real([4, 4], 29)], ([x, w]) => [linear(unary('tanh', linear(x, w)), w)]);
    await checkGradients([real([3, 3], 30)], ([x]) => [matmul(x, x)]);
  });

  it('groupedLinear with an empty group', async () => {
    const leaves = [real([5, 4], 31), real([3, 2, 4], 32), integers([0, 2, 2, 5])];
    await checkGradients(leaves, ([x, w, offsets]) => [groupedLinear(x, w, offsets)]);
    await checkGradients(leaves, ([x, w, offsets]) => [
      groupedLinear(x, w, offsets),
      groupedLinear(affine(x, 2), w, offsets),
    ]);
  });
});

describe('gradients of attention', () => {
  const shape = { batch: 2, heads: 4, kvHeads: 2, headDim: 3 };
  const leaves = [real([10, 12], 33), real([10, 6], 34), real([10, 6], 35)];
  it.each([
    ['causal', { causal: true }],
    ['all keys', { causal: false }],
    ['a window', { causal: true, window: 2 }],
    ['a scale', { scale: 0.3 }],
  ])('%s', async (_, options) => {
    await checkGradients(leaves, ([q, k, v]) => [attention(q, k, v, { ...shape, ...options })]);
  });

  it('documents, a prefix, and a range of keys', async () => {
    const segments = integers([0, 0, 0, 1, 1, 0, 1, 1, 1, 1], [2, 5]);
    await checkGradients([...leaves, segments], ([q, k, v, segmentIds]) => [
      attention(q, k, v, { ...shape, segmentIds }),
    ]);
    await checkGradients([...leaves, integers([2, 3])], ([q, k, v, prefix]) => [
      attention(q, k, v, { ...shape, prefix }),
    ]);
    const range = integers([1, 5, 0, 4], [2, 2]);
    const queries = [real([4, 12], 36), leaves[1], leaves[2], range];
    await checkGradients(queries, ([q, k, v, keyRange]) => [attention(q, k, v, { ...shape, keyRange })]);
  });

  it('queries, keys and values from one tensor', async () => {
    await checkGradients([real([6, 4], 37)], ([x]) => [
      attention(x, x, x, { batch: 2, heads: 2, kvHeads: 2, headDim: 2 }),
    ]);
  });
});

describe('gradients of losses', () => {
  const leaves = [real([4, 3], 38), real([6, 3], 39, 2), integers([2, -100, 5, 0]), frozen(real([4], 40, 0.5, 1))];
  it.each([
    [{}, 1],
    [{ zLoss: 0.1 }, 1],
    [{ labelSmoothing: 0.2 }, 1],
    [{ zLoss: 0.1, labelSmoothing: 0.2 }, 0.5],
  ])('linearCrossEntropy %j, scaled by %j', async (options, scale) => {
    await checkGradients(leaves, ([x, w, labels, weights]) => {
      const { loss } = linearCrossEntropy(x, w, labels, weights, options);
      return [scale === 1 ? loss : affine(loss, scale)];
    });
  });

  it('linearCrossEntropy with the embedding as its weight', async () => {
    await checkGradients(
      [real([6, 3], 39, 2), integers([1, 3, 3, 0]), leaves[2], leaves[3]],
      ([w, ids, labels, weights]) => [linearCrossEntropy(embedding(w, ids), w, labels, weights).loss],
    );
  });

  it('two losses on one head', async () => {
    await checkGradients([leaves[0], ...leaves], ([y, x, w, labels, weights]) => [
      add(
        linearCrossEntropy(x, w, labels, weights).loss,
        multiply(linearCrossEntropy(y, w, labels, weights).loss, sum(unary('square', x))),
      ),
    ]);
  });

  it('linearLogProb', async () => {
    await checkGradients(leaves.slice(0, 3), ([x, w, labels]) => [
      linearLogProb(x, w, labels, { temperature: 0.7 }).logProb,
    ]);
    await checkGradients([frozen(leaves[0]), leaves[1], leaves[2]], ([x, w, labels]) => [
      linearLogProb(x, w, labels).logProb,
    ]);
    await checkGradients([leaves[0], frozen(leaves[1]), leaves[2]], ([x, w, labels]) => [
      linearLogProb(x, w, labels).logProb,
    ]);
  });
});

describe('gradients of experts', () => {
  it.each([false, true])('a block of experts, weights renormalised: %j', async (normalize) => {
    const leaves = [real([5, 3], 41), real([4, 3], 42, 2), real([4, 2, 3], 43), real([4, 3, 2], 44)];
    await checkGradients(leaves, ([x, router, up, down]) => {
      const routing = route(linear(x, router), 2, normalize);
      const hidden = unary('tanh', expertLinear(dispatch(x, routing), up, routing));
      return [combine(expertLinear(hidden, down, routing), routing), routing.probabilities];
    });
  });

  it('the load-balancing loss over two layers, with and without a mask', async () => {
    const leaves = [real([5, 4], 45, 2), real([5, 4], 46, 2)];
    await checkGradients(leaves, ([a, b]) => [loadBalancingLoss([route(a, 2, true), route(b, 2, false)])]);
    const mask = frozen({ shape: [5], values: [1, 0, 1, 1, 0] });
    await checkGradients([...leaves, mask, frozen({ shape: [1], values: [3] })], ([a, b, m, tokens]) => [
      loadBalancingLoss([route(a, 2, true), route(b, 2, false)], m, tokens),
    ]);
  });
});

describe('gradients', () => {
  const block = ([x, w, g]: readonly Tensor[]): readonly Tensor[] => {
    const [total, normed] = addRmsNorm(x, unary('silu', linear(x, w)), g, 1e-5);
    return [linear(normed, w), total];
  };
  const leaves = [real([3, 4], 47), real([4, 4], 48), real([4], 49)];

  it('is the same, bit for bit, with what is computed again', async () => {
    const run = (again: boolean): Promise<BufferData[]> =>
      evaluate(backend, leaves, (tensors) => {
        const inner = again ? checkpoint(tensors, block) : block(tensors);
        const outer = again
          ? checkpoint([...inner, ...tensors.slice(1)], ([a, , w, g]) => block([a, w, g]))
          : undefined;
        const [a, b] = outer ?? block([inner[0], tensors[1], tensors[2]]);
        return gradients(sum(multiply(multiply(a, b), inner[1])), tensors);
      });
    expect(await run(true)).toEqual(await run(false));
  });

  it('a checkpoint within a checkpoint, handing on an input and giving one output twice', async () => {
    await checkGradients(leaves, (tensors) => {
      const outputs = checkpoint(tensors, ([x, w, g]) => {
        const [y] = checkpoint([x], ([z]) => [unary('tanh', linear(z, w))]);
        const normed = rmsNorm(y, g, 1e-5);
        return [normed, x, normed];
      });
      return [multiply(outputs[0], outputs[1]), outputs[1], outputs[2]];
    });
  });

  it('are there for tensors within the graph, and for the loss', async () => {
    const [inner, own] = await evaluate(backend, [{ shape: [2], values: [3, 4] }], ([x]) => {
      const squared = unary('square', x);
      const loss = sum(multiply(squared, squared));
      return gradients(loss, [squared, loss]);
    });
    expect([...inner]).toEqual([18, 32]);
    expect([...own]).toEqual([1]);
  });

  it('are missing where the loss does not depend on a tensor', async () => {
    await evaluate(backend, leaves, ([x, w, g]) => {
      const loss = sum(linear(x, w));
      expect(gradients(loss, [g])).toEqual([undefined]);
      return [loss];
    });
  });

  it('of micro-batches add up to those of the batch', async () => {
    const table = real([6, 4], 50);
    const halves = [integers([1, 3, 3]), integers([0, 5, 1])];
    const labels = [integers([3, -1, 2]), integers([5, 1, 4])];
    const ones = frozen({ shape: [3], values: [1, 1, 1] });
    const params = [table, leaves[1], leaves[2]];
    const lossOf = ([w, dense, g]: readonly Tensor[], ids: Tensor, targets: Tensor, weights: Tensor): Tensor => {
      const x = embedding(w, ids);
      const [total, normed] = addRmsNorm(x, linear(x, dense), g, 1e-5);
      return linearCrossEntropy(add(normed, total), w, targets, weights).loss;
    };
    const whole = await evaluate(backend, [...params, ...halves, ...labels, ones], (t) => {
      const parameters = t.slice(0, 3);
      const loss = add(lossOf(parameters, t[3], t[5], t[7]), lossOf(parameters, t[4], t[6], t[7]));
      return gradients(loss, parameters);
    });
    const partials = params.map(
      (leaf): Leaf => ({ ...leaf, values: new Float32Array(elements(leaf.shape)), frozen: true }),
    );
    const first = await evaluate(backend, [...params, halves[0], labels[0], ones], (t) =>
      gradients(lossOf(t.slice(0, 3), t[3], t[4], t[5]), t.slice(0, 3)),
    );
    // The second half adds to what is in the buffers, in place, as the training step does.
    const { executable, inputs } = prepare(
      backend,
      [...params, halves[1], labels[1], ones, ...partials],
      (t, graph) => {
        const parameters = t.slice(0, 3);
        const partial = new Map(parameters.map((tensor, i) => [tensor, t[6 + i]]));
        const loss = lossOf(parameters, t[3], t[4], t[5]);
        gradients(loss, parameters, { partial }).forEach((gradient, i) => {
          const { source } = t[6 + i];
          if (gradient !== undefined && source.kind === 'buffer') graph.assign(source.buffer, gradient);
        });
        return [loss];
      },
    );
    first.forEach((values, i) => {
      backend.write(inputs[6 + i], values);
    });
    await executable.run();
    for (let i = 0; i < 3; i++) {
      const summed = await backend.read(inputs[6 + i]);
      summed.forEach((value, entry) => {
        expect(Math.abs(value - whole[i][entry])).toBeLessThan(1e-12);
      });
    }
  });
});

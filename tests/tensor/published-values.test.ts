/**
 * Operations against numbers from outside: PyTorch 2.13 in float64, from the definitions of the techniques (the golden list
 * of this project's study of trainers, section 7), on every backend. Numbers are printed there with 8 to 10 digits.
 */
import { afterAll, describe, expect, it } from 'vitest';
import { native as addon } from '../../src/core/native.ts';
import { gradients } from '../../src/tensor/autograd.ts';
import type { Backend } from '../../src/tensor/backend.ts';
import { createNativeBackend } from '../../src/tensor/native/backend.ts';
import type { UnaryKind } from '../../src/tensor/operations.ts';
import { swiglu } from '../../src/tensor/ops/activation.ts';
import { rope } from '../../src/tensor/ops/attention.ts';
import { multiply, roundTo, sum, unary } from '../../src/tensor/ops/elementwise.ts';
import { linearCrossEntropy } from '../../src/tensor/ops/loss.ts';
import { loadBalancingLoss, route } from '../../src/tensor/ops/moe.ts';
import { layerNorm, rmsNorm } from '../../src/tensor/ops/norm.ts';
import { adamw, clipFactor, globalNorm } from '../../src/tensor/ops/optimizer.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { evaluate, type Leaf, prepare } from './graph-run.ts';

const native = createNativeBackend({ threads: 2 });
afterAll(() => native?.dispose());
const backends: [string, Backend][] = [['reference', createReferenceBackend()]];
if (native !== undefined) backends.push(['native', native]);

function expectNumbers(found: ArrayLike<number>, wanted: readonly number[], within = 3e-7): void {
  expect(found.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    expect(Math.abs(found[i] - value), `entry ${i}: ${found[i]}, published ${value}`).toBeLessThan(
      within * (1 + Math.abs(value)),
    );
  });
}

const vector = (...values: number[]): Leaf => ({ shape: [1, values.length], values });
const flat = (...values: number[]): Leaf => ({ shape: [values.length], values });

describe.each(backends)('%s backend: published values of', (_, backend) => {
  it('RMSNorm and LayerNorm, with their gradients', async () => {
    const leaves = [vector(1, 2, 3, 4), flat(1, 1, 1, 1), flat(0, 0, 0, 0), { ...vector(1, -1, 2, 0.5), frozen: true }];
    const [rms, rmsSlope, layer, layerSlope] = await evaluate(backend, leaves, ([x, one, zero, upstream]) => {
      const y = rmsNorm(x, one, 1e-6);
      const z = layerNorm(x, one, zero, 1e-5);
      const slope = (normed: typeof y): typeof y | undefined => gradients(sum(multiply(normed, upstream)), [x])[0];
      return [y, slope(y), z, slope(z)];
    });
    expectNumbers(rms, [0.36514835, 0.73029669, 1.09544504, 1.46059339]);
    expectNumbers(rmsSlope, [0.27994708, -0.53555089, 0.47469289, -0.15823091]);
    expectNumbers(layer, [-1.34163542, -0.44721181, 0.44721181, 1.34163542]);
    expectNumbers(layerSlope, [0.53665256, -1.38635714, 1.16275123, -0.31304665]);
  });

  it('rotary positions: base 1e4, position 1, both pairings', async () => {
    const leaves: Leaf[] = [
      vector(1, 2, 3, 4),
      { shape: [2, 2], values: [1, 1, Math.cos(1), Math.cos(0.01)], frozen: true },
      { shape: [2, 2], values: [0, 0, Math.sin(1), Math.sin(0.01)], frozen: true },
      { shape: [1], values: [1], dtype: 'i32' },
    ];
    const [halves, neighbours] = await evaluate(backend, leaves, ([x, cos, sin, positions]) => [
      rope(x, cos, sin, positions, { headDim: 4 }),
      rope(x, cos, sin, positions, { headDim: 4, interleaved: true }),
    ]);
    expectNumbers(halves, [-1.98411065, 1.95990067, 2.4623779, 4.01979967]);
    expectNumbers(neighbours, [-1.14263966, 1.9220756, 2.95985067, 4.0297995]);
  });

  it.each<[UnaryKind, number[]]>([
    ['relu', [0, 0.5, 1, 3]],
    ['gelu', [-0.1586552539, 0.3457312306, 0.8413447461, 2.9959503059]],
    ['geluTanh', [-0.1588080094, 0.3457140098, 0.8411919906, 2.9963626079]],
    ['silu', [-0.2689414214, 0.3112296656, 0.7310585786, 2.8577223805]],
    ['relu2', [0, 0.25, 1, 9]],
  ])('%s at -1, 0.5, 1, 3', async (kind, wanted) => {
    const [found] = await evaluate(backend, [flat(-1, 0.5, 1, 3)], ([x]) => [unary(kind, x)]);
    expectNumbers(found, wanted);
  });

  it('SwiGLU of gate 1 and up 2', async () => {
    const [found] = await evaluate(backend, [flat(1), flat(2)], ([gate, up]) => [swiglu(gate, up)]);
    expectNumbers(found, [1.46211715726]);
  });

  it('the router of experts: softmax, top 2, renormalised, and the balancing loss of transformers', async () => {
    const leaves: Leaf[] = [{ shape: [2, 4], values: [2, 1, 0, -1, 0, 3, 1, 1.5] }];
    const [plain, chosen, shares, balance] = await evaluate(backend, leaves, ([logits]) => {
      const routing = route(logits, 2, false);
      return [routing.weights, routing.chosen, route(logits, 2, true).weights, loadBalancingLoss([routing])];
    });
    expectNumbers(plain, [0.64391426, 0.23688282, 0.71009992, 0.15844471]);
    expect([...chosen]).toEqual([0, 1, 1, 3]);
    expectNumbers(shares, [0.73105858, 0.26894142, 0.81757448, 0.18242552]);
    expectNumbers(balance, [2.763736848]);
  });

  it('the balancing loss of even probabilities: the number of experts for each token', async () => {
    const [found] = await evaluate(backend, [{ shape: [3, 4], values: new Float32Array(12) }], ([logits]) => [
      loadBalancingLoss([route(logits, 2, false)]),
    ]);
    expectNumbers(found, [2]);
  });

  it('the z-loss of a router: the mean of logsumexp²', async () => {
    const leaves: Leaf[] = [{ shape: [2, 4], values: [2, 1, 0, -1, 0, 3, 1, 1.5] }];
    const [found] = await evaluate(backend, leaves, ([logits]) => {
      const lse = unary('log', sum(unary('exp', logits), 'rows'));
      return [sum(multiply(lse, lse))];
    });
    expectNumbers(found, [2 * 8.562913248]);
  });

  const hasLoss =
    backend.name === 'reference' || addon?.tensorOperations().some((o) => o.name === 'linearCrossEntropy');
  it.skipIf(!hasLoss)('cross-entropy with an ignored row, its gradient, and the z-loss of PaLM', async () => {
    const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
    const leaves: Leaf[] = [
      { shape: [3, 3], values: [2, -1, 0.5, 0, 0, 0, 7, -3, 1] },
      { shape: [3, 3], values: identity, frozen: true },
      { shape: [3], values: [0, 2, -100], dtype: 'i32' },
      { shape: [3], values: [0.5, 0.5, 0.5], frozen: true },
    ];
    const [loss, slope, withZ] = await evaluate(backend, leaves, ([logits, w, labels, weights], graph) => {
      const mean = linearCrossEntropy(logits, w, labels, weights).loss;
      const first = linearCrossEntropy(graph.reshape(logits, [3, 3]), w, labels, weights, { zLoss: 1e-4 }).loss;
      return [mean, gradients(mean, [logits])[0], first];
    });
    expectNumbers(loss, [0.66996179]);
    expectNumbers(slope.subarray(0, 3), [-0.10720148, 0.01955629, 0.0876452]);
    expectNumbers(slope.subarray(6), [0, 0, 0]);
    // logZ² of the first row by PaLM's coefficient, and ln² 3 of the even one.
    expectNumbers(withZ, [0.66996179 + (0.0005023476 + 1e-4 * Math.log(3) ** 2) / 2]);
  });

  it('AdamW: three steps on ½a² + 1½b² + ab from (1, -2), learning rate 0.1, decay 0.1', async () => {
    const leaves = [flat(1, -2), flat(0, 0), flat(0, 0), flat(0, 0), flat(0.1, 0, 0), flat(1), flat(0)];
    const { executable, inputs, outputs } = prepare(
      backend,
      leaves,
      ([parameter, gradient, m, v, scalars, factor, done]) => {
        const group = { parameter, gradient, firstMoment: m, secondMoment: v, decay: 0.1 };
        adamw([group], scalars, factor, { beta1: 0.9, beta2: 0.95, eps: 1e-8 });
        return [unary('negate', done)];
      },
    );
    expect(outputs.length).toBe(1);
    for (let step = 1; step <= 3; step++) {
      const [a, b] = await backend.read(inputs[0]);
      backend.write(inputs[1], Float32Array.of(a + b, 3 * b + a));
      backend.write(inputs[4], Float32Array.of(0.1, 1 - 0.9 ** step, 1 - 0.95 ** step));
      await executable.run();
    }
    expectNumbers(await backend.read(inputs[0]), [1.2631155357, -1.6444979452], 5e-7);
  });

  it('clipping by the global norm', async () => {
    const leaves = [flat(3, 4), flat(12), flat(1, Number.POSITIVE_INFINITY)];
    const [norm, first, second] = await evaluate(backend, leaves, ([a, b, limits], graph) => {
      const all = globalNorm(graph, [a, b]);
      const factor = clipFactor(all, limits, 1);
      return [all, multiply(a, factor), multiply(b, factor)];
    });
    expectNumbers(norm, [13]);
    expectNumbers([...first, ...second], [0.230769213, 0.307692284, 0.9230768521]);
  });

  it('rounding to bfloat16 and float16', async () => {
    const bf16 = flat(1.00390625, 1.0078125, Math.PI, 65504, 1e-8, 0.1);
    const f16 = flat(65520, 65519, 1e-8, 6e-8, 0.1);
    const [b, h] = await evaluate(backend, [bf16, f16], ([x, y]) => [roundTo('bf16', x), roundTo('f16', y)]);
    expect([...b]).toEqual([1, 1.0078125, 3.140625, 65536, 1.0011717677116394e-8, 0.10009765625]);
    expect([...h]).toEqual([Number.POSITIVE_INFINITY, 65504, 0, 2 ** -24, 0.0999755859375]);
  });
});

/** The output head on WebGPU: losses, log-probabilities and gradients in one chunk and in many, against the reference. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { WebGpuBackend } from '../../../src/tensor/webgpu/backend.ts';
import { noise } from '../graph-run.ts';
import { compareOn, type OperationCase, operation, runOperation } from '../operation-case.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

/** Software adapters compile slowly where other work goes on. */
vi.setConfig({ testTimeout: 180_000 });

const TOLERANCE = { relative: 3e-5, ofLargest: 1e-5 };

function labelsOf(rows: number, vocab: number): Int32Array {
  return Int32Array.from({ length: rows }, (_, r) => (r % 5 === 3 ? -100 : (r * 7) % vocab));
}

interface HeadCase {
  readonly sizes: readonly [rows: number, columns: number, vocab: number];
  readonly zLoss?: number;
  readonly smoothing?: number;
  readonly dx?: boolean;
  readonly dw?: boolean;
  readonly addend?: boolean;
  /** Of x: logits far apart. */
  readonly spread?: number;
}

function crossEntropy({ sizes, zLoss = 0, smoothing = 0, spread = 2, ...has }: HeadCase): OperationCase {
  const [rows, columns, vocab] = sizes;
  const addend = has.addend === true ? noise(vocab * columns, 4) : undefined;
  const weights = noise(rows, 3).map(Math.abs);
  const inputs = [noise(rows * columns, 1, spread), noise(vocab * columns, 2), labelsOf(rows, vocab), weights, addend];
  const [dx, dw] = [has.dx === true ? rows * columns : undefined, has.dw === true ? vocab * columns : undefined];
  return operation('linearCrossEntropy', [rows, columns, vocab, zLoss, smoothing], inputs, [1, rows, dx, dw]);
}

function logProb([rows, columns, vocab]: HeadCase['sizes'], inverseTemperature: number): OperationCase {
  const inputs = [noise(rows * columns, 1, 2), noise(vocab * columns, 2), labelsOf(rows, vocab)];
  return operation('linearLogProb', [rows, columns, vocab, inverseTemperature], inputs, [rows, rows, rows]);
}

/** lse is that of the reference, as the forward instruction gives it. */
function logProbGrad([rows, columns, vocab]: HeadCase['sizes'], scale: number, withAddend: boolean): OperationCase {
  const [x, w, labels] = [noise(rows * columns, 1, 2), noise(vocab * columns, 2), labelsOf(rows, vocab)];
  const lse = Float32Array.from({ length: rows }, (_, r) => {
    let sum = 0;
    for (let v = 0; v < vocab; v++) {
      let dot = 0;
      for (let c = 0; c < columns; c++) dot += x[r * columns + c] * w[v * columns + c];
      sum += Math.exp(scale * dot);
    }
    return labels[r] < 0 ? 0 : Math.log(sum);
  });
  const inputs = [noise(rows, 5), x, w, labels, lse, withAddend ? noise(vocab * columns, 4) : undefined];
  return operation('linearLogProbGrad', [rows, columns, vocab, scale], inputs, [rows * columns, vocab * columns]);
}

const LIMITS = { maxStorageBufferBindingSize: 1 << 16 };

describeWithWebGpu('the output head on WebGPU', () => {
  describe.each([
    ['in one chunk', {}],
    ['in chunks that small bindings demand', { limits: LIMITS }],
    ['by tiles and few rows', { products: { isSoftware: false } }],
  ] as const)('%s', (title, options) => {
    let backend: WebGpuBackend;
    beforeAll(async () => {
      backend = await webGpuBackend(options);
    });
    afterAll(() => backend?.dispose());

    const sizes: HeadCase['sizes'][] =
      title === 'in chunks that small bindings demand'
        ? [
            [220, 24, 101],
            [70, 20, 900],
          ]
        : [
            [1, 1, 1],
            [5, 12, 8],
            [9, 7, 300],
            [70, 20, 131],
          ];

    /** Gradients over their addends are kernels of their own: at one size. */
    const isLast = (size: HeadCase['sizes']): boolean => size === sizes.at(-1);

    it('cross-entropy with and without gradients', async () => {
      for (const size of sizes) {
        await compareOn(backend, crossEntropy({ sizes: size }), TOLERANCE);
        await compareOn(backend, crossEntropy({ sizes: size, dx: true, zLoss: 1e-2 }), TOLERANCE);
        const all = { sizes: size, dx: true, dw: true, zLoss: 1e-3, smoothing: 0.1 };
        await compareOn(backend, crossEntropy(all), TOLERANCE);
        await compareOn(backend, crossEntropy({ ...all, addend: true }), TOLERANCE, { apart: !isLast(size) });
      }
    });

    it('log-probabilities, entropy and their gradients', async () => {
      for (const size of sizes) {
        await compareOn(backend, logProb(size, 1), TOLERANCE);
        await compareOn(backend, logProb(size, 0.7), TOLERANCE);
        await compareOn(backend, logProbGrad(size, 0.7, false), TOLERANCE);
        await compareOn(backend, logProbGrad(size, 1, true), TOLERANCE, { apart: !isLast(size) });
      }
    });
  });

  it('no rows: no loss, and gradients of the weights are the addend', async () => {
    const backend = await webGpuBackend();
    await compareOn(backend, crossEntropy({ sizes: [0, 4, 6], dx: true, dw: true, addend: true }), {});
    await compareOn(backend, crossEntropy({ sizes: [0, 4, 6], dx: true, dw: true }), {});
    await compareOn(backend, logProb([0, 4, 6], 1), {});
    await backend.dispose();
  });

  it('logits of several hundred stay finite', async () => {
    const backend = await webGpuBackend();
    await compareOn(backend, crossEntropy({ sizes: [6, 40, 70], spread: 60, dx: true, dw: true }), TOLERANCE);
    await backend.dispose();
  });

  it('names the row whose label is outside the vocabulary, also in a later chunk', async () => {
    const backend = await webGpuBackend({ limits: LIMITS });
    const given = crossEntropy({ sizes: [220, 24, 101], dx: true, dw: true });
    (given.inputs[2] as Int32Array)[211] = 101;
    await expect(runOperation(backend, given)).rejects.toThrow(
      /linearCrossEntropy.*entry 211 of labels.* is out of range/,
    );
    await backend.dispose();
  });
});

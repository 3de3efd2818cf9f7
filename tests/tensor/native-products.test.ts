/**
 * Matrix products, attention and the output head on the native backend: against the reference backend, against a softmax
 * written out in float64, and the same bits on one, two and three threads. `CORPUSMILL_ISA` runs them on another
 * instruction set.
 */
import { afterAll, describe, expect, it } from 'vitest';
import type { Backend, BufferData } from '../../src/tensor/backend.ts';
import { createNativeBackend } from '../../src/tensor/native/backend.ts';
import type { OperationName } from '../../src/tensor/operations.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { noise, wholeNumbers } from './graph-run.ts';
import { inPlacePairs, type OperationCase, runOperation } from './operation-case.ts';

const teams = [1, 2, 3].map((threads) => createNativeBackend({ threads }));
const [native] = teams;
const reference = createReferenceBackend();

afterAll(async () => {
  for (const backend of teams) await backend?.dispose();
});

/** Largest error of any entry, as a share of the largest value. */
function errorOf(found: BufferData, wanted: BufferData): number {
  expect(found.length).toBe(wanted.length);
  let [largest, error] = [1e-30, 0];
  wanted.forEach((value, i) => {
    if (Object.is(value, found[i])) return;
    if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value));
    const difference = Math.abs(value - found[i]!);
    error = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(error, difference);
  });
  return error / largest;
}

function sameBits(a: readonly BufferData[], b: readonly BufferData[]): boolean {
  return a.every((values, i) => Buffer.from(values.buffer).equals(Buffer.from(b[i]!.buffer)));
}

/** The native results, once they are found to be those of the reference on any number of threads, and in place. */
async function check(
  operation: OperationName,
  attributes: readonly number[],
  inputs: readonly (BufferData | undefined)[],
  outputs: readonly number[],
  tolerance = 2e-6,
): Promise<BufferData[]> {
  const given: OperationCase = { operation, attributes, inputs, outputs };
  const what = `${operation} [${attributes}]`;
  const wanted = await runOperation(reference, given);
  const found = await runOperation(native!, given);
  found.forEach((values, i) => {
    expect(errorOf(values, wanted[i]!), `${what}, output ${i}`).toBeLessThan(tolerance);
  });
  for (const backend of teams.slice(1)) expect(sameBits(await runOperation(backend!, given), found), what).toBe(true);
  for (const pair of inPlacePairs(given)) {
    expect(sameBits(await runOperation(teams[1]!, given, pair), found), `${what} in place ${pair}`).toBe(true);
  }
  return found;
}

describe.skipIf(native === undefined)('the native backend', () => {
  describe('matrix products', () => {
    it.each([
      [0, 4, 3],
      [4, 0, 3],
      [3, 5, 0],
      [1, 1, 1],
      [1, 70, 33],
      [14, 32, 256],
      [37, 65, 129],
      [130, 96, 300],
    ])('matmul of [%i, …] to %i columns over %i, transposed or not, with bias and addend', async (m, n, k) => {
      for (const [transposeA, transposeB] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        const [a, b, bias, addend] = [noise(m * k, 1), noise(k * n, 2), noise(n, 3), noise(m * n, 4)];
        for (const extras of [[], [bias], [undefined, addend], [bias, addend]]) {
          const attributes = [m, n, k, transposeA, transposeB, extras.length === 1 ? -0.5 : 1];
          await check('matmul', attributes, [a, b, extras[0], extras[1]], [m * n]);
        }
      }
    });

    it('of groups of rows, empty ones too', async () => {
      const [rows, n, k, groups] = [50, 33, 40, 5];
      const offsets = Int32Array.of(0, 7, 7, 40, 41, 50);
      for (const transposeB of [0, 1]) {
        const inputs = [noise(rows * k, 1), noise(groups * n * k, 2), offsets];
        await check('groupedMatmul', [rows, n, k, groups, transposeB], inputs, [rows * n]);
      }
      for (const addend of [undefined, noise(groups * n * k, 3)]) {
        const inputs = [noise(rows * n, 1), noise(rows * k, 2), offsets, addend];
        await check('groupedMatmulWeightGrad', [rows, n, k, groups], inputs, [groups * n * k]);
      }
      await check('groupedMatmul', [0, n, k, 1, 1], [new Float32Array(0), noise(n * k, 2), Int32Array.of(0, 0)], [0]);
    });
  });

  describe('attention', () => {
    const heads = [4, 2, 20] as const;
    const tensors = (batch: number, timeQ: number, timeK: number): Float32Array[] => {
      const [query, key] = [batch * timeQ * heads[0] * heads[2], batch * timeK * heads[1] * heads[2]];
      return [noise(query, 1, 2), noise(key, 2, 2), noise(key, 3)];
    };
    it.each<[string, number, number, number, readonly (Int32Array | undefined)[]]>([
      ['causal', 37, 37, 0, []],
      ['over a window', 70, 70, 9, []],
      ['within documents', 40, 40, 0, [wholeNumbers(80, 3, 0, 5).map((_, i) => Math.floor((i % 40) / 11))]],
      ['with a prefix', 33, 33, 0, [undefined, Int32Array.of(5, 20)]],
      ['over keys in use, some query seeing none', 3, 50, 0, [undefined, undefined, Int32Array.of(3, 31, 40, 41)]],
      ['with more keys than queries', 5, 64, 0, []],
    ])('%s', async (_, timeQ, timeK, window, masks) => {
      const [q, k, v] = tensors(2, timeQ, timeK);
      const attributes = [2, timeQ, timeK, ...heads, 0.2, 1, window];
      const inputs = [q, k, v, masks[0], masks[1], masks[2]];
      const outputs = [q!.length, (q!.length / heads[2]) | 0];
      const [out, lse] = await check('attention', attributes, inputs, outputs, 1e-5);
      const dout = noise(q!.length, 7);
      const gradInputs = [dout, q, k, v, out, lse, masks[0], masks[1], masks[2]];
      await check('attentionGrad', attributes, gradInputs, [q!.length, k!.length, v!.length], 2e-5);
    });

    it('of dual chunks', async () => {
      const [q, k, v] = tensors(2, 40, 90);
      const inputs = [q, noise(q!.length, 5), noise(q!.length, 6), k, v, undefined];
      await check(
        'dualChunkAttention',
        [2, 40, 90, ...heads, 0.2, 16],
        inputs,
        [q!.length, q!.length / heads[2]],
        1e-5,
      );
    });

    it('names segment ids that are out of order', async () => {
      const [q, k, v] = tensors(1, 4, 4);
      const given: OperationCase = {
        operation: 'attention',
        attributes: [1, 4, 4, ...heads, 1, 1, 0],
        inputs: [q, k, v, Int32Array.of(0, 2, 1, 1), undefined, undefined],
        outputs: [q!.length, 16],
      };
      await expect(runOperation(native!, given)).rejects.toThrow(
        /instruction 0 \(attention\): entry 2 of segmentIds is 1/,
      );
    });
  });

  describe('the head', () => {
    const SIZES = [
      [1, 3, 1],
      [5, 16, 70],
      [40, 33, 129],
      [600, 24, 513],
      [300, 20, 4100],
    ] as const;
    const labelsOf = (rows: number, vocab: number): Int32Array =>
      wholeNumbers(rows, 5, 0, vocab).map((label, r) => (r % 7 === 3 || (r >= 20 && r < 30) ? -1 - (r % 100) : label));

    it.each(SIZES)('cross-entropy and gradients of %i rows, %i columns and %i words', async (rows, columns, vocab) => {
      const [x, w] = [noise(rows * columns, 1, 2), noise(vocab * columns, 2)];
      const [labels, weights] = [labelsOf(rows, vocab), noise(rows, 3, 0.5, 1)];
      for (const [zLoss, smoothing, addend] of [
        [0, 0, undefined],
        [1e-2, 0.1, noise(vocab * columns, 4)],
      ] as const) {
        const inputs = [x, w, labels, weights, addend];
        const attributes = [rows, columns, vocab, zLoss, smoothing];
        const full = await check('linearCrossEntropy', attributes, inputs, [1, rows, x.length, w.length], 3e-6);
        // Without gradients: the same loss to the last bit.
        const { operation, ...rest } = { operation: 'linearCrossEntropy' as const, attributes, inputs };
        const bare = await runWithout(native!, { operation, ...rest, outputs: [1, rows, x.length, w.length] }, [2, 3]);
        expect(sameBits(bare, full.slice(0, 2))).toBe(true);
        const onlyW = await runWithout(native!, { operation, ...rest, outputs: [1, rows, x.length, w.length] }, [2]);
        expect(sameBits(onlyW, [full[0]!, full[1]!, full[3]!])).toBe(true);
      }
    });

    it.each(SIZES)('log-probabilities of %i rows, %i columns and %i words', async (rows, columns, vocab) => {
      const [x, w] = [noise(rows * columns, 1, 2), noise(vocab * columns, 2)];
      const labels = labelsOf(rows, vocab);
      const attributes = [rows, columns, vocab, 1 / 0.7];
      const [, lse] = await check('linearLogProb', attributes, [x, w, labels], [rows, rows, rows], 3e-6);
      const inputs = [noise(rows, 6), x, w, labels, lse, noise(vocab * columns, 4)];
      await check('linearLogProbGrad', attributes, inputs, [x.length, w.length], 5e-6);
    });

    it('equals a softmax in float64, for logits as large as 80 too', async () => {
      const [rows, columns, vocab] = [50, 16, 1000];
      for (const scale of [0.1, 5, 20]) {
        const [x, w] = [noise(rows * columns, 1, scale), noise(vocab * columns, 2)];
        const labels = labelsOf(rows, vocab);
        const given = { operation: 'linearCrossEntropy' as const, attributes: [rows, columns, vocab, 0, 0] };
        const inputs = [x, w, labels, new Float32Array(rows).fill(1), undefined];
        const outputs = [1, rows, x.length, w.length];
        const [loss, nll, dx] = await runOperation(native!, { ...given, inputs, outputs });
        let total = 0;
        for (let r = 0; r < rows; r++) {
          if (labels[r]! < 0) continue;
          const logits = Array.from({ length: vocab }, (_, v) => {
            let dot = 0;
            for (let c = 0; c < columns; c++) dot += x[r * columns + c]! * w[v * columns + c]!;
            return dot;
          });
          const top = Math.max(...logits);
          const lse = top + Math.log(logits.reduce((sum, l) => sum + Math.exp(l - top), 0));
          expect(Math.abs(nll![r]! - (lse - logits[labels[r]!]!))).toBeLessThan(3e-7 * Math.max(1, Math.abs(top)) * 8);
          total += lse - logits[labels[r]!]!;
          let wanted = -w[labels[r]! * columns]!;
          for (let v = 0; v < vocab; v++) wanted += Math.exp(logits[v]! - lse) * w[v * columns]!;
          expect(Math.abs(dx![r * columns]! - wanted)).toBeLessThan(4e-6);
        }
        expect(loss![0]! / total).toBeCloseTo(1, 6);
      }
    });

    it('does no arithmetic for rows without a label, and gives zeros or what there was', async () => {
      const [rows, columns, vocab] = [40, 8, 60];
      const nothing = new Float32Array(rows * columns).fill(Number.NaN);
      const [w, addend] = [noise(vocab * columns, 2), noise(vocab * columns, 4)];
      const labels = new Int32Array(rows).fill(-100);
      const given = { operation: 'linearCrossEntropy' as const, attributes: [rows, columns, vocab, 0.1, 0.1] };
      const outputs = [1, rows, nothing.length, w.length];
      for (const before of [undefined, addend]) {
        const inputs = [nothing, w, labels, noise(rows, 3), before];
        const [loss, nll, dx, dw] = await runOperation(native!, { ...given, inputs, outputs });
        expect([loss![0], ...nll!, ...dx!].every((value) => value === 0)).toBe(true);
        expect(dw).toEqual(before ?? new Float32Array(w.length));
      }
    });

    it('passes on what is not a number', async () => {
      const [rows, columns, vocab] = [3, 4, 700];
      const x = noise(rows * columns, 1);
      x[5] = Number.NaN;
      const inputs = [x, noise(vocab * columns, 2), Int32Array.of(1, 2, 3), new Float32Array(rows).fill(1), undefined];
      const outputs = [1, rows, x.length, vocab * columns];
      const given = {
        operation: 'linearCrossEntropy' as const,
        attributes: [rows, columns, vocab, 0, 0],
        inputs,
        outputs,
      };
      const [loss, nll, dx, dw] = await runOperation(native!, given);
      expect(loss![0]).toBeNaN();
      expect([...nll!].map(Number.isNaN)).toEqual([false, true, false]);
      expect(dx![5]).toBeNaN();
      expect(dw!.some(Number.isNaN)).toBe(true);
    });

    it('names a label beyond the vocabulary', async () => {
      const labels = Int32Array.of(0, 9, 10, -1, 11);
      const inputs = [noise(20, 1), noise(40, 2), labels, noise(5, 3), undefined];
      const given: OperationCase = {
        operation: 'linearCrossEntropy',
        attributes: [5, 4, 10, 0, 0],
        inputs,
        outputs: [1, 5, 20, 40],
      };
      const message = /\(linearCrossEntropy\): entry 2 of labels is 10, which is outside the vocabulary, of 10/;
      for (const backend of teams) await expect(runOperation(backend!, given)).rejects.toThrow(message);
    });
  });
});

/** Runs with some optional outputs absent. */
function runWithout(backend: Backend, given: OperationCase, absent: readonly number[]): Promise<BufferData[]> {
  const lean: Backend = Object.create(backend, {
    compile: {
      value: (program: Parameters<Backend['compile']>[0]) =>
        backend.compile({
          ...program,
          instructions: program.instructions.map((instruction) => ({
            ...instruction,
            outputs: instruction.outputs.map((place, i) => (absent.includes(i) ? undefined : place)),
          })),
        }),
    },
  });
  for (const method of ['createBuffer', 'write', 'read', 'disposeBuffer'] as const) {
    Object.defineProperty(lean, method, { value: (backend[method] as (...all: never[]) => unknown).bind(backend) });
  }
  return runOperation(lean, given).then((values) => values.filter((_, i) => !absent.includes(i)));
}

/**
 * Training beside a plain one in 64 bits, written from the papers' formulas: softmax regression on the mean of rows (Joulin et
 * al. 2016), independent logistic units, and a Huffman tree; with fastText's table for the logistic function.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { native } from '../../../src/core/native.ts';
import { prepareDescent, type TrainingData } from '../../../src/quality/fasttext/descent.ts';
import { exponential } from '../../../src/quality/fasttext/exponential.ts';
import { descend, roomForRows } from '../../../src/quality/fasttext/gradient-descent.ts';
import { descendTwin } from '../../../src/quality/fasttext/gradient-descent-twin.ts';
import { labelPaths } from '../../../src/quality/fasttext/label-tree.ts';

const ROWS = 7;
const LABELS = 3;

/** Six texts of rows; one has no label, one no rows, one a row twice. */
const TEXTS = [[0, 1, 2], [3, 3, 4], [5], [], [6, 0], [2, 4, 5, 6]];
const TARGETS = [0, 1, 0, 2, -1, 2];
const SIZES = [4, 4, 2, 1, 3, 5];

function trainingData(): TrainingData {
  const starts = Float64Array.from([0, ...TEXTS].map((_, i) => TEXTS.slice(0, i).flat().length));
  return {
    entries: Uint32Array.from(TEXTS.flat()),
    starts,
    targets: Int32Array.from(TARGETS),
    sizes: Uint32Array.from(SIZES),
    units: undefined,
    words: ROWS,
    labelCounts: Float64Array.of(3, 2, 1),
  };
}

/** Values of ±1/4, the same each time. */
function start(count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898) / 4);
}

const tableSigmoid = (x: number): number => {
  if (x < -8) return 0;
  if (x > 8) return 1;
  return 1 / (1 + Math.exp(-(Math.floor(((x + 8) * 512) / 16) / 32 - 8)));
};

/** The rows of the output matrix, and the truth for each, of a text of label `target`. */
const TERMS: Record<string, (target: number) => [number, number][]> = {
  softmax: (target) => [0, 1, 2].map((label) => [label, label === target ? 1 : 0]),
  ova: (target) => [0, 1, 2].map((label) => [label, label === target ? 1 : 0]),
  // Counts 3, 2, 1: labels 2 and 1 meet first (node 0, label 1 on the right), then node 0 and label 0 (node 1, label 0 on the
  // right, since of equal weights the inner node is taken first).
  hs: (target) =>
    [
      [[1, 1]],
      [
        [0, 1],
        [1, 0],
      ],
      [
        [0, 0],
        [1, 0],
      ],
    ][target] as [number, number][],
};

/** The plain training; returns input, output and the loss of each epoch. */
function plain(loss: string, dim: number, lr: number, epochs: number, lrUpdateRate: number) {
  const input = start(ROWS * dim);
  const output = start(LABELS * dim).map((x) => x / 2);
  const losses: number[] = [];
  let done = 0;
  let waiting = 0;
  const all = epochs * SIZES.reduce((a, b) => a + b, 0);
  for (let epoch = 0; epoch < epochs; epoch++) {
    let sum = 0;
    let count = 0;
    TEXTS.forEach((rows, text) => {
      const rate = lr * (1 - done / all);
      waiting += SIZES[text];
      if (waiting > lrUpdateRate) {
        done += waiting;
        waiting = 0;
      }
      if (rows.length === 0 || TARGETS[text] < 0) return;
      const h = Array.from({ length: dim }, (_, k) => rows.reduce((s, r) => s + input[r * dim + k], 0) / rows.length);
      const terms = TERMS[loss](TARGETS[text]);
      const scores = terms.map(([row]) => h.reduce((s, x, k) => s + x * output[row * dim + k], 0));
      const z = scores.reduce((s, x) => s + Math.exp(x), 0);
      const p = scores.map((x) => (loss === 'softmax' ? Math.exp(x) / z : tableSigmoid(x)));
      const gradient = new Array<number>(dim).fill(0);
      terms.forEach(([row, truth], i) => {
        for (let k = 0; k < dim; k++) {
          const weight = output[row * dim + k];
          gradient[k] += rate * (truth - p[i]) * weight;
          output[row * dim + k] += rate * (truth - p[i]) * h[k];
        }
        if (loss !== 'softmax' || truth === 1) sum -= Math.log(truth === 1 ? p[i] : 1 - p[i]);
      });
      for (const r of rows) for (let k = 0; k < dim; k++) input[r * dim + k] += gradient[k] / rows.length;
      count++;
    });
    losses.push(sum / count);
  }
  return { input, output, losses };
}

describe.each(Object.keys(TERMS))('training with loss %s', (loss) => {
  it.each([
    [1, 0.3, 1],
    [5, 0.5, 3],
    [16, 1, 4],
    [17, 0.1, 2],
    [50, 0.7, 5],
  ])('is the plain one, but for rounding: dim %i, lr %f, %i epochs', (dim, lr, epoch) => {
    const expected = plain(loss, dim, lr, epoch, 5);
    const input = roomForRows(ROWS, dim);
    input.set(start(ROWS * dim));
    const output = Float32Array.from(start(LABELS * dim), (x) => x / 2);
    const options = { loss: loss as 'softmax', lr, epoch, lrUpdateRate: 5, neg: 1, seed: 0, shuffle: false };
    const losses = descend(trainingData(), options, dim, input, ROWS, ROWS, output);
    const close = (found: ArrayLike<number>, wanted: number[], most: number): void => {
      for (const [i, value] of wanted.entries()) expect(Math.abs(found[i] - value)).toBeLessThan(most);
    };
    close(input, expected.input, 2e-6);
    close(output, expected.output, 2e-6);
    // fastText reads the logarithm from a table of 512 steps, always the lower end of one.
    close(losses, expected.losses, 0.02 * LABELS);
  });
});

describe('negative sampling', () => {
  it('draws labels by the square root of their counts, never the right one', () => {
    // One row a label, so that a step shows which labels were drawn.
    const texts = 20_000;
    const data: TrainingData = {
      entries: new Uint32Array(texts),
      starts: Float64Array.from({ length: texts + 1 }, (_, i) => i),
      targets: new Int32Array(texts),
      sizes: new Uint32Array(texts).fill(2),
      units: undefined,
      words: 1,
      labelCounts: Float64Array.of(900, 400, 100, 25),
    };
    const input = roomForRows(1, 1);
    input[0] = 1;
    const output = new Float32Array(4);
    // Steps so small that every label's score stays 0: each draw moves a label by the same.
    const options = { loss: 'ns' as const, lr: 1e-9, epoch: 1, lrUpdateRate: 1e9, neg: 3, seed: 5, shuffle: false };
    descend(data, options, 1, input, 1, 1, output);
    const drawn = Array.from(output.subarray(1), (weight) => -weight);
    const total = drawn.reduce((sum, weight) => sum + weight, 0);
    // Roots 20, 10 and 5 beside the right label's 30.
    for (const [i, share] of [20 / 35, 10 / 35, 5 / 35].entries()) {
      expect(Math.abs(drawn[i] / total - share)).toBeLessThan(0.01);
    }
    expect(output[0]).toBeGreaterThan(0);
    expect(total / output[0]).toBeCloseTo(3, 1);
  });
});

describe('the way of a label', () => {
  it('is that of a Huffman code: shorter for more frequent labels', () => {
    const { starts, nodes, fromRight } = labelPaths(Float64Array.of(3, 2, 1));
    const way = (label: number) =>
      Array.from(nodes.subarray(starts[label], starts[label + 1]), (node, i) => [node, fromRight[starts[label] + i]]);
    for (const label of [0, 1, 2]) expect(way(label)).toEqual(TERMS['hs'](label));
  });
});

describe('e to the power of x', () => {
  it("is the C library's within two units in the last place", () => {
    fc.assert(
      fc.property(fc.double({ min: -700, max: 0, noNaN: true }), (x) => {
        const expected = Math.exp(x);
        expect(Math.abs(exponential(x) - expected)).toBeLessThanOrEqual(2 * 2 ** -52 * expected);
      }),
      { numRuns: 2000 },
    );
    expect(exponential(0)).toBe(1);
    expect([exponential(-701), exponential(Number.NEGATIVE_INFINITY), exponential(Number.NaN)]).toEqual([0, 0, 0]);
  });
});

describe.skipIf(native === undefined)('the native descent', () => {
  it('gives the bits of its twin, also for numbers that are none', () => {
    const text = fc.record({
      entries: fc.array(fc.nat({ max: 11 }), { maxLength: 40 }),
      target: fc.integer({ min: -1, max: 3 }),
    });
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 12 }),
        fc.constantFrom('softmax' as const, 'hs' as const, 'ova' as const, 'ns' as const),
        fc.integer({ min: 1, max: 140 }),
        fc.boolean(),
        fc.constantFrom(0.1, 3, 1e30),
        (texts, loss, dim, hasUnits, lr) => {
          // With units: entries 0 to 3 stand for 3, 0, 1 and 2 of the rows 0 to 5, entries 4 to 11 for the rows 4 to 11.
          const units = { starts: Float64Array.of(0, 3, 3, 4, 6), rows: Int32Array.of(0, 5, 1, 2, 3, 3) };
          const data: TrainingData = {
            entries: Uint32Array.from(texts.flatMap(({ entries }) => entries)),
            starts: Float64Array.from(
              [0, ...texts],
              (_, i) => texts.slice(0, i).flatMap(({ entries }) => entries).length,
            ),
            targets: Int32Array.from(texts, ({ target }) => target),
            sizes: Uint32Array.from(texts, ({ entries }) => entries.length + 1),
            units: hasUnits ? units : undefined,
            words: 4,
            labelCounts: Float64Array.of(9, 5, 2, 1),
          };
          const options = { loss, lr, epoch: 3, lrUpdateRate: 20, neg: 3, seed: 7, shuffle: !hasUnits };
          const [a, b] = [0, 1].map(() => {
            const input = roomForRows(12, dim);
            input.set(start(8 * dim));
            return { input, output: Float32Array.from(start(4 * dim)) };
          });
          const losses = descend(data, options, dim, a.input, 12, 8, a.output);
          const twinLosses = new Float64Array(3);
          descendTwin(prepareDescent(data, options, dim), b.input, b.output, twinLosses);
          expect(a.input.subarray(0, 12 * dim)).toEqual(b.input.subarray(0, 12 * dim));
          expect(a.output).toEqual(b.output);
          expect(losses).toEqual(twinLosses);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('refuses arguments that do not fit, and does not crash', () => {
    const { paths, thresholds, sigmoid, logarithm, entries, starts, targets, sizes } = prepareDescent(
      trainingData(),
      { loss: 'softmax', lr: 0.1, epoch: 1, lrUpdateRate: 1, neg: 1, seed: 0, shuffle: true },
      4,
    );
    const tree = labelPaths(Float64Array.of(3, 2, 1));
    const good: unknown[] = [
      ...[entries, starts, targets, sizes, new Float64Array(1), new Int32Array(0), ROWS, 4, 3, 0.1, 1, 1, 1, 0, true],
      ...[paths.starts, paths.nodes, paths.fromRight, thresholds, sigmoid, logarithm],
      ...[roomForRows(ROWS, 4), ROWS, ROWS, new Float32Array(12), new Float64Array(1)],
    ];
    const call = (changes: Record<number, unknown>) => {
      const args = good.map((value, place) => (place in changes ? changes[place] : value));
      return () => (native!.fastTextDescend as (...all: unknown[]) => void)(...args);
    };
    expect(call({})).not.toThrow();
    const wrong: [Record<number, unknown>, RegExp][] = [
      [{ 0: Uint32Array.of(...entries.subarray(1), ROWS) }, /entries must name rows/],
      [{ 1: starts.map((at) => at * 2) }, /starts, targets and sizes/],
      [{ 1: starts.subarray(1) }, /starts, targets and sizes/],
      [{ 2: targets.map(() => 3) }, /targets must be labels/],
      [{ 2: targets.map(() => -2) }, /targets must be labels/],
      [{ 3: sizes.subarray(1) }, /starts, targets and sizes/],
      [{ 4: Float64Array.of(0, 1), 5: Int32Array.of(ROWS) }, /units must name rows/],
      [{ 4: Float64Array.of(0, 2), 5: Int32Array.of(0) }, /units must name rows/],
      [{ 4: new Float64Array(0) }, /units must name rows/],
      [{ 7: 0 }, /not an integer in its range/],
      [{ 8: 5 }, /not an integer in its range/],
      [{ 8: 1 }, /paths must be ways/],
      [{ 8: 1, 15: tree.starts, 16: Int32Array.of(0, 1, 3, 0, 1), 17: tree.fromRight }, /paths must be ways/],
      [{ 8: 2 }, /thresholds must rise/],
      [{ 8: 2, 18: Float64Array.of(2 ** 32, 2 ** 32, 2 ** 32) }, /thresholds must rise/],
      [{ 8: 2, 18: Float64Array.of(1, Number.NaN, 2 ** 32) }, /thresholds must rise/],
      [{ 19: sigmoid.subarray(1) }, /513 numbers/],
      [{ 21: new Float32Array(ROWS * 4) }, /room to move its rows apart/],
      [{ 23: ROWS + 1 }, /not an integer in its range/],
      [{ 24: new Float32Array(13) }, /output must be whole rows/],
      [{ 24: new Float32Array(4) }, /output must be whole rows/],
      [{ 25: new Float64Array(2) }, /losses must have/],
    ];
    for (const [changes, message] of wrong) expect(call(changes), JSON.stringify(changes)).toThrow(message);
  });
});

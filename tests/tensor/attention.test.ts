/**
 * Attention: published hand values (techniques.txt), gradients by finite differences, properties of masks, and the native
 * kernels beside their twin for every option, at every instruction set.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import { createRandom } from '../../src/core/random.ts';
import { nativeAttentionBackward, nativeAttentionForward } from '../../src/tensor/native-attention.ts';
import {
  type AttentionChunks,
  type AttentionMask,
  type AttentionShape,
  attentionBackward,
  attentionForward,
  isVisible,
} from '../../src/tensor/reference/attention.ts';
import { describeWithShared, shared } from '../shared.ts';
import { largestError, normals, randomCase, shapeOf, type Tensors, tensorsOf } from './attention-cases.ts';

interface Implementation {
  name: string;
  forward(shape: AttentionShape, mask: AttentionMask, t: Tensors, chunks?: AttentionChunks): void;
  backward(shape: AttentionShape, mask: AttentionMask, t: Tensors): void;
}

const twin: Implementation = {
  name: 'twin',
  forward: (shape, mask, { q, k, v, out, lse }, chunks) => attentionForward(shape, mask, q, k, v, out, lse, chunks),
  backward: (shape, mask, { dout, q, k, v, out, lse, dq, dk, dv }) =>
    attentionBackward(shape, mask, dout, q, k, v, out, lse, dq, dk, dv),
};

function nativeAt(level: string | undefined, threads: number): Implementation {
  const addon = native as NonNullable<typeof native>;
  const options = { level, threads };
  return {
    name: level ?? 'native',
    forward: (shape, mask, { q, k, v, out, lse }, chunks) =>
      nativeAttentionForward(addon, options, shape, mask, q, k, v, out, lse, chunks),
    backward: (shape, mask, { dout, q, k, v, out, lse, dq, dk, dv }) =>
      nativeAttentionBackward(addon, options, shape, mask, dout, q, k, v, out, lse, dq, dk, dv),
  };
}

const levels = (native?.attentionLevels() ?? []).map((level) => nativeAt(level, 2));
const describeNative = native === undefined ? describe.skip : describe;
const causal: AttentionMask = { causal: true };

function run(implementation: Implementation, shape: AttentionShape, mask: AttentionMask, seed: number): Tensors {
  const t = tensorsOf(shape, seed);
  implementation.forward(shape, mask, t);
  implementation.backward(shape, mask, t);
  return t;
}

const RESULTS = ['out', 'lse', 'dq', 'dk', 'dv'] as const;

/** Float32 sums over hundreds of products beside float64 ones. */
const TOLERANCE = 2e-5;

function expectSame(found: Tensors, exact: Tensors, tolerance = TOLERANCE): void {
  for (const name of RESULTS) {
    expect({ name, error: largestError(found[name], exact[name]) }).toEqual({
      name,
      error: expect.toSatisfy((e: number) => e <= tolerance),
    });
  }
}

/** Rows [from, to) of every batch row of `[batch·rows, width]`. */
function rowsOf(
  values: Float32Array,
  batch: number,
  rows: number,
  width: number,
  from: number,
  to: number,
): Float32Array {
  const kept = new Float32Array(batch * (to - from) * width);
  for (let b = 0; b < batch; b++) {
    kept.set(values.subarray((b * rows + from) * width, (b * rows + to) * width), b * (to - from) * width);
  }
  return kept;
}

describe.each([twin, ...levels])('attention, $name', (implementation) => {
  describeWithShared('hand values', () => {
    const lines = readFileSync(shared('goldens/techniques.txt'), 'utf8').split('\n');
    it.each([4, 2, 1])('4 query heads over %d key heads', (keyHeads) => {
      const [T, D, H] = [3, 2, 4];
      const numbers = (name: string): number[] =>
        JSON.parse(
          lines
            .find((line) => line.startsWith(name))
            ?.split('= ')
            .at(-1) ?? '',
        ) as number[];
      const expected = numbers(`attn n_q=4 n_kv=${keyHeads} `);
      // sin and cos of 1, 2, …, as [head, time, size], of which grouped heads take the first ones.
      const fill = (heads: number, f: (x: number) => number): Float32Array => {
        const values = new Float32Array(T * heads * D);
        for (let h = 0; h < heads; h++)
          for (let t = 0; t < T; t++)
            for (let d = 0; d < D; d++) values[(t * heads + h) * D + d] = f((h * T + t) * D + d + 1);
        return values;
      };
      const shape = shapeOf({ queries: T, keyHeads, queryHeads: H, headSize: D });
      const t = {
        ...tensorsOf(shape, 1),
        q: fill(H, Math.sin),
        k: fill(keyHeads, Math.cos),
        v: fill(keyHeads, (x) => Math.sin(x) / 2),
      };
      implementation.forward(shape, causal, t);
      const last = t.out.subarray(2 * H * D);
      for (const [i, value] of expected.entries()) expect(last[i]).toBeCloseTo(value, 6);
    });

    it('dual chunk attention sees the distances of the published example', () => {
      // Rotations of two numbers by their place: the angle between query and key is the distance, read off the score.
      const text = lines.slice(lines.findIndex((line) => line.startsWith('DCA')));
      const rows = [
        ...text
          .slice(0, 3)
          .join(' ')
          .matchAll(/T=(\d+)|row (\d+) = (\[[^\]]*\])/g),
      ];
      let length = 0;
      const seen: number[] = [];
      for (const [, total, row, distances] of rows) {
        if (total !== undefined) length = Number(total);
        else {
          const found = chunkDistances(implementation, length, 8, 6).at(Number(row));
          expect(found).toEqual(JSON.parse(distances as string));
          seen.push(Number(row));
        }
      }
      expect(seen).toEqual([7, 11, 13]);
    });
  });

  it('gradients are those of finite differences', () => {
    const cases: [AttentionShape, AttentionMask][] = [
      [shapeOf({ batch: 2, queries: 5, keyHeads: 2, queryHeads: 4, headSize: 3 }), causal],
      [shapeOf({ queries: 6, keyHeads: 1, queryHeads: 2, headSize: 2 }), { causal: true, window: 3 }],
      [
        shapeOf({ queries: 6, keyHeads: 1, headSize: 4 }),
        { causal: true, segmentIds: Int32Array.of(0, 0, 0, 1, 1, 4), prefix: Int32Array.of(2) },
      ],
      [shapeOf({ queries: 3, keys: 7, keyHeads: 1, headSize: 4 }), { causal: false, keyRange: Int32Array.of(1, 6) }],
    ];
    for (const [shape, mask] of cases) {
      const t = run(implementation, shape, mask, 5);
      for (const [input, gradient] of [
        ['q', 'dq'],
        ['k', 'dk'],
        ['v', 'dv'],
      ] as const) {
        for (let i = 0; i < t[input].length; i++) {
          expect(t[gradient][i]).toBeCloseTo(differenceQuotient(shape, mask, t, input, i), 4);
        }
      }
    }
  });

  it('documents packed into a row give what each gives alone', () => {
    const lengths = [70, 1, 33, 96];
    const total = lengths.reduce((a, b) => a + b);
    const shape = shapeOf({ queries: total, keyHeads: 2, queryHeads: 4, headSize: 16 });
    const ids = Int32Array.from(lengths.flatMap((length, i) => new Array<number>(length).fill(3 * i)));
    const packed = run(implementation, shape, { causal: true, segmentIds: ids }, 11);
    let from = 0;
    for (const length of lengths) {
      const alone = tensorsOf({ ...shape, queries: length, keys: length }, 1);
      for (const name of ['q', 'k', 'v', 'dout'] as const) {
        const width = packed[name].length / total;
        alone[name] = packed[name].slice(from * width, (from + length) * width);
      }
      implementation.forward({ ...shape, queries: length, keys: length }, causal, alone);
      implementation.backward({ ...shape, queries: length, keys: length }, causal, alone);
      for (const name of RESULTS) {
        const width = packed[name].length / total;
        expect(largestError(packed[name].slice(from * width, (from + length) * width), alone[name])).toBeLessThan(1e-5);
      }
      from += length;
    }
  });

  it('a prefix of 0, a window of all keys, one segment and the whole range are plain causal', () => {
    const shape = shapeOf({ batch: 2, queries: 100, keyHeads: 2, headSize: 32 });
    const plain = run(implementation, shape, causal, 3);
    const masks: AttentionMask[] = [
      { causal: true, prefix: Int32Array.of(0, 0) },
      { causal: true, window: 100 },
      { causal: true, segmentIds: new Int32Array(200).fill(5) },
      { causal: true, keyRange: Int32Array.of(0, 100, 0, 100) },
    ];
    for (const mask of masks) expectSame(run(implementation, shape, mask, 3), plain, 0);
  });

  it('a prefix of all keys is attention without a mask', () => {
    const shape = shapeOf({ queries: 70, keyHeads: 1, queryHeads: 2, headSize: 8 });
    const open = run(implementation, shape, { causal: false }, 3);
    expectSame(run(implementation, shape, { causal: true, prefix: Int32Array.of(70) }, 3), open);
  });

  it.each([1, 2, 4, 9])('the last %d queries over a half-filled cache are the last rows of the whole', (queries) => {
    const [batch, total, capacity, width] = [2, 290, 310, 4 * 32];
    const shape = shapeOf({ batch, queries: total, keyHeads: 2, queryHeads: 4, headSize: 32 });
    const whole = run(implementation, shape, causal, 8);
    const cached = tensorsOf({ ...shape, queries, keys: capacity }, 9);
    cached.q = rowsOf(whole.q, batch, total, width, total - queries, total);
    for (const name of ['k', 'v'] as const) {
      for (let b = 0; b < batch; b++) {
        cached[name].set(whole[name].subarray(b * total * 64, (b + 1) * total * 64), b * capacity * 64);
      }
    }
    const mask = { causal: true, keyRange: Int32Array.of(0, total, 0, total) };
    implementation.forward({ ...shape, queries, keys: capacity }, mask, cached);
    expect(largestError(cached.out, rowsOf(whole.out, batch, total, width, total - queries, total))).toBeLessThan(1e-5);
    expect(largestError(cached.lse, rowsOf(whole.lse, batch, total, 4, total - queries, total))).toBeLessThan(1e-5);
  });

  it('a query that sees no key gives 0, -infinity and no gradients', () => {
    for (const queries of [3, 70]) {
      const shape = shapeOf({ batch: 2, queries, keys: queries, keyHeads: 1, headSize: 16 });
      // Keys of the first row begin behind its first two queries; the second has none at all.
      const mask = { causal: true, keyRange: Int32Array.of(2, queries, 0, 0) };
      const t = run(implementation, shape, mask, 4);
      const blind = [0, 1, ...Array.from({ length: queries }, (_, i) => queries + i)];
      for (const row of blind) {
        expect(t.lse[row]).toBe(Number.NEGATIVE_INFINITY);
        expect([...t.out.subarray(row * 16, row * 16 + 16), ...t.dq.subarray(row * 16, row * 16 + 16)]).toEqual(
          new Array(32).fill(0),
        );
      }
      expect(t.dk.subarray(queries * 16).every((x) => x === 0)).toBe(true);
      expect(t.dv.subarray(0, 32).every((x) => x === 0)).toBe(true);
      expect(Number.isFinite(t.lse[2])).toBe(true);
    }
  });

  it('scores of thousands neither overflow nor lose their largest', () => {
    const shape = shapeOf({ queries: 66, keyHeads: 1, headSize: 4, scale: 300 });
    const t = run(implementation, shape, causal, 6);
    expect([...t.out, ...t.dq, ...t.dk, ...t.dv].every(Number.isFinite)).toBe(true);
  });

  it('a number lost in one head stays in it, and shows', () => {
    const shape = shapeOf({ queries: 80, keyHeads: 2, headSize: 16 });
    const t = tensorsOf(shape, 2);
    t.k[10 * 32] = Number.NaN;
    implementation.forward(shape, causal, t);
    expect(t.out[9 * 32]).not.toBeNaN();
    expect(t.out[10 * 32]).toBeNaN();
    expect(t.out[79 * 32]).toBeNaN();
    expect(t.out[79 * 32 + 16]).not.toBeNaN();
  });

  it('dual chunk attention of no more than a chunk is plain attention', () => {
    for (const queries of [3, 60]) {
      const shape = shapeOf({ queries, keyHeads: 1, queryHeads: 2, headSize: 16 });
      const plain = run(implementation, shape, causal, 12);
      const t = tensorsOf(shape, 12);
      const other = new Float32Array(t.q.length).fill(Number.NaN);
      implementation.forward(shape, causal, t, { successive: other, inter: other, length: queries });
      expect(largestError(t.out, plain.out)).toBe(0);
    }
  });
});

/** d(Σ out∘dout) / d input[i] in float64, from the definition. */
function differenceQuotient(
  shape: AttentionShape,
  mask: AttentionMask,
  t: Tensors,
  input: 'q' | 'k' | 'v',
  i: number,
): number {
  const wide = { q: Float64Array.from(t.q), k: Float64Array.from(t.k), v: Float64Array.from(t.v) };
  const loss = (step: number): number => {
    const before = wide[input][i];
    wide[input][i] = before + step;
    const { batch, queries, keys, queryHeads, keyHeads, headSize, scale } = shape;
    let sum = 0;
    for (let b = 0; b < batch; b++) {
      for (let row = 0; row < queries; row++) {
        for (let h = 0; h < queryHeads; h++) {
          const at = ((b * queries + row) * queryHeads + h) * headSize;
          let [total, mixed] = [0, 0];
          for (let j = 0; j < keys; j++) {
            if (!isVisible(shape, mask, b, row, j)) continue;
            const keyAt = ((b * keys + j) * keyHeads + Math.floor((h * keyHeads) / queryHeads)) * headSize;
            let [score, value] = [0, 0];
            for (let d = 0; d < headSize; d++) {
              score += wide.q[at + d] * wide.k[keyAt + d];
              value += wide.v[keyAt + d] * t.dout[at + d];
            }
            const weight = Math.exp(scale * score);
            total += weight;
            mixed += weight * value;
          }
          if (total > 0) sum += mixed / total;
        }
      }
    }
    wide[input][i] = before;
    return sum;
  };
  return (loss(1e-5) - loss(-1e-5)) / 2e-5;
}

/** The distances that dual chunk attention sees between each query and the keys up to it. */
function chunkDistances(implementation: Implementation, T: number, chunkSize: number, chunkLength: number): number[][] {
  const shape = shapeOf({ queries: T, keyHeads: 1, headSize: 2, scale: 1 });
  const angle = 0.05;
  const rotated = (place: (i: number) => number): Float32Array =>
    Float32Array.from({ length: 2 * T }, (_, n) => (n % 2 === 0 ? Math.cos : Math.sin)(angle * place(n >> 1)));
  const [inChunk, L] = [(i: number) => i % chunkLength, chunkLength];
  const t = tensorsOf(shape, 1);
  t.q = rotated(inChunk);
  t.k = rotated(inChunk);
  const chunks = {
    successive: rotated((i) => Math.min((i % L) + L, chunkSize)),
    inter: rotated(() => Math.min(2 * L - 1, chunkSize)),
    length: L,
  };
  // With the values of key j at 1 the output is its probability, and log p + lse its score, the cosine of the angle.
  const distances = Array.from({ length: T }, () => [] as number[]);
  for (let j = 0; j < T; j++) {
    t.v.fill(0);
    t.v[2 * j] = 1;
    implementation.forward(shape, causal, t, chunks);
    for (let i = j; i < T; i++) {
      const score = Math.log(t.out[2 * i]) + t.lse[i];
      distances[i].push(Math.round(Math.acos(Math.min(1, score)) / angle));
    }
  }
  return distances;
}

describeNative('native attention beside its twin', () => {
  it('random shapes with every option', () => {
    for (let seed = 0; seed < 60; seed++) {
      const { shape, mask } = randomCase(seed);
      const exact = run(twin, shape, mask, seed);
      for (const level of levels) {
        try {
          expectSame(run(level, shape, mask, seed), exact, 5e-5);
        } catch (error) {
          throw new Error(`${level.name}, seed ${seed}: ${JSON.stringify({ shape, mask })}`, { cause: error });
        }
      }
    }
  });

  it.each(levels)('$name: dual chunk attention, whole rows and single queries over a cache', (implementation) => {
    for (const [queries, keys, length] of [
      [150, 150, 40],
      [100, 300, 64],
      [1, 300, 64],
      [3, 90, 7],
      [70, 70, 1],
    ]) {
      const shape = shapeOf({ batch: 2, queries, keys, keyHeads: 1, queryHeads: 2, headSize: 24 });
      const random = createRandom(queries);
      const [t, exact] = [tensorsOf(shape, 1), tensorsOf(shape, 1)];
      const chunks = { successive: normals(random, t.q.length), inter: normals(random, t.q.length), length };
      const mask = { causal: true, keyRange: Int32Array.of(0, keys, 3, keys - 1) };
      implementation.forward(shape, mask, t, chunks);
      twin.forward(shape, mask, exact, chunks);
      expect(largestError(t.out, exact.out)).toBeLessThan(TOLERANCE);
      expect(largestError(t.lse, exact.lse)).toBeLessThan(TOLERANCE);
    }
  });

  it('the number of threads changes no bit', () => {
    const cases: [AttentionShape, AttentionMask][] = [
      [shapeOf({ queries: 700, keyHeads: 1, headSize: 64 }), causal],
      [shapeOf({ batch: 3, queries: 300, keyHeads: 2, queryHeads: 6, headSize: 32 }), { causal: true, window: 70 }],
      [shapeOf({ batch: 8, queries: 1, keys: 1500, keyHeads: 2, queryHeads: 4, headSize: 64 }), causal],
    ];
    for (const [shape, mask] of cases) {
      const one = run(nativeAt(undefined, 1), shape, mask, 1);
      for (const threads of [2, 3]) expectSame(run(nativeAt(undefined, threads), shape, mask, 1), one, 0);
    }
  });

  it('wrong arguments are refused', () => {
    const addon = native as NonNullable<typeof native>;
    const shape = shapeOf({ queries: 4, keyHeads: 1, headSize: 4 });
    const { q, k, v, out, lse } = tensorsOf(shape, 1);
    const call = (s: AttentionShape, m: AttentionMask, ...arrays: [Float32Array, Float32Array, Float32Array]) =>
      nativeAttentionForward(addon, { threads: 1 }, s, m, ...arrays, out, lse);
    expect(() => call(shape, causal, q.subarray(1), k, v)).toThrow(/argument 10 is too short/);
    expect(() => call({ ...shape, queryHeads: 3, keyHeads: 2 }, causal, q, k, v)).toThrow(/no multiple/);
    expect(() => call({ ...shape, headSize: 0 }, causal, q, k, v)).toThrow(/size out of range/);
    expect(() => call(shape, { causal: true, segmentIds: Int32Array.of(1, 1, 0, 0) }, q, k, v)).toThrow(/decrease/);
    expect(() => call(shape, { causal: true, prefix: new Int32Array(0) }, q, k, v)).toThrow(/too short/);
    expect(() => call({ ...shape, scale: Number.NaN }, causal, q, k, v)).toThrow(/finite/);
  });
});

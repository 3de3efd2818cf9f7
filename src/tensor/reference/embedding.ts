/** Rows by index, rotary positions, and the KV cache. */
import type { Kernel } from './kernel.ts';

export const embeddingKernels = {
  embedding(operands) {
    const [rows, columns, tableRows] = operands.attributes as [number, number, number];
    const table = operands.in(0);
    const ids = operands.ints(1);
    const out = operands.out(0);
    for (let r = 0; r < rows; r++) {
      const id = ids[r];
      if (id >= tableRows) throw new RangeError(`entry ${r} is ${id}, the table has ${tableRows} rows`);
      if (id < 0) out.fill(0, r * columns, (r + 1) * columns);
      else out.set(table.subarray(id * columns, (id + 1) * columns), r * columns);
    }
  },
  embeddingGrad(operands) {
    const [rows, columns, tableRows] = operands.attributes as [number, number, number];
    const dy = operands.in(0);
    const ids = operands.ints(1);
    const out = operands.out(0);
    const sums = new Float64Array(tableRows * columns);
    for (let r = 0; r < rows; r++) {
      const id = ids[r];
      if (id >= tableRows) throw new RangeError(`entry ${r} is ${id}, the table has ${tableRows} rows`);
      if (id < 0) continue;
      for (let c = 0; c < columns; c++) sums[id * columns + c] += dy[r * columns + c];
    }
    const addend = operands.maybe(2);
    for (let i = 0; i < sums.length; i++) out[i] = sums[i] + (addend?.[i] ?? 0);
  },
  rope(operands) {
    const [rows, heads, headDim, tableRows, inverse, interleaved] = operands.attributes as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const x = operands.in(0);
    const cos = operands.in(1);
    const sin = operands.in(2);
    const positions = operands.ints(3);
    const y = operands.out(0);
    const half = headDim / 2;
    const [first, second, step] = interleaved ? [0, 1, 2] : [0, half, 1];
    for (let r = 0; r < rows; r++) {
      const position = positions[r];
      if (position < 0 || position >= tableRows) {
        throw new RangeError(`entry ${r} is ${position}, the table has ${tableRows} positions`);
      }
      for (let h = 0; h < heads; h++) {
        const at = (r * heads + h) * headDim;
        for (let i = 0; i < half; i++) {
          const c = cos[position * half + i];
          const s = inverse ? -sin[position * half + i] : sin[position * half + i];
          const a = x[at + first + i * step];
          const b = x[at + second + i * step];
          y[at + first + i * step] = a * c - b * s;
          y[at + second + i * step] = b * c + a * s;
        }
      }
    }
  },
  cacheWrite(operands) {
    const [batch, time, capacity, columns] = operands.attributes as [number, number, number, number];
    const cache = operands.in(0);
    const rows = operands.in(1);
    const at = operands.ints(2);
    for (let b = 0; b < batch; b++) {
      if (at[b] < 0 || at[b] + time > capacity) {
        throw new RangeError(`entry ${b} is ${at[b]}: ${time} rows from there do not fit a cache of ${capacity}`);
      }
      const from = rows.subarray(b * time * columns, (b + 1) * time * columns);
      cache.set(from, (b * capacity + at[b]) * columns);
    }
  },
} satisfies Record<string, Kernel>;

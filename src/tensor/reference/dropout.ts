/**
 * The random numbers of dropout: Philox 4x32-10 (Salmon, Moraes, Dror & Shaw 2011, Parallel Random Numbers: As Easy as 1,
 * 2, 3), a function from a counter of four 32-bit numbers and a key of two to four random numbers. Nothing is kept between
 * calls, so that any entry can be drawn alone, by any thread, and again for the gradient.
 *
 * Entry i of a tensor takes number (i mod 64) div 16 of the counter (c mod 2^32, c div 2^32, stream, 0) under the key
 * (seed[0], seed[1]), where c = (i div 64)·16 + i mod 16: runs of 64 entries come from 16 counters side by side, which is
 * what vector units want. It is kept when that number is at least rate·2^32.
 */
import type { Kernel } from './kernel.ts';

const ROUNDS = 10;

/** The high 32 bits of the product of two 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const low = (a & 0xffff) * (b & 0xffff);
  const middle = (a >>> 16) * (b & 0xffff) + (low >>> 16);
  const other = (a & 0xffff) * (b >>> 16) + (middle % 65536);
  return ((a >>> 16) * (b >>> 16) + Math.floor(middle / 65536) + Math.floor(other / 65536)) >>> 0;
}

/** Philox 4x32-10: four 32-bit random numbers from a counter of four and a key of two. */
export function philox(counter: readonly number[], key: readonly number[]): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter as [number, number, number, number];
  let [k0, k1] = key as [number, number];
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(c0, 0xd2511f53);
    const low0 = Math.imul(c0, 0xd2511f53) >>> 0;
    const high1 = multiplyHigh(c2, 0xcd9e8d57);
    const low1 = Math.imul(c2, 0xcd9e8d57) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** The random 32 bits of entry `index`. */
export function dropoutBits(index: number, seed: ArrayLike<number>, stream: number): number {
  const counter = Math.floor(index / 64) * 16 + (index % 16);
  const words = philox([counter >>> 0, Math.floor(counter / 2 ** 32), stream, 0], [seed[0] >>> 0, seed[1] >>> 0]);
  return words[Math.floor((index % 64) / 16)];
}

export const dropoutKernels = {
  dropout(operands) {
    const [length, rate, stream] = operands.attributes as [number, number, number];
    const x = operands.in(0);
    const seed = operands.ints(1);
    const y = operands.out(0);
    const threshold = Math.min(Math.ceil(rate * 2 ** 32), 2 ** 32 - 1);
    const scale = Math.fround(1 / (1 - rate));
    for (let i = 0; i < length; i++) y[i] = dropoutBits(i, seed, stream) >= threshold ? x[i] * scale : 0;
  },
} satisfies Record<string, Kernel>;

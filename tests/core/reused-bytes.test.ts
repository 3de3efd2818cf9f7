import { describe, expect, it } from 'vitest';
import { borrowBytes, returnBytes } from '../../src/core/reused-bytes.ts';

// Buffers are compared here and not by `toBe`, which would print megabytes.
describe('borrowed memory', () => {
  it('is lent again, and to one at a time', () => {
    // One byte is had from the smallest buffer there is, or from a new one that then is the smallest.
    const first = borrowBytes(1);
    const other = borrowBytes(1);
    expect(other.buffer === first.buffer).toBe(false);
    returnBytes(other);
    returnBytes(first);
    const again = borrowBytes(1);
    expect(again.buffer === first.buffer).toBe(true);
    returnBytes(again);
  });

  it('has the bytes that were asked for, or more', () => {
    const sizes = [1, 2 ** 20, 2 ** 20 + 1, 5_000_000];
    const lent = sizes.map(borrowBytes);
    expect(lent.every(({ length }, i) => length >= sizes[i])).toBe(true);
    expect(new Set(lent.map(({ buffer }) => buffer)).size).toBe(sizes.length);
    for (const bytes of lent) returnBytes(bytes);
  });

  it('is not taken back twice: two who borrow would then share it', () => {
    const bytes = borrowBytes(1000);
    returnBytes(bytes);
    expect(() => returnBytes(bytes)).toThrow('borrowed memory was returned twice');
  });
});

import { describe, expect, it } from 'vitest';
import { borrowBytes, returnBytes } from '../../src/core/reused-bytes.ts';

describe('borrowed memory', () => {
  it('is lent again, and to one at a time', () => {
    const first = borrowBytes(5_000_000);
    returnBytes(first);
    const second = borrowBytes(4_000_000);
    const third = borrowBytes(4_000_000);
    expect(second.buffer).toBe(first.buffer);
    expect(third.buffer).not.toBe(first.buffer);
    returnBytes(second);
    returnBytes(third);
  });

  it('is not taken back twice: two who borrow would then share it', () => {
    const bytes = borrowBytes(1000);
    returnBytes(bytes);
    expect(() => returnBytes(bytes)).toThrow('borrowed memory was returned twice');
  });
});

/** Mutated programs on the native backend: each is refused, ends with a named error or runs; none takes the process down. */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { native } from '../../src/core/native.ts';
import type { Backend } from '../../src/tensor/backend.ts';
import { createNativeBackend } from '../../src/tensor/native/backend.ts';
import { endingOf, mutations, programsOf } from './mutated-programs.ts';

describe.skipIf(native === undefined)('mutated programs on the native backend', () => {
  const backend = native && (createNativeBackend({ threads: 2 }) as Backend);
  afterAll(() => backend?.dispose());

  it('are refused, fail by name or run', async () => {
    const programs = ['qwen2-moe', 'gpt2', 'qwen3'].flatMap((model) => programsOf(backend!, model));
    const count = { refused: 0, failed: 0, ran: 0 };
    const property = fc.asyncProperty(mutations(programs), async (mutated) => {
      const { ending, error } = await endingOf(backend!, mutated);
      count[ending]++;
      if (ending === 'refused') expect(error).toMatch(/^RangeError: program .*: instruction \d+/);
      if (ending === 'failed') {
        expect(error).toMatch(/^RangeError: program .*: (instruction \d+ \(\w+\): entry|there is not enough memory)/);
      }
    });
    await fc.assert(property, { numRuns: 1200 });
    // All three ways out are met: the rarest about thirty times.
    expect(Math.min(...Object.values(count)), JSON.stringify(count)).toBeGreaterThan(0);
  });
});

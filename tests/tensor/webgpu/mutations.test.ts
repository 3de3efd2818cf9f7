/** Mutated programs on WebGPU: each is refused, ends with a named error or runs, and nearly always as it does on the native backend. */
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { createNativeBackend } from '../../../src/tensor/native/backend.ts';
import type { WebGpuBackend } from '../../../src/tensor/webgpu/backend.ts';
import { endingOf, mutations, programsOf } from '../mutated-programs.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

describeWithWebGpu('mutated programs on WebGPU', () => {
  const native = createNativeBackend({ threads: 1 });
  let backend: WebGpuBackend | undefined;
  afterAll(() => Promise.all([backend?.dispose(), native?.dispose()]));

  it('are refused, fail by name or run', async () => {
    backend = await webGpuBackend();
    const count = { refused: 0, failed: 0, ran: 0 };
    const models = ['qwen2-moe', 'gpt2'];
    const ours = models.flatMap((model) => programsOf(backend!, model));
    const theirs = native === undefined ? undefined : models.flatMap((model) => programsOf(native, model));
    const property = fc.asyncProperty(mutations(ours), fc.context(), async (mutated, context) => {
      const { ending, error } = await endingOf(backend!, mutated);
      context.log(`${ending} ${error}`);
      count[ending]++;
      if (ending === 'refused') expect(error).toMatch(/^RangeError: program .*: instruction \d+/);
      if (ending === 'failed') {
        expect(error).toMatch(/^RangeError: program .*: instruction \d+ \(\w+\): entry \d+ of .* is out of range$/);
      }
      if (theirs === undefined) return;
      // The same program over the native backend's buffers.
      const index = ours.findIndex(({ buffers }) => buffers === mutated.program.buffers);
      const twin = { ...mutated.program, buffers: theirs[index]!.buffers };
      const isAbsent = twin.instructions.some(({ inputs, outputs }) =>
        [...inputs, ...outputs].some((place) => place?.slot === -1),
      );
      if (isAbsent) return;
      const native1 = await endingOf(native!, { program: twin, seed: mutated.seed });
      context.log(`native: ${native1.ending} ${native1.error}`);
      // Segments whose ids come back are refused by native kernels alone, which look for where a segment begins.
      if (/segment ids must not decrease|not enough memory/.test(native1.error)) return;
      expect(ending).toBe(native1.ending);
    });
    await fc.assert(property, { numRuns: 100 });
    expect(count.refused, JSON.stringify(count)).toBeGreaterThan(0);
    // A few in a hundred mutated ones run; as they are, all do.
    for (const program of ours)
      expect(await endingOf(backend, { program, seed: 1 })).toEqual({ ending: 'ran', error: '' });
  }, 300_000);
});

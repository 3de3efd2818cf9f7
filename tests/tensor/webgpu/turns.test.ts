/** Calls keep their order while kernels are still being compiled. */
import { describe, expect, it } from 'vitest';
import type { Program } from '../../../src/tensor/backend.ts';
import { Turns } from '../../../src/tensor/webgpu/turns.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

describe('turns', () => {
  it('are taken at once where nothing waits', async () => {
    const turns = new Turns();
    const made: number[] = [];
    const first = turns.take(() => made.push(1));
    expect(made).toEqual([1]);
    expect(turns.areTaken).toBe(false);
    expect(await first).toBe(1);
  });

  it('keep their order behind one that waits, and do not wait for what a call returns', async () => {
    const turns = new Turns();
    const made: string[] = [];
    let open: (value?: unknown) => void = () => {};
    const gate = new Promise((resolve) => {
      open = resolve;
    });
    const never = turns.take(() => new Promise(() => made.push('first')), gate);
    const failing = turns.take(() => {
      made.push('second');
      throw new RangeError('no');
    });
    const last = turns.take(() => made.push('third'));
    expect(made).toEqual([]);
    expect(turns.areTaken).toBe(true);
    open();
    expect(await last).toBe(3);
    await expect(failing).rejects.toThrow('no');
    expect(made).toEqual(['first', 'second', 'third']);
    expect(turns.areTaken).toBe(false);
    void never;
  });
});

describeWithWebGpu('a backend whose kernels are compiled aside', () => {
  it('does what it is told in order, also before they are ready, and says how far they are', async () => {
    const told: [compiled: number, begun: number][] = [];
    const backend = await webGpuBackend({ compileInTurn: false, onCompile: (...of) => told.push(of) });
    const [x, y] = ['x', 'y'].map((name) => backend.createBuffer('f32', 300, name));
    const [from, to] = [1, 2].map((slot) => ({ slot, offset: 0, length: 300, dtype: 'f32' as const }));
    const copy: Program = {
      name: 'copy',
      buffers: [x, y],
      instructions: [{ operation: 'copy', inputs: [from], outputs: [to], attributes: [300] }],
      arenaLength: 0,
    };
    const executable = backend.compile(copy);
    const values = new Float32Array(300).fill(1);
    backend.write(x, values);
    const first = executable.run();
    const read = backend.read(y);
    values.fill(2);
    backend.write(x, values);
    // A caller may change its data as soon as the call returns.
    values.fill(3);
    void executable.run();
    executable.dispose();
    backend.disposeBuffer(x);
    const second = backend.read(y);
    await first;
    expect([...((await read) as Float32Array)]).toEqual(Array(300).fill(1));
    expect([...((await second) as Float32Array)]).toEqual(Array(300).fill(2));
    expect(told.at(0)).toEqual([0, 1]);
    expect(told.at(-1)).toEqual([backend.counts().pipelines, backend.counts().pipelines]);
    await backend.dispose();
  });

  it('rejects the run of a program whose kernel does not compile', async () => {
    const backend = await webGpuBackend({ compileInTurn: false });
    const make = backend.device.createShaderModule.bind(backend.device);
    backend.device.createShaderModule = (descriptor) =>
      make({ ...descriptor, code: descriptor.code.replace('fn main(', 'fn elsewhere(') });
    const y = backend.createBuffer('f32', 10, 'y');
    const to = { slot: 1, offset: 0, length: 10, dtype: 'f32' as const };
    const fill: Program = {
      name: 'fill',
      buffers: [y],
      instructions: [{ operation: 'fill', inputs: [], outputs: [to], attributes: [10, 1] }],
      arenaLength: 0,
    };
    await expect(backend.compile(fill).run()).rejects.toThrow(/^kernel fill.* does not compile: .*main/s);
    await backend.dispose();
  });
});

/** What goes wrong with a device: each has a name, a message and a way on. */
import { describe, expect, it } from 'vitest';
import { CorpusmillError } from '../../../src/core/errors.ts';
import type { Program } from '../../../src/tensor/backend.ts';
import { createWebGpuBackend } from '../../../src/tensor/webgpu/backend.ts';
import { DeviceErrors } from '../../../src/tensor/webgpu/device-errors.ts';
import { writes } from '../../../src/tensor/webgpu/kernel.ts';
import { Pipelines } from '../../../src/tensor/webgpu/pipelines.ts';
import { describeWithWebGpu, webGpuBackend } from './device.ts';

async function failure(call: () => unknown): Promise<CorpusmillError> {
  try {
    await call();
  } catch (error) {
    expect(error).toBeInstanceOf(CorpusmillError);
    return error as CorpusmillError;
  }
  throw new Error('it did not fail');
}

describeWithWebGpu('a device', () => {
  it('that is lost rejects the run and the read, names the loss, and can be disposed of', async () => {
    const backend = await webGpuBackend();
    const buffer = backend.createBuffer('f32', 100, 'x');
    const place = { slot: 1, offset: 0, length: 100, dtype: 'f32' } as const;
    const program: Program = {
      name: 'p',
      buffers: [buffer],
      instructions: [{ operation: 'fill', inputs: [], outputs: [place], attributes: [100, 7] }],
      arenaLength: 0,
    };
    const executable = backend.compile(program);
    await executable.run();
    backend.device.destroy();
    const found = await failure(async () => {
      await executable.run();
      await backend.read(buffer);
    });
    expect(found.code).toBe('BACKEND_LOST');
    expect(found.message).toMatch(/^the WebGPU device was lost: \S/);
    expect(found.hint).toContain('--backend native');
    expect((await failure(() => backend.read(buffer))).code).toBe('BACKEND_LOST');
    await backend.dispose();
  });

  it('that is lost while a read is under way rejects it by the same name', async () => {
    const backend = await webGpuBackend();
    const buffer = backend.createBuffer('f32', 1 << 16, 'x');
    const reading = failure(() => backend.read(buffer));
    backend.device.destroy();
    expect((await reading).code).toBe('BACKEND_LOST');
    await backend.dispose();
  });

  it('refuses a buffer that is larger than its buffers may be', async () => {
    const backend = await webGpuBackend({ limits: { maxBufferSize: 1 << 28 } });
    const { message, code, hint } = await failure(() => backend.createBuffer('f32', 1 << 27, 'model.norm.weight'));
    expect(code).toBe('BACKEND_MEMORY');
    expect(message).toBe('buffer model.norm.weight: it has 536870912 bytes, a buffer of this adapter holds 268435456');
    expect(hint).toContain('batch.rows');
    const program: Program = { name: 'p', buffers: [], instructions: [], arenaLength: 1 << 27 };
    const before = backend.counts();
    expect((await failure(() => backend.compile(program))).code).toBe('BACKEND_MEMORY');
    expect(backend.counts()).toEqual(before);
    await backend.dispose();
  });

  it('refuses a tensor that a kernel cannot see whole: which, its size, the limit, and what to do', async () => {
    const backend = await webGpuBackend({ limits: { maxStorageBufferBindingSize: 1 << 16 } });
    const [wide, sums] = [40_000, 2].map((length, i) => backend.createBuffer('f32', length, ['logits', 'sums'][i]));
    const inputs = [{ slot: 1, offset: 0, length: 40_000, dtype: 'f32' } as const, undefined];
    const outputs = [{ slot: 2, offset: 0, length: 2, dtype: 'f32' } as const];
    const rows: Program = {
      name: 'sums of rows',
      buffers: [wide, sums],
      instructions: [{ operation: 'reduce', inputs, outputs, attributes: [2, 20_000, 1] }],
      arenaLength: 0,
    };
    const { code, message, hint } = await failure(() => backend.compile(rows));
    expect(code).toBe('BACKEND_MEMORY');
    expect(message).toBe(
      'program sums of rows, reduce: buffer logits has 80000 bytes that a kernel must see at once, on this adapter it sees 65536',
    );
    expect(hint).toContain('batch.rows');
    expect(hint).toContain('max storage buffer binding size');
    await backend.dispose();
  });

  it.each([true, false])(
    'whose compiler finds a kernel wrong: what, and at which line (in turn: %s)',
    async (inTurn) => {
      const backend = await webGpuBackend();
      const errors = new DeviceErrors();
      const kernel = {
        name: 'bad',
        operands: [writes('y')],
        parameters: {},
        workgroupSize: [1] as const,
        body: 'let one = nothing + 1.0;\nset_y(0u, one);',
      };
      await new Pipelines(backend.device, errors, { inTurn }).get(kernel, [0]).ready;
      const { code, message } = await failure(() => errors.settled());
      expect(code).toBe('BACKEND_FAILED');
      expect(message).toMatch(/^kernel bad does not compile: .*nothing.*: let one = nothing \+ 1\.0;$/);
      await backend.dispose();
    },
  );
});

describe('without a device', () => {
  const gpu = (adapter: unknown): GPU => ({ requestAdapter: async () => adapter }) as unknown as GPU;

  it('there is no adapter', async () => {
    const { code, hint } = await failure(() => createWebGpuBackend(gpu(null)));
    expect(code).toBe('USAGE');
    expect(hint).toContain('corpusmill doctor');
  });

  it('an adapter gives none', async () => {
    const adapter = {
      features: new Set(),
      limits: {},
      info: {},
      requestDevice: () => Promise.reject(new Error('out of devices')),
    };
    const { code, message } = await failure(() => createWebGpuBackend(gpu(adapter)));
    expect(code).toBe('USAGE');
    expect(message).toContain('out of devices');
  });

  it('a cause that is told after what it caused is still the one that is thrown', async () => {
    const errors = new DeviceErrors();
    const loss = new Error('lost');
    setTimeout(() => errors.report(loss), 20);
    await expect(errors.explain(new Error('a map that failed'))).rejects.toBe(loss);
    await expect(new DeviceErrors().explain(new Error('its own'))).rejects.toThrow('its own');
  });
});

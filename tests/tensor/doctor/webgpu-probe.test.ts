/** The process that tries WebGPU: whatever becomes of it, there is an answer. */
import { describe, expect, it } from 'vitest';
import { probeWebGpu } from '../../../src/tensor/doctor/webgpu-probe.ts';

describe('a probe that goes wrong', () => {
  it('by a driver that aborts the process', async () => {
    const found = await probeWebGpu({ script: "console.error('driver: no'); process.abort();" });
    expect(found).toMatchObject({ stage: 'crash', message: 'the process that tried it ended with SIGABRT' });
    expect((found as { log: string }).log).toContain('driver: no');
  });

  it('by one that never answers', async () => {
    const found = await probeWebGpu({ script: 'setInterval(() => {}, 1000);', timeoutMs: 300 });
    expect(found).toMatchObject({ stage: 'crash', message: 'the process that tried it did not answer within 0.3 s' });
  });

  it('by one that answers with something else', async () => {
    expect(await probeWebGpu({ script: "console.log('hello');" })).toMatchObject({ stage: 'crash' });
    expect(await probeWebGpu({ script: 'console.log(\'{"stage":"works"}\');' })).toMatchObject({ stage: 'crash' });
  });
});

it('the probe of this machine answers', async () => {
  const found = await probeWebGpu();
  expect(['works', 'package', 'adapter', 'device', 'result', 'crash']).toContain(found.stage);
  if (found.stage === 'works') expect(found.limits['maxBufferSize']).toBeGreaterThanOrEqual(2 ** 28);
});

it('without a driver there is no adapter', async () => {
  const found = await probeWebGpu({ env: { ...process.env, VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '' } });
  if (process.platform !== 'linux' || found.stage === 'package') return;
  expect(found.stage).toBe('adapter');
});

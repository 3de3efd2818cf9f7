import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { CorpusmillError } from '../../src/core/errors.ts';
import { answerHelp, createHelp, type HelpRequest, type HelpTask } from '../../src/pipeline/barrier-help.ts';
import type { WorkerPool } from '../../src/pipeline/pool.ts';

const helped = {
  stage: { name: 'dedup', stage: 'dedup.minhash', options: {} },
  ...{ seed: 1, baseDir: '.', refs: [], workDir: 'work' },
} as unknown as Parameters<typeof createHelp>[1];

/** The two ends of a barrier's port, the far one with a pool that does `run`. */
function connected(run: (task: HelpTask) => Promise<unknown>) {
  const { port1, port2 } = new MessageChannel();
  const pool = { run } as unknown as WorkerPool;
  port1.on('message', (request: HelpRequest) => {
    void answerHelp(pool, port1, request, new AbortController().signal);
  });
  return { ...createHelp(port2, helped), close: () => port1.close() };
}

describe('help for a barrier', () => {
  it('brings each request its own result, in whatever order they come', async () => {
    const { help, stop, close } = connected(async ({ kind, message, workDir }) => {
      await new Promise((resolve) => setTimeout(resolve, 20 - Number(message)));
      return `${kind} ${workDir} ${message}`;
    });
    expect(await Promise.all([1, 20, 10].map(help))).toEqual(['help work 1', 'help work 20', 'help work 10']);
    stop();
    close();
  });

  it('shares shared memory', async () => {
    const { help, stop, close } = connected(async ({ message }) => {
      (message as Uint8Array)[1] = 7;
      return undefined;
    });
    const memory = new Uint8Array(new SharedArrayBuffer(2));
    await help(memory);
    expect([...memory]).toEqual([0, 7]);
    stop();
    close();
  });

  it('fails where a helper fails, and says why', async () => {
    const { help, stop, close } = connected(async () => {
      throw new CorpusmillError('WORKER_FAILED', 'a worker failed: out of memory', { hint: 'more of it' });
    });
    await expect(help(1)).rejects.toThrow('a helper failed: a worker failed: out of memory (more of it)');
    stop();
    close();
  });
});

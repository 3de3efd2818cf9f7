/** The worker pool's beginning and end; what its workers do is tried by the end-to-end tests. */
import { describe, expect, it } from 'vitest';
import { createPool } from '../../src/pipeline/pool.ts';

const options = { workers: 2, memoryMiB: undefined, stages: [] };

describe('createPool', () => {
  it('has workers from `start` on, and none where a run has nothing to do', async () => {
    const ports = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
    const before = ports();
    const pool = createPool(options);
    expect(ports()).toBe(before);
    pool.start();
    expect(ports()).toBeGreaterThan(before);
    await pool.close();
  });

  it('takes no task once it is closed, so that no worker stays behind', async () => {
    const pool = createPool(options);
    await pool.close();
    await expect(pool.run({ kind: 'pass' })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

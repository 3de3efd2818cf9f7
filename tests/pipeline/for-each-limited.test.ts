import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { forEachLimited } from '../../src/pipeline/for-each-limited.ts';

const never = new AbortController().signal;

describe('forEachLimited', () => {
  it('keeps at most `limit` items under way and pulls no further ones meanwhile', async () => {
    let underWay = 0;
    let most = 0;
    let pulled = 0;
    async function* items() {
      for (let i = 0; i < 20; i++) {
        pulled++;
        expect(pulled - finished).toBeLessThanOrEqual(4);
        yield i;
      }
    }
    let finished = 0;
    await forEachLimited(items(), 3, never, async (i) => {
      most = Math.max(most, ++underWay);
      await sleep(i % 3);
      underWay--;
      finished++;
    });
    expect(most).toBe(3);
    expect(finished).toBe(20);
  });

  it('throws the first failure after those under way have ended, and starts nothing more', async () => {
    const ended: number[] = [];
    const started: number[] = [];
    const work = forEachLimited([0, 1, 2, 3, 4, 5, 6, 7], 2, never, async (i) => {
      started.push(i);
      await sleep(i === 1 ? 1 : 15);
      if (i === 1) throw new Error('disk full');
      ended.push(i);
    });
    await expect(work).rejects.toThrow('disk full');
    expect(started.length).toBeLessThanOrEqual(3);
    expect(ended).toEqual(started.filter((i) => i !== 1));
  });

  it('waits for those under way also when the stream itself fails', async () => {
    let ended = 0;
    async function* items() {
      yield 1;
      throw new Error('file vanished');
    }
    const work = forEachLimited(items(), 4, never, async () => {
      await sleep(10);
      ended++;
    });
    await expect(work).rejects.toThrow('file vanished');
    expect(ended).toBe(1);
  });

  it('ends with INTERRUPTED when aborted', async () => {
    const abort = new AbortController();
    const seen: number[] = [];
    const work = forEachLimited([0, 1, 2, 3], 1, abort.signal, async (i) => {
      seen.push(i);
      if (i === 1) abort.abort();
    });
    await expect(work).rejects.toMatchObject({ code: 'INTERRUPTED', exitCode: 130 });
    expect(seen).toEqual([0, 1]);
  });
});

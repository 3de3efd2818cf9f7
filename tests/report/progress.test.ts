import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProgressEvent } from '../../src/core/run-summary.ts';
import { createProgressDisplay } from '../../src/report/progress.ts';
import { textWidth } from '../../src/report/text-width.ts';

const HIDE = '\u001b[?25l';
const SHOW = '\u001b[?25h';
const CLEAR = '\r\u001b[2K';

/** Lets the faked clock and its timers run to this time. */
const at = (seconds: number) => vi.advanceTimersByTime(seconds * 1000 - Date.now());

function display(isTTY: boolean, columns = 80) {
  const writes: string[] = [];
  const shown = createProgressDisplay(
    { isTTY, columns, write: (text: string) => writes.push(text) },
    { now: Date.now, color: false },
  );
  return { ...shown, writes };
}

const start: ProgressEvent = {
  type: 'phase-start',
  phase: 'pass-1',
  title: 'read and filter',
  index: 0,
  phases: 3,
  totalBytes: 100_000_000,
};
const progress = (fraction: number, note?: string): ProgressEvent => ({
  type: 'phase-progress',
  phase: 'pass-1',
  fraction,
  documents: fraction * 10_000,
  bytes: fraction * 100_000_000,
  note,
});
const end: ProgressEvent = {
  type: 'phase-end',
  phase: 'pass-1',
  seconds: 10,
  reused: false,
  documents: 10_000,
  bytes: 100_000_000,
};

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('progress on a terminal', () => {
  it('draws a phase as one line, and leaves a line when it ends', () => {
    const { onEvent, stop, writes } = display(true);
    onEvent(start);
    at(1.5);
    onEvent(progress(0.1));
    at(2.5);
    onEvent(progress(0.2));
    at(10);
    onEvent(end);
    stop();
    expect(writes[0]).toBe(`${HIDE}${CLEAR}[1/3] read and filter  ░░░░░░░░░░░░░░░░░░░░ 0 %  0.0 s`);
    // 10 % of 100 MB in the second between the two observations: 10 MB/s, and 80 % left at 10 % a second.
    expect(writes).toContain(`${CLEAR}[1/3] read and filter  ██░░░░░░░░ 20 %  2,000 documents  10.0 MB/s  8 s left`);
    expect(writes.at(-2)).toBe(`${CLEAR}✓ [1/3] read and filter  10 s, 10,000 documents, 10.0 MB/s\n`);
    expect(writes.at(-1)).toBe(SHOW);
  });

  it('redraws at most ten times a second', () => {
    const { onEvent, stop, writes } = display(true);
    onEvent(start);
    for (let i = 1; i <= 1000; i++) {
      at(i / 1000);
      onEvent(progress(i / 2000));
    }
    // One at the start, then one each 100 ms up to and with the last.
    expect(writes).toHaveLength(11);
    stop();
  });

  it('goes on ticking while a phase says nothing', () => {
    const { onEvent, stop, writes } = display(true);
    onEvent(start);
    at(1);
    at(2);
    at(3);
    expect(writes).toHaveLength(4);
    expect(writes.at(-1)).toContain('3.0 s');
    stop();
  });

  it('never passes the width of the terminal, also in Chinese', () => {
    const { onEvent, stop, writes } = display(true, 40);
    onEvent({ ...start, title: '读取并过滤全部语料，去除重复的文档' });
    at(1);
    onEvent(progress(0.5, 'a note that goes on and on and on'));
    for (const text of writes) expect(textWidth(text.replaceAll(CLEAR, '').replaceAll(HIDE, ''))).toBeLessThan(40);
    stop();
  });

  it('cuts a long title rather than the figures', () => {
    const { onEvent, stop, writes } = display(true, 80);
    onEvent({ ...start, title: 'read, normalize … filter.fineweb (6 stages), features for dedup.exact' });
    at(1.5);
    onEvent(progress(0.1));
    at(2.5);
    onEvent(progress(0.2));
    stop();
    const drawn = writes.filter((text) => text.includes('20 %'));
    expect(drawn).toHaveLength(1);
    expect(drawn[0].slice(CLEAR.length)).toMatch(/^\[1\/3\] read, norm/);
    expect(drawn[0].endsWith('…  ██░░░░░░░░ 20 %  2,000 documents  10.0 MB/s  8 s left')).toBe(true);
    expect(textWidth(drawn[0].slice(CLEAR.length))).toBeLessThan(80);
  });

  it('prints a warning above the line', () => {
    const { onEvent, stop, writes } = display(true);
    onEvent(start);
    onEvent({ type: 'warning', message: 'worker 2 was\u001b[2J replaced' });
    expect(writes[1]).toBe(`${CLEAR}warning: worker 2 was\ufffd[2J replaced\n`);
    expect(writes[2]).toContain('[1/3] read and filter');
    stop();
  });

  it('says that a phase was finished before', () => {
    const { onEvent, stop, writes } = display(true);
    onEvent(start);
    onEvent({ ...end, reused: true, seconds: 0 });
    expect(writes.at(-1)).toBe(`${CLEAR}= [1/3] read and filter  already finished, 10,000 documents\n`);
    stop();
  });

  it('ends with what was last reported where the end brings no totals', () => {
    const { onEvent, stop, writes } = display(true);
    onEvent(start);
    at(5.5);
    onEvent(progress(1));
    onEvent({ ...end, documents: 0, bytes: 0 });
    expect(writes.at(-1)).toBe(`${CLEAR}✓ [1/3] read and filter  10 s, 10,000 documents, 10.0 MB/s\n`);
    stop();
  });

  it('does not take a resumed phase for a fast one', () => {
    const { onEvent, stop, writes } = display(true);
    onEvent(start);
    at(1.5);
    onEvent(progress(0.6));
    at(5.5);
    onEvent(progress(0.62));
    // 2 % in 4 s: 38 % take 76 s more, not the 3 s that 62 % in 5 s would promise.
    expect(writes.at(-1)).toContain('1 min 16 s left');
    stop();
  });

  it('clears its line and gives the cursor back when stopped, and then is silent', () => {
    const { onEvent, stop, writes } = display(true);
    onEvent(start);
    stop();
    expect(writes.at(-1)).toBe(CLEAR + SHOW);
    const count = writes.length;
    onEvent(progress(0.5));
    onEvent(end);
    onEvent({ type: 'warning', message: 'late' });
    stop();
    at(60);
    expect(writes).toHaveLength(count);
  });

  it('leaves no listener and no timer behind', () => {
    const listeners = process.listenerCount('exit');
    const { onEvent, stop } = display(true);
    onEvent(start);
    expect(process.listenerCount('exit')).toBe(listeners + 1);
    stop();
    expect(process.listenerCount('exit')).toBe(listeners);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('writes nothing for a display that was never used', () => {
    const { stop, writes } = display(true);
    stop();
    expect(writes).toEqual([]);
  });
});

describe('progress in a log', () => {
  it('is a line at start and end and one in ten seconds between, without control characters', () => {
    const { onEvent, stop, writes } = display(false);
    onEvent(start);
    for (let second = 1; second <= 25; second++) {
      at(second);
      onEvent(progress(second / 50));
    }
    onEvent({ ...end, seconds: 25 });
    stop();
    expect(writes).toEqual([
      '[1/3] read and filter\n',
      // 2 % and 2 MB a second; at 20 % 40 s are left, at 40 % 30 s.
      '[1/3] read and filter: 20 %, 2,000 documents, 2.00 MB/s, 40 s left\n',
      '[1/3] read and filter: 40 %, 4,000 documents, 2.00 MB/s, 30 s left\n',
      '[1/3] read and filter: done in 25 s, 10,000 documents, 4.00 MB/s\n',
    ]);
  });

  it('says in one line that a phase was finished before', () => {
    const { onEvent, stop, writes } = display(false);
    onEvent(start);
    onEvent({ ...end, reused: true, seconds: 0 });
    stop();
    expect(writes.at(-1)).toBe('[1/3] read and filter: already finished, 10,000 documents\n');
  });
});

import { describe, expect, it } from 'vitest';
import { lineChart } from '../../src/report/line-chart.ts';
import { createTrainDisplay } from '../../src/report/train-progress.ts';
import type { LogRecord } from '../../src/training/log.ts';

describe('a curve in characters', () => {
  it('falls from the upper left to the lower right', () => {
    expect(lineChart([3, 3, 2, 1, 1], { width: 40, height: 3 })).toEqual(['3 ┤──╮', '2 ┤  ╰╮', '1 ┤   ╰─']);
  });

  it('a value that is not finite is a gap', () => {
    const [top] = lineChart([1, Number.NaN, 1], { width: 20, height: 2 });
    expect(top.endsWith('┤─ ─')).toBe(true);
  });

  it('is never wider than asked for, however many points there are', () => {
    const rows = lineChart(
      Array.from({ length: 5000 }, (_, i) => 10 / (1 + i)),
      { width: 60, height: 5 },
    );
    expect(rows).toHaveLength(5);
    expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(60);
  });

  it('of no values is empty', () => {
    expect(lineChart([Number.NaN], { width: 20, height: 4 })).toEqual([]);
  });
});

function step(number: number): LogRecord {
  return {
    kind: 'step',
    step: number,
    tokens: 100 * number,
    loss: 4 - number / 10,
    learningRate: 0.001,
    gradientNorm: 1.25,
    updated: true,
    time: { seconds: number, stepSeconds: 0.5, tokensPerSecond: 200, shareOfPeak: 0.5 },
  };
}

function shownBy(isTTY: boolean, secondsPerStep: number): string {
  let text = '';
  let ms = 0;
  const stream = {
    isTTY,
    columns: 120,
    write(chunk: string) {
      text += chunk;
    },
  };
  const display = createTrainDisplay(stream, { now: () => ms, color: false });
  for (let i = 1; i <= 30; i++) {
    ms += 1000 * secondsPerStep;
    display.onRecord(step(i));
  }
  display.onRecord({
    kind: 'guard',
    step: 30,
    event: 'non-finite',
    tensors: [{ name: 'gradient of lm_head.weight', count: 2 }],
    gradientNorm: null,
    medianNorm: null,
    action: 'skipped',
    time: { seconds: 1 },
  });
  display.stop();
  display.onRecord(step(31));
  return text;
}

describe('the display of a run', () => {
  it('in a log file: a line every ten seconds, no control sequences', () => {
    const lines = shownBy(false, 1).trimEnd().split('\n');
    expect(lines).toHaveLength(1 + 2 + 1);
    expect(lines[1]).toBe('step 11  loss 2.9000  norm 1.25  lr 1.00e-3  200 tokens/s  50 % of peak');
    expect(lines[3]).toBe('non-finite: step 30 skipped: gradient of lm_head.weight is not finite');
    expect(lines.join('')).not.toContain('\u001b');
  });

  it('on a terminal: the curve is redrawn in place, and nothing follows the stop', () => {
    const text = shownBy(true, 1);
    expect(text).toContain('\u001b[J');
    expect(text).toContain('┤');
    expect(text).toContain('step 30');
    expect(text).not.toContain('step 31');
  });
});

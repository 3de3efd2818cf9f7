/** What a stage's log comes to: figures of its first and last steps, curves of at most 200 points, nothing where nothing is finite. */
import { describe, expect, it } from 'vitest';
import type { OnlineRunRecord } from '../../src/align/online-log.ts';
import type { OnlineStepRecord } from '../../src/align/online-loop.ts';
import { summarizeOffline, summarizeOnline } from '../../src/align/summarize-stage.ts';
import type { LogRecord } from '../../src/training/log.ts';

const RUN = { kind: 'run', data: { records: { records: 50, used: 48 } } } as unknown as LogRecord;

function step(number: number, loss: number | null, metrics: Record<string, number> = {}): LogRecord {
  return { kind: 'step', step: number, tokens: number * 10, loss, metrics } as unknown as LogRecord;
}

describe('a log of a stage on files', () => {
  it('gives the means of the first and last twentieth, and validation by its ends', () => {
    const steps = Array.from({ length: 40 }, (_, i) => step(i + 1, 40 - i));
    const evaluations = [10, 40].map(
      (at) => ({ kind: 'evaluation', step: at, loss: 100 / at }) as unknown as LogRecord,
    );
    const found = summarizeOffline('sft', [RUN, ...steps, ...evaluations]);
    expect(found).toMatchObject({ steps: 40, records: { read: 50, used: 48 } });
    // 40 steps: two at either end.
    expect(found.figures).toEqual([
      { name: 'loss', first: 39.5, last: 1.5 },
      { name: 'loss (held out)', first: 10, last: 2.5 },
    ]);
    const [chart] = found.charts;
    expect(chart.lines.map(({ name, kind, points }) => [name, kind, points.length])).toEqual([
      ['training', 'line', 40],
      ['held out', 'dots', 2],
    ]);
  });

  it('joins neighbouring steps to 200 points, and leaves out what is not finite', () => {
    const steps = Array.from({ length: 1000 }, (_, i) => step(i + 1, i % 5 === 0 ? null : 2, { accuracy: i / 1000 }));
    const found = summarizeOffline('reward', [RUN, ...steps]);
    const [accuracy, loss] = found.charts;
    expect(accuracy.title).toBe('Accuracy');
    expect(accuracy.lines[0].points).toHaveLength(200);
    // Steps 1 to 5: accuracies 0 to .004.
    expect(accuracy.lines[0].points[0][0]).toBe(5);
    expect(accuracy.lines[0].points[0][1]).toBeCloseTo(0.002, 12);
    expect(loss.lines[0].points.every(([, value]) => value === 2)).toBe(true);
    // No step has a margin.
    expect(found.charts.map(({ title }) => title)).toEqual(['Accuracy', 'Loss']);
    expect(found.figures[1]).toEqual({ name: 'margin', first: null, last: null });
  });
});

describe('a log of an online stage', () => {
  const run = { kind: 'run', prompts: { records: 9, used: 8 } } as unknown as OnlineRunRecord;
  const made = (number: number, given: object): OnlineStepRecord =>
    ({ kind: 'online', step: number, reward: number / 10, ...given }) as unknown as OnlineStepRecord;

  it('has the curves of its stage, and none for figures that it does not have', () => {
    const steps = [1, 2, 3].map((n) => made(n, { kl: 0.5, entropy: 1, clipFraction: null, responseLength: 6 }));
    const found = summarizeOnline('grpo', [run, ...steps]);
    expect(found).toMatchObject({ steps: 3, records: { read: 9, used: 8 } });
    expect(found.figures[0]).toEqual({ name: 'reward', first: 0.1, last: 0.3 });
    expect(found.charts.map(({ title }) => title)).toEqual([
      'Reward',
      'KL to the reference (nats a text)',
      'Entropy (nats a token)',
      'Response length (tokens)',
    ]);
    expect(found.charts[0].lines[0].points).toEqual([
      [1, 0.1],
      [2, 0.2],
      [3, 0.3],
    ]);
  });
});

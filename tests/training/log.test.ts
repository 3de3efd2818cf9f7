import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { comparable, LOG_NAME, type LogRecord, parseLog } from '../../src/training/log.ts';
import { openLog } from '../../src/training/log-file.ts';
import { valuesOf } from '../../src/training/tensorboard-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'corpusmill-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

function step(number: number, seconds = 1): LogRecord {
  return {
    kind: 'step',
    step: number,
    tokens: 10 * number,
    loss: 3 / number,
    learningRate: 0.1,
    gradientNorm: null,
    updated: true,
    time: { seconds, stepSeconds: 1, tokensPerSecond: 10, shareOfPeak: null },
  };
}

describe('the log', () => {
  it('goes on behind a checkpoint: later records, the end and a torn line go', async () => {
    const path = join(folder, LOG_NAME);
    const end: LogRecord = {
      kind: 'end',
      step: 2,
      tokens: 20,
      reason: 'steps',
      loss: 1,
      validationLoss: null,
      time: { seconds: 1 },
    };
    const lines = [step(1), step(2), end, step(3)].map((record) => JSON.stringify(record)).join('\n');
    writeFileSync(path, `${lines}\n{"kind":"step","st`);
    const { log, kept } = await openLog(path, 2);
    expect(kept).toEqual([step(1), step(2)]);
    log.write(step(3, 5));
    log.close();
    expect(parseLog(readFileSync(path, 'utf8'))).toEqual([step(1), step(2), step(3, 5)]);
  });

  it('begins anew without a checkpoint', async () => {
    const path = join(folder, 'anew.jsonl');
    writeFileSync(path, `${JSON.stringify(step(1))}\n`);
    const { log, kept } = await openLog(path);
    log.close();
    expect([kept, readFileSync(path, 'utf8')]).toEqual([[], '']);
  });

  it('without clock and sessions, logs of a run and of one in two parts are equal', () => {
    const session: LogRecord = {
      kind: 'session',
      event: 'resumed',
      step: 1,
      time: { startedAt: '2026-01-01T00:00:00Z', backend: 'native', threads: null, peakFlops: null },
    };
    expect(comparable([step(1), session, step(2, 99)])).toEqual(comparable([step(1), step(2)]));
  });

  it('reports lines that are no records', () => {
    const broken: number[] = [];
    parseLog(`${JSON.stringify(step(1))}\nrubbish\n`, (line) => broken.push(line));
    expect(broken).toEqual([2]);
  });
});

describe("TensorBoard's values", () => {
  it('leave out what is not finite', () => {
    expect(valuesOf(step(2)).map((value) => [value.tag, value.kind === 'scalar' ? value.value : ''])).toEqual([
      ['train/loss', 1.5],
      ['train/learning_rate', 0.1],
    ]);
  });
});

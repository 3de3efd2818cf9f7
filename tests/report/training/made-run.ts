/** Logs of training runs that never were, with figures that are easily predicted. */
import type { LogRecord, RunRecord, StepRecord } from '../../../src/training/log.ts';

export interface MadeRun {
  name?: string;
  steps?: number;
  /** Loss of step n is `loss / n`. */
  loss?: number;
  text?: string;
  settings?: Record<string, unknown>;
  /** Steps that the guard skipped. */
  skipped?: readonly number[];
  metrics?: Record<string, number>;
  ended?: boolean;
}

export function madeLog({
  name = 'made',
  steps = 100,
  loss = 8,
  text = ' upon a time',
  settings = { optimizer: { learningRate: 0.001 }, seed: 1 },
  skipped = [],
  metrics,
  ended = true,
}: MadeRun = {}): LogRecord[] {
  const run: RunRecord = {
    kind: 'run',
    version: 1,
    name,
    model: {
      architecture: 'qwen3',
      parameters: 1_234_567,
      activeParameters: 1_234_567,
      layers: 4,
      hiddenSize: 128,
      vocabSize: 512,
      startedFrom: null,
    },
    data: { kind: 'shards', paths: ['/data/shards'], tokens: 50_000, validationTokens: 1_000 },
    objective: 'pretraining',
    rows: 4,
    sequenceLength: 250,
    accumulation: 1,
    tokensPerStep: 1_000,
    steps,
    flopsPerToken: 7.5e6,
    memory: { weights: 2 ** 20, gradients: 2 ** 20, moments: 2 ** 21, arena: 2 ** 24, scratch: 0 },
    settings,
  };
  const session = (event: 'started' | 'resumed' | 'interrupted', step: number): LogRecord => ({
    kind: 'session',
    event,
    step,
    time: { startedAt: '2026-01-02T03:04:05.000Z', backend: 'native', threads: null, peakFlops: null },
  });
  const records: LogRecord[] = [run, session('started', 0)];
  for (let step = 1; step <= steps; step++) {
    const isSkipped = skipped.includes(step);
    const time = { seconds: step, stepSeconds: 1, tokensPerSecond: 1_000, shareOfPeak: 0.5 };
    const record: StepRecord = {
      kind: 'step',
      step,
      tokens: 1_000 * step,
      loss: isSkipped ? null : loss / step,
      learningRate: 0.001,
      gradientNorm: isSkipped ? null : 0.5,
      updated: !isSkipped,
      ...(metrics && { metrics }),
      time,
    };
    records.push(record);
    if (isSkipped) {
      records.push({
        kind: 'guard',
        step,
        event: 'non-finite',
        tensors: [{ name: `gradient of ${text}`, count: 3 }],
        gradientNorm: null,
        medianNorm: null,
        action: 'skipped',
        time: { seconds: step },
      });
    }
    if (step % 25 !== 0) continue;
    const [tokens, seconds] = [1_000 * step, step];
    const validation = loss / step + 0.1;
    records.push(
      {
        kind: 'evaluation',
        step,
        tokens,
        loss: validation,
        perplexity: Math.exp(validation),
        evaluatedTokens: 1_000,
        best: true,
        time: { seconds, evaluationSeconds: 1 },
      },
      { kind: 'sample', step, tokens, prompt: 'Once', text, time: { seconds } },
      {
        kind: 'checkpoint',
        step,
        tokens,
        reason: 'steps',
        folder: `checkpoints/step-${String(step).padStart(8, '0')}`,
        validationLoss: validation,
        time: { seconds },
      },
    );
  }
  const last = { step: steps, tokens: 1_000 * steps };
  if (ended) {
    records.push({
      kind: 'end',
      ...last,
      reason: 'steps',
      loss: loss / steps,
      validationLoss: null,
      time: { seconds: 1 },
    });
  } else records.push(session('interrupted', steps));
  return records;
}

/**
 * Training tokens per second beside PyTorch on the same CPU: the same models (configs/models/tiny-qwen2-*), batches, AdamW with
 * clipping, float32, two threads each, by turns in one run: median of the rounds and of their ratios. PyTorch runs a lean
 * decoder with its own fastest operations (bench/peers/train_speed.py), eager and compiled.
 *
 * CORPUSMILL_BENCH_MODELS=1m,6m,25m,110m chooses models; CORPUSMILL_BENCH_ROUNDS and _SECONDS how long; CORPUSMILL_BENCH_PROFILE=1
 * prints the time of each operation; CORPUSMILL_BENCH_CPU=1 counts processor seconds of one thread each, for a machine that
 * others use too.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { costOf } from '../src/models/cost.ts';
import { findConfig } from '../src/models/known-configs.ts';
import { createWeights } from '../src/models/weights.ts';
import { openBackend } from '../src/tensor/open-backend.ts';
import { pretrainingObjective } from '../src/training/objective.ts';
import { createTrainStep, type TrainStep } from '../src/training/train-step.ts';
import type { Bench } from './bench.ts';
import { median } from './median.ts';
import { openPythonPeer, type PythonPeer } from './python-peer.ts';

/** Tokens of a step: as large as a person would take on a laptop. */
const SIZES: Record<string, { batch: number; time: number }> = {
  '1m': { batch: 16, time: 128 },
  '6m': { batch: 8, time: 256 },
  '25m': { batch: 4, time: 512 },
  '110m': { batch: 1, time: 1024 },
};
const CPU_TIME = process.env['CORPUSMILL_BENCH_CPU'] === '1';
const THREADS = CPU_TIME ? 1 : Math.min(2, availableParallelism());

export const trainSpeed: Bench = {
  name: 'train-speed',
  summary: 'Training tokens per second at 1M to 110M parameters, beside PyTorch eager and compiled',
  async run() {
    const models = (process.env['CORPUSMILL_BENCH_MODELS'] ?? '1m,6m,25m,110m').split(',');
    const rounds = Number(process.env['CORPUSMILL_BENCH_ROUNDS'] ?? 3);
    const seconds = Number(process.env['CORPUSMILL_BENCH_SECONDS'] ?? 5);
    const table: (string | number)[][] = [
      [
        'model',
        'batch × time',
        'corpusmill tok/s',
        'GFLOP/s',
        'PyTorch eager tok/s',
        'ratio',
        'compiled tok/s',
        'ratio',
      ],
    ];
    const notes: string[] = [];
    const figures: Record<string, number | string | null> = { models: models.join(','), threads: THREADS };
    const ratios: number[] = [];
    const peer = openPythonPeer('train_speed.py', {
      THREADS: String(THREADS),
      CPU_TIME: CPU_TIME ? '1' : '0',
    });
    try {
      for (const model of models) {
        const own = await openOwn(model);
        const eager: number[] = [];
        const mine: number[] = [];
        const pairs: number[] = [];
        for (let round = 0; round < rounds; round++) {
          const theirs = await askPeer(peer, own, seconds, false, notes);
          mine.push(await own.run(seconds));
          if (theirs === undefined) continue;
          eager.push(theirs);
          pairs.push(mine[mine.length - 1] / theirs);
        }
        const compiled: number[] = [];
        const compiledPairs: number[] = [];
        for (let round = 0; round < rounds && process.env['CORPUSMILL_BENCH_COMPILE'] !== '0'; round++) {
          const theirs = await askPeer(peer, own, seconds, true, notes);
          if (theirs === undefined) break;
          compiled.push(theirs);
          compiledPairs.push((await own.run(seconds)) / theirs);
        }
        const speed = median(mine);
        const gigaflops = (speed * own.flopsPerToken) / 1e9;
        table.push([
          model,
          `${own.batch} × ${own.time}`,
          Math.round(speed),
          Math.round(gigaflops),
          eager.length > 0 ? Math.round(median(eager)) : '-',
          pairs.length > 0 ? round2(median(pairs)) : '-',
          compiled.length > 0 ? Math.round(median(compiled)) : '-',
          compiledPairs.length > 0 ? round2(median(compiledPairs)) : '-',
        ]);
        figures[`tokensPerSecond_${model}`] = Math.round(speed);
        figures[`ratioToPyTorchEager_${model}`] = pairs.length > 0 ? round2(median(pairs)) : null;
        figures[`ratioToPyTorchCompiled_${model}`] = compiledPairs.length > 0 ? round2(median(compiledPairs)) : null;
        if (pairs.length > 0) ratios.push(median(pairs));
        await own.close();
      }
    } finally {
      peer.close();
    }
    figures['minRatioToPyTorchEager'] = ratios.length === models.length ? round2(Math.min(...ratios)) : null;
    return { table, figures, notes };
  },
};

interface Own {
  readonly json: unknown;
  readonly batch: number;
  readonly time: number;
  readonly flopsPerToken: number;
  /** Tokens per second over about so many seconds. */
  run(seconds: number): Promise<number>;
  close(): Promise<void>;
}

async function openOwn(model: string): Promise<Own> {
  const named = findConfig(`tiny-qwen2-${model}`);
  const { config } = named;
  const { batch, time } = SIZES[model];
  const backend = await openBackend('native', { threads: THREADS });
  const weights = createWeights(backend, config);
  weights.initialize(1);
  const step = createTrainStep(backend, weights, {
    objective: pretrainingObjective({ batch, time, packed: false }),
    beta1: 0.9,
    beta2: 0.95,
    eps: 1e-8,
    weightDecay: 0.1,
    clipNorm: 1,
    maxPositions: time,
  });
  const data = randomBatch(config.vocabSize, batch, time);
  let at = 0;
  const once = async (): Promise<void> => {
    await step.accumulate(data);
    at++;
    await step.update({ learningRate: 3e-4, step: at });
  };
  if (process.env['CORPUSMILL_BENCH_PROFILE'] === '1') await printProfile(model, step, data);
  return {
    json: JSON.parse(readFileSync(named.path, 'utf8')),
    batch,
    time,
    flopsPerToken: costOf(config, time).flopsPerToken.causal,
    async run(seconds) {
      await once();
      const start = now();
      let steps = 0;
      while (steps === 0 || now() - start < seconds) {
        await once();
        steps++;
      }
      return (steps * batch * time) / (now() - start);
    },
    async close() {
      step.dispose();
      weights.dispose();
      await backend.dispose();
    },
  };
}

/** Seconds, of the clock or of the processor. */
function now(): number {
  if (!CPU_TIME) return performance.now() / 1000;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function randomBatch(vocab: number, batch: number, time: number) {
  const ids = Int32Array.from({ length: batch * time }, (_, i) => (i * 7919 + (i >> 3) * 104_729) % vocab);
  return {
    ids,
    positions: ids.map((_, i) => i % time),
    labels: ids.map((_, i) => (i * 7907 + 13) % vocab),
    tokenWeights: new Float32Array(ids.length).fill(1 / ids.length),
    share: Float32Array.of(1),
  };
}

async function printProfile(model: string, step: TrainStep, data: ReturnType<typeof randomBatch>): Promise<void> {
  await step.profile(data);
  const sums = new Map<string, { calls: number; milliseconds: number }>();
  for (const { operation, calls, milliseconds } of await step.profile(data)) {
    const sum = sums.get(operation) ?? { calls: 0, milliseconds: 0 };
    sums.set(operation, { calls: sum.calls + calls, milliseconds: sum.milliseconds + milliseconds });
  }
  const rows = [...sums].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
  for (const [operation, { calls, milliseconds }] of rows) {
    process.stderr.write(
      `${model} ${operation.padEnd(24)} ${String(calls).padStart(5)} ${milliseconds.toFixed(2)} ms\n`,
    );
  }
}

async function askPeer(
  peer: PythonPeer,
  { json, batch, time }: Own,
  seconds: number,
  compile: boolean,
  notes: string[],
): Promise<number | undefined> {
  const answer = (await peer.ask({ model: json, batch, time, seconds, compile })) as {
    tokensPerSecond?: number;
    error?: string;
  };
  if (answer.error !== undefined) {
    const note = `PyTorch${compile ? ' compiled' : ''}: ${answer.error}`;
    if (!notes.includes(note)) notes.push(note);
  }
  return answer.tokensPerSecond;
}

function round2(value: number): number {
  return Math.round(100 * value) / 100;
}

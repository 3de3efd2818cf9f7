import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { defineBarrier } from '../../src/core/stage.ts';
import type { BarrierMessage, BarrierOutcome, BarrierTask } from '../../src/pipeline/barrier-task.ts';
import type { BarrierPhase, Phase } from '../../src/pipeline/phase.ts';
import type { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { WorkerPool } from '../../src/pipeline/pool.ts';
import { barrierIsFinished, runBarrier } from '../../src/pipeline/run-barrier.ts';
import type { RunContext } from '../../src/pipeline/run-context.ts';
import { finishPhase } from '../../src/pipeline/run-directory.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'corpusmill-barrier-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const volume = { documents: 3, bytes: 30 };
const outcome: BarrierOutcome = {
  ...{ decided: true, input: volume, output: volume, dropped: {}, artifacts: {} },
  ...{ samples: {}, details: {} },
};
const definition = { name: 'dedup.exact' } as ReturnType<typeof defineBarrier>;
const phase = {
  ...{ kind: 'barrier', id: '02-dedup', title: 'dedup', key: 'k', featureKey: 'f' },
  ...{ over: { pass: '01-pass', decisions: [] }, stage: { name: 'dedup', definition, options: {} } },
} as unknown as BarrierPhase;

/** A run of one finished pass and `phase`, with a worker that does what `perform` does. */
async function runWith(perform: (progress: MessagePort) => Promise<void>): Promise<RunContext> {
  const pass = { kind: 'pass', id: '01-pass', key: 'p' } as Phase;
  const directory = {
    root,
    phase: (id: string) => join(root, 'phases', id),
    output: (name: string) => join(root, 'output', name),
    close: () => {},
  };
  await finishPhase(directory.phase('01-pass'), 'p', { rows: [3] });
  const run = async (task: object): Promise<unknown> => {
    const { progress, outputDir } = task as BarrierTask;
    mkdirSync(outputDir, { recursive: true });
    await perform(progress);
    return outcome;
  };
  return {
    pipeline: { baseDir: root, seed: 1, inputs: [], run: {} } as unknown as Pipeline,
    plan: { phases: [pass, phase], hash: 'h', final: undefined },
    files: [],
    directory,
    pool: { workers: 1, limit: 3, run, close: async () => {} } as unknown as WorkerPool,
    signal: new AbortController().signal,
    emit: () => {},
    onTraining: () => {},
    decisions: new Map(),
    late: [],
  };
}

describe('a barrier', () => {
  it('is through at the decision, while its account is still being made', async () => {
    let finishAccount = (): void => {};
    const run = await runWith(async (progress) => {
      progress.postMessage({ decision: outcome } satisfies BarrierMessage);
      await new Promise<void>((resolve) => {
        finishAccount = resolve;
      });
    });
    await runBarrier(run, phase);
    expect(barrierIsFinished(run, phase)).toBe(false);
    expect(run.decisions.get(phase.id)).toEqual(outcome);
    finishAccount();
    await Promise.all(run.late);
    expect(barrierIsFinished(run, phase)).toBe(true);
  });

  it('is through also when the result is read before the decision, which is then never read', async () => {
    const run = await runWith(async (progress) => {
      progress.postMessage({ decision: outcome } satisfies BarrierMessage);
    });
    await runBarrier(run, phase);
    expect(barrierIsFinished(run, phase)).toBe(true);
    expect(run.decisions.size).toBe(0);
    expect(existsSync(join(root, 'output', 'dedup'))).toBe(false);
  });

  it('fails as its worker does', async () => {
    const run = await runWith(() => Promise.reject(new Error('broken')));
    await expect(runBarrier(run, phase)).rejects.toThrow('broken');
  });
});

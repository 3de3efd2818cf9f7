/** The alignment stages on WebGPU: losses and gradient norms of a few steps beside those of the native backend. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OfflineStage } from '../../src/align/config/schema.ts';
import { native } from '../../src/core/native.ts';
import type { Backend } from '../../src/tensor/backend.ts';
import { openBackend } from '../../src/tensor/open-backend.ts';
import type { WebGpuBackend } from '../../src/tensor/webgpu/backend.ts';
import { describeWithWebGpu, webGpuBackend } from '../tensor/webgpu/device.ts';
import { runStage, stageFolder } from './stage-folders.ts';
import { tinyAlignment, tinyPpo } from './tiny-alignment.ts';

const STEPS = 3;

/** The figures of a step that every backend has to agree on. */
type Figures = Readonly<Record<string, number>>;

describeWithWebGpu('alignment on WebGPU', () => {
  // One for all of them: compiling its kernels takes longer than running them.
  let gpu: WebGpuBackend;
  let other: Backend;
  const folders: string[] = [];
  const folder = async (): Promise<string> => {
    folders.push(await stageFolder());
    return folders.at(-1)!;
  };
  beforeAll(async () => {
    gpu = await webGpuBackend();
    other = await openBackend(native === undefined ? 'reference' : 'native');
  });
  afterAll(async () => {
    await Promise.all([gpu, other].map((backend) => backend?.dispose()));
    for (const path of folders) rmSync(path, { recursive: true });
  });

  async function stageFigures(
    stage: OfflineStage,
    given: Record<string, unknown>,
    backend: Backend,
  ): Promise<Figures[]> {
    const records = await runStage(stage, await folder(), { ...given, stop: { steps: STEPS } }, backend);
    return records.flatMap((record) =>
      record.kind === 'step'
        ? [{ loss: record.loss as number, gradientNorm: record.gradientNorm as number, ...record.metrics }]
        : [],
    );
  }

  it.each([
    ['sft', { data: { conversations: 'conversations.jsonl' }, neftune: 5 }],
    ['reward', { data: { pairs: 'pairs.jsonl' }, margin: 'data', centering: 0.01 }],
    ['dpo', { data: { pairs: 'pairs.jsonl' } }],
  ] as const)(
    '%s has the losses and gradient norms of the native backend',
    { timeout: 120_000 },
    async (stage, given) => {
      const found = await stageFigures(stage, given, gpu);
      const expected = await stageFigures(stage, given, other);
      expect(expected).toHaveLength(STEPS);
      expectClose(found, expected);
    },
  );

  it('ppo samples, scores and learns as the native backend', { timeout: 120_000 }, async () => {
    const run = async (backend: Backend): Promise<{ figures: Figures[]; samples: unknown }> => {
      const { trainer } = await tinyAlignment(tinyPpo(), { backend, shown: 6 });
      const figures: Figures[] = [];
      const samples: unknown[] = [];
      for (let step = 0; step < STEPS; step++) {
        const { samples: shown, ...record } = await trainer.step();
        samples.push(shown);
        figures.push(
          Object.fromEntries(Object.entries(record).filter(([, value]) => typeof value === 'number')) as Figures,
        );
      }
      await trainer.dispose();
      return { figures, samples };
    };
    const found = await run(gpu);
    const expected = await run(other);
    expect(found.samples).toEqual(expected.samples);
    for (const name of ['policyLoss', 'valueLoss', 'gradientNorm', 'kl']) {
      expect(Object.keys(expected.figures[STEPS - 1])).toContain(name);
    }
    expectClose(found.figures, expected.figures);
  });
});

/** Within 1e-3 of what is expected; what is about 0 by the largest of its kind. */
function expectClose(found: readonly Figures[], expected: readonly Figures[]): void {
  expect(found.map((step) => Object.keys(step))).toEqual(expected.map((step) => Object.keys(step)));
  for (const name of Object.keys(expected[0])) {
    const scale = Math.max(...expected.map((step) => Math.abs(step[name])), 1e-3);
    expected.forEach((step, i) => {
      expect(Math.abs(found[i][name] - step[name]) / scale, `${name} of step ${i + 1}`).toBeLessThan(1e-3);
    });
  }
}

/** KTO on answers with labels, as a run. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { jsonl, runStage, stageFolder } from './stage-folders.ts';

let folder: string;
beforeAll(async () => {
  folder = await stageFolder();
  const answers = Array.from({ length: 40 }, (_, i) => ({
    prompt: `say ${i}`,
    completion: i % 2 === 0 ? `please ${i}` : `no ${i}`,
    label: i % 2 === 0,
  }));
  writeFileSync(join(folder, 'labels.jsonl'), jsonl(answers));
});
afterAll(() => rmSync(folder, { recursive: true }));

const dpo = (loss: object) =>
  runStage('dpo', folder, {
    data: { pairs: 'labels.jsonl', epochs: 'unlimited' },
    loss,
    dropout: 0,
    schedule: { kind: 'constant', warmup: 0 },
    optimizer: { learningRate: 3e-3 },
    stop: { steps: 20 },
  });

it('begins at a half, where policy and reference are one, and raises good answers over bad ones', async () => {
  const steps = (await dpo({ kind: 'kto-pair', beta: 0.5 })).filter((record) => record.kind === 'step');
  // ½(1 − σ(0)) for each side.
  expect(steps[0].loss).toBeCloseTo(0.5, 5);
  expect(steps[19].loss).toBeLessThan(0.4);
  expect(steps[19].metrics?.['margin']).toBeGreaterThan(0.5);
});

it('is refused for losses that compare two answers', async () => {
  await expect(dpo({ kind: 'sigmoid' })).rejects.toThrow(
    'one answer with a label: those are for `loss.kind: kto-pair`',
  );
});

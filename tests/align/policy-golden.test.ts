/** PPO's losses and gradients against PyTorch's, on the backbone with a value head that they were computed with. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { policyObjective } from '../../src/align/policy-objective.ts';
import { withValueHead } from '../../src/align/value-head.ts';
import { openSafetensors } from '../../src/io/safetensors/reader.ts';
import { loadWeights } from '../../src/models/checkpoint/load-weights.ts';
import { openBackend } from '../../src/tensor/open-backend.ts';
import { createTrainStep } from '../../src/training/train-step.ts';
import { describeWithShared, shared } from '../shared.ts';

const adam = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, clipNorm: 0, maxPositions: 64 };

describeWithShared('a PPO step computed with PyTorch', () => {
  it('has its losses, clip fraction and gradients', async () => {
    const file = await openSafetensors(shared('goldens/alignment/reference.safetensors'));
    const { ppo } = JSON.parse(readFileSync(shared('goldens/alignment/reference.json'), 'utf8'));
    const backend = await openBackend('auto', { threads: 2 });
    const weights = withValueHead(backend, await loadWeights(backend, shared('goldens/qwen2-gqa')));
    weights.write('score.weight', await file.readFloat32('value_head.weight'));
    const [batch, time] = [4, 47];
    const rows = Int32Array.from((await file.read('chosen')) as ArrayLike<number>, Number);
    const mask = await file.readFloat32('completion_mask_chosen');
    const tokens = mask.reduce((sum, value) => sum + value, 0);
    const at = (i: number): number => Math.floor(i / time) * (time + 1) + (i % time);
    const weightsOfTokens = mask.map((value) => value / tokens);
    const masked = async (name: string): Promise<Float32Array> =>
      (await file.readFloat32(name)).map((value, i) => value * mask[i]);
    const inputs = {
      ids: Int32Array.from({ length: batch * time }, (_, i) => rows[at(i)]),
      labels: Int32Array.from({ length: batch * time }, (_, i) => (mask[i] === 0 ? -1 : rows[at(i) + 1])),
      positions: Int32Array.from({ length: batch * time }, (_, i) => i % time),
      oldLogProbs: await masked('ppo.old_logprobs'),
      advantages: await masked('ppo.whitened_advantages'),
      tokenWeights: weightsOfTokens,
      oldValues: await masked('ppo.old_values'),
      returns: await masked('ppo.returns'),
      valueWeights: weightsOfTokens,
    };
    const objective = policyObjective({
      batch,
      time,
      clip: { low: ppo.clip, high: ppo.clip },
      value: { clip: ppo.value_clip, coefficient: ppo.value_coef },
    });
    const step = createTrainStep(backend, weights, { ...adam, objective });
    const found = await step.accumulate(inputs);
    const relative = (value: number, expected: number): number => Math.abs(value / expected - 1);
    expect(relative(found['loss'][0], ppo.total)).toBeLessThan(1e-5);
    // Terms of both signs, 0.77 on average, that all but cancel: a float32 of them is no nearer than this.
    expect(Math.abs(found['policyLoss'][0] - ppo.policy_loss)).toBeLessThan(1e-6);
    expect(relative(found['valueLoss'][0], ppo.value_loss)).toBeLessThan(1e-5);
    expect(found['clipFraction'][0]).toBeCloseTo(ppo.clip_fraction, 6);
    const squares = async (names: (name: string) => boolean): Promise<number> => {
      let sum = 0;
      for (const { name, gradient } of step.state) {
        if (!names(name)) continue;
        for (const value of await backend.read(gradient)) sum += value * value;
      }
      return Math.sqrt(sum);
    };
    expect(relative(await squares((name) => name === 'score.weight'), ppo.value_head_grad_norm)).toBeLessThan(1e-3);
    expect(relative(await squares((name) => name !== 'score.weight'), ppo.grad_norm_policy)).toBeLessThan(1e-3);
    step.dispose();
    await file.close();
    await backend.dispose();
  });
});

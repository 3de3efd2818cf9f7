/**
 * PPO beside PyTorch (shared/goldens/alignment): rewards, advantages, returns and whitening; losses, clip fraction and gradients of
 * a step on a backbone with a value head.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generalisedAdvantages, tokenRewards, whiten } from '../src/align/advantages.ts';
import { policyObjective } from '../src/align/policy-objective.ts';
import { withValueHead } from '../src/align/value-head.ts';
import type { Backend, BufferData } from '../src/tensor/backend.ts';
import { type AlignmentCheck, type AlignmentGoldens, measure, normOf } from './align-goldens.ts';

const BATCH = 4;
const TIME = 47;

/**
 * The policy loss is a sum of terms of both signs, 0.77 on average, that all but cancel: float32 leaves PyTorch's own value 3.4e-6
 * off. This is what it computes in float64 from the same tensors.
 */
const POLICY_LOSS_IN_FLOAT64 = 0.003111589052631666;

interface PpoReference {
  readonly kl_coef: number;
  readonly gamma: number;
  readonly lam: number;
  readonly clip: number;
  readonly value_clip: number;
  readonly value_coef: number;
  readonly scores: readonly number[];
  readonly value_loss: number;
  readonly total: number;
  readonly clip_fraction: number;
  readonly grad_norm_policy: number;
  readonly value_head_grad_norm: number;
}

/** PPO's arithmetic and one step. `goldens` is the folder. */
export async function onlineChecks(
  backend: Backend,
  opened: AlignmentGoldens,
  goldens: string,
): Promise<AlignmentCheck[]> {
  const { ppo } = JSON.parse(readFileSync(join(goldens, 'alignment', 'reference.json'), 'utf8')) as {
    ppo: PpoReference;
  };
  return [...(await arithmetic(opened, ppo)), ...(await step(backend, opened, ppo))];
}

/** The largest difference of each tensor as a value beside 0, over the tensor's largest entry. */
async function arithmetic({ tensors }: AlignmentGoldens, ppo: PpoReference): Promise<AlignmentCheck[]> {
  const mask = await tensors.readFloat32('completion_mask_chosen');
  const textsOf = async (name: string): Promise<number[][]> => {
    const values = Array.from(await tensors.readFloat32(`ppo.${name}`));
    return Array.from({ length: BATCH }, (_, row) =>
      values.slice(row * TIME, (row + 1) * TIME).filter((_, t) => mask[row * TIME + t] !== 0),
    );
  };
  const [logProbs, reference, values] = await Promise.all(['old_logprobs', 'ref_logprobs', 'old_values'].map(textsOf));
  const rewards = logProbs.map((text, i) =>
    tokenRewards(text, reference[i], ppo.scores[i], { klCoefficient: ppo.kl_coef }),
  );
  const estimated = rewards.map((text, i) =>
    generalisedAdvantages(text, values[i], { gamma: ppo.gamma, lambda: ppo.lam }),
  );
  const advantages = estimated.map((text) => text.advantages);
  const found = {
    rewards,
    advantages,
    returns: estimated.map((text) => text.returns),
    whitened_advantages: whiten(advantages),
  };
  const checks: AlignmentCheck[] = [];
  for (const [name, texts] of Object.entries(found)) {
    const expected = (await textsOf(name)).flat();
    const flat = texts.flatMap((text) => Array.from(text));
    if (flat.length !== expected.length) throw new RangeError(`${name}: ${flat.length} against ${expected.length}`);
    const worst = flat.reduce((at, value, i) => (differs(value, i) > differs(flat[at], at) ? i : at), 0);
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    checks.push({ name: `ppo ${name}`, kind: 'loss', found: largest + differs(flat[worst], worst), expected: largest });

    function differs(value: number, i: number): number {
      return Math.abs(value - expected[i]);
    }
  }
  return checks;
}

async function step(backend: Backend, opened: AlignmentGoldens, ppo: PpoReference): Promise<AlignmentCheck[]> {
  const { tensors } = opened;
  const weights = withValueHead(backend, await opened.policy(backend));
  weights.write('score.weight', await tensors.readFloat32('value_head.weight'));
  const mask = await tensors.readFloat32('completion_mask_chosen');
  const tokens = mask.reduce((sum, value) => sum + value, 0);
  const rows = await opened.ints('chosen');
  const at = (place: number): number => Math.floor(place / TIME) * (TIME + 1) + (place % TIME);
  const ofPlaces = (of: (place: number) => number): Int32Array =>
    Int32Array.from({ length: BATCH * TIME }, (_, i) => of(i));
  const masked = async (name: string): Promise<Float32Array> =>
    (await tensors.readFloat32(`ppo.${name}`)).map((value, i) => value * mask[i]);
  const mean = mask.map((value) => value / tokens);
  const data: Record<string, BufferData> = {
    ids: ofPlaces((i) => rows[at(i)]),
    labels: ofPlaces((i) => (mask[i] === 0 ? -1 : rows[at(i) + 1])),
    positions: ofPlaces((i) => i % TIME),
    oldLogProbs: await masked('old_logprobs'),
    advantages: await masked('whitened_advantages'),
    tokenWeights: mean,
    oldValues: await masked('old_values'),
    returns: await masked('returns'),
    valueWeights: mean,
  };
  const objective = policyObjective({
    batch: BATCH,
    time: TIME,
    clip: { low: ppo.clip, high: ppo.clip },
    value: { clip: ppo.value_clip, coefficient: ppo.value_coef },
  });
  const { metrics, norms } = await measure(backend, weights, objective, data);
  const head = norms.get('score.weight') ?? 0;
  norms.delete('score.weight');
  return [
    { name: 'ppo total', kind: 'loss', found: metrics['loss'], expected: ppo.total },
    { name: 'ppo policy', kind: 'loss', found: metrics['policyLoss'], expected: POLICY_LOSS_IN_FLOAT64 },
    { name: 'ppo value', kind: 'loss', found: metrics['valueLoss'], expected: ppo.value_loss },
    { name: 'ppo clip fraction', kind: 'loss', found: metrics['clipFraction'], expected: ppo.clip_fraction },
    { name: 'ppo backbone', kind: 'gradientNorm', found: normOf(norms.values()), expected: ppo.grad_norm_policy },
    { name: 'ppo value head', kind: 'gradientNorm', found: head, expected: ppo.value_head_grad_norm },
  ];
}

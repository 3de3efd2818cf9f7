/**
 * The alignment stages' losses and gradients beside those that PyTorch gives (shared/goldens/alignment), as a list of checks:
 * `align-parity` prints it and tests hold it to its tolerances. Rows are padded as the reference has them, one sequence each.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PreferenceOptions, preferenceObjective } from '../src/align/preference.ts';
import { rewardObjective } from '../src/align/reward-model.ts';
import { openSafetensors, type SafetensorsFile } from '../src/io/safetensors/reader.ts';
import { openCheckpoint } from '../src/models/checkpoint/read.ts';
import type { ModelConfig } from '../src/models/config.ts';
import { createWeights, type ModelWeights } from '../src/models/weights.ts';
import type { Backend, BufferData } from '../src/tensor/backend.ts';
import type { Objective } from '../src/training/objective.ts';
import { createTrainStep } from '../src/training/train-step.ts';

/** A value found and the one expected; losses and values must agree to 1e-5, gradient norms to 1e-3, relatively. */
export interface AlignmentCheck {
  readonly name: string;
  readonly kind: 'loss' | 'gradientNorm';
  readonly found: number;
  readonly expected: number;
}

export function relativeError({ found, expected }: Pick<AlignmentCheck, 'found' | 'expected'>): number {
  return Math.abs(found - expected) / Math.max(Math.abs(expected), 1e-6);
}

/** The reference values and the models that they were made with. */
export interface AlignmentGoldens {
  readonly expected: ReferenceValues;
  readonly tensors: SafetensorsFile;
  ints(name: string): Promise<Int32Array>;
  /** The policy, with its output matrix or a head of scores by the tensor's name. */
  policy(backend: Backend, head?: 'reward_head' | 'value_head'): Promise<ModelWeights>;
  reference(backend: Backend): Promise<ModelWeights>;
  close(): Promise<void>;
}

interface LossAndNorm {
  readonly loss: number;
  readonly grad_norm: number;
}

export interface ReferenceValues {
  readonly logps: Readonly<Record<'policy_chosen' | 'policy_rejected' | 'ref_chosen' | 'ref_rejected', number[]>>;
  readonly dpo_sigmoid: LossAndNorm;
  readonly 'dpo_label_smoothing_0.1': LossAndNorm;
  readonly dpo_ipo: LossAndNorm;
  readonly dpo_hinge: LossAndNorm;
  readonly 'dpo_plus_0.2_sft': LossAndNorm;
  readonly sft_completion_only: LossAndNorm;
  readonly dpo_metrics: {
    readonly rewards_chosen: number[];
    readonly rewards_rejected: number[];
    readonly accuracy: number;
    readonly margin: number;
  };
  readonly reward_bradley_terry: {
    readonly loss: number;
    readonly rewards_chosen: number[];
    readonly rewards_rejected: number[];
    readonly head_grad_norm: number;
    readonly grad_norm_backbone: number;
  };
  readonly 'reward_centered_0.01': { readonly loss: number };
}

export async function openAlignmentGoldens(goldens: string): Promise<AlignmentGoldens> {
  const folder = join(goldens, 'alignment');
  const tensors = await openSafetensors(join(folder, 'reference.safetensors'));
  const load = async (backend: Backend, read?: (name: string) => Promise<Float32Array>, head?: string) => {
    const opened = await openCheckpoint(join(goldens, 'qwen2-gqa'));
    const config: ModelConfig = head === undefined ? opened.config : { ...opened.config, head: 'score' };
    const weights = createWeights(backend, config);
    for (const { name } of weights.parameters) {
      const own = name === 'score.weight' ? tensors.readFloat32(`${head}.weight`) : (read ?? opened.read)(name);
      weights.write(name, await own);
    }
    await opened.close();
    return weights;
  };
  return {
    expected: JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8')) as ReferenceValues,
    tensors,
    ints: async (name) => Int32Array.from((await tensors.read(name)) as ArrayLike<number>, Number),
    policy: (backend, head) => load(backend, undefined, head),
    reference: (backend) => load(backend, (name) => tensors.readFloat32(`reference_model.${name}`)),
    close: () => tensors.close(),
  };
}

const PAIRS = 4;
const TIME = 48;
const SHAPE = { rows: 2 * PAIRS, time: TIME, pairs: PAIRS };
const ADAM = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, clipNorm: 0, maxPositions: TIME };

/** The reference's padded sequences, chosen ones first, as inputs of both objectives. */
export async function goldenPairs(goldens: AlignmentGoldens): Promise<Record<string, BufferData>> {
  const ids = new Int32Array(SHAPE.rows * TIME);
  const labels = new Int32Array(ids.length).fill(-100);
  const segmentIds = new Int32Array(ids.length);
  const owners = { chosen: new Int32Array(ids.length).fill(-1), rejected: new Int32Array(ids.length).fill(-1) };
  const last = { chosen: new Int32Array(PAIRS), rejected: new Int32Array(PAIRS) };
  const tokens = { chosen: new Float32Array(PAIRS), rejected: new Float32Array(PAIRS) };
  for (const [side, which] of (['chosen', 'rejected'] as const).entries()) {
    const given = await goldens.ints(which);
    const lengths = await goldens.ints(`${which}_lengths`);
    const mask = (await goldens.tensors.read(`completion_mask_${which}`)) as Float32Array;
    ids.set(given, side * given.length);
    for (let pair = 0; pair < PAIRS; pair++) {
      const start = (side * PAIRS + pair) * TIME;
      last[which][pair] = start + lengths[pair] - 1;
      segmentIds.fill(1, start + lengths[pair], start + TIME);
      for (let t = 0; t < TIME - 1; t++) {
        if (mask[pair * (TIME - 1) + t] === 0) continue;
        labels[start + t] = ids[start + t + 1];
        owners[which][start + t] = pair;
        tokens[which][pair]++;
      }
    }
  }
  const chosenTokens = tokens.chosen.reduce((sum, count) => sum + count, 0);
  return {
    ids,
    labels,
    segmentIds,
    positions: ids.map((_, i) => i % TIME),
    share: Float32Array.of(1),
    chosenOf: owners.chosen,
    rejectedOf: owners.rejected,
    chosenLast: last.chosen,
    rejectedLast: last.rejected,
    chosenTokens: tokens.chosen,
    rejectedTokens: tokens.rejected,
    pairWeights: new Float32Array(PAIRS).fill(1 / PAIRS),
    sftWeights: Float32Array.from(owners.chosen, (pair) => (pair < 0 ? 0 : 1 / chosenTokens)),
  };
}

/** One micro-batch of an objective: its metrics and the L2 norm of each parameter's gradient. */
export async function measure(
  backend: Backend,
  weights: ModelWeights,
  objective: Objective,
  data: Readonly<Record<string, BufferData>>,
): Promise<{ metrics: Record<string, number>; norms: Map<string, number> }> {
  const step = createTrainStep(backend, weights, { ...ADAM, objective });
  const metrics = await step.accumulate(data);
  const norms = new Map<string, number>();
  for (const { name, gradient } of step.state) {
    const values = (await backend.read(gradient)) as Float32Array;
    norms.set(name, Math.sqrt(values.reduce((sum, value) => sum + value * value, 0)));
  }
  step.dispose();
  return { metrics: Object.fromEntries(Object.entries(metrics).map(([name, [value]]) => [name, value])), norms };
}

export function normOf(norms: Iterable<number>): number {
  return Math.hypot(...norms);
}

const PLAIN: PreferenceOptions = {
  ...SHAPE,
  kind: 'sigmoid',
  beta: 0.1,
  labelSmoothing: 0,
  lengthNormalized: false,
  sftWeight: 0,
};

/** Preference losses, their metrics and the reward model's. */
export async function offlineChecks(backend: Backend, goldens: AlignmentGoldens): Promise<AlignmentCheck[]> {
  const { expected } = goldens;
  const data: Record<string, BufferData> = {
    ...(await goldenPairs(goldens)),
    referenceChosen: Float32Array.from(expected.logps.ref_chosen),
    referenceRejected: Float32Array.from(expected.logps.ref_rejected),
  };
  const checks: AlignmentCheck[] = [];
  const add = (name: string, kind: AlignmentCheck['kind'], found: number, value: number): void => {
    checks.push({ name, kind, found, expected: value });
  };
  const policy = await goldens.policy(backend);
  const variants = {
    dpo_sigmoid: {},
    'dpo_label_smoothing_0.1': { labelSmoothing: 0.1 },
    dpo_ipo: { kind: 'ipo', lengthNormalized: true },
    dpo_hinge: { kind: 'hinge' },
    'dpo_plus_0.2_sft': { sftWeight: 0.2 },
  } as const satisfies Record<string, Partial<PreferenceOptions>>;
  for (const [name, variant] of Object.entries(variants) as [keyof typeof variants, Partial<PreferenceOptions>][]) {
    const { metrics, norms } = await measure(backend, policy, preferenceObjective({ ...PLAIN, ...variant }), data);
    add(name, 'loss', metrics['loss'], expected[name].loss);
    add(name, 'gradientNorm', normOf(norms.values()), expected[name].grad_norm);
    if (name === 'dpo_plus_0.2_sft')
      add('sft_completion_only', 'loss', metrics['chosenNll'], expected.sft_completion_only.loss);
    if (name !== 'dpo_sigmoid') continue;
    const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    add('policy log-probabilities, chosen', 'loss', metrics['logProbChosen'], mean(expected.logps.policy_chosen));
    add('policy log-probabilities, rejected', 'loss', metrics['logProbRejected'], mean(expected.logps.policy_rejected));
    add('accuracy', 'loss', metrics['accuracy'], expected.dpo_metrics.accuracy);
  }

  // With a second set of weights: what the reference gives for the log-probabilities comes out of it.
  const reference = await goldens.reference(backend);
  const live = await measure(backend, policy, preferenceObjective({ ...PLAIN, reference }), data);
  add('dpo_sigmoid, reference weights', 'loss', live.metrics['loss'], expected.dpo_sigmoid.loss);
  add('dpo_sigmoid, reference weights', 'gradientNorm', normOf(live.norms.values()), expected.dpo_sigmoid.grad_norm);
  const own = await measure(backend, reference, preferenceObjective({ ...PLAIN, reference }), data);
  add('policy = reference gives ln 2', 'loss', own.metrics['loss'], Math.LN2);

  const rewardModel = await goldens.policy(backend, 'reward_head');
  const plain = await measure(backend, rewardModel, rewardObjective({ ...SHAPE, margins: false, centering: 0 }), data);
  const headNorm = plain.norms.get('score.weight') ?? Number.NaN;
  plain.norms.delete('score.weight');
  const bradleyTerry = expected.reward_bradley_terry;
  add('reward_bradley_terry', 'loss', plain.metrics['loss'], bradleyTerry.loss);
  add('reward_bradley_terry, head', 'gradientNorm', headNorm, bradleyTerry.head_grad_norm);
  add('reward_bradley_terry, body', 'gradientNorm', normOf(plain.norms.values()), bradleyTerry.grad_norm_backbone);
  const centered = rewardObjective({ ...SHAPE, margins: false, centering: 0.01 });
  const { metrics } = await measure(backend, rewardModel, centered, data);
  add('reward_centered_0.01', 'loss', metrics['loss'], expected['reward_centered_0.01'].loss);
  for (const weights of [policy, reference, rewardModel]) weights.dispose();
  return checks;
}

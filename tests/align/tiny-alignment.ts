/** Online alignment small enough for the reference backend: a model of some hundred weights and prompts of two tokens. */
import {
  alignmentOptimizer,
  type OnlineOverrides,
  type OnlineSettings,
  PPO_ADVANTAGE,
  ppoSettings,
} from '../../src/align/online-settings.ts';
import { createOnlineTrainer, type OnlineTrainer, type OnlineTrainerOptions } from '../../src/align/online-trainer.ts';
import { rewardOf } from '../../src/align/rewards.ts';
import type { OnlinePrompt } from '../../src/align/scored-rollout.ts';
import { withValueHead } from '../../src/align/value-head.ts';
import type { ModelWeights } from '../../src/models/weights.ts';
import { createWeights } from '../../src/models/weights.ts';
import type { Backend } from '../../src/tensor/backend.ts';
import { createReferenceBackend } from '../../src/tensor/reference/backend.ts';
import { tinyConfig } from '../training/tiny-training.ts';

export const END = 1;
export const SIZES = { maxNewTokens: 4, capacity: 8 } as const;

/** Draws are likelier to differ with larger weights than training begins with. */
export const STRONG = { initializer_range: 0.5 };

export function tinyPrompts(count = 5): OnlinePrompt[] {
  return Array.from({ length: count }, (_, i) => {
    const ids = Int32Array.of(...[2 + (i % 7), 3 + ((i * 5) % 11), 9].slice(0, 2 + (i % 2)));
    return { text: `prompt ${i}`, ids, data: {} };
  });
}

/** Ids as letters. */
export const decode = (ids: Int32Array): string => Array.from(ids, (id) => String.fromCharCode(97 + id)).join('');

/** More for more of the letter f. */
export const likesF = rewardOf('likes f', ({ text }) => Array.from(text).filter((c) => c === 'f').length);

export function tinyPpo(given: Partial<OnlineOverrides> = {}): OnlineSettings {
  return ppoSettings({
    ...SIZES,
    promptsPerStep: 3,
    rows: 4,
    epochs: 2,
    optimizer: alignmentOptimizer(0.01),
    advantage: { ...PPO_ADVANTAGE, warmup: 1, criticOptimizer: alignmentOptimizer(0.01) },
    ...given,
  });
}

export interface TinyAlignment {
  readonly backend: Backend;
  readonly policy: ModelWeights;
  readonly critic: ModelWeights | undefined;
  readonly trainer: OnlineTrainer;
  /** Of the policy and the critic, by name. */
  weights(): Promise<Record<string, number[]>>;
}

/** `critic`: of its own, on the policy's backbone, or none. */
export async function tinyAlignment(
  settings: OnlineSettings,
  {
    critic: kind = 'own',
    backend = createReferenceBackend(),
    ...given
  }: Partial<Omit<OnlineTrainerOptions, 'critic'>> & { critic?: 'own' | 'policy' | 'none' } = {},
): Promise<TinyAlignment> {
  const config = tinyConfig(16, STRONG);
  const made = (seed: number, head?: 'score'): ModelWeights => {
    const weights = createWeights(backend, { ...config, ...(head && { head }) });
    weights.initialize(seed);
    return weights;
  };
  const language = made(5);
  const reference = made(5);
  const policy = kind === 'policy' ? withValueHead(backend, language) : language;
  const critic = kind === 'own' ? made(6, 'score') : undefined;
  const trainer = createOnlineTrainer({
    backend,
    policy,
    reference,
    critic: kind === 'policy' ? 'policy' : critic,
    prompts: tinyPrompts(),
    reward: likesF,
    settings,
    stopTokens: [END],
    decode,
    ...given,
  });
  return {
    backend,
    policy,
    critic,
    trainer,
    async weights() {
      const all = [
        ...policy.parameters.map((p) => ({ p, from: policy, as: 'policy' })),
        ...(critic?.parameters ?? []).map((p) => ({ p, from: critic!, as: 'critic' })),
      ];
      const entries = all.map(
        async ({ p, from, as }) => [`${as} ${p.name}`, Array.from(await from.read(p.name))] as const,
      );
      return Object.fromEntries(await Promise.all(entries));
    },
  };
}
